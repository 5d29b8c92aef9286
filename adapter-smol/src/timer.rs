//! The timer of smol's reactor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// A timer of smol's reactor.
#[derive(Debug)]
pub struct SmolTimer {
    timer: smol::Timer,
    /// The reactor's own forgets that it was due.
    due: bool,
}

impl Default for SmolTimer {
    fn default() -> SmolTimer {
        SmolTimer { timer: smol::Timer::never(), due: false }
    }
}

impl homing_futures::Timer for SmolTimer {
    fn set(&mut self, at: Instant) {
        self.timer.set_at(at);
        self.due = false;
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.due = self.due || Pin::new(&mut self.timer).poll(cx).is_ready();
        if self.due { Poll::Ready(()) } else { Poll::Pending }
    }
}
