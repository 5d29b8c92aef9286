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

pub use net::{Stream, TokioNet};
pub use timer::TokioTimer;
