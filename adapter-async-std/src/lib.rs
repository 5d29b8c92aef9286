//! Homing for existing programs on [async-std](https://docs.rs/async-std); new ones take `homing-smol` or
//! `homing-tokio`: async-std is discontinued
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)).
//!
//! It binds async-std to `homing-futures`: streams ([`AsyncStdNet`]) and the timer ([`AsyncStdTimer`]). The
//! rest is the same for every executor, and so the way from here to another is the name of a crate.
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
