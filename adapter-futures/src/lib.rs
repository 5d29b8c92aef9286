//! Homing for any executor: one driver over `futures-io`, and the handle.
//!
//! Programs on smol or tokio take `homing-smol` or `homing-tokio`, which are bindings of this crate; for
//! programs on async-std there is `homing-async-std`. This crate is for who writes another binding, and it
//! is where the documentation of [`Peer`] is at home.
//!
//! An executor is bound by three things, each a few lines:
//!
//! - [`Net`]: connects and listens, and gives streams with the traits of `futures-io`;
//! - [`Timer`]: one timer, which is armed again and again;
//! - spawning the two futures that [`start`] gives back beside the [`Peer`]: the [`Driver`], without which
//!   nothing happens, and the [`Server`], without which no command of the application is answered.
//!
//! Nothing here needs a particular executor or starts one. (A thread is started for one thing: a
//! [`Store`] that is asked to keep something, as that may block.) The handle and the server are `Send`; the
//! driver is when the `Net`, its types and the `Timer` are.
//!
//! # A binding, whole
//!
//! `Endpoint::Unix` is left out; [`bind::bind_unix`] is for that. The page in `adapter-smol/src/net.rs` has both.
//!
#![doc = concat!("```\n", include_str!("../examples/own_executor.rs"), "```")]
//!
//! # What is promised
//!
//! To programs:
//!
//! - A future that is dropped loses nothing, at any moment: each method of [`Peer`] says what that means.
//! - Times are kept by the driver's one timer. No call needs a timer of the caller's executor, and so a
//!   handle can be used from any task or thread.
//! - When the application does not take its messages, their senders wait, and nothing is lost.
//! - A link that is busy holds up no other: each is read at most 64 KiB at a time, in turn. After four turns
//!   in which there was always more to do, the driver yields.
//! - An idle node's tasks are not polled, but for its heartbeats ([`Handle::wakeups`]).
//! - When the last handle is dropped, the node says goodbye, as long as its driver is run.
//!
//! To executors:
//!
//! - The driver never blocks. What has answered `Pending` (a stream's reading, its writing, a listener) is
//!   polled again when its waker was called, and not before; but for a stream that is being closed.
//! - It polls the timer each time that it has armed it, and before it waits for it: see [`Timer`].
//! - Dropping the driver is a crash: sockets are closed without a goodbye, and handles find the node closed.

#![forbid(unsafe_code)]

pub mod bind;
mod driver;
mod listening;
mod net;
mod peer;
mod polled;
mod server;
mod system;
mod timer;

pub use driver::Driver;
pub use homing_adapter::{
    Answers, Batch, Delivery, Endpoint, EndpointError, Error, Events, Forget, Handle, Joined, Journal,
    Options, Store, Summary, Tracking, create_key, key_file, load_key,
};
pub use homing_core::{
    Address, AddressError, Bytes, CallId, CallOutcome, CloseReason, ClosedBy, Command, Config, Dial, Event,
    Failure, Heartbeat, Instance, Invite, Limits, LinkId, Message, MessageId, Method, Name, Network,
    NetworkInfo, Pattern, PeerId, PeerInfo, Priority, Reason, Receipts, Received, ReceivedHead, Request,
    RequestId, Response, Seed, SendError, Serving, Stage, StaticKey, UplinkId, Why, normal_path,
};
pub use net::Net;
pub use peer::{Peer, start};
pub use server::Server;
pub use timer::Timer;
