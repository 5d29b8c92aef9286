//! Events that change hands at once.

use std::collections::VecDeque;
use std::fmt;

use homing_core::{Event, Received};

/// Events of a peer that were taken at once, in the order in which they happened.
///
/// It gives them one by one, as an iterator, and asks nobody else: the peer's queue was locked once for all of them. What
/// is not taken from it is lost with it. Filled again when it is empty, its memory is used again.
#[derive(Default)]
pub struct Batch {
    pub(crate) messages: VecDeque<Received>,
    /// All other events, and how many messages had come before each.
    pub(crate) news: VecDeque<(u64, Event)>,
    /// How many messages came before the first of these.
    pub(crate) taken: u64,
}

impl Batch {
    /// How many events are left.
    pub fn len(&self) -> usize {
        self.messages.len() + self.news.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.news.is_empty()
    }
}

impl Iterator for Batch {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        if self.news.front().is_none_or(|(after, _)| *after > self.taken)
            && let Some(message) = self.messages.pop_front()
        {
            self.taken += 1;
            if self.messages.is_empty() {
                // The next ones begin where these did, in memory that the processor still has at hand.
                self.messages.clear();
            }
            return Some(Event::Message(message));
        }
        self.news.pop_front().map(|(_, event)| event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl std::iter::FusedIterator for Batch {}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("messages", &self.messages.len())
            .field("news", &self.news.len())
            .finish()
    }
}
