//! The decoders of JSON: heads of letters, hellos, session messages.

use std::fmt::Debug;

use homing_core::Failure;
use homing_core::link::session::{InitiatorHello, ResponderHello, SessionMessage};
use homing_core::wire::letter::{
    self, Letter, LetterError, MessageHead, NotificationHead, ReasonJson, RequestHead, ResponseHead,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What PROTOCOL.md says that a field is.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Word(&'static [&'static str]),
    Number(i64, u64),
    Texts,
    Map,
    Object(Fields),
}

/// Name, type, whether it must be there, whether it may be null.
type Fields = &'static [(&'static str, Is, bool, bool)];

const REASON: Fields =
    &[("code", Is::Number(0, 65_535), true, false), ("description", Is::Text, false, false)];
const MESSAGE: Fields = &[("type", Is::Text, false, false), ("metadata", Is::Map, false, false)];
const EVENTS: &[&str] = &["accepted", "dispatched", "received", "consumed", "failed", "cancelled"];
const NOTIFICATION: Fields = &[
    ("event", Is::Word(EVENTS), true, false),
    ("reason", Is::Object(REASON), false, true),
    ("count", Is::Number(0, u32::MAX as u64), false, true),
];
const METHODS: &[&str] = &["get", "set", "delete", "subscribe", "unsubscribe", "observe", "merge"];
const REQUEST: Fields = &[
    ("method", Is::Word(METHODS), true, false),
    ("uri", Is::Text, true, false),
    ("type", Is::Text, false, false),
    ("patience", Is::Number(0, u64::MAX), false, true),
];
const RESPONSE: Fields = &[
    ("status", Is::Word(&["success", "failure"]), true, false),
    ("reason", Is::Object(REASON), false, true),
    ("type", Is::Text, false, false),
];
const OPTIONS: Fields = &[
    ("idle", Is::Number(0, u64::MAX), true, false),
    ("silence", Is::Number(0, u64::MAX), true, false),
    ("window", Is::Number(0, u32::MAX as u64), true, false),
    ("letter", Is::Number(0, u32::MAX as u64), true, false),
];
const RESPONDER: Fields =
    &[("schemes", Is::Texts, true, false), ("options", Is::Object(OPTIONS), true, false)];
const INITIATOR: Fields = &[
    ("scheme", Is::Text, true, false),
    ("name", Is::Text, false, true),
    ("instance", Is::Text, false, true),
    ("priority", Is::Number(-128, 127), false, false),
    ("options", Is::Object(OPTIONS), true, false),
];
const SESSION: Fields = &[("state", Is::Word(&["established", "finishing", "finished"]), true, false)];
const ESTABLISHED: Fields = &[
    ("state", Is::Word(&["established"]), true, false),
    ("address", Is::Text, true, false),
    ("hub", Is::Text, true, false),
];

/// Whether a value is what its table says.
fn is(value: &Value, what: Is) -> bool {
    match what {
        Is::Text => value.is_string(),
        Is::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Is::Number(least, most) => {
            value.as_u64().is_some_and(|n| n <= most) || value.as_i64().is_some_and(|n| n < 0 && n >= least)
        }
        Is::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        Is::Map => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        Is::Object(fields) => value.as_object().is_some_and(|map| {
            fields.iter().all(|(name, what, required, nullable)| match map.get(*name) {
                None => !required,
                Some(Value::Null) => *nullable,
                Some(value) => is(value, *what),
            })
        }),
    }
}

/// Reads JSON as a `T`, as nodes do.
fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, LetterError> {
    Letter { head: json, body: b"" }.head()
}

/// What holds of everything that is read from JSON: it has the form of its table, it is written so that
/// it is read as the same, always as the same bytes, and no longer than it came.
fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8], fields: Fields) -> Option<T> {
    let value = parse::<T>(json);
    // Fields that are passed over may hold what no reader of all of it takes; then there is nothing to compare.
    if let Ok(all) = serde_json::from_slice::<Value>(json) {
        if value.is_ok() {
            assert!(is(&all, Is::Object(fields)), "{value:?} was read from {all}");
        } else if json.iter().filter(|b| **b == b':').count() <= 1 {
            // One field cannot come twice: what has the form is read.
            assert!(!is(&all, Is::Object(fields)), "{value:?}: {all}");
        }
    }
    let value = match value {
        Ok(value) => value,
        Err(LetterError::Head(why)) => {
            assert!(!why.is_empty() && why.len() <= 200, "{why:?}");
            return None;
        }
        Err(other) => panic!("{other:?} of a head alone"),
    };
    let mut out = Vec::new();
    letter::write(&mut out, &value, b"body", letter::MAX_HEAD).unwrap();
    let again = Letter::read(&out, letter::MAX_HEAD).unwrap();
    assert!(again.head.len() <= json.len(), "{} bytes became {}", json.len(), again.head.len());
    assert_eq!(again.body, b"body");
    assert_eq!(again.head::<T>().as_ref(), Ok(&value));
    let mut twice = Vec::new();
    letter::write(&mut twice, &again.head::<T>().unwrap(), b"body", letter::MAX_HEAD).unwrap();
    assert_eq!(twice, out);
    Some(value)
}

fn check_reason(reason: Option<ReasonJson>) {
    let Some(reason) = reason else { return };
    let failure = Failure::from(reason);
    assert!(failure.text.len() <= 200);
    assert_eq!(Failure::from(ReasonJson::from(&failure)), failure);
}

/// A letter: two bytes that say how large a head may be, then its length, head and body; its head as that of
/// each kind of envelope.
pub fn letter(data: &[u8]) {
    let Some((most, data)) = data.split_first_chunk() else { return };
    let most = usize::from(u16::from_be_bytes(*most));
    let length = data.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
    match Letter::read(data, most) {
        Ok(letter) => {
            assert!(letter.head.len() <= most);
            assert_eq!([&data[..2], letter.head, letter.body].concat(), data);
            head(letter.head);
        }
        Err(LetterError::HeadTooLarge) => assert!(length.unwrap() > most),
        Err(LetterError::Truncated) => {
            assert!(length.is_none_or(|length| length <= most && data.len() < 2 + length));
        }
        Err(LetterError::Head(_)) => panic!("the head is not read yet"),
    }
}

fn head(json: &[u8]) {
    check::<MessageHead>(json, MESSAGE);
    if let Some(head) = check::<NotificationHead>(json, NOTIFICATION) {
        check_reason(head.reason);
    }
    check::<RequestHead>(json, REQUEST);
    if let Some(head) = check::<ResponseHead>(json, RESPONSE) {
        check_reason(head.reason);
    }
}

/// JSON, as a session message and as both hellos.
pub fn session(data: &[u8]) {
    match parse::<SessionMessage>(data) {
        Ok(SessionMessage::Established { .. }) => drop(check::<SessionMessage>(data, ESTABLISHED)),
        _ => drop(check_message(data)),
    }
    check::<InitiatorHello>(data, INITIATOR);
    check::<ResponderHello>(data, RESPONDER);
}

/// One that is not `established`, which has fields that the others have not.
fn check_message(data: &[u8]) -> Option<SessionMessage> {
    let message = parse::<SessionMessage>(data).ok()?;
    check::<SessionMessage>(data, SESSION);
    Some(message)
}
