//! What a program waits for: room in a queue, events, receipts, answers, the end.
//!
//! Each is a future that can be dropped at any time, and that knows what to say when its time is up.
//! A blocking handle waits for it on its thread, an asynchronous one with the driver's timer
//! ([`Timed`]).

pub(crate) mod alarms;
mod answered;
mod calling;
mod closing;
mod connecting;
mod events;
pub(crate) mod pending;
mod progress;
mod sending;
mod submitting;
mod timed;
mod tracking;
pub(crate) mod watchers;

pub use alarms::Alarm;
pub use calling::{Answers, Calling, Requesting, Summary};
pub use closing::Closing;
pub use connecting::{Connecting, Joined};
pub use events::{Events, NextBatch, NextEvent};
pub use sending::{Delivering, Delivery, Sending};
pub use submitting::Submitting;
pub use timed::{Patient, Timed};
pub use tracking::Tracking;
