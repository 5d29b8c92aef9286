//! The letter: what the recipient reads. PROTOCOL.md, section 6.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Reason;
use crate::wire::frame::{MAX_CLOSE_TEXT, cut};

#[cfg(test)]
mod tests;
mod usual;

/// A letter split in two: a JSON head and a raw body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Letter<'a> {
    /// JSON, not yet looked at.
    pub head: &'a [u8],
    /// The content, whatever its type.
    pub body: &'a [u8],
}

/// The largest letter of a notification: it has no body, and its head little to say. Notifications are
/// in nobody's window, so they must be small.
pub const MAX_NOTIFICATION: usize = 2048;

/// The largest head that a letter can have, whatever the limits.
pub const MAX_HEAD: usize = u16::MAX as usize;

/// Why bytes are no letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LetterError {
    /// They end before the head does.
    Truncated,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// The head is not the JSON that it should be; the parser's words.
    Head(String),
}

impl fmt::Display for LetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LetterError::Truncated => f.write_str("a letter ends before its head does"),
            LetterError::HeadTooLarge => f.write_str("a letter's head is too large"),
            LetterError::Head(e) => write!(f, "a letter's head: {e}"),
        }
    }
}

impl core::error::Error for LetterError {}

impl<'a> Letter<'a> {
    /// Splits a letter, whose head may be `most` bytes long.
    ///
    /// # Errors
    /// When it ends too early or its head is too large.
    pub fn read(bytes: &'a [u8], most: usize) -> Result<Letter<'a>, LetterError> {
        let (length, rest) = bytes.split_first_chunk().ok_or(LetterError::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > most {
            return Err(LetterError::HeadTooLarge);
        }
        let (head, body) = rest.split_at_checked(length).ok_or(LetterError::Truncated)?;
        Ok(Letter { head, body })
    }

    /// Parses the head of a message: what [`head`](Letter::head) says, at less cost for the usual.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn message_head(&self) -> Result<MessageHead, LetterError> {
        match self.head {
            b"{}" => Ok(MessageHead { content_type: octets(), metadata: BTreeMap::new() }),
            _ => self.head(),
        }
    }

    /// Parses the head of a request: what [`head`](Letter::head) says, at less cost for the usual.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn request_head(&self) -> Result<RequestHead, LetterError> {
        usual::request(self.head).map_or_else(|| self.head(), Ok)
    }

    /// Parses the head of a response: what [`head`](Letter::head) says, at less cost for the usual.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn response_head(&self) -> Result<ResponseHead, LetterError> {
        usual::response(self.head).map_or_else(|| self.head(), Ok)
    }

    /// Parses the head.
    ///
    /// # Errors
    /// The parser's words.
    pub fn head<T: DeserializeOwned>(&self) -> Result<T, LetterError> {
        parse(self.head).map_err(LetterError::Head)
    }
}

/// The head of a message's letter, to be written where it goes: what [`write`] would of its [`MessageHead`], at less
/// cost for the usual.
pub(crate) struct WrittenHead<'a> {
    text: HeadText<'a>,
    length: u16,
}

enum HeadText<'a> {
    /// Nothing in it.
    Empty,
    /// A media type that stands in JSON as it is.
    Type(&'a str),
    /// Any other.
    Json(Vec<u8>),
}

const EMPTY: &[u8] = b"{}";
const TYPE: (&[u8], &[u8]) = (b"{\"type\":\"", b"\"}");

impl<'a> WrittenHead<'a> {
    /// # Errors
    /// When it is larger than `most` bytes.
    #[inline]
    pub(crate) fn new(
        content_type: &'a ContentType,
        metadata: &BTreeMap<String, String>,
        most: usize,
    ) -> Result<WrittenHead<'a>, LetterError> {
        let (text, length) = if !metadata.is_empty() {
            HeadText::json(content_type, metadata)?
        } else if is_octets(content_type) {
            (HeadText::Empty, EMPTY.len())
        } else if is_plain(content_type.as_bytes()) {
            (HeadText::Type(content_type), TYPE.0.len() + content_type.len() + TYPE.1.len())
        } else {
            HeadText::json(content_type, metadata)?
        };
        let length =
            u16::try_from(length).ok().filter(|_| length <= most).ok_or(LetterError::HeadTooLarge)?;
        Ok(WrittenHead { text, length })
    }

    /// The bytes of a letter with this head, but for its body.
    pub(crate) const fn len(&self) -> usize {
        2 + self.length as usize
    }

    /// Appends the beginning of a letter, which its body follows.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let [high, low] = self.length.to_be_bytes();
        match &self.text {
            HeadText::Empty => out.extend_from_slice(&[high, low, EMPTY[0], EMPTY[1]]),
            HeadText::Type(text) => {
                out.extend_from_slice(&[high, low]);
                out.extend_from_slice(TYPE.0);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(TYPE.1);
            }
            HeadText::Json(json) => {
                out.extend_from_slice(&[high, low]);
                out.extend_from_slice(json);
            }
        }
    }
}

