//! The decoder of what a hub has remembered.

use std::sync::Arc;

use homing_core::crypto::Fake;
use homing_core::{Config, EntryError, Instant, Name, Node, Seed, Serving, StaticKey};

/// What PROTOCOL.md, appendix B, says of an entry.
fn read(entry: &[u8]) -> Result<(), EntryError> {
    match entry {
        [1, 1, rest @ ..] => {
            let name = rest.get(32..).and_then(|name| std::str::from_utf8(name).ok());
            let is_name = name.is_some_and(|name| name.parse::<Name>().is_ok());
            if is_name { Ok(()) } else { Err(EntryError::Malformed) }
        }
        [1, ..] | [] => Err(EntryError::Malformed),
        [version, ..] => Err(EntryError::Version(*version)),
    }
}

/// A journal of entries, each behind its length of one byte, as a hub is fed them when it starts.
///
/// Each is read or refused as the protocol says; one that is refused changes nothing, and one that is read
/// twice is remembered once. What is held grows by the entry and by what a tree needs for it.
pub fn journal(data: &[u8]) {
    let serving = Serving { address: "hub@home".parse().unwrap(), open: true, allow: Default::default() };
    let config = Config { serving: Some(serving), ..Config::with_provider(Arc::new(Fake)) };
    let key = StaticKey::from_bytes([1; 32]);
    let mut node = Node::new(Instant::ZERO, key, Seed::from_bytes([2; 32]), Arc::new(config));
    let mut rest = data;
    while let Some((length, behind)) = rest.split_first() {
        let (entry, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        rest = behind;
        let before = node.memory();
        let verdict = node.restore(entry);
        assert_eq!(verdict, read(entry), "{entry:?}");
        let after = node.memory();
        if verdict.is_err() {
            assert_eq!(after, before, "an entry that was refused is held");
        } else {
            // The first entry brings a tree's first node, with room for eleven.
            assert!(after <= before + entry.len() + 2048, "{} bytes became {}", entry.len(), after - before);
            assert_eq!(node.restore(entry), Ok(()));
            assert_eq!(node.memory(), after, "an entry that came twice is held twice");
        }
    }
    assert!(node.poll_action().is_none() && node.next_deadline().is_none(), "a node that acts on its memory");
}
