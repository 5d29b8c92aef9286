//! Waiting for what happens.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use homing_core::Event;

use crate::batch::Batch;
use crate::handle::Handle;
use crate::wait::Patient;
use crate::wait::watchers::Place;

/// The events of a peer, in the order in which they happened.
///
/// All of a peer's `Events` share one queue: each event is given once, to whoever asks first. The
/// stream ends when the peer is closed and all was given. An event is taken when it is given, so
/// nothing is lost when waiting for one is given up.
#[derive(Debug)]
pub struct Events {
    handle: Arc<Handle>,
    place: Place,
}

impl Events {
    /// Those of `handle`, which they keep open.
    pub fn new(handle: &Arc<Handle>) -> Events {
        Events { handle: Arc::clone(handle), place: None }
    }

    /// The next event, if there is one already.
    #[inline]
    pub fn try_next(&self) -> Option<Event> {
        let mut roomy = false;
        let event = self.handle.shared.inbox.take(&mut roomy);
        if roomy {
            self.handle.shared.made_room();
        }
        event
    }

    /// Waits for the next event; none when the peer is closed and all was given.
    pub fn next_event(&self) -> NextEvent<'_> {
        NextEvent { handle: &self.handle, place: None }
    }

    /// Puts all events that there are already into `batch`. False when there are none, and none was left in it.
    pub fn try_next_batch(&self, batch: &mut Batch) -> bool {
        if !batch.is_empty() {
            return true;
        }
        let any = self.handle.shared.inbox.take_all(batch);
        if any {
            self.handle.shared.made_room();
        }
        any
    }

    /// Waits for events and puts all that there are into `batch`; false when the peer is closed and all was given. What was
    /// left in the batch is taken first: then it is ready at once.
    pub fn next_batch<'a>(&'a self, batch: &'a mut Batch) -> NextBatch<'a> {
        NextBatch { handle: &self.handle, batch, place: None }
    }
}

impl Handle {
    fn poll_event(&self, cx: &mut Context<'_>, place: &mut Place) -> Poll<Option<Event>> {
        let mut roomy = false;
        let event = self.shared.inbox.poll_take(cx, place, &mut roomy);
        if roomy {
            self.shared.made_room();
        }
        event
    }
}

impl Clone for Events {
    fn clone(&self) -> Events {
        Events::new(&self.handle)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Events { handle, place } = &mut *self;
        handle.poll_event(cx, place)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.handle.shared.inbox.leave(&mut self.place);
    }
}

/// The next event of a peer; none when it is closed and all was given, or when the time is up.
///
/// Dropped before it is ready, it has taken nothing.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct NextEvent<'a> {
    handle: &'a Handle,
    place: Place,
}

impl Future for NextEvent<'_> {
    type Output = Option<Event>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let NextEvent { handle, place } = &mut *self;
        handle.poll_event(cx, place)
    }
}

impl Patient for NextEvent<'_> {
    fn time_is_up(&mut self) -> Option<Event> {
        None
    }
}

impl Drop for NextEvent<'_> {
    fn drop(&mut self) {
        self.handle.shared.inbox.leave(&mut self.place);
    }
}

/// All events of a peer that there are, in a [`Batch`]; false when it is closed and all was given, or when the time is up.
///
/// Dropped before it is ready, it has taken nothing.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct NextBatch<'a> {
    handle: &'a Handle,
    batch: &'a mut Batch,
    place: Place,
}

impl Future for NextBatch<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let NextBatch { handle, batch, place } = &mut *self;
        if !batch.is_empty() {
            return Poll::Ready(true);
        }
        let any = handle.shared.inbox.poll_take_all(cx, place, batch);
        if any == Poll::Ready(true) {
            handle.shared.made_room();
        }
        any
    }
}

impl Patient for NextBatch<'_> {
    fn time_is_up(&mut self) -> bool {
        false
    }
}

impl Drop for NextBatch<'_> {
    fn drop(&mut self) {
        self.handle.shared.inbox.leave(&mut self.place);
    }
}
