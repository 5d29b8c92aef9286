//! PROTOCOL.md, section 4.

use homing_core::Reason;
use homing_core::wire::frame::{self, Frame, FrameError, types};
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::{Reject, error_name};

pub(in crate::vectors) struct Frames;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::vectors) enum Value {
    /// A label and a letter.
    Envelope { payload: Hex },
    /// An id and a letter: the label is else that of the envelope before it.
    Alike { id: Hex, letter: Hex },
    /// The number as its eight bytes.
    Ping { number: Hex },
    /// The same.
    Pong { number: Hex },
    /// How many envelopes.
    Ack { count: u32 },
    /// JSON, not looked at here.
    Session { payload: Hex },
    /// The end.
    Close { code: u16, text: String },
    /// The next key.
    Rekey,
    /// Passed over.
    Extension { number: u8, payload: Hex },
}

fn reject(error: FrameError) -> Reject {
    Reject::new(&error_name(&error), error.reason())
}

impl Codec for Frames {
    const ABOUT: &'static str = "Section 4: the plaintext of one record, and its frames in order. The payloads of \
         envelopes and session frames are not looked at here, nor what is before an alike one. `number` is eight bytes.";
    type Value = Vec<Value>;

    fn decode(mut input: &[u8]) -> Result<Vec<Value>, Reject> {
        let mut frames = Vec::new();
        while frames.is_empty() || !input.is_empty() {
            if frames.last() == Some(&Value::Rekey) {
                return Err(Reject::new("BehindRekey", Reason::MALFORMED));
            }
            let whole = input;
            let frame = frame::read(&mut input).map_err(reject)?;
            let payload = Hex::from(&whole[frame::HEADER..whole.len() - input.len()]);
            frames.push(match frame {
                Frame::Envelope(_) => Value::Envelope { payload },
                Frame::Alike { id, letter } => {
                    Value::Alike { id: Hex::from(id.0), letter: Hex::from(letter) }
                }
                Frame::Ping(_) => Value::Ping { number: payload },
                Frame::Pong(_) => Value::Pong { number: payload },
                Frame::Ack(count) => Value::Ack { count },
                Frame::Session(_) => Value::Session { payload },
                Frame::Close { reason, text } => Value::Close { code: reason.code(), text: text.into() },
                Frame::Rekey => Value::Rekey,
                Frame::Extension(number) => Value::Extension { number, payload },
            });
        }
        Ok(frames)
    }