impl HeadText<'_> {
    #[cold]
    fn json(
        content_type: &ContentType,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(Self, usize), LetterError> {
        let head = MessageHead { content_type: content_type.clone(), metadata: metadata.clone() };
        let json = serde_json::to_vec(&head).map_err(|e| LetterError::Head(e.to_string()))?;
        let length = json.len();
        Ok((HeadText::Json(json), length))
    }
}

/// Whether a text stands in JSON as it is.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| (b' '..=b'~').contains(byte) && !matches!(byte, b'"' | b'\\'))
}

/// Appends the beginning of a request's letter, which its body follows: what [`write`] would of its [`RequestHead`], at
/// less cost for the usual.
///
/// # Errors
/// When it is larger than `most` bytes; `out` is as it was then.
pub(crate) fn begin_request(
    out: &mut Vec<u8>,
    (method, uri): (Method, &str),
    content_type: &ContentType,
    patience: u64,
    most: usize,
) -> Result<(), LetterError> {
    if !is_plain(uri.as_bytes()) || !is_plain(content_type.as_bytes()) {
        let (uri, content_type) = (uri.to_string(), content_type.clone());
        return write(out, &RequestHead { method, uri, content_type, patience: Some(patience) }, &[], most);
    }
    begin(out, most, |out| {
        out.extend_from_slice(usual::METHOD);
        out.extend_from_slice(usual::word(method));
        out.extend_from_slice(usual::URI);
        out.extend_from_slice(uri.as_bytes());
        out.push(b'"');
        usual::write_type(out, content_type);
        out.extend_from_slice(usual::PATIENCE);
        usual::write_number(out, patience);
        out.push(b'}');
    })
}

/// The same of a response that says that all went well.
///
/// # Errors
/// As there.
pub(crate) fn begin_response(
    out: &mut Vec<u8>,
    content_type: &ContentType,
    most: usize,
) -> Result<(), LetterError> {
    if !is_plain(content_type.as_bytes()) {
        let content_type = content_type.clone();
        return write(out, &ResponseHead { status: Status::Success, reason: None, content_type }, &[], most);
    }
    begin(out, most, |out| {
        out.extend_from_slice(usual::SUCCESS);
        usual::write_type(out, content_type);
        out.push(b'}');
    })
}

/// Appends a head that `head` writes, behind its length.
fn begin(out: &mut Vec<u8>, most: usize, head: impl FnOnce(&mut Vec<u8>)) -> Result<(), LetterError> {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    head(out);
    let length = u16::try_from(out.len() - start - 2).ok().filter(|length| usize::from(*length) <= most);
    match (length, out.get_mut(start..start + 2)) {
        (Some(length), Some(place)) => {
            place.copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(LetterError::HeadTooLarge)
        }
    }
}

/// Appends a letter.
///
/// # Errors
/// When the head is larger than `most` bytes; `out` is as it was then.
pub fn write<T: Serialize>(out: &mut Vec<u8>, head: &T, body: &[u8], most: usize) -> Result<(), LetterError> {
    let head = serde_json::to_vec(head).map_err(|e| LetterError::Head(e.to_string()))?;
    let length = u16::try_from(head.len()).map_err(|_| LetterError::HeadTooLarge)?;
    if head.len() > most {
        return Err(LetterError::HeadTooLarge);
    }
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(body);
    Ok(())
}

/// Parses JSON: UTF-8 (RFC 8259), a known field at most once and nested at most 128 deep; fields
/// that are not known are passed over, without recursion.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = object(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|e| cut(&e.to_string(), MAX_CLOSE_TEXT).to_string())
}

/// What reads objects, and nothing else, into a structure: serde would take an array for one.
struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    d.deserialize_map(ObjectVisitor(PhantomData))
}

/// What reads an object as [`object`] does, wherever one can stand.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        object(d).map(Object)
    }
}

/// The same, for what need not be there, or may be null.
fn optional_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(d)?.map(|Object(value)| value))
}

/// The same, for each of an array.
pub(crate) fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<Object<T>>::deserialize(d)?;
    Ok(list.into_iter().map(|Object(value)| value).collect())
}

