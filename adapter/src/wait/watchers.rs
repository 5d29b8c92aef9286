//! Who waits for the same thing.

use std::collections::BTreeMap;
use std::task::Waker;

/// Tasks and threads that wait for the same thing, in the order in which they came.
#[derive(Default, Debug)]
pub(crate) struct Watchers {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

/// A place among [`Watchers`]. Empty at first, and after one was woken.
pub(crate) type Place = Option<u64>;

impl Watchers {
    /// Waits at `place`, or at the end of the row.
    pub(crate) fn watch(&mut self, place: &mut Place, waker: &Waker) {
        if let Some(known) = place.and_then(|place| self.waiting.get_mut(&place)) {
            return known.clone_from(waker);
        }
        self.waiting.insert(self.next, waker.clone());
        *place = Some(self.next);
        self.next += 1;
    }

    /// Waits no more. False when it was woken before, or never waited.
    pub(crate) fn leave(&mut self, place: &mut Place) -> bool {
        place.take().is_some_and(|place| self.waiting.remove(&place).is_some())
    }

    /// The first `most` of them, to be woken where no lock is held.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Waker> {
        let n = most.min(self.waiting.len());
        std::iter::from_fn(|| self.waiting.pop_first()).take(n).map(|(_, waker)| waker).collect()
    }

    /// All of them.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        self.take(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_came_first_is_woken_first_and_a_place_is_kept() {
        let mut watchers = Watchers::default();
        let (mut a, mut b) = (None, None);
        watchers.watch(&mut a, Waker::noop());
        watchers.watch(&mut b, Waker::noop());
        watchers.watch(&mut a, Waker::noop());
        assert_eq!((a, b), (Some(0), Some(1)));
        assert_eq!(watchers.take(1).len(), 1);
        assert!(!watchers.leave(&mut a), "it was woken");
        assert!(watchers.leave(&mut b));
        assert!(!watchers.leave(&mut b));
        assert!(watchers.take_all().is_empty());
    }
}
