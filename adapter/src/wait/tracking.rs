//! Waiting for receipts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as Clock};

use futures_channel::mpsc::UnboundedReceiver;
use futures_core::Stream;
use homing_core::{Address, MessageId, Receipts, Stage};

use crate::handle::Handle;
use crate::wait::pending::Note;
use crate::wait::progress::Progress;

/// The receipts of one message, as they come: who gave it (this node itself, when nobody is named),
/// and what it says.
///
/// It ends after the last one that the message asked for (the message's patience sees to it that one
/// comes: in the end [`Stage::Failed`] with [`NO_RECEIPT`](homing_core::Reason::NO_RECEIPT)). What
/// comes after this was dropped is among the [`Events`](crate::wait::Events).
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
}

impl Stream for Tracking {
    type Item = (Option<Address>, Stage);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_note(cx).map(|note| note.map(|(_, from, stage)| (from, stage)))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        self.handle.shared.lock().pending.tracked.remove(&self.id);
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
