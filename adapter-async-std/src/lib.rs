//! Homing for existing programs on [async-std](https://docs.rs/async-std); new ones take `homing-smol` or
//! `homing-tokio`: async-std is discontinued
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)).
//!
//! A [`Peer`] is a node: secure messaging between named peers. [`start`] makes one, whose driver and
//! handlers run as tasks of async-std's executor. Handles are cheap to clone and usable from any task or
//! thread, of other executors too.
//!
//! ```
//! use std::time::Duration;
//!
//! use homing_async_std::{
//!     Dial, Event, Message, Options, Receipts, Seed, Serving, StaticKey, start,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     async_std::task::block_on(async {
//!         let patience = Duration::from_secs(10);
//!         // A hub for the network "home", open to everybody. A real one loads its key from a file.
//!         let options = |seed| Options::new(StaticKey::generate(&Seed::from_bytes([seed; 32])));
//!         let mut of_hub = options(1);
//!         of_hub.config.serving =
//!             Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
//!         let hub = start(of_hub)?;
//!         let target = hub.listen(&"127.0.0.1:0".parse()?).await?;
//!
//!         // Two peers join it.
//!         let invite = format!("homing://{}@{target}/home", hub.peer_id()).parse()?;
//!         let (ada, bob) = (start(options(2))?, start(options(3))?);
//!         ada.connect(Dial::invite(&invite, "ada".parse()?), patience).await?;
//!         bob.connect(Dial::invite(&invite, "bob".parse()?), patience).await?;
//!
//!         // One sends, the other receives.
//!         ada.send_and_wait(&"bob@home".parse()?, Message::text("hello"), Receipts::Received, patience).await?;
//!         let events = bob.events();
//!         while let Some(event) = events.next_event().await {
//!             if let Event::Message(message) = event {
//!                 assert_eq!(message.body, "hello");
//!                 break;
//!             }
//!         }
//!         for peer in [ada, bob, hub] {
//!             peer.close(patience).await?;
//!         }
//!         Ok(())
//!     })
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
//! - When the last handle is dropped, the node says goodbye in the background; a program that ends
//!   at once cuts that off, and [`close`](Peer::close) waits for it.
//!
//! The same suite tries this for every adapter: docs/CONFORMANCE.md. `docs/ADAPTERS.md` sets them side by side.
//!
//! # What is here
//!
//! The binding of async-std to `homing-futures`: streams ([`AsyncStdNet`]) and the timer ([`AsyncStdTimer`]).
//! The rest is the same for every executor, and is said there; and so the way from here to another is the
//! name of a crate.
//!
//! # Which features
//!
//! None of its own. Of async-std it takes `default`, without which that has neither sockets nor tasks;
//! not `unstable`, not `attributes`.

#![forbid(unsafe_code)]

mod net;
mod stream;
mod timer;

pub use homing_futures::*;
pub use net::AsyncStdNet;
pub use stream::Stream;
pub use timer::AsyncStdTimer;

/// Starts a node, whose driver and handlers run as tasks of async-std's executor.
///
/// # Errors
/// [`Error::Io`] when the system has no randomness, or the store cannot be read;
/// [`Error::Entry`] when the node cannot make sense of what it holds.
pub fn start(options: Options) -> Result<Peer, Error> {
    let (peer, driver, server) = homing_futures::start(options, AsyncStdNet, AsyncStdTimer::default())?;
    async_std::task::spawn(driver);
    async_std::task::spawn(server);
    Ok(peer)
}
