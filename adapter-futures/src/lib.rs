//! Homing for any executor: one driver over `futures-io`, and the handle.
//!
//! An executor is bound to it by two small traits, [`Net`] and [`Timer`], and by spawning what
//! starting a peer gives back.

#![forbid(unsafe_code)]

pub mod bind;
mod net;
mod timer;

pub use homing_adapter::{Endpoint, Error, Options};
pub use net::Net;
pub use timer::Timer;
