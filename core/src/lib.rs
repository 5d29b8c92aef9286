//! # Homing, the pure state machine
//!
//! Secure messaging between named peers: everything that decides, and nothing that waits. A [`Node`] is
//! one identity with any number of links. It is told what happened, and asked what is to be done; it
//! has no clock, no randomness of its own, no socket and no thread. Whoever drives it, on whatever
//! executor or in a simulation, gets the same behaviour to the byte.
//!
//! Most programs want an adapter, such as `homing-std`, which drives a node and offers blocking calls.
//! This crate is for whoever writes one, and for whoever has an event loop already.
//!
//! ## The driver's law
//!
//! **Input or command → [`poll_action`](Node::poll_action) until `None` → write what is
//! [`pending`](Node::pending), read at most [`read_budget`](Node::read_budget) → arm one timer at
//! [`next_deadline`](Node::next_deadline) → wait.**
//!
//! That is the whole contract, and this is the loop. Here a hub and a peer share one thread and two
//! buffers instead of a socket; where it says "wait", a real driver waits for readiness or the timer.
//!
//! ```
//! use std::sync::Arc;
//! use homing_core::{
//!     Action, Address, Config, Dial, Event, Input, Instant, LinkId, Message, Node, Receipts, Seed, Serving,
//!     StaticKey,
//! };
//!
//! /// A node and the one stream it has here.
//! struct Driver {
//!     node: Node,
//!     link: LinkId,
//!     outgoing: Vec<u8>,
//! }
//!
//! impl Driver {
//!     /// The driver's law. Gives back what the application wants to know.
//!     fn drain(&mut self, now: Instant) -> Vec<Event> {
//!         let mut events = Vec::new();
//!         while let Some(action) = self.node.poll_action() {
//!             match action {
//!                 // Open a stream: here it is there at once.
//!                 Action::Dial { link, .. } => self.node.handle(now, Input::Dialed { link }),
//!                 // Write as much as the stream takes, and say how much that was.
//!                 Action::Write { link } => loop {
//!                     let n = self.node.pending(link).len();
//!                     if n == 0 {
//!                         break;
//!                     }
//!                     self.outgoing.extend_from_slice(self.node.pending(link));
//!                     self.node.handle(now, Input::Wrote { link, n });
//!                 },
//!                 Action::Close { .. } => {}
//!                 // Make it durable, then say so; who keeps nothing says so at once.
//!                 Action::Store { id, .. } => self.node.handle(now, Input::Stored { id, ok: true }),
//!                 Action::Event(event) => events.push(event),
//!             }
//!         }
//!         events
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::ZERO; // a real driver reads its clock at each turn
//! let seed = |n| Seed::from_bytes([n; 32]); // a real one takes the system's randomness
//!
//! // A hub, which lets in whoever comes, and a peer, which dials it.
//! let serving = Serving { address: "hub@home".parse()?, open: true, allow: Default::default() };
//! let hub_config = Config { serving: Some(serving), ..Config::new() };
//! let hub = Node::new(now, StaticKey::generate(&seed(1)), seed(2), Arc::new(hub_config));
//! let mut ada = Node::new(now, StaticKey::generate(&seed(3)), seed(4), Arc::new(Config::new()));
//! ada.dial(now, Dial {
//!     target: "anywhere".into(),
//!     network: "home".parse()?,
//!     pin: Some(hub.peer_id()),
//!     name: Some("ada".parse()?),
//!     instance: None,
//!     priority: 0,
//!     redial: false,
//! })?;
//!
//! let accepted = LinkId::accepted(1);
//! let mut hub = Driver { node: hub, link: accepted, outgoing: Vec::new() };
//! hub.node.handle(now, Input::Accepted { link: accepted });
//! let Some(Action::Dial { link, .. }) = ada.poll_action() else { panic!("it dials") };
//! ada.handle(now, Input::Dialed { link });
//! let mut ada = Driver { node: ada, link, outgoing: Vec::new() };
//!
//! let mut received = None;
//! while received.is_none() {
//!     for event in ada.drain(now) {
//!         if let Event::Up { hub, .. } = event {
//!             let letter = Message::text("hello").with_receipts(Receipts::Received);
//!             ada.node.send(now, &hub, letter)?;
//!         }
//!     }
//!     for event in hub.drain(now) {
//!         if let Event::Message(message) = event {
//!             received = Some(message);
//!         }
//!     }
//!     // "Wait": bytes travel. A real driver reads no more than `read_budget` allows.
//!     let bytes = std::mem::take(&mut ada.outgoing);
//!     hub.node.handle(now, Input::Data { link: hub.link, bytes: &bytes });
//!     let bytes = std::mem::take(&mut hub.outgoing);
//!     ada.node.handle(now, Input::Data { link: ada.link, bytes: &bytes });
//! }
//! let message = received.unwrap();
//! assert_eq!((message.from.name(), &message.body[..]), ("ada", &b"hello"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! ## What a driver can rely on
//!
//! - The same seed and the same inputs give the same bytes and the same events, however the bytes are cut.
//! - [`Node::handle`] cannot fail: a fault of a neighbour ends that neighbour's link, for a typed
//!   [`Reason`], and disturbs no other. A command that cannot be carried out says so by its
//!   [`SendError`] and changes nothing.
//! - After a drain the next deadline lies in the future, or there is none. A drain ends.
//! - Everything is bounded by [`Limits`]; [`Node::memory`] says what is held.
//! - Nothing that comes from outside makes it panic.
//!
//! The wire is specified in `docs/PROTOCOL.md`, the house is drawn in `docs/ARCHITECTURE.md`.
#![no_std]

extern crate alloc;
#[cfg(any(test, homing_planted))]
extern crate std;

#[cfg(homing_planted)]
#[macro_use]
pub mod planted;
/// A mistake that is made on purpose, in builds for it (`--cfg homing_planted`); in all others, `false`.
#[cfg(not(homing_planted))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

pub mod address;
mod buffer;
mod config;
pub mod crypto;
mod invite;
mod key;
mod limits;
pub mod link;
mod node;
mod noise;
mod pages;
mod queue;
mod reason;
mod time;
pub mod trace;
pub mod wire;

/// What the body of a [`Received`] message is in: bytes whose memory others may share.
pub use bytes::Bytes;

pub use address::{Address, AddressError, Instance, Name, Network, Pattern};
pub use config::{Config, Serving};
pub use invite::{DEFAULT_PORT, Invite, InviteError};
pub use key::{KeyError, PeerId, Seed, StaticKey};
pub use limits::{Heartbeat, Limits};
pub use link::LinkId;
pub use node::{
    Action, CallId, CallOutcome, Command, Dial, EntryError, Event, Input, Message, NetworkInfo, Node,
    PeerInfo, Received, ReceivedHead, Request, RequestId, Response, Route, SendError, Stage, StoreId,
    UplinkId, Why, normal_path,
};
pub use noise::Suite;
pub use reason::{CloseReason, ClosedBy, Failure, Reason};
pub use time::{Deadline, Instant, Timer};
pub use wire::letter::Method;
pub use wire::{MessageId, Priority, Receipts};
