//! The binding to async-std, on real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../adapter-futures/tests/binding/mod.rs"]
#[macro_use]
mod binding;

use homing_async_std::{AsyncStdNet, AsyncStdTimer};

binding_tests!(async_std::task::block_on, AsyncStdNet, AsyncStdTimer);

#[test]
fn all_is_send() {
    binding::all_is_send::<AsyncStdNet, AsyncStdTimer>();
}
