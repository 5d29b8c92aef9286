//! # Homing, simulated
//!
//! Real nodes and your own application in one thread, on a virtual clock, over links that delay, cut, stall and
//! break: a thousand runs, each from one number, and a run that fails can be repeated.

mod chooser;
mod clock;
mod conditions;
mod digest;
mod fact;
pub mod fuzz;
mod handler;
mod host;
pub mod html;
mod invariant;
pub mod invariants;
mod network;
mod plan;
mod run;
pub mod scenarios;
mod sometimes;
mod spec;
mod story;
pub mod vectors;
mod worker;
mod world;

pub use chooser::Chooser;
pub use clock::Clock;
pub use conditions::Conditions;
pub use fact::{Fact, HostId, Identity, What};
pub use handler::{Cx, Disk, Handler, Idle};
pub use host::{HostSpec, Maker, key_of};
pub use invariant::{Invariant, Scene, Violation};
pub use plan::{Class, Deed, Fault, Plan, Step};
pub use run::{Failed, Outcome, Report, Simulation};
pub use sometimes::{Situation, Sometimes};
pub use spec::{dial, fake, hub, member, tight};
pub use story::Story;
pub use worker::Worker;
pub use world::World;
