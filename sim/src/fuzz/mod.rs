//! What the fuzzers run, as functions of bytes.
//!
//! Each takes any bytes and panics when something that must hold does not. A fuzzer calls it with bytes
//! that it makes up (`fuzz/` in the repository has a target of three lines for each), a test with
//! those that were found (`tests/corpora.rs`), and whoever embeds Homing with what his own fuzzer or
//! his own traffic brings:
//!
//! ```
//! for target in homing_sim::fuzz::TARGETS {
//!     (target.run)(b"whatever came in");
//! }
//! ```
//!
//! The decoders are held to more than not to panic: what is read is written again as it was, or in the one
//! form that there is for it, and nothing grows on the way. [`node`](node()) is a node whose driver makes
//! mistakes, [`pair`](pair()) one whose neighbour has the keys of the session and none of the manners. Both obey the
//! driver's law themselves, and check after every step what a node promises (`docs/ARCHITECTURE.md`, laws
//! 4, 5, 7, 8 and 10). [`schedule`](schedule()) is a whole simulated world whose choices the bytes are, [`trace`](trace()) a
//! node that is told what a file says.
//!
//! The bytes of `node` and `pair` are programs: an operation, then what it needs, and so on until they
//! end. There is no form that a program must have.

// To panic is the purpose of these functions: it is how a fuzzer hears of what it found. They meet nobody's
// network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod app;
mod attack;
mod bytes;
mod host;
mod journal;
mod json;
mod node;
mod noise;
mod pair;
mod raw;
mod schedule;
mod texts;
mod trace;
mod wire;

pub use journal::journal;
pub use json::{letter, session};
pub use node::node;
pub use pair::pair;
pub use schedule::schedule;
pub use texts::{address, invite, key, reason};
pub use trace::trace;
pub use wire::{frames, label, record};

/// A function of bytes, and what it is called: in `fuzz/fuzz_targets` and in `fuzz/corpus`.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Panics when the bytes show that something does not hold.
    pub run: fn(&[u8]),
    /// Whether the bytes are a text: who makes some up stays within what a keyboard has, mostly.
    pub is_text: bool,
}

const fn bytes(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, is_text: false }
}

const fn text(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, is_text: true }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    text("address", address),
    bytes("frames", frames),
    text("invite", invite),
    bytes("journal", journal),
    text("key", key),
    bytes("label", label),
    bytes("letter", letter),
    bytes("node", node),
    bytes("pair", pair),
    bytes("reason", reason),
    bytes("record", record),
    bytes("schedule", schedule),
    text("session", session),
    bytes("trace", trace),
];
