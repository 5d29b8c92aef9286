//! Waiting with an end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant as Clock;

use crate::shared::Shared;
use crate::wait::Alarm;

/// A future that knows what to say when the time for it is up.
pub trait Patient: Future + Unpin {
    /// What it ends with when it is waited for no longer. It is not polled after this.
    fn time_is_up(&mut self) -> Self::Output;
}

/// A [`Patient`] future with its time, which the driver's timer keeps.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Timed<P> {
    what: P,
    alarm: Alarm,
}

impl<P: Patient> Timed<P> {
    /// Waits for `what` until `at`.
    pub fn new(shared: &Arc<Shared>, what: P, at: Clock) -> Timed<P> {
        Timed { what, alarm: Alarm::new(shared, at) }
    }
}

impl<P: Patient> Future for Timed<P> {
    type Output = P::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<P::Output> {
        if let Poll::Ready(done) = Pin::new(&mut self.what).poll(cx) {
            return Poll::Ready(done);
        }
        match Pin::new(&mut self.alarm).poll(cx) {
            Poll::Pending => Poll::Pending,
            // The driver may have ended meanwhile: then it is that what it waited for that says so.
            Poll::Ready(()) => match Pin::new(&mut self.what).poll(cx) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Ready(self.what.time_is_up()),
            },
        }
    }
}
