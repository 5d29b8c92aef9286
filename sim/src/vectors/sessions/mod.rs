//! Vectors of sessions: every byte of both sides in order, with what one must know to compute them.

mod fixed;
mod node;
mod noise;
mod note;
mod reactions;
mod replay;
mod stage;
mod stories;
mod trace;

use homing_core::{Reason, Suite};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::vectors::case::write;
use crate::vectors::{Hex, Sort};

const ABOUT_WHOLE: &str = "Whole sessions of two real nodes, every byte in order. With the four secret keys, each `wire` \
     follows from its `payload` or `plain`. Ids are random; all else is as PROTOCOL.md says. `note` is for people.";
const ABOUT_REACTIONS: &str = "What a node does about what it is told: `outcome.by` is who is tested, the other side says \
     its steps as they stand. `refusal`: in the clear; `close`: a close frame; `silence`: the stream is closed without \
     a word; `told`: it believes a refusal or a close; `failed`: a notification; `failure`: a response; `lives`: \
     nothing, the link goes on.";

/// Sessions from the first byte to the last.
pub(super) const WHOLE: Sort =
    Sort { name: "sessions", write: |name| write(name, ABOUT_WHOLE, stories::sessions()?), check };
/// Sessions in which one side does wrong.
pub(super) const REACTIONS: Sort =
    Sort { name: "reactions", write: |name| write(name, ABOUT_REACTIONS, reactions::sessions()?), check };

/// One of the two sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Initiator,
    Responder,
}

impl Side {
    const fn other(self) -> Side {
        match self {
            Side::Initiator => Side::Responder,
            Side::Responder => Side::Initiator,
        }
    }

    const fn index(self) -> usize {
        match self {
            Side::Initiator => 0,
            Side::Responder => 1,
        }
    }
}

/// What one must know of a side to compute its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Party {
    /// Its static private key.
    #[serde(rename = "static")]
    static_key: Hex,
    /// Its ephemeral private key.
    ephemeral: Hex,
    /// The network that it means: the end of its prologue.
    network: String,
    /// The public key that it insists on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Hex>,
    /// A hub that lets in nobody but who has a name there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
    /// What a hub remembers: entries of appendix B.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    journal: Vec<Hex>,
}

/// What the handshake leads to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The handshake hash.
    hash: Hex,
    /// The key of the initiator's records.
    initiator: Hex,
    /// The key of the responder's.
    responder: Hex,
}

/// What a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// The preface.
    Preface,
    /// The next handshake message, which carries `payload`.
    Handshake,
    /// A refusal in the clear.
    Refusal,
    /// A record whose plaintext is `plain`.
    Record,
    /// Bytes that do not follow from anything: altered, too short, foreign.
    Raw,
    /// Nobody says anything for `ms` milliseconds.
    Wait,
}

/// Something that a side says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Side>,
    what: What,
    /// For people; nothing depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    note: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plain: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wire: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
}

impl Step {
    fn says(from: Side, what: What, wire: impl Into<Hex>) -> Step {
        let from = Some(from);
        Step { from, what, note: Vec::new(), payload: None, plain: None, wire: Some(wire.into()), ms: None }
    }
}

/// How the side that is tested shows what it thinks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Refusal,
    Close,
    Silence,
    Told,
    Failed,
    Failure,
    Lives,
}

/// What comes of it all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    by: Side,
    how: How,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Outcome {
    fn new(by: Side, how: How, reason: Option<Reason>) -> Outcome {
        let name = |reason: Reason| Some(reason.name()).filter(|name| !name.is_empty()).map(Into::into);
        Outcome { by, how, code: reason.map(Reason::code), reason: reason.and_then(name) }
    }
}

/// One case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    name: String,
    #[serde(default)]
    why: String,
    suite: u8,
    initiator: Party,
    responder: Party,
    /// None, when the handshake does not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<Keys>,
    steps: Vec<Step>,
    /// None, when nobody does wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl Session {
    fn suite(&self) -> Result<Suite, String> {
        Suite::from_byte(self.suite).ok_or_else(|| format!("there is no suite {}", self.suite))
    }

    const fn party(&self, side: Side) -> &Party {
        match side {
            Side::Initiator => &self.initiator,
            Side::Responder => &self.responder,
        }
    }
}

/// Computes every byte again, and lets a real node be told what the tested side is told.
fn check(case: Value) -> Result<(), String> {
    let session: Session = serde_json::from_value(case).map_err(|e| format!("cannot be read: {e}"))?;
    trace::check(&session)?;
    match &session.outcome {
        Some(outcome) => replay::check(&session, outcome),
        None => Ok(()),
    }
}
