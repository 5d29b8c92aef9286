//! Homing for programs on [smol](https://docs.rs/smol).
//!
//! A [`Peer`] is a node: secure messaging between named peers. [`start`] makes one, whose driver and
//! handlers run as tasks of smol's global executor. Handles are cheap to clone and usable from any task
//! or thread, of other executors too.
//!
//! ```
//! use std::time::Duration;
//!
//! use homing_smol::{
//!     Dial, Event, Message, Options, Receipts, Seed, Serving, StaticKey, start,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     smol::block_on(async {
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
//! The binding of smol to `homing-futures`: streams ([`SmolNet`]) and the timer ([`SmolTimer`]). The rest is
//! the same for every executor, and is said there. Who runs an executor of smol's own, as `LocalExecutor`,
//! gives these two to [`homing_futures::start`] and spawns what it gives back.
//!
//! # Which features
//!
//! None; nor has smol any. What is needed of it, its sockets, timers and the executor of
//! [`smol::spawn`], starts its threads at first use: one that waits for sockets and timers, one that runs
//! tasks (`SMOL_THREADS` for more), and some that come and go to look host names up.

#![forbid(unsafe_code)]

mod net;
mod timer;

pub use homing_futures::*;
pub use net::{SmolNet, Stream};
pub use timer::SmolTimer;

/// Starts a node, whose driver and handlers run as tasks of smol's global executor.
///
/// # Errors
/// [`Error::Io`] when the system has no randomness, or the store cannot be read;
/// [`Error::Entry`] when the node cannot make sense of what it holds.
pub fn start(options: Options) -> Result<Peer, Error> {
    let (peer, driver, server) = homing_futures::start(options, SmolNet, SmolTimer::default())?;
    smol::spawn(driver).detach();
    smol::spawn(server).detach();
    Ok(peer)
}
