//! What a node was told, as a compact file, and the node run again from it.
//!
//! A node does what it is told and nothing else: the same seed and the same calls give the same bytes. So
//! whoever keeps the calls can have the whole run again, on another machine, a year later, step by step:
//! what a crashed hub did, what a failing simulation did. [`Recorded`] is a node that keeps them on a
//! [`Tape`]; [`Trace`] reads them back; [`replay`] runs them, and says where it [departs](Departed) if the
//! node is not the same any more; [`Replay`] does so step by step.
//!
//! **A trace contains the node's private key, its seed and every message.** [`redact`] makes one of it that
//! does not, and still replays.
//!
//! The format is specified in `docs/TRACE.md`.

mod bytes;
mod call;
mod file;
mod header;
mod outcome;
mod part;
mod recorded;
mod redact;
mod replay;
mod tape;
mod unsealed;

pub use bytes::TraceError;
pub use call::{About, Call, Entry, Expected};
pub use file::{Entries, Trace};
pub use header::Ciphers;
pub use recorded::Recorded;
pub use redact::{RedactError, redact};
pub use replay::{Departed, Given, Replay, ReplayError, Step, Summary, replay};
pub use tape::Tape;
pub use unsealed::Unsealed;
