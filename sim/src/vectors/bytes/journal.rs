//! PROTOCOL.md, appendix B.

use std::sync::Arc;

use homing_core::crypto::Fake;
use homing_core::{Config, EntryError, Instant, Node, Seed, StaticKey};
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::{Reject, error_name};

pub(in crate::vectors) struct Entries;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::vectors) enum Value {
    /// A name belongs to a key.
    Bound { key: Hex, name: String },
}

/// Whether a node takes it back after a restart.
fn restore(entry: &[u8]) -> Result<(), EntryError> {
    let config = Config::with_provider(Arc::new(Fake));
    let (key, seed) = (StaticKey::from_bytes([1; 32]), Seed::from_bytes([2; 32]));
    Node::new(Instant::ZERO, key, seed, Arc::new(config)).restore(entry)
}

impl Codec for Entries {
    const ABOUT: &'static str = "Appendix B: what a hub must remember, one entry. `Version`: written by a later program, \
         not to be passed over. `Malformed`: damaged.";
    type Value = Value;

    fn decode(input: &[u8]) -> Result<Value, Reject> {
        restore(input).map_err(|e| Reject::local(&error_name(&e)))?;
        // The node keeps it to itself what it read: these are the words of the appendix.
        let (key, name) = input.get(2..).and_then(|rest| rest.split_at_checked(32)).unwrap_or_default();
        Ok(Value::Bound { key: Hex::from(key), name: String::from_utf8_lossy(name).into() })
    }

    fn encode(value: &Value) -> Option<Vec<u8>> {
        let Value::Bound { key, name } = value;
        Some([&[1, 1][..], &key.0, name.as_bytes()].concat())
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let key = StaticKey::from_bytes([0x11; 32]).peer_id();
        let entry = |name: &[u8]| [&[1, 1][..], key.as_bytes(), name].concat();
        let value = |name: &str| Value::Bound { key: Hex::from(key.as_bytes()), name: name.into() };
        cases.both("bound", "ada belongs to this key", entry(b"ada"), value("ada"));
        cases.both("bound, a short name", "to the entry's end", entry(b"a"), value("a"));
        let long = "n".repeat(64);
        cases.both("bound, a long name", "64 characters", entry(long.as_bytes()), value(&long));
        let malformed = || Reject::local("Malformed");
        let whole = entry(b"ada");
        cases.reject("nothing", "no version", [], malformed());
        cases.reject("only a version", "no kind", [1], malformed());
        cases.reject("half a key", "32 bytes", &whole[..20], malformed());
        cases.reject("no name", "one character at least", &whole[..34], malformed());
        cases.reject("a name that is none", "its grammar is section 13's", entry(b"Ada"), malformed());
        cases.reject("a name too long", "65 characters", entry(&[b'n'; 65]), malformed());
        cases.reject("a name with an @", "a name, not an address", entry(b"ada@home"), malformed());
        cases.reject("bad UTF-8", "ASCII only", entry(b"a\xff"), malformed());
        cases.reject("kind 0", "not known in this version", [1, 0, 7], malformed());
        cases.reject("kind 2", "not known in this version", [1, 2, 7], malformed());
        cases.reject("version 0", "there was none: not this program's", [0, 1, 7], Reject::local("Version"));
        cases.reject("version 2", "the program is too old for it", [2, 1, 7], Reject::local("Version"));
        cases
    }
}
