//! One byte stream to a neighbour: handshake, session, heartbeat, lanes, flow, rekeying.
//!
//! A [`Connection`] is a state machine of its own: fuzzers and protocol tests drive it without a node.

mod backlog;
mod connection;
mod draft;
mod flow;
mod goodbye;
mod handshake;
mod id;
mod lanes;
mod output;
mod pulse;
mod record;
pub mod session;

pub(crate) use connection::Came;
pub use connection::{Asked, Connection, ConnectionEvent, Initiator, Joined, Plain, Responder, Step};
pub(crate) use draft::Draft;
pub use flow::{Origin, Sent, Went};
pub(crate) use flow::{envelope_cost, runs};
pub use id::LinkId;
pub(crate) use lanes::{LaneKind, SharedFrame};
pub(crate) use output::AT_ONCE;
