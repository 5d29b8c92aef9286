//! The bytes of whole frames that wait, in the order in which they came.

use alloc::vec::Vec;
use core::ops::Range;

/// Two pieces of memory that take turns: while one is read, the other is written. So no byte is ever moved to make
/// room for another, and a frame is always in one piece. What was read is held until all of its half was: that is no
/// more than has waited at once.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    front: Vec<u8>,
    /// What came after the front was begun to be read.
    back: Vec<u8>,
    /// How much was read, of both as if they were one.
    start: usize,
}

impl Backlog {
    /// Where the next frame is to be written, whole and before anything else is asked of this.
    pub(super) const fn end(&mut self) -> &mut Vec<u8> {
        if self.start == 0 && self.back.is_empty() { &mut self.front } else { &mut self.back }
    }

    /// What is read next.
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    /// Passes over the next frame, of `length` bytes. Where it is, until [`settle`](Backlog::settle).
    pub(super) const fn pass(&mut self, length: usize) -> Range<usize> {
        let start = self.start;
        self.start += length;
        start..self.start
    }

    /// Frames that were passed over one behind the other, as the pieces that they are in: two at most.
    pub(super) fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let middle = self.front.len().clamp(range.start, range.end);
        [range.start..middle, middle..range.end].into_iter().filter(|piece| !piece.is_empty())
    }

    /// Frames that are in one piece.
    pub(super) fn get(&self, range: &Range<usize>) -> &[u8] {
        let front = self.front.len();
        if range.start < front {
            &self.front[range.clone()]
        } else {
            &self.back[range.start - front..range.end - front]
        }
    }

    /// What was passed over is of no more use.
    pub(super) fn settle(&mut self) {
        if self.start < self.front.len() {
            return;
        }
        let start = self.start - self.front.len();
        self.front.clear();
        core::mem::swap(&mut self.front, &mut self.back);
        self.start = if planted!(CompactKeepsStart) && !self.front.is_empty() { self.start } else { start };
        if self.start > 0 && self.start == self.front.len() {
            self.front.clear();
            self.start = 0;
        }
    }

    /// What it holds room for, in bytes.
    pub(super) const fn memory(&self) -> usize {
        self.front.capacity() + self.back.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is written and read when: frames come out whole, in order, and what is held is bounded by what has
        /// waited.
        #[test]
        fn it_is_a_queue(
            steps in proptest::collection::vec((1usize..100, 0usize..4), 1..200),
        ) {
            let (mut backlog, mut model) = (Backlog::default(), VecDeque::new());
            let (mut waiting, mut most) = (0, 0);
            for (n, (length, count)) in steps.into_iter().enumerate() {
                let frame = alloc::vec![u8::try_from(n).unwrap(); length];
                backlog.end().extend_from_slice(&frame);
                model.push_back(frame);
                waiting += length;
                most = most.max(waiting);
                let from = backlog.start();
                let mut wanted = Vec::new();
                for frame in model.drain(..count.min(model.len())) {
                    waiting -= frame.len();
                    let own = backlog.pass(frame.len());
                    prop_assert_eq!(backlog.pieces(own.clone()).collect::<Vec<_>>(), core::slice::from_ref(&own));
                    prop_assert_eq!(backlog.get(&own), &frame);
                    wanted.extend(frame);
                }
                let all = from..backlog.start();
                let pieces: Vec<_> = backlog.pieces(all.clone()).collect();
                let is_whole = all.start >= backlog.front.len() || all.end <= backlog.front.len();
                prop_assert_eq!(pieces.len() < 2, is_whole);
                let read: Vec<_> = pieces.iter().flat_map(|piece| backlog.get(piece)).copied().collect();
                prop_assert_eq!(read, wanted);
                backlog.settle();
                prop_assert!(backlog.front.len() + backlog.back.len() <= 2 * most);
                prop_assert_eq!(backlog.front.len() + backlog.back.len() - backlog.start, waiting);
            }
        }
    }

    #[test]
    fn a_backlog_that_is_read_as_fast_as_it_is_written_needs_two_pieces_and_no_more() {
        let mut backlog = Backlog::default();
        backlog.end().extend_from_slice(&[0; 1000]);
        for _ in 0..1000 {
            backlog.end().extend_from_slice(&[0; 10]);
            backlog.pass(10);
            backlog.settle();
        }
        assert!(backlog.memory() <= 4 * 1000, "{}", backlog.memory());
    }
}
