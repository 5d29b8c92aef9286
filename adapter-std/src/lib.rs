//! Homing for blocking programs: secure messaging between named peers.
//!
//! A [`Peer`] is a node that serves thousands of links from one readiness loop: TCP, Unix sockets, and
//! streams within the process. Whoever waits for something runs the loop meanwhile, and a thread of the
//! peer's own while nobody waits. Handles are cheap to clone and usable from many threads. Everything that the protocol does is done by [`homing_core::Node`]; this
//! crate moves its bytes and keeps its time.
//!
//! ```
//! use std::time::Duration;
//! use homing_std::{Config, Dial, Event, Message, Options, Peer, Receipts, Seed, Serving, StaticKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let patience = Duration::from_secs(10);
//! // A hub for the network "home", open to everybody. A real one loads its key from a file.
//! let mut options = Options::new(StaticKey::generate(&Seed::from_bytes([1; 32])));
//! options.config.serving =
//!     Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
//! let hub = Peer::start(options)?;
//! let target = hub.listen(&"127.0.0.1:0".parse()?)?.to_string();
//!
//! // Two peers join it.
//! let join = |name: &str, seed| -> Result<Peer, Box<dyn std::error::Error>> {
//!     let peer = Peer::start(Options::new(StaticKey::generate(&Seed::from_bytes([seed; 32]))))?;
//!     let invite = format!("homing://{}@{target}/home", hub.peer_id()).parse()?;
//!     peer.connect(Dial::invite(&invite, name.parse()?), patience)?;
//!     Ok(peer)
//! };
//! let (ada, bob) = (join("ada", 2)?, join("bob", 3)?);
//!
//! // One sends, the other receives.
//! ada.send_and_wait(&"bob@home".parse()?, Message::text("hello"), Receipts::Received, patience)?;
//! let received = bob.events().find_map(|event| match event {
//!     Event::Message(message) => Some(message),
//!     _ => None,
//! });
//! assert_eq!(received.ok_or("closed")?.body, "hello");
//! ada.close(patience)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What the loop promises
//!
//! - A link that is busy holds up no other: each is read at most 64 KiB at a time, in turn.
//! - When the application does not take its messages, their senders wait, and nothing is lost.
//! - An idle peer sleeps: it wakes for heartbeats alone ([`Handle::wakeups`]).
//! - What is sent is written at once, or within about a quarter of a millisecond by whoever sends faster
//!   than every 50 µs: then many messages share a record. Who has many says so with [`Peer::send_many`], and takes them with
//!   [`Events::next_batch`]: each costs less then.
//! - No fault of a neighbour, and no lack of file descriptors, ends it.

#![forbid(unsafe_code)]

mod dial;
mod engine;
mod listener;
mod peer;
mod serving;
mod sleeper;
mod stream;
mod waiting;

pub use homing_adapter::{
    Batch, Delivery, Endpoint, EndpointError, Error, Forget, Handle, Joined, Journal, Options, Store,
    Summary, create_key, key_file, load_key,
};
pub use homing_core::{
    Address, AddressError, Bytes, CallId, CallOutcome, CloseReason, ClosedBy, Command, Config, Dial, Event,
    Failure, Heartbeat, Instance, Invite, Limits, LinkId, Message, MessageId, Method, Name, Network,
    NetworkInfo, Pattern, PeerId, PeerInfo, Priority, Reason, Receipts, Received, ReceivedHead, Request,
    RequestId, Response, Seed, SendError, Serving, Stage, StaticKey, UplinkId, Why, normal_path,
};
pub use peer::Peer;
pub use waiting::{Answers, Events, Tracking};
