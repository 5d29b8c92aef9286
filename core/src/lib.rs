//! The pure state machine of Homing.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod key;
mod time;

pub use key::{KeyError, PeerId, Seed, StaticKey};
pub use time::{Deadline, Instant, Timer};
