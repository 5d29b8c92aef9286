//! The examples, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../adapter-std/tests/running/mod.rs"]
mod running;
