//! The session's states as a table, and its messages. PROTOCOL.md, sections 7 and 8.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::wire::letter::{object, word};
use crate::{Heartbeat, Limits};

/// Which side of a link a node is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// It dialed.
    Initiator,
    /// It was dialed, and has authority.
    Responder,
}

/// The states of a session: LIME's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// Nothing was said yet.
    New,
    /// The handshake is under way.
    Negotiating,
    /// The handshake is done; the responder has not decided yet.
    Authenticating,
    /// Envelopes flow.
    Established,
    /// This side has asked to end it.
    Finishing,
    /// It has ended as it should.
    Finished,
    /// It has ended for a reason.
    Failed,
}

/// What moves a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Signal {
    /// The first handshake message went from the initiator to the responder.
    Open,
    /// Initiator: the second handshake message came and the third went out. Responder: the third came.
    Hello,
    /// The responder let the initiator in, and said so.
    Admit,
    /// This side wants to end the session.
    Finish,
    /// The other side wants to end it.
    Finishing,
    /// The other side agrees to the end.
    Finished,
    /// A fault, a refusal, or the end of the stream.
    Fail,
}

/// From where, on what, to where: both roles alike.
pub const TABLE: &[(State, Signal, State)] = &[
    (State::New, Signal::Open, State::Negotiating),
    (State::New, Signal::Fail, State::Failed),
    (State::Negotiating, Signal::Hello, State::Authenticating),
    (State::Negotiating, Signal::Fail, State::Failed),
    (State::Authenticating, Signal::Admit, State::Established),
    (State::Authenticating, Signal::Fail, State::Failed),
    (State::Established, Signal::Finish, State::Finishing),
    (State::Established, Signal::Finishing, State::Finished),
    (State::Established, Signal::Fail, State::Failed),
    (State::Finishing, Signal::Finishing, State::Finished),
    (State::Finishing, Signal::Finished, State::Finished),
    (State::Finishing, Signal::Fail, State::Failed),
];

impl State {
    /// Where `signal` leads from here; nowhere, when the table does not say.
    pub fn next(self, signal: Signal) -> Option<State> {
        TABLE.iter().find(|row| row.0 == self && row.1 == signal).map(|row| row.2)
    }

    /// Whether nothing leads on from here.
    pub const fn is_over(self) -> bool {
        matches!(self, State::Finished | State::Failed)
    }

    /// Whether the responder has let the initiator in, at whatever time: envelopes may be on their way.
    pub const fn was_admitted(self) -> bool {
        matches!(self, State::Established | State::Finishing | State::Finished)
    }

    /// The word in PROTOCOL.md.
    pub const fn name(self) -> &'static str {
        match self {
            State::New => "new",
            State::Negotiating => "negotiating",
            State::Authenticating => "authenticating",
            State::Established => "established",
            State::Finishing => "finishing",
            State::Finished => "finished",
            State::Failed => "failed",
        }
    }
}

/// What a side says of itself in its hello: what it asks for and what it takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Options {
    /// Milliseconds after which a ping is sent.
    pub idle: u64,
    /// Milliseconds of silence after which the link is dead.
    pub silence: u64,
    /// Bytes of envelopes that may be under way to this side without an acknowledgement.
    pub window: u32,
    /// The largest letter that this side takes.
    pub letter: u32,
}

impl Options {
    pub(crate) fn offer(heartbeat: Heartbeat, limits: &Limits) -> Options {
        // Against itself: what is said is within the bounds that everybody keeps.
        let heartbeat = heartbeat.between(heartbeat);
        Options {
            idle: millis(heartbeat.idle),
            silence: millis(heartbeat.silence),
            window: u32::try_from(limits.window).unwrap_or(u32::MAX),
            letter: u32::try_from(limits.letter).unwrap_or(u32::MAX),
        }
    }

    pub(crate) const fn heartbeat(&self) -> Heartbeat {
        Heartbeat { idle: Duration::from_millis(self.idle), silence: Duration::from_millis(self.silence) }
    }

    /// Whether an initiator may choose `chosen` where the responder offered `self`.
    pub(crate) fn allows(&self, chosen: &Options) -> bool {
        let agreed = self.heartbeat().between(chosen.heartbeat());
        chosen.is_usable() && (millis(agreed.idle), millis(agreed.silence)) == (chosen.idle, chosen.silence)
    }

    /// Whether whoever says this takes what must get through.
    pub(crate) const fn is_usable(&self) -> bool {
        self.letter as usize >= Limits::LEAST_LETTER
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The responder's hello, in the payload of the second handshake message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResponderHello {
    /// The authentication schemes that it takes.
    pub schemes: Vec<String>,
    /// What it offers.
    #[serde(deserialize_with = "object")]
    pub options: Options,
}

/// The initiator's hello, in the payload of the third handshake message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InitiatorHello {
    /// The scheme that it chose.
    pub scheme: String,
    /// The name that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which of several nodes of that name it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Its priority among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i8,
    /// What it chose and what it takes.
    #[serde(deserialize_with = "object")]
    pub options: Options,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
const fn is_zero(priority: &i8) -> bool {
    *priority == 0
}

/// Anyone, under a name that the responder makes up.
pub const GUEST: &str = "guest";
/// Whoever proves, by the handshake, to have the key that the name is bound to or that is allowed.
pub const KEY: &str = "key";

/// A session envelope: the payload of a session frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", try_from = "Fields")]
pub enum SessionMessage {
    /// From the responder: you are in.
    Established {
        /// The initiator's address.
        address: String,
        /// The responder's.
        hub: String,
    },
    /// I shall send no more envelopes.
    Finishing,
    /// Nor shall I.
    Finished,
}

/// A session envelope as it is read. serde would keep a tagged enum's fields until it knows the tag, and so
/// look into what is to be passed over.
#[derive(Deserialize)]
struct Fields {
    #[serde(deserialize_with = "word")]
    state: StateWord,
    #[serde(default, deserialize_with = "some")]
    address: Option<String>,
    #[serde(default, deserialize_with = "some")]
    hub: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateWord {
    Established,
    Finishing,
    Finished,
}

/// What may be left out, but is not `null`.
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    String::deserialize(d).map(Some)
}

impl TryFrom<Fields> for SessionMessage {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<SessionMessage, &'static str> {
        match (fields.state, fields.address, fields.hub) {
            (StateWord::Established, Some(address), Some(hub)) => {
                Ok(SessionMessage::Established { address, hub })
            }
            (StateWord::Established, _, _) => Err("established without an address or a hub"),
            (StateWord::Finishing, ..) => Ok(SessionMessage::Finishing),
            (StateWord::Finished, ..) => Ok(SessionMessage::Finished),
        }
    }
}

