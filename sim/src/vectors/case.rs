//! What the files are made of.

use homing_core::Reason;
use serde::{Deserialize, Serialize};

use crate::vectors::{Hex, VERSION};

/// A file as it is written.
#[derive(Serialize)]
struct Whole<'a, C> {
    vectors: &'a str,
    version: u32,
    about: &'a str,
    cases: Vec<C>,
}

/// The text of a file.
pub(super) fn write<C: Serialize>(name: &str, about: &str, cases: Vec<C>) -> Result<String, String> {
    let whole = Whole { vectors: name, version: VERSION, about, cases };
    let text = serde_json::to_string_pretty(&whole).map_err(|e| e.to_string())?;
    Ok(text + "\n")
}

/// Why bytes are refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    /// The decoder's name for it, in this code base: for people, and for who ports the tests.
    pub(super) error: String,
    /// The numbered reason that the protocol has for it; none, where it never comes over a wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
    /// The same by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

impl Reject {
    pub(super) fn new(error: &str, reason: Reason) -> Reject {
        Reject { error: error.into(), code: Some(reason.code()), reason: Some(reason.name().into()) }
    }

    /// What no reason stands for: it is told to a person or a program on the same machine.
    pub(super) fn local(error: &str) -> Reject {
        Reject { error: error.into(), code: None, reason: None }
    }
}

/// The name of an error without what it carries: `Unknown(2)` is `Unknown`.
pub(super) fn error_name(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Bytes, and what they mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case<V> {
    pub(super) name: String,
    #[serde(default)]
    pub(super) why: String,
    /// The input ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<Hex>,
    /// .. or its UTF-8 text, whichever is easier to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// What they mean ..
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<V>,
    /// .. or why they mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reject: Option<Reject>,
    /// Whether other bytes are written for this value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) decode_only: bool,
}

/// A default for what has none.
const fn none<V>() -> Option<V> {
    None
}

impl<V> Case<V> {
    pub(super) fn input(&self) -> Result<Vec<u8>, String> {
        match (&self.bytes, &self.text) {
            (Some(bytes), None) => Ok(bytes.0.clone()),
            (None, Some(text)) => Ok(text.clone().into_bytes()),
            _ => Err("has not exactly one of bytes and text".into()),
        }
    }
}
