//! What a program waits for: events, receipts, answers.

use std::collections::BTreeSet;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use homing_core::{
    Address, CallId, CallOutcome, Event, Failure, MessageId, PeerId, Receipts, Response, Stage, UplinkId,
};

use crate::peer::Handle;
use crate::shared::{News, Note};

/// When `patience` that begins now is over. One without end ends in a century: the clock goes no further
/// than it must.
pub(crate) fn after(patience: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(patience).or_else(|| now.checked_add(CENTURY)).unwrap_or(now)
}

/// What a [`connect`](crate::Peer::connect) has led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// For [`hang_up`](crate::Peer::hang_up).
    pub uplink: UplinkId,
    /// Who this peer is in the network.
    pub address: Address,
    /// Who let it in.
    pub hub: Address,
    /// The key of who let it in, proven.
    pub hub_key: PeerId,
}

/// What became of a message that was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// Every receipt in the order of arrival: how long after sending it came, who gave it (this node
    /// itself, when nobody is named), and what it says.
    pub receipts: Vec<(Duration, Option<Address>, Stage)>,
}

/// The events of a peer, in the order in which they happened.
///
/// All of a peer's `Events` share one queue: each event is given once, to whoever asks first. The
/// iterator waits for the next event, and ends when the peer is closed and all was given.
#[derive(Clone)]
pub struct Events {
    handle: Arc<Handle>,
}

impl Events {
    pub(crate) fn new(handle: Arc<Handle>) -> Events {
        Events { handle }
    }

    /// The next event; `None` when there is none within `patience`, or the peer is closed.
    pub fn next_timeout(&self, patience: Duration) -> Option<Event> {
        self.take_next(Some(after(patience)))
    }

    /// The next event, if there is one already.
    pub fn try_next(&self) -> Option<Event> {
        self.take_next(Some(Instant::now()))
    }

    fn take_next(&self, until: Option<Instant>) -> Option<Event> {
        let shared = &self.handle.shared;
        let taken = shared.inbox.take(until);
        if taken.roomy {
            shared.made_room();
        }
        taken.event
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.take_next(None)
    }
}

/// The receipts of one message, as they come.
///
/// The iterator waits for the next receipt, and ends after the last one that the message asked for
/// (the message's patience sees to it that one comes: in the end [`Stage::Failed`] with
/// [`NO_RECEIPT`](homing_core::Reason::NO_RECEIPT)). What comes after this was dropped is among the
/// [`Events`].
pub struct Tracking {
    handle: Arc<Handle>,
    id: MessageId,
    sent: Instant,
    notes: Receiver<Note>,
    progress: Progress,
}

impl Tracking {
    pub(crate) fn new(
        handle: Arc<Handle>,
        id: MessageId,
        sent: Instant,
        notes: Receiver<Note>,
        progress: Progress,
    ) -> Tracking {
        Tracking { handle, id, sent, notes, progress }
    }

    /// The message.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Whether the last receipt has come.
    pub fn is_done(&self) -> bool {
        self.progress.done
    }

    /// The next receipt; `None` when there is none within `patience`, or the last was given.
    pub fn next_timeout(&mut self, patience: Duration) -> Option<(Option<Address>, Stage)> {
        self.take_next(Some(after(patience))).map(|(_, from, stage)| (from, stage))
    }

    /// The same, with how long after sending it came.
    pub(crate) fn take_next(&mut self, until: Option<Instant>) -> Option<(Duration, Option<Address>, Stage)> {
        if self.progress.done {
            return None;
        }
        let note = match until {
            None => self.notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(until) => self.notes.recv_timeout(until.saturating_duration_since(Instant::now())),
        };
        match note {
            Ok(Note { at, from, stage }) => {
                self.progress.note(from.as_ref(), &stage);
                Some((at.saturating_duration_since(self.sent), from, stage))
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.progress.done = true;
                None
            }
        }
    }
}

impl Iterator for Tracking {
    type Item = (Option<Address>, Stage);

    fn next(&mut self) -> Option<(Option<Address>, Stage)> {
        self.take_next(None).map(|(_, from, stage)| (from, stage))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        self.handle.shared.lock().waiters.tracked.remove(&self.id);
    }
}

/// How far a message has come, of how far it is followed.
pub(crate) struct Progress {
    until: Receipts,
    /// How many recipients there are, when it is known.
    expected: Option<usize>,
    /// Who has confirmed.
    arrived: BTreeSet<Address>,
    /// How many could not be given it. A hub speaks for several, so these are not told apart.
    failed: usize,
    done: bool,
}

impl Progress {
    pub(crate) fn new(to: &Address, until: Receipts) -> Progress {
        let expected = if to.is_everyone() { None } else { Some(1) };
        Progress { until, expected, arrived: BTreeSet::new(), failed: 0, done: false }
    }

