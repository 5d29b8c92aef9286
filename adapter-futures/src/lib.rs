//! Homing for any executor: one driver over `futures-io`, and the handle.
//!
//! An executor is bound to it by two small traits, [`Net`] and [`Timer`], and by spawning what
//! starting a peer gives back.

#![forbid(unsafe_code)]

pub mod bind;
mod driver;
mod listening;
mod net;
mod peer;
mod polled;
mod server;
mod system;
mod timer;

pub use driver::Driver;
pub use homing_adapter::{
    Answers, Delivery, Endpoint, EndpointError, Error, Events, Forget, Handle, Joined, Journal, Options,
    Store, Summary, Tracking, create_key, key_file, load_key,
};
pub use homing_core::{
    Address, AddressError, CallId, CallOutcome, CloseReason, ClosedBy, Command, Config, Dial, Event, Failure,
    Heartbeat, Instance, Invite, Limits, LinkId, Message, MessageId, Method, Name, Network, NetworkInfo,
    Pattern, PeerId, PeerInfo, Priority, Reason, Receipts, Received, Request, RequestId, Response, Seed,
    SendError, Serving, Stage, StaticKey, UplinkId, Why, normal_path,
};
pub use net::Net;
pub use peer::{Peer, start};
pub use server::Server;
pub use timer::Timer;
