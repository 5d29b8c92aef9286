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

pub use net::{SmolNet, Stream};
pub use timer::SmolTimer;