impl SessionMessage {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// The types here always serialize: their keys are texts.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The table as PROTOCOL.md prints it.
pub fn table_as_markdown() -> String {
    let mut out = "| from | signal | to |\n|---|---|---|\n".to_string();
    for (from, signal, to) in TABLE {
        let signal = alloc::format!("{signal:?}").to_lowercase();
        out.push_str(&alloc::format!("| {} | {signal} | {} |\n", from.name(), to.name()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 7] = [
        State::New,
        State::Negotiating,
        State::Authenticating,
        State::Established,
        State::Finishing,
        State::Finished,
        State::Failed,
    ];

    #[test]
    fn every_state_is_reached_and_every_living_one_can_fail() {
        for state in STATES {
            assert!(state == State::New || TABLE.iter().any(|row| row.2 == state), "{state:?}");
            assert_eq!(state.next(Signal::Fail).is_none(), state.is_over(), "{state:?}");
        }
        for (at, row) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|other| (other.0, other.1) == (row.0, row.1)), "{row:?} twice");
        }
    }

    #[test]
    fn who_was_admitted_was_established_on_every_way() {
        for state in STATES {
            let mut from = TABLE.iter().filter(|row| row.2 == state).map(|row| row.0).peekable();
            let by_the_table = from.peek().is_some() && from.all(State::was_admitted);
            assert_eq!(state.was_admitted(), state == State::Established || by_the_table, "{state:?}");
        }
    }

    #[test]
    fn an_initiator_may_choose_faster_but_not_slower() {
        let offer = Options::offer(Heartbeat::INTERNET, &Limits::DEFAULT);
        let mut chosen = Options::offer(Heartbeat::LAN, &Limits::DEFAULT);
        assert!(offer.allows(&offer) && offer.allows(&chosen));
        chosen.idle = 15_001;
        assert!(!offer.allows(&chosen));
        (chosen.idle, chosen.silence) = (1, 2);
        assert!(!offer.allows(&chosen));
        let small = Options { letter: 4095, ..offer.clone() };
        assert!(!offer.allows(&small));
    }

    #[test]
    fn hellos_look_like_this() {
        let options = Options::offer(Heartbeat::INTERNET, &Limits::DEFAULT);
        let said = r#""options":{"idle":15000,"silence":45000,"window":2097152,"letter":17408}}"#;
        let guest = InitiatorHello {
            scheme: GUEST.into(),
            name: None,
            instance: None,
            priority: 0,
            options: options.clone(),
        };
        let member = InitiatorHello {
            scheme: KEY.into(),
            name: Some("ada".into()),
            instance: Some("x".into()),
            priority: -3,
            options: options.clone(),
        };
        for (hello, begins) in [
            (guest, r#"{"scheme":"guest","#),
            (member, r#"{"scheme":"key","name":"ada","instance":"x","priority":-3,"#),
        ] {
            let json = [begins, said].concat();
            assert_eq!(String::from_utf8(to_json(&hello)), Ok(json.clone()));
            assert_eq!(crate::wire::letter::parse(json.as_bytes()), Ok(hello));
        }
        let offer = ResponderHello { schemes: [KEY.into(), GUEST.into()].into(), options };
        let json = [r#"{"schemes":["key","guest"],"#, said].concat();
        assert_eq!(String::from_utf8(to_json(&offer)), Ok(json));
    }

    #[test]
    fn session_messages_look_like_this() {
        let established = SessionMessage::Established { address: "a@n/x".into(), hub: "h@n".into() };
        let json = br#"{"state":"established","address":"a@n/x","hub":"h@n"}"#;
        assert_eq!(established.to_bytes(), json);
        assert_eq!(crate::wire::letter::parse(json), Ok(established));
        let read = crate::wire::letter::parse::<SessionMessage>;
        for bad in [
            &b"{}"[..],
            b"{\"state\":\"new\"}",
            b"{\"state\":1}",
            b"{\"state\":{\"finishing\":null}}",
            b"{\"state\":\"finishing\",\"state\":\"finished\"}",
            b"{\"state\":\"established\",\"address\":\"a@n/x\"}",
            b"{\"state\":\"established\",\"address\":null,\"hub\":\"h@n\"}",
            b"{\"state\":\"established\",\"address\":\"a@n/x\",\"address\":\"a@n/x\",\"hub\":\"h@n\"}",
            b"{\"state\":\"finished\",\"hub\":1}",
        ] {
            assert!(read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        // Fields that are not known are passed over, whatever is in them.
        for later in ["1e999999", "\"\\ud800\"", "[[1],{}]", "null"] {
            let json = alloc::format!("{{\"later\":{later},\"state\":\"finishing\",\"later\":{later}}}");
            assert_eq!(read(json.as_bytes()), Ok(SessionMessage::Finishing), "{later}");
        }
    }
}
