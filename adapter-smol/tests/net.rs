//! The binding to smol, on real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../adapter-futures/tests/binding/mod.rs"]
#[macro_use]
mod binding;

use homing_smol::{SmolNet, SmolTimer};

binding_tests!(smol::block_on, SmolNet, SmolTimer);

#[test]
fn all_is_send() {
    binding::all_is_send::<SmolNet, SmolTimer>();
}
