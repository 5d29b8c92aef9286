//! PROTOCOL.md, section 2.

use homing_core::wire::record::{PREFACE, Preface, preface, read_preface};
use homing_core::{Reason, Suite};
use serde::{Deserialize, Serialize};

use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::Reject;

pub(in crate::vectors) struct Prefaces;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::vectors) enum Value {
    /// A whole preface.
    Suite {
        /// The suite's byte.
        number: u8,
        /// Its Noise protocol's name.
        noise: String,
    },
    /// So far it is one; it has so many bytes in all.
    More(usize),
}

impl Codec for Prefaces {
    const ABOUT: &'static str = "Section 2: the initiator's first bytes. `more`: so far nothing is wrong, a whole \
         preface has so many bytes. Whatever follows the byte that decides does not matter.";
    type Value = Value;

    fn decode(input: &[u8]) -> Result<Value, Reject> {
        match read_preface(input) {
            Preface::More => Ok(Value::More(PREFACE)),
            Preface::Suite(number) => match Suite::from_byte(number) {
                Some(suite) => Ok(Value::Suite { number, noise: suite.name().into() }),
                None => Err(Reject::new("Suite", Reason::VERSION)),
            },
            Preface::OtherVersion(_) => Err(Reject::new("OtherVersion", Reason::VERSION)),
            Preface::NotHoming => Err(Reject::new("NotHoming", Reason::NOT_HOMING)),
        }
    }

    fn encode(value: &Value) -> Option<Vec<u8>> {
        match value {
            Value::Suite { number, .. } => Some(preface(*number).to_vec()),
            Value::More(_) => None,
        }
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        for suite in [Suite::XxChaChaPoly, Suite::XxAesGcm] {
            let value = Value::Suite { number: suite.byte(), noise: suite.name().into() };
            let name = format!("suite {:02x}", suite.byte());
            cases.both(&name, "a whole preface", preface(suite.byte()), value);
        }
        for (name, bytes) in [
            ("nothing yet", &b""[..]),
            ("one byte", b"h"),
            ("six bytes", b"homing"),
            ("seven bytes", b"homing\x01"),
        ] {
            cases.read(name, "the first bytes of a preface decide nothing", bytes, Value::More(PREFACE));
        }
        let version = || Reject::new("OtherVersion", Reason::VERSION);
        cases.reject("version 0", "there was none", b"homing\x00", version());
        cases.reject("version 2", "refused as soon as byte 6 is there", b"homing\x02", version());
        cases.reject(
            "version 2, whole",
            "the version is looked at before the suite",
            b"homing\x02\x09",
            version(),
        );
        let suite = || Reject::new("Suite", Reason::VERSION);
        cases.reject("suite 00", "there is none", b"homing\x01\x00", suite());
        cases.reject("suite 03", "not defined yet", b"homing\x01\x03", suite());
        cases.reject("suite ff", "not defined yet", b"homing\x01\xff", suite());
        for (name, why, bytes) in [
            ("a capital", "the first wrong byte decides", &b"H"[..]),
            ("a wrong sixth byte", "the first wrong byte decides", b"hominG"),
            ("a browser", "what speaks there speaks HTTP", b"GET / HTTP/1.1\r\n\r\n"),
            ("a TLS client", "what speaks there speaks TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01"),
            ("zeros", "a length of zero is no preface", b"\x00\x00\x00\x4c"),
        ] {
            cases.reject(name, why, bytes, Reject::new("NotHoming", Reason::NOT_HOMING));
        }
        cases
    }
}
