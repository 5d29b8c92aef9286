//! PROTOCOL.md, section 7: which heartbeat two sides agree on.

use std::time::Duration;

use homing_core::Heartbeat;
use serde::{Deserialize, Serialize};

use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::Reject;

pub(in crate::vectors) struct Heartbeats;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct Value {
    /// What the responder says in its hello.
    offer: [u64; 2],
    /// What the initiator says in its own: both use this.
    answer: [u64; 2],
}

/// What the two sides want.
#[derive(Deserialize)]
struct Wants {
    responder: [u64; 2],
    initiator: [u64; 2],
}

fn heartbeat([idle, silence]: [u64; 2]) -> Heartbeat {
    Heartbeat { idle: Duration::from_millis(idle), silence: Duration::from_millis(silence) }
}

fn millis(of: Heartbeat) -> [u64; 2] {
    // Nothing that was agreed is longer than half an hour.
    [of.idle, of.silence].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl Codec for Heartbeats {
    const ABOUT: &'static str = "Section 7: `text` is what the two sides want, each [idle, silence] in milliseconds; \
         `offer` is what the responder says in its hello then, `answer` what the initiator says, which both use.";
    const TEXT: bool = true;
    type Value = Value;

    fn decode(input: &[u8]) -> Result<Value, Reject> {
        let Wants { responder, initiator } =
            serde_json::from_slice(input).map_err(|_| Reject::local("Json"))?;
        let (responder, initiator) = (heartbeat(responder), heartbeat(initiator));
        let offer = responder.between(responder);
        Ok(Value { offer: millis(offer), answer: millis(initiator.between(offer)) })
    }

    fn encode(_: &Value) -> Option<Vec<u8>> {
        None
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let mut case = |name: &str, why: &str, [responder, initiator, offer, answer]: [[u64; 2]; 4]| {
            let text = format!("{{\"responder\":{responder:?},\"initiator\":{initiator:?}}}");
            cases.read(name, why, text, Value { offer, answer });
        };
        let (slow, fast) = ([15_000, 45_000], [1_000, 3_000]);
        case("both default", "15 s and 45 s", [slow, slow, slow, slow]);
        case("a fast initiator", "it may choose faster than it was offered", [slow, fast, slow, fast]);
        case("a fast responder", "the faster holds", [fast, slow, fast, fast]);
        let fastest = [50, 150];
        case("too fast", "not below 50 ms and 150 ms", [slow, [0, 0], slow, fastest]);
        let slowest = [600_000, 1_800_000];
        case("too slow", "not above 10 min and 30 min", [[u64::MAX; 2], [u64::MAX; 2], slowest, slowest]);
        case(
            "silence below idle",
            "at least twice the idle",
            [[10_000, 1_000], slow, [10_000, 20_000], [10_000, 20_000]],
        );
        case(
            "each its own",
            "idle of the one, silence of the other",
            [[10_000, 60_000], [20_000, 30_000], [10_000, 60_000], [10_000, 30_000]],
        );
        case(
            "each its own, too near",
            "twice the idle again",
            [[15_000, 45_000], [14_000, 20_000], slow, [14_000, 28_000]],
        );
        cases
    }
}
