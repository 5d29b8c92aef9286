//! Vectors of single things: bytes on one side, a value or a refusal on the other.

pub(super) mod frame;
pub(super) mod heartbeat;
pub(super) mod hello;
pub(super) mod journal;
pub(super) mod label;
pub(super) mod letter;
pub(super) mod preface;
pub(super) mod record;
pub(super) mod text;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::vectors::case::{Case, Reject, write};
use crate::vectors::{Hex, Sort};

/// What reads and writes one sort of thing, by way of the core.
pub(super) trait Codec {
    /// What the file says of itself.
    const ABOUT: &'static str;
    /// Whether inputs are written as texts where they are any.
    const TEXT: bool = false;
    /// What the bytes mean.
    type Value: Serialize + DeserializeOwned + PartialEq + Debug;

    /// Reads, as a node does.
    fn decode(input: &[u8]) -> Result<Self::Value, Reject>;

    /// Writes, as a node does. Nothing, where no node writes this.
    fn encode(value: &Self::Value) -> Option<Vec<u8>>;

    /// The frozen cases.
    fn cases() -> Cases<Self>
    where
        Self: Sized;
}

/// A list of cases that is being made.
pub(super) struct Cases<C: Codec> {
    list: Vec<Case<C::Value>>,
}

impl<C: Codec> Cases<C> {
    pub(super) const fn new() -> Cases<C> {
        Cases { list: Vec::new() }
    }

    fn push(&mut self, name: &str, why: &str, input: &[u8]) -> Option<&mut Case<C::Value>> {
        let text = std::str::from_utf8(input).ok().filter(|_| C::TEXT);
        self.list.push(Case {
            name: name.into(),
            why: why.into(),
            bytes: text.is_none().then(|| Hex::from(input)),
            text: text.map(ToString::to_string),
            value: None,
            reject: None,
            decode_only: false,
        });
        self.list.last_mut()
    }

    /// Both ways: these are the bytes that are written for the value.
    pub(super) fn both(&mut self, name: &str, why: &str, input: impl AsRef<[u8]>, value: C::Value) {
        if let Some(case) = self.push(name, why, input.as_ref()) {
            case.value = Some(value);
        }
    }

    /// One way: other bytes are written for this value, but these mean it, too.
    pub(super) fn read(&mut self, name: &str, why: &str, input: impl AsRef<[u8]>, value: C::Value) {
        if let Some(case) = self.push(name, why, input.as_ref()) {
            case.value = Some(value);
            case.decode_only = true;
        }
    }

    /// Refused.
    pub(super) fn reject(&mut self, name: &str, why: &str, input: impl AsRef<[u8]>, reject: Reject) {
        if let Some(case) = self.push(name, why, input.as_ref()) {
            case.reject = Some(reject);
        }
    }
}

pub(super) const fn sort<C: Codec>(name: &'static str) -> Sort {
    Sort { name, write: |name| write(name, C::ABOUT, C::cases().list), check: check::<C> }
}

fn check<C: Codec>(case: Value) -> Result<(), String> {
    let case: Case<C::Value> = serde_json::from_value(case).map_err(|e| format!("cannot be read: {e}"))?;
    let input = case.input()?;
    let read = C::decode(&input);
    match (&case.value, &case.reject, read) {
        (Some(value), None, Ok(read)) if *value != read => {
            Err(format!("reads as {}, not as {}", json(&read), json(value)))
        }
        (Some(value), None, Ok(_)) => match C::encode(value).filter(|_| !case.decode_only) {
            Some(bytes) if bytes != input => Err(format!("is written as {}", Cases::<C>::shown(&bytes))),
            _ => Ok(()),
        },
        (Some(_), None, Err(reject)) => Err(format!("is refused: {}", json(&reject))),
        (None, Some(_), Ok(read)) => Err(format!("is not refused, but reads as {}", json(&read))),
        (None, Some(reject), Err(real)) if *reject != real => {
            Err(format!("is refused as {}, not as {}", json(&real), json(reject)))
        }
        (None, Some(_), Err(_)) => Ok(()),
        _ => Err("has not exactly one of value and reject".into()),
    }
}

impl<C: Codec> Cases<C> {
    fn shown(bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) if C::TEXT => text.to_string(),
            _ => format!("{:?}", Hex::from(bytes)),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
