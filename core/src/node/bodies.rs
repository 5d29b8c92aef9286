//! Short contents of messages for the application, in memory that they share.

use core::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::link::Plain;

/// So much is allocated at once at first: what comes now and then needs no more ..
const LEAST: usize = 4 * 1024;

/// .. and so much in the end, where one page is not free again before the next is needed: about what a full record
/// has in it.
const MOST: usize = 16 * 1024;

/// What is longer stays in the memory of its record, or has memory of its own.
const SHORT: usize = 512;

/// In a record that has so much in it, or more, short ones stay, too, if they are alike: it is full, or nearly so, and most of
/// it is theirs. In smaller ones they are copied, which costs less than records that are strewn over more memory than
/// the processor has at hand, where a program has many nodes.
const FULL: usize = 12 * 1024;

/// Where short bodies are kept, one behind the other: to allocate and to free each would cost more than to copy it.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// What is free of the last page.
    page: BytesMut,
    /// How large that was; nothing, if there was none.
    size: usize,
}

impl Bodies {
    /// The content of the last envelope of `record`, if it is better kept where it is. `is_alike`: to the one before it.
    /// Where each is unlike the one before, the record is changed for that, and would be copied for what is kept of it.
    #[inline]
    pub(super) fn there<'a>(
        body: &[u8],
        record: Option<&'a Plain>,
        is_alike: bool,
    ) -> Option<(&'a Bytes, Range<usize>)> {
        let record = record?;
        let stays = body.len() > SHORT || (is_alike && record.len() >= FULL && !body.is_empty());
        if stays { record.end(body.len()) } else { None }
    }

    /// A copy of `body`, to be frozen where it is needed: a little later, lest it be read while it is being written.
    pub(super) fn copy(&mut self, body: &[u8]) -> BytesMut {
        if body.is_empty() || body.len() > SHORT {
            return BytesMut::from(body);
        }
        // The same page again, when nobody has anything on it any more.
        if self.page.capacity() < body.len() && !self.page.try_reclaim(self.size.max(SHORT)) {
            self.size = (self.size * 2).clamp(LEAST, MOST);
            self.page = BytesMut::with_capacity(self.size);
        }
        self.page.extend_from_slice(body);
        self.page.split()
    }

    /// What nobody else holds.
    pub(super) fn memory(&self) -> usize {
        self.page.capacity()
    }

    /// Gives the page up. It is gone with the last that is on it.
    pub(super) fn shrink(&mut self) {
        *self = Bodies::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// What `work` leaves allocated, and how often it has allocated.
    fn allocated(work: impl FnOnce()) -> (i64, u64) {
        let info = allocation_counter::measure(work);
        (info.bytes_current, info.count_total)
    }

    #[test]
    fn short_ones_are_allocated_by_the_page_and_long_ones_by_themselves() {
        let (mut bodies, mut kept) = (Bodies::default(), Vec::with_capacity(100));
        let (_, count) = allocated(|| kept.extend((0..64).map(|_| bodies.copy(&[7; 256]))));
        // The first two pages are smaller. A page is its memory, and what counts who is on it.
        assert!(count <= 2 * (2 + 64 * 256 / MOST as u64), "{count} allocations");
        assert_eq!(allocated(|| kept.push(bodies.copy(&[7; SHORT + 1]))).1, 1);
        assert_eq!(allocated(|| kept.push(bodies.copy(&[]))).1, 0);
    }

    #[test]
    fn a_page_on_which_nothing_is_left_is_used_again() {
        let mut bodies = Bodies::default();
        drop(bodies.copy(&[7; SHORT]));
        let (held, count) = allocated(|| (0..1000).for_each(|_| drop(bodies.copy(&[7; SHORT]))));
        assert!(held <= LEAST as i64 && count <= 2, "{held} bytes, {count} allocations");
        let held = allocated(|| bodies.shrink()).0;
        assert!(held <= -(LEAST as i64) && bodies.memory() == 0, "{held}");
    }

    proptest! {
        /// Whatever came before and came after, and however long it is kept: it stays what it was.
        #[test]
        fn each_is_what_it_was(steps in proptest::collection::vec((0usize..2 * SHORT, any::<u8>(), 0usize..8), 0..200)) {
            let (mut bodies, mut kept) = (Bodies::default(), Vec::new());
            for (length, byte, what) in steps {
                kept.push((bodies.copy(&alloc::vec![byte; length]), length, byte));
                match what {
                    0 => bodies.shrink(),
                    1..4 => drop(kept.swap_remove(length % kept.len())),
                    _ => {}
                }
                prop_assert!(bodies.memory() <= MOST);
                for (body, length, byte) in &kept {
                    prop_assert!(body.len() == *length && body.iter().all(|b| b == byte));
                }
            }
        }
    }
}
