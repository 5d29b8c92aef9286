//! Asking the node for something that waits while a queue is full.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use homing_core::{Instant, SendError};

use crate::error::Error;
use crate::shared::{Shared, State};
use crate::wait::Patient;
use crate::wait::watchers::Place;

/// Has the node do something as soon as there is room for it.
///
/// Dropped before it is ready, nothing was done.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Submitting<'a, F> {
    shared: &'a Shared,
    act: F,
    place: Place,
}

impl<'a, F> Submitting<'a, F> {
    /// Does `act`, which changes nothing when it fails, as often as needed.
    pub fn new<T>(shared: &'a Shared, act: F) -> Submitting<'a, F>
    where
        F: FnMut(&mut State, Instant) -> Result<T, SendError>,
    {
        Submitting { shared, act, place: None }
    }
}

impl<T, F> Future for Submitting<'_, F>
where
    F: FnMut(&mut State, Instant) -> Result<T, SendError> + Unpin,
{
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let Submitting { shared, act, place } = &mut *self;
        shared.poll_command(cx, place, act)
    }
}

impl<T, F> Patient for Submitting<'_, F>
where
    F: FnMut(&mut State, Instant) -> Result<T, SendError> + Unpin,
{
    fn time_is_up(&mut self) -> Result<T, Error> {
        Err(Error::Timeout(None))
    }
}

impl<F> Drop for Submitting<'_, F> {
    fn drop(&mut self) {
        self.shared.leave_turn(&mut self.place);
    }
}
