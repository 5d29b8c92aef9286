//! Waiting for receipts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as Clock};

use futures_channel::mpsc::UnboundedReceiver;
use futures_core::Stream;
use homing_core::{Address, Event, MessageId, Receipts, Stage};

use crate::handle::Handle;
use crate::inbox::Arrivals;
use crate::wait::pending::Note;
use crate::wait::progress::Progress;

/// The receipts of one message, as they come: who gave it (this node itself, when nobody is named),
/// and what it says.
///
/// It ends after the last one that the message asked for (the message's patience sees to it that one
/// comes: in the end [`Stage::Failed`] with [`NO_RECEIPT`](homing_core::Reason::NO_RECEIPT)). What
/// was not taken when this is dropped, and what comes after that, is among the
/// [`Events`](crate::wait::Events).
pub struct Tracking {
    handle: Arc<Handle>,
    id: MessageId,
    sent: Clock,
    notes: UnboundedReceiver<Note>,
    progress: Progress,
    /// The node ended before the last receipt came.
    pub(crate) cut_off: bool,
}

impl Tracking {
    pub(crate) fn new(
        handle: &Arc<Handle>,
        (id, sent): (MessageId, Clock),
        notes: UnboundedReceiver<Note>,
        to: &Address,
        until: Receipts,
    ) -> Tracking {
        let progress = Progress::new(to, until);
        Tracking { handle: Arc::clone(handle), id, sent, notes, progress, cut_off: false }
    }

    /// The message.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Whether the last receipt has come.
    pub fn is_done(&self) -> bool {
        self.progress.done
    }

    /// The next receipt, with how long after sending it came.
    pub(crate) fn poll_note(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Duration, Option<Address>, Stage)>> {
        if self.progress.done {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(Pin::new(&mut self.notes).poll_next(cx)) {
            Some(Note { at, from, stage }) => {
                self.progress.note(from.as_ref(), &stage);
                Some((at.saturating_duration_since(self.sent), from, stage))
            }
            None => {
                (self.progress.done, self.cut_off) = (true, true);
                None
            }
        })
    }

    /// Follows the message no more: the receipts `kept` from the application, and those that were not
    /// taken, become events.
    pub(crate) fn give_back(&mut self, kept: Vec<(Duration, Option<Address>, Stage)>) {
        let id = self.id;
        // With the node locked, no later receipt overtakes these.
        let mut state = self.handle.shared.lock();
        state.pending.tracked.remove(&id);
        let kept = kept.into_iter().map(|(_, from, stage)| Event::Receipt { id, from, stage });
        let untaken = std::iter::from_fn(|| self.notes.try_recv().ok())
            .map(|Note { from, stage, .. }| Event::Receipt { id, from, stage });
        let mut events = Arrivals::default();
        kept.chain(untaken).for_each(|event| events.push(event));
        self.handle.shared.inbox.put(&mut events);
    }
}

impl Stream for Tracking {
    type Item = (Option<Address>, Stage);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_note(cx).map(|note| note.map(|(_, from, stage)| (from, stage)))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        self.give_back(Vec::new());
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    use futures_channel::mpsc::unbounded;
    use homing_core::{Seed, StaticKey};

    use crate::options::Options;

    const ID: MessageId = MessageId([7; 16]);

    fn receipt(stage: Stage) -> Event {
        Event::Receipt { id: ID, from: None, stage }
    }

    /// A message that is followed, and to which these have come.
    fn tracking(handle: &Arc<Handle>, came: &[Stage]) -> Tracking {
        let (waiter, notes) = unbounded();
        let mut state = handle.shared.lock();
        state.pending.tracked.insert(ID, waiter);
        for stage in came {
            assert_eq!(state.pending.pass(Clock::now(), receipt(stage.clone())), None);
        }
        let to = "bob@home".parse().unwrap();
        Tracking::new(handle, (ID, Clock::now()), notes, &to, Receipts::Consumed)
    }

    fn handle() -> Arc<Handle> {
        let options = Options::new(StaticKey::generate(&Seed::from_bytes([1; 32])));
        Handle::make(options, Clock::now, Waker::noop().clone()).unwrap().handle
    }

    fn events(handle: &Handle) -> Vec<Event> {
        std::iter::from_fn(|| handle.shared.inbox.take(&mut false)).collect()
    }

    #[test]
    fn receipts_that_nobody_took_become_events() {
        let handle = handle();
        let mut tracking = tracking(&handle, &[Stage::Accepted, Stage::Received, Stage::Consumed]);
        let mut cx = Context::from_waker(Waker::noop());
        let taken = Pin::new(&mut tracking).poll_next(&mut cx);
        assert_eq!(taken, Poll::Ready(Some((None, Stage::Accepted))));
        assert_eq!(events(&handle), []);
        drop(tracking);
        assert_eq!(events(&handle), [receipt(Stage::Received), receipt(Stage::Consumed)]);
        let later = handle.shared.lock().pending.pass(Clock::now(), receipt(Stage::Consumed));
        assert_eq!(later, Some(receipt(Stage::Consumed)), "nobody waits for it");
    }

    #[test]
    fn what_was_kept_comes_before_what_was_not_taken() {
        let handle = handle();
        let mut tracking = tracking(&handle, &[Stage::Received]);
        tracking.give_back(vec![(Duration::ZERO, None, Stage::Accepted)]);
        drop(tracking);
        assert_eq!(events(&handle), [receipt(Stage::Accepted), receipt(Stage::Received)]);
    }
}
