//! A queue whose memory follows what it has lately held.

use alloc::collections::VecDeque;
use alloc::collections::vec_deque::{IntoIter, IterMut};
use core::ops::{Deref, Range};

/// Room for so many is kept in any case.
const KEPT: usize = 16;

/// The fullest of so many fillings, one behind the other, says how much room is needed ..
const FILLINGS: u16 = 4;

/// .. and of so many, if it is more than [`LARGE`]. The queue of a stream has a few entries most of the time, and thousands
/// now and then.
const MANY: u16 = 64;
const LARGE: usize = 1024;

/// A [`VecDeque`] that gives room back which it has not needed for a while: a link that was once told of a thousand
/// peers does not hold room for a thousand envelopes ever after. A queue that is filled again and again as full as
/// before allocates nothing.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    entries: VecDeque<T>,
    /// How many were taken out since it was empty.
    taken: u32,
    /// How often it was emptied since it was last asked whether it needs its room.
    fillings: u16,
    /// How many were taken out of the fullest of those fillings: so many, or more.
    fullest: u16,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { entries: VecDeque::new(), taken: 0, fillings: 0, fullest: 0 }
    }
}

impl<T> Queue<T> {
    #[inline]
    pub(crate) fn push_back(&mut self, entry: T) {
        self.entries.push_back(entry);
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        if self.entries.len() <= 1 {
            return self.pop_last();
        }
        // Should it ever begin anew, room is given back that is needed again.
        self.taken = self.taken.wrapping_add(1);
        self.entries.pop_front()
    }

    /// Takes the first `count` off, of those that there are.
    #[inline]
    pub(crate) fn drop_front(&mut self, count: usize) {
        if count >= self.entries.len() {
            return self.drop_all();
        }
        self.entries.drain(..count);
        self.taken = self.taken.wrapping_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    #[inline(never)]
    fn drop_all(&mut self) {
        let count = self.entries.len();
        self.entries.clear();
        if count > 0 {
            self.emptied(count);
        }
    }

    /// The last that is there.
    #[inline(never)]
    fn pop_last(&mut self) -> Option<T> {
        let last = self.entries.pop_front()?;
        // The next begin where these did, in memory that the processor still has at hand.
        self.entries.clear();
        self.emptied(1);
        Some(last)
    }

    /// The last `count` were taken, and it is empty.
    fn emptied(&mut self, count: usize) {
        self.taken = self.taken.wrapping_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.fullest = self.fullest.max(u16::try_from(self.taken).unwrap_or(u16::MAX));
        self.taken = 0;
        self.fillings += 1;
        let room = self.entries.capacity();
        if self.fillings >= if room > LARGE { MANY } else { FILLINGS } {
            let most = usize::from(self.fullest);
            let is_known = self.fullest < u16::MAX;
            if is_known && room > KEPT && most < room / 4 {
                self.entries.shrink_to(most);
            }
            (self.fillings, self.fullest) = (0, 0);
        }
    }

    /// Those at these places, which must be there, to be changed where they are.
    pub(crate) fn range_mut(&mut self, places: Range<usize>) -> IterMut<'_, T> {
        self.entries.range_mut(places)
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        self.entries.remove(at)
    }

    /// Each, to be changed where it is.
    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, T> {
        self.entries.iter_mut()
    }

    pub(crate) fn extend(&mut self, entries: impl Iterator<Item = T>) {
        self.entries.extend(entries);
    }

    /// What it holds room for, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<T>()
    }

    /// Gives all memory back, if it is empty.
    pub(crate) fn shrink(&mut self) {
        if self.entries.is_empty() {
            *self = Queue::default();
        }
    }
}

impl<T> Deref for Queue<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.entries
    }
}

impl<T> IntoIterator for Queue<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_needed_once_is_given_back() {
        for (large, fillings) in [(LARGE, FILLINGS), (LARGE + 1, MANY)] {
            let mut queue = Queue::default();
            let mut fill = |count: usize| {
                (0..count).for_each(|n| queue.push_back(n));
                while queue.pop_front().is_some() {}
                queue.capacity()
            };
            let room = fill(large);
            assert!(room >= large);
            // As long as one filling in so many is large, the room is needed.
            for n in 0..4 * fillings {
                assert_eq!(fill(if n % (fillings - 1) == 0 { room / 4 } else { 1 }), room);
            }
            let left = (0..2 * fillings).map(|_| fill(1)).last();
            assert!(left <= Some(KEPT), "{left:?}");
        }
    }

    proptest! {
        /// It is a queue, whatever it holds room for; and that is no more than four times what its last fillings had in
        /// them.
        #[test]
        fn it_is_a_queue(fillings in proptest::collection::vec((0usize..200, 1usize..250), 0..400)) {
            let (mut queue, mut next) = (Queue::default(), 0..);
            let mut taken = 0;
            for (filling, stride) in &fillings {
                queue.extend(next.by_ref().take(filling / 2));
                next.by_ref().take(filling.div_ceil(2)).for_each(|n| queue.push_back(n));
                prop_assert_eq!(queue.len(), *filling);
                while let Some(n) = queue.pop_front() {
                    prop_assert_eq!(n, taken);
                    taken += 1 + queue.len().min(*stride - 1);
                    queue.drop_front(*stride - 1);
                }
            }
            let last = fillings.iter().map(|(n, _)| *n).rev().filter(|n| *n > 0).take(2 * usize::from(FILLINGS));
            let most = last.max().unwrap_or_default().next_power_of_two().max(KEPT) * 4;
            prop_assert!(queue.capacity() <= most, "{} {most}", queue.capacity());
            queue.shrink();
            prop_assert_eq!(queue.memory(), 0);
        }
    }
}