    fn note(&mut self, from: Option<&Address>, stage: &Stage) {
        let reached = match stage {
            Stage::Accepted => Receipts::Failure,
            Stage::Dispatched { count } => {
                self.expected.get_or_insert(*count as usize);
                Receipts::Route
            }
            Stage::Received => Receipts::Received,
            Stage::Consumed => Receipts::Consumed,
            Stage::Failed(_) => {
                // What one of many recipients could not be given says nothing of the others; what
                // the node itself says is its last word.
                self.done |= from.is_none() || self.expected == Some(1);
                // Refused after it was received: it counts already.
                self.failed += usize::from(!from.is_some_and(|from| self.arrived.contains(from)));
                Receipts::Failure
            }
        };
        if reached >= self.until {
            self.done |= reached == Receipts::Route;
            self.arrived.extend(from.cloned());
        }
        self.done |= self.expected.is_some_and(|expected| self.arrived.len() + self.failed >= expected);
    }
}

/// The answers to one call, as they come.
///
/// The iterator waits for the next answer, and ends when everybody has answered or the call's time
/// is up. Dropping it before gives the call up.
pub struct Answers {
    handle: Arc<Handle>,
    call: CallId,
    news: Receiver<News>,
    ended: Option<Summary>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// How.
    pub outcome: CallOutcome,
    /// How many answered.
    pub answered: u32,
    /// How many were asked, as far as it is known.
    pub asked: u32,
}

impl Answers {
    pub(crate) fn new(handle: Arc<Handle>, call: CallId, news: Receiver<News>) -> Answers {
        Answers { handle, call, news, ended: None }
    }

    /// How the call ended; `None` before the iterator has.
    pub fn summary(&self) -> Option<Summary> {
        self.ended
    }

    /// The next answer; `None` when there is none within `patience`, or the last was given.
    pub fn next_timeout(&mut self, patience: Duration) -> Option<(Address, Result<Response, Failure>)> {
        self.take_next(Some(patience))
    }

    fn take_next(&mut self, patience: Option<Duration>) -> Option<(Address, Result<Response, Failure>)> {
        if self.ended.is_some() {
            return None;
        }
        let news = match patience {
            None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => self.news.recv_timeout(patience),
        };
        match news {
            Ok(News::Answer(from, answer)) => return Some((from, answer)),
            Ok(News::Ended(outcome, answered, asked)) => {
                self.ended = Some(Summary { outcome, answered, asked });
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The peer was closed.
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = Some(Summary { outcome: CallOutcome::Cancelled, answered: 0, asked: 0 });
            }
        }
        None
    }
}

impl Iterator for Answers {
    type Item = (Address, Result<Response, Failure>);

    fn next(&mut self) -> Option<Self::Item> {
        self.take_next(None)
    }
}

impl FusedIterator for Answers {}

impl Drop for Answers {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It may have ended just now; then there is nothing to give up.
            let _ = self.handle.shared.command(|state, now| state.node.cancel(now, self.call));
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").field(&self.handle.shared.id).finish()
    }
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking")
            .field("id", &self.id)
            .field("done", &self.progress.done)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("call", &self.call)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::Reason;

    fn progress(to: &str, until: Receipts, notes: &[(Option<&str>, Stage)]) -> usize {
        let mut progress = Progress::new(&to.parse().unwrap(), until);
        for (n, (from, stage)) in notes.iter().enumerate() {
            let from = from.map(|from| from.parse().unwrap());
            progress.note(from.as_ref(), stage);
            if progress.done {
                return n + 1;
            }
        }
        0
    }

    #[test]
    fn a_message_is_followed_as_far_as_it_asked() {
        use Stage::*;
        let hub = Some("hub@home");
        let (bob, eve) = (Some("bob@home/a"), Some("eve@home/a"));
        let way = [(hub, Accepted), (hub, Dispatched { count: 1 }), (bob, Received), (bob, Consumed)];
        for (until, n) in [(Receipts::Route, 2), (Receipts::Received, 3), (Receipts::Consumed, 4)] {
            assert_eq!(progress("bob@home", until, &way), n);
        }
        let failed = |from| (from, Failed(Reason::NOT_FOUND.into()));
        assert_eq!(progress("bob@home", Receipts::Consumed, &[(hub, Accepted), failed(hub)]), 2);

        let all = [(hub, Accepted), (bob, Received), (hub, Dispatched { count: 2 }), (eve, Received)];
        assert_eq!(progress("*@home", Receipts::Received, &all), 4);
        assert_eq!(progress("*@home", Receipts::Route, &all), 3);
        let nobody = [(hub, Accepted), (hub, Dispatched { count: 0 })];
        assert_eq!(progress("*@home", Receipts::Consumed, &nobody), 2);
        let both = [(hub, Dispatched { count: 2 }), failed(hub), failed(hub)];
        assert_eq!(progress("*@home", Receipts::Received, &both), 3);
        let some = [(hub, Dispatched { count: 2 }), failed(bob), (eve, Received), (eve, Consumed)];
        assert_eq!(progress("*@home", Receipts::Consumed, &some), 4);
        assert_eq!(progress("*@home", Receipts::Consumed, &[all[2].clone(), failed(None)]), 2);
    }
}
