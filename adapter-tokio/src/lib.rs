//! Homing for programs on [tokio](https://docs.rs/tokio).
//!
//! It binds tokio to `homing-futures`: streams ([`TokioNet`]) and the timer ([`TokioTimer`]). The rest is
//! the same for every executor.
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
