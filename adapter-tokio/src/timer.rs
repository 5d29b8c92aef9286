//! The timer of a tokio runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer of the runtime in which it is armed first.
#[derive(Default, Debug)]
pub struct TokioTimer {
    /// There once it was armed: only within a runtime can it be made.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl homing_futures::Timer for TokioTimer {
    /// The runtime's time, which can be paused.
    fn now() -> std::time::Instant {
        Instant::now().into_std()
    }

    fn set(&mut self, at: std::time::Instant) {
        let at = Instant::from_std(at);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            None => Poll::Pending,
            // The runtime would let what is past wait for its next round.
            Some(sleep) if sleep.deadline() <= Instant::now() => Poll::Ready(()),
            Some(sleep) => sleep.as_mut().poll(cx),
        }
    }
}
