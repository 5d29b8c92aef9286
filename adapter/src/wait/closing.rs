//! Waiting for the end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::shared::Shared;
use crate::wait::Patient;
use crate::wait::watchers::Place;

/// Ready when the driver has ended; true then, and false when the time for it was up before.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Closing<'a> {
    shared: &'a Shared,
    place: Place,
}

impl<'a> Closing<'a> {
    /// Waits for the end of what has been told to end.
    pub fn new(shared: &'a Shared) -> Closing<'a> {
        Closing { shared, place: None }
    }
}

impl Future for Closing<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let Closing { shared, place } = &mut *self;
        let mut state = shared.lock();
        if state.over {
            return Poll::Ready(true);
        }
        state.turn.watch(place, cx.waker());
        Poll::Pending
    }
}

impl Patient for Closing<'_> {
    fn time_is_up(&mut self) -> bool {
        false
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.shared.leave_turn(&mut self.place);
    }
}
