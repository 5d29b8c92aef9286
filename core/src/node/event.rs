//! What the application is told.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::time::Duration;

use bytes::Bytes;

use crate::link::LinkId;
use crate::node::dial::UplinkId;
use crate::node::message::{CallId, RequestId, Response};
use crate::wire::letter::{ContentType, Method};
use crate::wire::{MessageId, Receipts};
use crate::{Address, CloseReason, Failure, Instant, Network, PeerId};

/// Something that happened to a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// This node is in a network now.
    Up {
        /// Which [`Dial`](crate::Dial) it is.
        uplink: UplinkId,
        /// Who this node is there.
        address: Address,
        /// Who let it in.
        hub: Address,
        /// The key of who let it in, proven.
        hub_key: PeerId,
    },
    /// This node is not, or not any more, in a network. Nothing is known of its peers from now on; when
    /// it is [`Up`](Event::Up) again, each that is there is told anew.
    Down {
        /// Which [`Dial`](crate::Dial) it is.
        uplink: UplinkId,
        /// Which network.
        network: Network,
        /// Why.
        why: CloseReason,
        /// When it will be tried again; never, when there is none: this uplink is no more.
        retry: Option<Instant>,
    },
    /// A peer came into a network that this node is in.
    PeerUp {
        /// Who.
        peer: PeerInfo,
    },
    /// A peer left.
    PeerDown {
        /// Who.
        peer: PeerInfo,
    },
    /// A newcomer was admitted to the network that this node serves.
    LinkUp {
        /// On which link.
        link: LinkId,
        /// Under which address.
        address: Address,
        /// With which key, proven.
        key: PeerId,
    },
    /// A link that somebody else dialed has ended.
    LinkDown {
        /// Which link.
        link: LinkId,
        /// Who was admitted on it, if anybody.
        address: Option<Address>,
        /// Why it ended.
        why: CloseReason,
    },
    /// A message arrived. Who sends with [`Receipts::Consumed`] waits to hear that it was dealt with:
    /// say so with [`Node::consume`](crate::Node::consume).
    Message(Received),
    /// Somebody calls a command that this node [serves](crate::Node::serve). To be answered with
    /// [`Node::respond`](crate::Node::respond); when it is not, in time, the caller is told so.
    Request(Box<Request>),
    /// Nobody waits for the answer any more: the caller gave up, is gone, or was told that it took
    /// too long. The number means nothing from now on.
    RequestEnded {
        /// Which one.
        request: RequestId,
    },
    /// News of a message of ours.
    Receipt {
        /// Which one.
        id: MessageId,
        /// Who says so; this node itself, when there is none.
        from: Option<Address>,
        /// What happened.
        stage: Stage,
    },
    /// Somebody answered a call of ours.
    Answer {
        /// Which call.
        call: CallId,
        /// Whose answer it is; when a hub or this node itself says that there will be none, who was asked.
        from: Address,
        /// The answer, or why there is none.
        response: Result<Response, Failure>,
    },
    /// A call of ours has ended; nothing more comes of it.
    CallEnded {
        /// Which call.
        call: CallId,
        /// How.
        outcome: CallOutcome,
        /// How many answered.
        answered: u32,
        /// How many were asked, as far as it is known.
        asked: u32,
    },
    /// After [`Node::shutdown`](crate::Node::shutdown): every link is closed.
    Stopped,
}

/// A peer in a network's roster: one node, under one instance of its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerInfo {
    /// Its full address, with its instance.
    pub address: Address,
    /// Its key, as the hub says.
    pub key: PeerId,
    /// Among instances of one name the highest gets what is for the name; one below zero gets only
    /// what names it.
    pub priority: i8,
}

/// A message for this node: its id, its content, and what it has in common with others of its sender. The latter reads
/// like fields of its own: `message.from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// Its id.
    pub id: MessageId,
    /// The content. It may share memory with what came beside it, in most cases up to 16 KiB and never more than 64: of what
    /// is to be kept for long after them, keep a copy (`to_vec`).
    pub body: Bytes,
    /// All the rest.
    pub head: Arc<ReceivedHead>,
}

/// What messages of one sender can have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceivedHead {
    /// The sender, as the hub vouches.
    pub from: Address,
    /// The address it was sent to: this node's, or everybody's.
    pub to: Address,
    /// The body's media type.
    pub content_type: ContentType,
    /// What the sender's application added.
    pub metadata: BTreeMap<String, String>,
    /// Which receipts the sender wants. When it is [`Receipts::Consumed`], call
    /// [`Node::consume`](crate::Node::consume) once it is dealt with.
    pub receipts: Receipts,
}

impl Deref for Received {
    type Target = ReceivedHead;

    fn deref(&self) -> &ReceivedHead {
        &self.head
    }
}

/// A command for this node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// To be named in the answer.
    pub request: RequestId,
    /// Who calls, as the hub vouches.
    pub from: Address,
    /// The path, as it is served.
    pub path: String,
    /// What to do there.
    pub method: Method,
    /// The argument's media type.
    pub content_type: ContentType,
    /// The argument.
    pub body: Vec<u8>,
    /// How long the caller waits, at most.
    pub patience: Duration,
}

/// What became of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The hub took it.
    Accepted,
    /// It was passed on to the recipient's link; for everybody, to this many.
    Dispatched {
        /// How many.
        count: u32,
    },
    /// The recipient's node has it.
    Received,
    /// The recipient's application has dealt with it.
    Consumed,
    /// It was not delivered; or, when the reason says so, that is not known.
    Failed(Failure),
}

impl Stage {
    /// The word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Stage::Accepted => "accepted",
            Stage::Dispatched { .. } => "dispatched",
            Stage::Received => "received",
            Stage::Consumed => "consumed",
            Stage::Failed(_) => "failed",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// Everybody who was asked has answered.
    Complete,
    /// The time was up before.
    TimedOut,
    /// It was [cancelled](crate::Node::cancel).
    Cancelled,
}
