//! Homing for programs on [tokio](https://docs.rs/tokio).
//!
//! A [`Peer`] is a node: secure messaging between named peers. [`start`] makes one, whose driver and
//! handlers run as tasks of the runtime that it is called in. Handles are cheap to clone and usable from any
//! task or thread, also outside of the runtime.
//!
//! ```
//! use std::time::Duration;
//!
//! use homing_tokio::{
//!     Dial, Event, Message, Options, Receipts, Seed, Serving, StaticKey, start,
//! };
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let patience = Duration::from_secs(10);
//!     // A hub for the network "home", open to everybody. A real one loads its key from a file.
//!     let options = |seed| Options::new(StaticKey::generate(&Seed::from_bytes([seed; 32])));
//!     let mut of_hub = options(1);
//!     of_hub.config.serving =
//!         Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
//!     let hub = start(of_hub)?;
//!     let target = hub.listen(&"127.0.0.1:0".parse()?).await?;
//!
//!     // Two peers join it.
//!     let invite = format!("homing://{}@{target}/home", hub.peer_id()).parse()?;
//!     let (ada, bob) = (start(options(2))?, start(options(3))?);
//!     ada.connect(Dial::invite(&invite, "ada".parse()?), patience).await?;
//!     bob.connect(Dial::invite(&invite, "bob".parse()?), patience).await?;
//!
//!     // One sends, the other receives.
//!     ada.send_and_wait(&"bob@home".parse()?, Message::text("hello"), Receipts::Received, patience).await?;
//!     let events = bob.events();
//!     while let Some(event) = events.next_event().await {
//!         if let Event::Message(message) = event {
//!             assert_eq!(message.body, "hello");
//!             break;
//!         }
//!     }
//!     for peer in [ada, bob, hub] {
//!         peer.close(patience).await?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What is promised
//!
//! - A future that is dropped loses nothing, at any moment: each method of [`Peer`] says what that means.
//!   Events are taken when they are given.
//! - When the application does not take its messages, their senders wait, and nothing is lost.
//! - A link that is busy holds up no other, and a node that is busy yields to other tasks.
//! - An idle peer sleeps: its driver wakes for heartbeats alone ([`Handle::wakeups`]).
//! - No fault of a neighbour, no panic of a handler and no lack of file descriptors ends it.
//! - When the last handle is dropped, the node says goodbye in the background; the end of the
//!   runtime, as that of `main`, cuts that off, and [`close`](Peer::close) waits for it.
//!
//! The same suite tries this for every adapter: docs/CONFORMANCE.md. `docs/ADAPTERS.md` sets them side by side.
//!
//! # What is here
//!
//! The binding of tokio to `homing-futures`: streams ([`TokioNet`]) and the timer ([`TokioTimer`]). The rest
//! is the same for every executor, and is said there.
//!
//! # Which features
//!
//! None of its own. Of tokio it takes `net`, `rt` and `time`; whether tasks run on one thread or on many
//! (`rt-multi-thread`) is your choice, and nothing is asked of tokio that only one of them has. The runtime
//! must have its IO and its time enabled (`enable_all`), and all of this must be used within it.

#![forbid(unsafe_code)]

mod net;
mod timer;

use std::io;

use tokio::task::unconstrained;

pub use homing_futures::*;
pub use net::{Stream, TokioNet};
pub use timer::TokioTimer;

/// Starts a node, whose driver and handlers run as tasks of the runtime that this is called in.
///
/// # Errors
/// [`Error::Io`] when this is called outside of a runtime, the system has no randomness, or the store cannot be read;
/// [`Error::Entry`] when the node cannot make sense of what it holds.
pub fn start(options: Options) -> Result<Peer, Error> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|e| Error::Io(io::Error::other(e)))?;
    let (peer, driver, server) = homing_futures::start(options, TokioNet, TokioTimer::default())?;
    // It yields by itself, after as much as is ready; the runtime's own measure would make it find
    // streams not ready that are.
    runtime.spawn(unconstrained(driver));
    runtime.spawn(server);
    Ok(peer)
}

/// The examples of the README compile, and those that can run do. Here, because all the crates are at hand that
/// they name.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
