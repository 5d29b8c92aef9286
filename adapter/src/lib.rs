//! What every adapter of Homing is made of, whatever it waits with.
//!
//! An adapter binds a [`Node`](homing_core::Node) to sockets, a clock and an application. What that
//! takes is here once: the [`Driver`], which moves bytes and keeps time but never waits; the
//! [`Handle`], which asks the node for things; the futures of all that a program waits for
//! ([`Connecting`], [`Requesting`] ..); the application's queues; streams within the process. An
//! adapter adds how to wait: `homing-std` blocks a thread, `homing-futures` wakes a task.
//!
//! Programs use one of those. This crate is for who writes another.

#![forbid(unsafe_code)]

mod batch;
mod driver;
mod endpoint;
mod error;
mod handle;
mod inbox;
mod journal;
mod key_file;
mod mailbox;
mod memory;
mod options;
mod requests;
mod shared;
mod store;
mod sync;
mod wait;

pub use batch::Batch;
pub use driver::{Driver, Listener, Rest, Slot, Stream, System};
pub use endpoint::{Endpoint, EndpointError};
pub use error::Error;
pub use handle::{Handle, Made};
pub use journal::Journal;
pub use key_file::{create_key, key_file, load_key};
pub use mailbox::{Mailbox, Way};
pub use options::Options;
pub use requests::{Commands, panicked, respond};
pub use shared::{Shared, State};
pub use store::{Forget, Store};
pub use wait::{
    Alarm, Answers, Calling, Closing, Connecting, Delivering, Delivery, Events, Joined, NextBatch, NextEvent,
    Patient, Requesting, Sending, Submitting, Summary, Timed, Tracking,
};
