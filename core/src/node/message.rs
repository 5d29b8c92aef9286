//! What the application sends.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use crate::wire::letter::{ContentType, Method, OCTETS};
use crate::wire::{MessageId, Priority, Receipts};
use crate::{Failure, Network, Reason};

/// A message to send.
///
/// ```
/// use homing_core::{Message, Receipts};
///
/// let hello = Message::text("hello").with_receipts(Receipts::Received);
/// assert_eq!(hello.content_type, "text/plain");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The body's media type.
    pub content_type: ContentType,
    /// What the applications tell each other besides.
    pub metadata: BTreeMap<String, String>,
    /// The content. With the head it must not be larger than [`Limits::letter`](crate::Limits::letter). A long one that
    /// goes to a hub is not copied before it is encrypted, but held until then.
    pub body: Bytes,
    /// Which receipts are wanted.
    pub receipts: Receipts,
    /// What goes first when a link is busy.
    pub priority: Priority,
    /// How long receipts are awaited before [`NO_RECEIPT`](Reason::NO_RECEIPT) is reported.
    pub patience: Duration,
}

impl Message {
    /// A message of any type.
    pub fn new(content_type: impl Into<ContentType>, body: impl Into<Vec<u8>>) -> Message {
        Message {
            content_type: content_type.into(),
            metadata: BTreeMap::new(),
            body: Bytes::from(body.into()),
            receipts: Receipts::Failure,
            priority: Priority::Normal,
            patience: Duration::from_secs(60),
        }
    }

    /// The same, of a content that others may have, too: one that was received, or a part of something larger. Until it
    /// is encrypted, all of that is held, of which [`Node::memory`](crate::Node::memory) counts the part.
    ///
    /// ```
    /// use homing_core::{Bytes, Message};
    ///
    /// let film = Bytes::from(vec![0; 40_000]);
    /// let part = Message::shared("video/mp4", film.slice(..16_384));
    /// assert_eq!(part.body.as_ptr(), film.as_ptr());
    /// ```
    pub fn shared(content_type: impl Into<ContentType>, body: Bytes) -> Message {
        Message { body, ..Message::new(content_type, []) }
    }

    /// A message of plain text.
    pub fn text(text: impl Into<String>) -> Message {
        Message::new("text/plain", text.into().into_bytes())
    }

    /// The same, with these receipts.
    #[must_use]
    pub fn with_receipts(mut self, receipts: Receipts) -> Message {
        self.receipts = receipts;
        self
    }
}

/// A command to call: a method on a path, with an argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What to do.
    pub method: Method,
    /// With what: `/a/b/c`. [`normal_path`] makes one of `a.b.c`.
    pub path: String,
    /// The argument's media type.
    pub content_type: ContentType,
    /// The argument.
    pub body: Vec<u8>,
}

impl Command {
    /// Calls `path` without an argument. `echo`, `a.b.c` and `/a/b/c` are all understood.
    pub fn get(path: &str) -> Command {
        Command {
            method: Method::Get,
            path: normal_path(path),
            content_type: OCTETS.into(),
            body: Vec::new(),
        }
    }

    /// The same, with an argument.
    #[must_use]
    pub fn with_body(mut self, content_type: impl Into<ContentType>, body: impl Into<Vec<u8>>) -> Command {
        self.content_type = content_type.into();
        self.body = body.into();
        self
    }
}

/// The path that a person's `echo`, `a.b.c` or `/a/b/c` means: `/echo`, `/a/b/c`, `/a/b/c`.
///
/// ```
/// use homing_core::normal_path;
/// assert_eq!(normal_path("a.b.c"), "/a/b/c");
/// assert_eq!(normal_path("/files/a.txt"), "/files/a.txt");
/// ```
pub fn normal_path(path: &str) -> String {
    if path.starts_with('/') { path.to_string() } else { alloc::format!("/{}", path.replace('.', "/")) }
}

/// The answer to a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The result's media type.
    pub content_type: ContentType,
    /// The result.
    pub body: Vec<u8>,
}

impl Response {
    /// A result of any type.
    pub fn new(content_type: impl Into<ContentType>, body: impl Into<Vec<u8>>) -> Response {
        Response { content_type: content_type.into(), body: body.into() }
    }

    /// A result as JSON text.
    pub fn json(json: impl Into<String>) -> Response {
        Response::new("application/json", json.into().into_bytes())
    }
}

/// A call of ours; the id of its requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub MessageId);

/// A request to us that is to be answered. A number of this node, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub(crate) u64);

/// Why a command of the application was not carried out. Nothing has changed then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// This node is not in that network now; it may be trying to come back.
    NotConnected(Network),
    /// No network of this node leads there.
    NoRoute,
    /// Enough waits on the link already ([`ahead`](crate::Limits::ahead), [`queue`](crate::Limits::queue)). Try again when
    /// some of it was written.
    Full,
    /// The letter is larger than the link takes.
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// As many as the limit allows are under way already.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// What is given cannot be sent; why.
    Invalid(String),
    /// There is no such call, request or uplink, or not any more.
    Unknown,
    /// The node is shutting down.
    Stopped,
}

impl SendError {
    /// The nearest reason code, for programs that report by number.
    pub fn reason(&self) -> Reason {
        match self {
            SendError::NotConnected(_) => Reason::UNREACHABLE,
            SendError::NoRoute => Reason::NO_ROUTE,
            SendError::Full | SendError::TooMany { .. } => Reason::QUEUE_FULL,
            SendError::TooLarge { .. } => Reason::TOO_LARGE,
            SendError::Invalid(_) => Reason::MALFORMED,
            SendError::Unknown => Reason::NOT_FOUND,
            SendError::Stopped => Reason::FINISHED,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::NotConnected(network) => write!(f, "not connected to the network {network}"),
            SendError::NoRoute => f.write_str("no network of this node leads there"),
            SendError::Full => f.write_str("the queue is full: wait until some of it was sent"),
            SendError::TooLarge { size, limit } => {
                write!(f, "{size} bytes with the head, but one message takes {limit}: send it in parts")
            }
            SendError::TooMany { what, limit } => write!(f, "{limit} {what} are under way already"),
            SendError::Invalid(why) => f.write_str(why),
            SendError::Unknown => f.write_str("there is no such thing, or not any more"),
            SendError::Stopped => f.write_str("this node is shutting down"),
        }
    }
}

impl core::error::Error for SendError {}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Failure {
        Failure { reason: error.reason(), text: error.to_string() }
    }
}
