//! The one timer of a node: an alarm of the reactor's.

use std::task::{Context, Poll};
use std::time::Instant;

use homing_futures::Timer;

use crate::reactor::{Alarm, REACTOR};

#[derive(Default)]
pub(crate) struct OwnTimer {
    at: Option<Instant>,
    /// The reactor knows it by this.
    alarm: Option<Alarm>,
}

impl OwnTimer {
    fn disarm(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            REACTOR.forget(alarm);
        }
    }
}

impl Timer for OwnTimer {
    fn set(&mut self, at: Instant) {
        self.disarm();
        self.at = Some(at);
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        if at <= Instant::now() {
            return Poll::Ready(());
        }
        let alarm = *self.alarm.get_or_insert_with(|| (at, REACTOR.number()));
        REACTOR.wake_at(alarm, cx.waker());
        Poll::Pending
    }
}

impl Drop for OwnTimer {
    fn drop(&mut self) {
        self.disarm();
    }
}
