//! Waiting on a thread.

use std::iter::FusedIterator;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_core::Stream;
use homing_adapter::{Batch, Patient};
use homing_core::{Address, Event, Failure, Response, Stage};

use crate::engine::{Engine, For};

/// Blocks until `future` is ready.
pub(crate) fn block_on<F: Future + Unpin>(engine: &Engine, what: For, mut future: F) -> F::Output {
    loop {
        if let Some(done) = engine.block(what, None, |cx| Pin::new(&mut future).poll(cx)) {
            return done;
        }
    }
}

/// Blocks until `what` is ready, or its time is up.
pub(crate) fn wait<P: Patient>(engine: &Engine, what: P, until: Option<Instant>) -> P::Output {
    wait_for(engine, For::Anything, what, until)
}

/// The same for what was asked for.
pub(crate) fn wait_for_answer<P: Patient>(engine: &Engine, what: P, until: Option<Instant>) -> P::Output {
    wait_for(engine, For::Answer, what, until)
}

fn wait_for<P: Patient>(engine: &Engine, it: For, mut what: P, until: Option<Instant>) -> P::Output {
    engine.block(it, until, |cx| Pin::new(&mut what).poll(cx)).unwrap_or_else(|| what.time_is_up())
}

/// The next of `stream`, of answers or receipts; none when it has ended, or its time is up.
fn next<S: Stream + Unpin>(engine: &Engine, stream: &mut S, until: Option<Instant>) -> Option<S::Item> {
    engine.block(For::Answer, until, |cx| Pin::new(&mut *stream).poll_next(cx)).flatten()
}

/// When `patience` that begins now is over. One without end ends never.
fn after(patience: Duration) -> Option<Instant> {
    Instant::now().checked_add(patience)
}

/// The events of a peer, in the order in which they happened.
///
/// All of a peer's `Events` share one queue: each event is given once, to whoever asks first. The
/// iterator waits for the next event, and ends when the peer is closed and all was given.
#[derive(Clone, Debug)]
pub struct Events {
    engine: Arc<Engine>,
    events: homing_adapter::Events,
}

impl Events {
    pub(crate) fn new(engine: &Arc<Engine>, events: homing_adapter::Events) -> Events {
        Events { engine: Arc::clone(engine), events }
    }

    /// The next event; `None` when there is none within `patience`, or the peer is closed.
    pub fn next_timeout(&self, patience: Duration) -> Option<Event> {
        wait(&self.engine, self.events.next_event(), after(patience))
    }

    /// The next event, if there is one already.
    #[inline]
    pub fn try_next(&self) -> Option<Event> {
        self.events.try_next()
    }

    /// Waits for events and puts all that there are into `batch`; false when the peer is closed and all was given. What was
    /// left in the batch is taken first.
    ///
    /// Whoever has much to take takes it at less than the price of each:
    ///
    /// ```
    /// use homing_std::{Batch, Event, Peer};
    ///
    /// fn count(peer: &Peer) -> usize {
    ///     let (events, mut batch, mut messages) = (peer.events(), Batch::default(), 0);
    ///     while events.next_batch(&mut batch) {
    ///         messages += batch.by_ref().filter(|event| matches!(event, Event::Message(_))).count();
    ///     }
    ///     messages
    /// }
    /// ```
    pub fn next_batch(&self, batch: &mut Batch) -> bool {
        self.try_next_batch(batch) || wait(&self.engine, self.events.next_batch(batch), None)
    }

    /// The same; false as well when there are none within `patience`.
    pub fn next_batch_timeout(&self, batch: &mut Batch, patience: Duration) -> bool {
        wait(&self.engine, self.events.next_batch(batch), after(patience))
    }

    /// Puts all events that there are already into `batch`. False when there are none, and none was left in it.
    pub fn try_next_batch(&self, batch: &mut Batch) -> bool {
        self.events.try_next_batch(batch)
    }
}

impl Iterator for Events {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        // Most often there is one, and nothing to wait for.
        let event = self.events.try_next();
        if event.is_some() {
            return event;
        }
        wait(&self.engine, self.events.next_event(), None)
    }
}

/// The receipts of one message, as they come.
///
/// The iterator waits for the next receipt, and ends after the last one that the message asked for
/// (the message's patience sees to it that one comes: in the end [`Stage::Failed`] with
/// [`NO_RECEIPT`](homing_core::Reason::NO_RECEIPT)). What comes after this was dropped is among the
/// [`Events`].
#[derive(Debug)]
pub struct Tracking {
    engine: Arc<Engine>,
    inner: homing_adapter::Tracking,
}

impl Tracking {
    pub(crate) fn new(engine: &Arc<Engine>, inner: homing_adapter::Tracking) -> Tracking {
        Tracking { engine: Arc::clone(engine), inner }
    }

    /// The next receipt; `None` when there is none within `patience`, or the last was given.
    pub fn next_timeout(&mut self, patience: Duration) -> Option<(Option<Address>, Stage)> {
        next(&self.engine, &mut self.inner, after(patience))
    }
}

impl Deref for Tracking {
    type Target = homing_adapter::Tracking;

    fn deref(&self) -> &homing_adapter::Tracking {
        &self.inner
    }
}

impl Iterator for Tracking {
    type Item = (Option<Address>, Stage);

    fn next(&mut self) -> Option<(Option<Address>, Stage)> {
        next(&self.engine, &mut self.inner, None)
    }
}

/// The answers to one call, as they come.
///
/// The iterator waits for the next answer, and ends when everybody has answered or the call's time
/// is up. Dropping it before gives the call up.
#[derive(Debug)]
pub struct Answers {
    engine: Arc<Engine>,
    inner: homing_adapter::Answers,
}

impl Answers {
    pub(crate) fn new(engine: &Arc<Engine>, inner: homing_adapter::Answers) -> Answers {
        Answers { engine: Arc::clone(engine), inner }
    }

    /// The next answer; `None` when there is none within `patience`, or the last was given.
    pub fn next_timeout(&mut self, patience: Duration) -> Option<(Address, Result<Response, Failure>)> {
        next(&self.engine, &mut self.inner, after(patience))
    }
}

impl Deref for Answers {
    type Target = homing_adapter::Answers;

    fn deref(&self) -> &homing_adapter::Answers {
        &self.inner
    }
}

impl Iterator for Answers {
    type Item = (Address, Result<Response, Failure>);

    fn next(&mut self) -> Option<Self::Item> {
        next(&self.engine, &mut self.inner, None)
    }
}

impl FusedIterator for Answers {}
