//! # Homing, simulated
//!
//! Real nodes and your own application in one thread, on a virtual clock, over links that delay, cut, stall and
//! break: a thousand runs, each from one number, and a run that fails can be repeated. `docs/GUIDE.md` goes from an
//! application to its first bug, and out of it.
//!
//! ```
//! use homing_core::Message;
//! use homing_sim::{Cx, Fact, Handler, Invariant, Scene, Simulation, app, hub, idle, member};
//!
//! /// Tells bob whenever somebody uses it.
//! struct Ada;
//!
//! impl Handler for Ada {
//!     fn poke(&mut self, cx: &mut Cx<'_>, _number: u64) {
//!         let bob = "bob@home".parse().expect("an address");
//!         if cx.send(&bob, Message::text("hello")).is_ok() {
//!             cx.note("sent", 1);
//!         }
//!     }
//! }
//!
//! /// Counts what it is told.
//! struct Bob;
//!
//! impl Handler for Bob {
//!     fn message(&mut self, cx: &mut Cx<'_>, message: &homing_core::Received) {
//!         // Not the messages by which a world sees, at its end, that everybody can be reached.
//!         if message.body == b"hello" {
//!             cx.note("got", 1);
//!         }
//!         cx.consume(message);
//!     }
//! }
//!
//! /// Bob never gets more than was sent.
//! #[derive(Default)]
//! struct NoMore(i64);
//!
//! impl Invariant for NoMore {
//!     fn name(&self) -> &'static str {
//!         "no-more"
//!     }
//!
//!     fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
//!         self.0 += fact.noted("sent").unwrap_or(0) - fact.noted("got").unwrap_or(0);
//!         if self.0 < 0 { Err("more arrived than was sent".into()) } else { Ok(()) }
//!     }
//! }
//!
//! let simulation = Simulation::new("hello", |_| {
//!     vec![
//!         hub("hub@home", idle()),
//!         member("ada@home", 1, app(|_| Ada)),
//!         member("bob@home", 2, app(|_| Bob)),
//!     ]
//! });
//! simulation.invariant(NoMore::default).run(0..10).assert_clean();
//! ```
//!
//! # What is here
//!
//! | you want to | look at |
//! |---|---|
//! | write the application | [`Handler`], told things; [`Cx`], what it can do; [`Disk`], what survives a crash |
//! | say which machines there are | [`hub`], [`member`], [`app`], [`idle`]; [`HostSpec`] for all else |
//! | say what must hold | [`Invariant`], which is shown each [`Fact`] in its [`Scene`]; those of Homing: [`invariants`] |
//! | run many seeds | [`Simulation`], whose [`Report`] has the [`Failed`] run, if there is one |
//! | know or change what happens in a run | [`Plan`]: data, of [`Step`]s; [`Fault`]s come in [`Class`]es |
//! | tell one story by hand | [`World`], with its [`Conditions`]; each machine has a [`Clock`] |
//! | be random, and repeatable | [`Chooser`] |
//! | know what the runs have reached | [`Sometimes`], of [`Situation`]s |
//! | see a run as a page | [`html::page`] |
//! | see Homing itself tried | [`scenarios`], run by [`Worker`]s; [`vectors`]; [`fuzz`] |
//!
//! # A seed that fails
//!
//! [`Report::assert_clean`] ends the test with the seed, what was wrong, the last that happened, and a test to paste.
//! [`Simulation::run_seed`] runs the seed again. A seed means the same run only while program and simulation stay as they
//! are; a [`Plan`] is what to keep: it is JSON, it was made as small as possible, and [`Simulation::run_plan`] runs
//! it. [`Simulation::tell`] gives its whole [`Story`].

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
pub use spec::{app, dial, fake, hub, idle, member, tight};
pub use story::Story;
pub use worker::Worker;
pub use world::World;
