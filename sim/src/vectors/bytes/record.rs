//! PROTOCOL.md, section 3: how records lie in a stream.

use homing_core::Reason;
use homing_core::wire::record::{HEADER, Header, read_header, refusal};
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::Reject;

pub(in crate::vectors) struct Records;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::vectors) enum Value {
    /// A record's content.
    Content(Hex),
    /// A refusal with this code.
    Refusal(u16),
    /// Not whole yet: so many bytes are needed, in all, to go on.
    More(usize),
}

impl Codec for Records {
    const ABOUT: &'static str = "Section 3: what a stream of records begins with. `content`: a record, its content not \
         decrypted. `refusal`: length zero, then a reason. `more`: not enough bytes; so many are needed in all to go \
         on. Whether a refusal or a length is allowed is for the session's state to say: see reactions.json.";
    type Value = Value;

    fn decode(input: &[u8]) -> Result<Value, Reject> {
        match read_header(input) {
            Header::More(needed) => Ok(Value::More(needed)),
            Header::Refusal(reason) if input.len() == 2 * HEADER => Ok(Value::Refusal(reason.code())),
            Header::Record(length) if input.len() < HEADER + length => Ok(Value::More(HEADER + length)),
            Header::Record(length) if input.len() == HEADER + length => {
                Ok(Value::Content(Hex::from(&input[HEADER..])))
            }
            _ => Err(Reject::local("MoreThanOne")),
        }
    }

    fn encode(value: &Value) -> Option<Vec<u8>> {
        match value {
            Value::Content(Hex(content)) => {
                let length = u16::try_from(content.len()).ok().filter(|length| *length > 0)?;
                Some([&length.to_be_bytes()[..], content].concat())
            }
            Value::Refusal(code) => Some(refusal(Reason::from_code(*code)).to_vec()),
            Value::More(_) => None,
        }
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        cases.both("one byte", "the shortest record", [0, 1, 7], Value::Content(Hex(vec![7])));
        cases.both(
            "message 1",
            "32 bytes of key",
            [&[0, 32][..], &[9; 32]].concat(),
            Value::Content(Hex(vec![9; 32])),
        );
        let long = vec![0x5a; 256];
        cases.both(
            "256 bytes",
            "the length is big-endian",
            [&[1, 0][..], &long].concat(),
            Value::Content(Hex(long)),
        );
        for reason in [Reason::BUSY, Reason::HANDSHAKE, Reason::VERSION, Reason::WRONG_KEY] {
            let name = format!("refusal {}", reason.name());
            cases.both(&name, "length zero, then the reason", refusal(reason), Value::Refusal(reason.code()));
        }
        let unknown = refusal(Reason::from_code(60_000));
        cases.both("refusal of a later version", "any number is a reason", unknown, Value::Refusal(60_000));
        for (name, bytes, more) in [
            ("nothing yet", &[][..], 2),
            ("half a length", &[0], 2),
            ("half a length, not zero", &[1], 2),
            ("a length", &[0, 5], 7),
            ("half a content", &[0, 5, 1, 2], 7),
            ("the longest", &[0xff, 0xff], 65_537),
            ("zero, no reason", &[0, 0], 4),
            ("zero, half a reason", &[0, 0, 0], 4),
        ] {
            cases.read(name, "to be read again when more is there", bytes, Value::More(more));
        }
        cases
    }
}