    fn encode(value: &Vec<Value>) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for frame in value {
            let (kind, payload) = match frame {
                Value::Envelope { payload } => (types::ENVELOPE, payload.0.clone()),
                Value::Alike { id, letter } => (types::ALIKE, [&id.0[..], &letter.0].concat()),
                Value::Ping { number } => (types::PING, number.0.clone()),
                Value::Pong { number } => (types::PONG, number.0.clone()),
                Value::Ack { count } => (types::ACK, count.to_be_bytes().to_vec()),
                Value::Session { payload } => (types::SESSION, payload.0.clone()),
                Value::Rekey => (types::REKEY, Vec::new()),
                Value::Extension { number, payload } => (*number, payload.0.clone()),
                Value::Close { code, text } => {
                    frame::write_close(&mut out, Reason::from_code(*code), text);
                    continue;
                }
            };
            frame::write(&mut out, kind, &payload);
        }
        Some(out)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let mut both = |name: &str, why: &str, value: Vec<Value>| {
            let bytes = Self::encode(&value).unwrap_or_default();
            cases.both(name, why, bytes, value);
        };
        let number = |n: u64| Hex::from(n.to_be_bytes());
        both("ping", "eight bytes come back in the pong", vec![Value::Ping { number: number(7) }]);
        both("pong", "any number, the largest, too", vec![Value::Pong { number: number(u64::MAX) }]);
        both("ack", "how many more were taken", vec![Value::Ack { count: 3 }]);
        both("ack of nothing", "0 says nothing and is no fault", vec![Value::Ack { count: 0 }]);
        both("ack of the most", "32 bits", vec![Value::Ack { count: u32::MAX }]);
        let finishing = Hex::from(br#"{"state":"finishing"}"#);
        both("session", "JSON", vec![Value::Session { payload: finishing.clone() }]);
        both(
            "session, empty",
            "whether it is JSON is for section 7",
            vec![Value::Session { payload: Hex::default() }],
        );
        both("close", "a reason and words", vec![Value::Close { code: 75, text: "too much".into() }]);
        both(
            "close without words",
            "the text may be empty",
            vec![Value::Close { code: 1, text: String::new() }],
        );
        both(
            "close, an unknown reason",
            "any number is one",
            vec![Value::Close { code: 60_000, text: "é".into() }],
        );
        both("close, the longest", "200 bytes", vec![Value::Close { code: 21, text: "x".repeat(200) }]);
        both("rekey", "the last frame of its record", vec![Value::Rekey]);
        both(
            "extension 80",
            "passed over",
            vec![Value::Extension { number: 0x80, payload: Hex::from(b"later") }],
        );
        both(
            "extension ff",
            "passed over, empty",
            vec![Value::Extension { number: 0xff, payload: Hex::default() }],
        );
        both(
            "envelope",
            "its payload is not looked at here",
            vec![Value::Envelope { payload: Hex::from(b"label") }],
        );
        both(
            "envelope, empty",
            "a frame; but no label (labels.json)",
            vec![Value::Envelope { payload: Hex::default() }],
        );
        let alike = |letter: &[u8]| Value::Alike { id: Hex::from([7; 16]), letter: Hex::from(letter) };
        both(
            "alike",
            "an id and a letter; whether there is one before it is not looked at here",
            vec![alike(b"letter")],
        );
        both("alike, without a letter", "a frame; but no letter (letters-message.json)", vec![alike(b"")]);
        let several = vec![
            Value::Ack { count: 1 },
            Value::Envelope { payload: Hex::from([1, 2, 3]) },
            alike(&[4]),
            Value::Rekey,
        ];
        both("alike, behind its like", "nothing is put together here", several);
        let several = vec![
            Value::Ack { count: 1 },
            Value::Envelope { payload: Hex::from([1, 2, 3]) },
            Value::Extension { number: 0x90, payload: Hex::from([9]) },
            Value::Session { payload: finishing },
            Value::Rekey,
        ];
        both("several", "one behind the other, the rekeying last", several);

        let malformed = |error: &str| Reject::new(error, Reason::MALFORMED);
        let unsupported = || Reject::new("Unknown", Reason::UNSUPPORTED);
        cases.reject("no frame", "a record has one at least", [], malformed("Empty"));
        cases.reject("only a type", "a header has three bytes", [4], malformed("Truncated"));
        cases.reject("half a length", "a header has three bytes", [4, 0], malformed("Truncated"));
        cases.reject("half a payload", "no frame spans two records", [4, 0, 8, 1], malformed("Truncated"));
        let behind = [&[4, 0, 8][..], &[0; 8], &[6, 0]].concat();
        cases.reject(
            "a whole one and a half",
            "the record's end is the last frame's",
            behind,
            malformed("Truncated"),
        );
        for kind in [0x00, 0x02, 0x03, 0x0b, 0x7f] {
            let why = if kind == 2 || kind == 3 { "reserved for large letters" } else { "of no meaning" };
            cases.reject(&format!("type {kind:02x}"), why, [kind, 0, 0], unsupported());
        }
        cases.reject(
            "type 0b, too long",
            "the length is looked at first",
            [0x0b, 0, 1],
            malformed("Truncated"),
        );
        for (name, kind, length) in [
            ("ping of 7", types::PING, 7),
            ("ping of 9", types::PING, 9),
            ("pong of 0", types::PONG, 0),
            ("ack of 2", types::ACK, 2),
            ("ack of 5", types::ACK, 5),
            ("close of 1", types::CLOSE, 1),
            ("close of 0", types::CLOSE, 0),
            ("rekey of 1", types::REKEY, 1),
            ("alike of 15", types::ALIKE, 15),
            ("alike of 0", types::ALIKE, 0),
        ] {
            let bytes = [&[kind, 0, length][..], &vec![0; usize::from(length)]].concat();
            cases.reject(name, "a payload of another length", bytes, malformed("Payload"));
        }
        let long = [&[types::CLOSE, 0, 203, 0, 1][..], &[b'x'; 201]].concat();
        cases.reject("close, too long", "the text has 201 bytes", long, malformed("Payload"));
        let bad = [types::CLOSE, 0, 3, 0, 1, 0xff];
        cases.reject("close, no UTF-8", "the text is UTF-8", bad, malformed("Payload"));
        let cut = [types::CLOSE, 0, 3, 0, 1, 0xc3];
        cases.reject("close, half a character", "the text is UTF-8", cut, malformed("Payload"));
        let behind = [&[types::REKEY, 0, 0][..], &[types::PONG, 0, 8], &[0; 8]].concat();
        cases.reject("behind a rekeying", "it is the last of its record", behind, malformed("BehindRekey"));
        cases
    }
}
