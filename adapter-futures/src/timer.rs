//! The one timer that a driver keeps.

use std::task::{Context, Poll};
use std::time::Instant;

/// A timer that can be armed again and again.
pub trait Timer {
    /// The time now. An executor whose time can be made to stand or jump (for tests) gives its own.
    fn now() -> Instant {
        Instant::now()
    }

    /// Arms it for `at`, in place of whatever it was armed for. What is past is due at once.
    fn set(&mut self, at: Instant);

    /// Ready once it is due, and then until it is armed anew; else wakes `cx` when it will be.
    /// Not armed yet, it is never due.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
