//! Homing for programs on [smol](https://docs.rs/smol).
//!
//! It binds smol to `homing-futures`: streams ([`SmolNet`]) and the timer ([`SmolTimer`]). The rest is
//! the same for every executor.
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
