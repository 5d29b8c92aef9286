//! What every adapter of Homing promises, tried over real sockets.
//!
//! An adapter moves the bytes of a [`homing_core::Node`] and keeps its time. Whatever it waits with, threads or
//! an executor, whoever uses it may rely on the same things; this crate tries them one by one. The
//! adapters of this project are put through it, and so can be yours. One that is built on `homing-futures` is
//! bound by its name and how a node is started, in a test:
//!
//! ```ignore
//! let adapter = homing_conformance::Awaiting::new("mine", my_adapter::start);
//! let report = homing_conformance::run(Box::leak(Box::new(adapter)));
//! println!("{report}");
//! assert!(report.failures().is_empty());
//! ```
//!
//! For any other, write an [`Adapter`] and a [`Subject`], which are plain blocking calls.
//!
//! [`run`] never panics and never hangs: a case that fails, panics or is not over in time is a row in
//! the [`Report`]. The reports of several adapters side by side are a table: [`page::to_markdown`].

#![forbid(unsafe_code)]

mod adapter;
mod awaiting;
mod blocking;
mod case;
mod cases;
mod dice;
mod lab;
mod node;
pub mod page;
mod proxy;
mod report;
mod run;
mod wait;

pub use adapter::{Adapter, Answers, Handler, Subject};
pub use awaiting::{Awaiting, Call, Calls, offload};
pub use blocking::{block_on, block_on_for};
pub use case::{Case, Outcome};
pub use cases::cases;
pub use report::{Report, Row};
pub use run::{Settings, run, run_with};
