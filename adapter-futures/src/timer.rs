//! The one timer that a driver keeps.

use std::task::{Context, Poll};
use std::time::Instant;

/// A timer that can be armed again and again.
///
/// It has one user at a time, the driver's task, which polls it after each [`set`](Timer::set) and before
/// it waits. So it is enough to wake whoever has polled it last, as with any future; and to wake too early
/// does no harm: the driver looks, and waits again.
///
/// It is the only timer that a node needs. Every deadline of the node, and every `timeout` that is given to a
/// [`Peer`](crate::Peer), is kept by it; it is armed anew only for what is due earlier, or when it was
/// due. (A [`Net`](crate::Net) may take others for its dials: [`bind::connect_first`](crate::bind::connect_first)
/// asks for one.)
pub trait Timer {
    /// The time now, which never goes back. An executor whose time can be made to stand or jump (for
    /// tests) gives its own. Handles ask as well, and so from any thread, within the executor or not.
    fn now() -> Instant {
        Instant::now()
    }

    /// Arms it for `at`, in place of whatever it was armed for, due or not. What is past is due at once.
    ///
    /// This wakes nobody, even if `at` is past: [`poll_due`](Timer::poll_due) is called after it.
    fn set(&mut self, at: Instant);

    /// Ready once it is due, and then until it is armed anew; else wakes `cx` when it will be.
    /// Not armed yet, it is never due.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