/// What reads a text, and nothing else, into one of several words: serde would take an object for one.
pub(crate) fn word<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(d)?.into_deserializer())
}

/// What a request does to its resource: LIME's verbs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Reads it, or calls it.
    #[default]
    Get,
    /// Makes or replaces it.
    Set,
    /// Removes it.
    Delete,
    /// Asks to be told of its changes.
    Subscribe,
    /// No longer.
    Unsubscribe,
    /// Tells of a change; nobody answers.
    Observe,
    /// Changes a part of it.
    Merge,
}

/// The media type of a body for which none is given.
pub const OCTETS: &str = "application/octet-stream";

/// A media type (RFC 6838). Those that are written in a program are not copied, nor are the usual
/// ones when they are read.
pub type ContentType = Cow<'static, str>;

/// Which are usual.
const USUAL: [&str; 4] = [OCTETS, "text/plain", "application/json", "text/plain; charset=utf-8"];

fn known_type(text: &str) -> ContentType {
    let usual = USUAL.into_iter().find(|usual| *usual == text);
    usual.map_or_else(|| Cow::Owned(text.to_string()), Cow::Borrowed)
}

fn content_type<'de, D: Deserializer<'de>>(d: D) -> Result<ContentType, D::Error> {
    struct Known;

    impl Visitor<'_> for Known {
        type Value = ContentType;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<ContentType, E> {
            Ok(known_type(text))
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<ContentType, E> {
            Ok(Cow::Owned(text))
        }
    }

    d.deserialize_str(Known)
}

/// The head of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MessageHead {
    /// The body's media type (RFC 6838).
    #[serde(
        rename = "type",
        default = "octets",
        skip_serializing_if = "is_octets",
        deserialize_with = "content_type"
    )]
    pub content_type: ContentType,
    /// What the applications tell each other besides; kept in the order of the keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "metadata")]
    pub metadata: BTreeMap<String, String>,
}

/// What became of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifiedEvent {
    /// The hub took it.
    Accepted,
    /// It went to the recipient's link.
    Dispatched,
    /// The recipient's node has it.
    Received,
    /// The recipient's application has dealt with it.
    Consumed,
    /// It was not delivered.
    Failed,
    /// The caller no longer wants the answer to the request of this id.
    Cancelled,
}

/// The head of a notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NotificationHead {
    /// What happened.
    #[serde(deserialize_with = "word")]
    pub event: NotifiedEvent,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub reason: Option<ReasonJson>,
    /// To how many, when `dispatched` speaks of an envelope for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// The head of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RequestHead {
    /// What to do.
    #[serde(deserialize_with = "word")]
    pub method: Method,
    /// With what.
    pub uri: String,
    /// The media type of the argument.
    #[serde(
        rename = "type",
        default = "octets",
        skip_serializing_if = "is_octets",
        deserialize_with = "content_type"
    )]
    pub content_type: ContentType,
    /// For how many milliseconds the caller waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was done; the body is the result.
    Success,
    /// It was not; the reason says why.
    Failure,
}

/// The head of a response.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResponseHead {
    /// How it ended.
    #[serde(deserialize_with = "word")]
    pub status: Status,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub reason: Option<ReasonJson>,
    /// The media type of the result.
    #[serde(
        rename = "type",
        default = "octets",
        skip_serializing_if = "is_octets",
        deserialize_with = "content_type"
    )]
    pub content_type: ContentType,
}

/// A [`Failure`](crate::Failure) as JSON: `{"code":41,"description":".."}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReasonJson {
    /// The number.
    pub code: u16,
    /// More, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl From<&crate::Failure> for ReasonJson {
    fn from(failure: &crate::Failure) -> ReasonJson {
        ReasonJson {
            code: failure.reason.code(),
            description: cut(&failure.text, MAX_CLOSE_TEXT).to_string(),
        }
    }
}

impl From<ReasonJson> for crate::Failure {
    fn from(json: ReasonJson) -> crate::Failure {
        crate::Failure {
            reason: Reason::from_code(json.code),
            text: cut(&json.description, MAX_CLOSE_TEXT).to_string(),
        }
    }
}

const fn octets() -> ContentType {
    Cow::Borrowed(OCTETS)
}

fn is_octets(content_type: &str) -> bool {
    content_type == OCTETS
}

/// A map of strings in which no key comes twice: two readers must not see two things in it.
fn metadata<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Unique;

    impl<'de> Visitor<'de> for Unique {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, String>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    d.deserialize_map(Unique)
}
