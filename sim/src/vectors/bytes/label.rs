//! PROTOCOL.md, section 5.

use homing_core::wire::{Kind, Label};
use homing_core::{MessageId, Priority, Reason, Receipts};
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::{Reject, error_name};

pub(in crate::vectors) struct Labels;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct Value {
    kind: String,
    priority: String,
    sealed: bool,
    more: bool,
    receipts: String,
    hops: u8,
    id: Hex,
    to: String,
    from: String,
    letter: Hex,
}

const KINDS: [Kind; 4] = [Kind::Message, Kind::Notification, Kind::Request, Kind::Response];
const PRIORITIES: [Priority; 3] = [Priority::Bulk, Priority::Normal, Priority::Urgent];
const RECEIPTS: [Receipts; 4] = [Receipts::Failure, Receipts::Route, Receipts::Received, Receipts::Consumed];

fn word(of: impl std::fmt::Debug) -> String {
    format!("{of:?}").to_lowercase()
}

/// What a word stands for.
fn find<T: Copy + std::fmt::Debug>(all: &[T], text: &str) -> Option<T> {
    all.iter().copied().find(|one| word(one) == text)
}

impl Codec for Labels {
    const ABOUT: &'static str = "Section 5: the payload of an envelope frame: its label, and the letter, which is not \
         looked at here. Whether `to` and `from` are addresses is not the label's business. What `more`, `sealed` and \
         the addresses lead to: see reactions.json.";
    type Value = Value;

    fn decode(input: &[u8]) -> Result<Value, Reject> {
        let (label, letter) =
            Label::read(input).map_err(|error| Reject::new(&error_name(&error), Reason::MALFORMED))?;
        Ok(Value {
            kind: label.kind.name().into(),
            priority: word(label.priority),
            sealed: label.sealed,
            more: label.more,
            receipts: word(label.receipts),
            hops: label.hops,
            id: Hex::from(label.id.0),
            to: label.to.into(),
            from: label.from.into(),
            letter: Hex::from(letter),
        })
    }

    fn encode(value: &Value) -> Option<Vec<u8>> {
        let label = Label {
            kind: find(&KINDS, &value.kind)?,
            priority: find(&PRIORITIES, &value.priority)?,
            sealed: value.sealed,
            more: value.more,
            receipts: find(&RECEIPTS, &value.receipts)?,
            hops: value.hops,
            id: MessageId(value.id.array().ok()?),
            to: &value.to,
            from: &value.from,
        };
        let mut out = Vec::new();
        label.write(&mut out);
        out.extend_from_slice(&value.letter.0);
        Some(out)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let plain = Value {
            kind: "message".into(),
            priority: "normal".into(),
            sealed: false,
            more: false,
            receipts: "failure".into(),
            hops: 8,
            id: Hex::from([0xaa; 16]),
            to: "bob@home".into(),
            from: String::new(),
            letter: Hex::from(b"\x00\x02{}hello"),
        };
        let mut both = |name: &str, why: &str, value: Value| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("a member's message", "`from` is the hub's to write", plain.clone());
        for kind in KINDS {
            for priority in PRIORITIES {
                let (kind, priority) = (word(kind), word(priority));
                let name = format!("{kind}, {priority}");
                both(&name, "bits 0-1 and 2-3", Value { kind, priority, ..plain.clone() });
            }
        }
        for receipts in RECEIPTS {
            let receipts = word(receipts);
            both(&format!("receipts {receipts}"), "bits 6-7", Value { receipts, ..plain.clone() });
        }
        both("sealed", "bit 4: passed on like any other", Value { sealed: true, ..plain.clone() });
        both(
            "more",
            "bit 5: a label that can be read, and fails with UNSUPPORTED",
            Value { more: true, ..plain.clone() },
        );
        let passed = Value { hops: 7, from: "ada@home/laptop".into(), ..plain.clone() };
        both("from a hub", "one hop less, and the sender's whole address", passed.clone());
        both("no hop left", "whoever should pass it on fails it", Value { hops: 0, ..plain.clone() });
        both("the most hops", "a byte", Value { hops: 255, ..plain.clone() });
        both("to the neighbour", "`to` is absent", Value { to: String::new(), ..plain.clone() });
        both(
            "to everybody",
            "an address like any other, here",
            Value { to: "*@home".into(), ..plain.clone() },
        );
        both(
            "to no address",
            "any ASCII: it is a name that does not exist",
            Value { to: "a b\n".into(), ..plain.clone() },
        );
        let id = Hex::from((0..16).collect::<Vec<u8>>());
        both("the id's order", "as it stands", Value { id, ..plain.clone() });
        both(
            "no letter",
            "a label; but no letter (letters-*.json)",
            Value { letter: Hex::default(), ..plain.clone() },
        );
        let (name, network, instance) = ("n".repeat(64), "w".repeat(128), "i".repeat(61));
        let longest = format!("{name}@{network}/{instance}");
        both("the longest", "255 bytes each", Value { to: longest.clone(), from: longest, ..plain });

        let malformed = |error: &str| Reject::new(error, Reason::MALFORMED);
        let whole = Self::encode(&passed).unwrap_or_default();
        let end = whole.len() - passed.letter.0.len();
        for (name, length) in [
            ("nothing", 0),
            ("only flags", 1),
            ("half an id", 10),
            ("no `to`", 18),
            ("half of `to`", 22),
            ("no `from`", 27),
            ("half of `from`", end - 1),
        ] {
            cases.reject(name, "it ends too early", &whole[..length], malformed("Truncated"));
        }
        let changed = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            bytes
        };
        cases.reject("priority 3", "is no value", changed(0, 0x0c), malformed("Flags"));
        cases.reject("priority 3, notification", "of no kind", changed(0, 0x0d), malformed("Flags"));
        cases.reject("`to` not ASCII", "a byte above 7f", changed(20, 0xe9), malformed("Text"));
        cases.reject("`from` not ASCII", "a byte above 7f", changed(end - 1, 0xff), malformed("Text"));
        let utf8 = [&whole[..18], b"\x0b", "\u{e9}lea@home/".as_bytes(), &whole[27..]].concat();
        cases.reject("`to` in UTF-8", "an address is ASCII", utf8, malformed("Text"));
        cases
    }
}
