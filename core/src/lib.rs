//! The pure state machine of Homing.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address;
pub mod crypto;
mod invite;
mod key;
mod limits;
pub mod link;
mod node;
mod noise;
mod reason;
mod time;
pub mod wire;

pub use address::{Address, AddressError, Instance, Name, Network, Pattern};
pub use invite::{DEFAULT_PORT, Invite, InviteError};
pub use key::{KeyError, PeerId, Seed, StaticKey};
pub use limits::{Heartbeat, Limits};
pub use node::{
    Action, CallId, CallOutcome, Command, Config, Dial, EntryError, Event, Input, LinkId, Message,
    NetworkInfo, Node, PeerInfo, Received, Request, RequestId, Response, Route, SendError, Serving, Stage,
    StoreId, UplinkId, Why, normal_path,
};
pub use noise::Suite;
pub use reason::{CloseReason, ClosedBy, Failure, Reason};
pub use time::{Deadline, Instant, Timer};
pub use wire::letter::Method;
pub use wire::{MessageId, Priority, Receipts};
