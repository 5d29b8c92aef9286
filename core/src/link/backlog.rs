//! The bytes of whole frames that wait, in the order in which they came.

use alloc::vec::Vec;
use core::ops::Range;

use crate::buffer::append;
use crate::wire::MessageId;
use crate::wire::frame::{self, types};
use crate::wire::label::{self, Packed};

/// The bytes of an id.
pub(super) const ID: usize = size_of::<MessageId>();
/// What a frame has before its letter, if the envelope is alike to the one before it.
const ALIKE: usize = frame::HEADER + ID;

/// Two pieces of memory that take turns: while one is read, the other is written. So no byte is ever moved to make
/// room for another, and what is here of a frame is always in one piece. What was read is held until all of its half was:
/// that is no more than has waited at once.
///
/// An envelope that is alike to the one before it in its half is kept without its label, as it will go, if that one goes
/// in the same record. If it does not, the label is [written](Backlog::write_out) in front of it, where others stood
/// that went: at least that one did, which is longer.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    front: Vec<u8>,
    /// What came after the front was begun to be read.
    back: Vec<u8>,
    /// How much was read, of both as if they were one.
    start: usize,
    /// Where the last label was written, in the half that is written. 0, if something else came behind it, or it is too
    /// far away. There are four of these for each link: small numbers.
    written: u32,
    /// Where the last label was that was read, in its half.
    read: u32,
}

impl Backlog {
    /// Where the next frame is to be written, whole and before anything else is asked of this.
    const fn end(&mut self) -> &mut Vec<u8> {
        if self.start == 0 && self.back.is_empty() { &mut self.front } else { &mut self.back }
    }

    /// Writes an envelope's frame but for its letter of `length` bytes, of which so many as come `here` must follow,
    /// before anything else is asked of this. How many bytes fewer than the whole frame this one has, besides those of its
    /// letter that do not come here.
    #[inline]
    pub(super) fn begin(&mut self, label: &Packed<'_>, length: usize, here: usize) -> (usize, &mut Vec<u8>) {
        let written = self.written as usize;
        let half = self.end();
        if written > 0 && half.get(written..).is_some_and(|last| label.is_alike(last)) {
            return (label.len() - ID, self.begin_behind(label.id, length, here));
        }
        let at = half.len() + frame::HEADER;
        half.reserve(frame::HEADER + label.len() + here);
        half.extend_from_slice(&frame::header(types::ENVELOPE, label.len() + length));
        label.write(half);
        self.written = place(at);
        (0, self.end())
    }

    /// The same, of an envelope that is alike to the last one, which [can be followed](Backlog::can_be_followed).
    #[inline]
    pub(super) fn begin_behind(&mut self, id: MessageId, length: usize, here: usize) -> &mut Vec<u8> {
        let half = self.end();
        half.reserve(ALIKE + here);
        // Not put together first: see `Packed::write`.
        half.extend_from_slice(&frame::header(types::ALIKE, ID + length));
        half.extend_from_slice(&id.0);
        half
    }

    /// Whether envelopes alike to the last one can be put behind it without asking whether they are.
    pub(super) const fn can_be_followed(&self) -> bool {
        self.written > 0
    }

    /// Adds whole frames of envelopes that are alike to the last one, and are here without its label.
    #[inline]
    pub(super) fn add(&mut self, frames: &[u8]) {
        append(self.end(), frames);
    }

    /// Something that is not here goes behind the last frame: the next is not alike to that.
    pub(super) const fn interrupt(&mut self) {
        self.written = 0;
    }

    /// What is read next.
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    /// Passes over the next frame, of `length` bytes, `saved` fewer than the whole frame. Where it is, until
    /// [`settle`](Backlog::settle).
    pub(super) const fn pass(&mut self, length: usize, saved: usize) -> Range<usize> {
        let start = self.start;
        if saved == 0 {
            self.read = place(start - self.half() + frame::HEADER);
        }
        self.start += length;
        start..self.start
    }

    /// Writes out the frame that is read next, of which its label was saved. It begins earlier then.
    pub(super) fn write_out(&mut self) {
        let before = self.half();
        let half = if before == 0 { &mut self.front } else { &mut self.back };
        if let Some(start) = write_out(half, self.start - before, self.read as usize) {
            self.start = before + start;
        }
    }

    /// Where the half begins in which is what is read next.
    const fn half(&self) -> usize {
        if self.start < self.front.len() { 0 } else { self.front.len() }
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

    /// What was passed over is of no more use, but for its last label.
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

/// A place that is near enough for others to be alike to what stands there; else 0, where no label is.
#[allow(clippy::cast_possible_truncation)] // it is looked at
const fn place(at: usize) -> u32 {
    if at <= u32::MAX as usize { at as u32 } else { 0 }
}

/// Writes the whole frame of the envelope that stands at `at`, with the label at `like`, so that it ends where it ended.
/// Where it begins then.
fn write_out(bytes: &mut [u8], at: usize, like: usize) -> Option<usize> {
    let (header, payload) = bytes.get(at..)?.split_first_chunk()?;
    let (&[_, high, low], &id) = (header, payload.first_chunk()?);
    let (letter, length) = (at + ALIKE, usize::from(u16::from_be_bytes([high, low])));
    let label = label::write_again(bytes, like, MessageId(id), letter)?;
    let start = label.checked_sub(frame::HEADER)?;
    let header = frame::header(types::ENVELOPE, at + frame::HEADER + length - label);
    bytes.get_mut(start..label)?.copy_from_slice(&header);
    Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Label;
    use crate::wire::label::tests::{all_in, of, whole};
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    /// What [`Backlog::begin`] says of an envelope that is written with this letter.
    fn push(backlog: &mut Backlog, label: &Label<'_>, letter: &[u8]) -> usize {
        let mut room = [0; label::TEXTS];
        let (saved, out) = backlog.begin(&label.pack(&mut room), letter.len(), letter.len());
        out.extend_from_slice(letter);
        saved
    }

    proptest! {
        /// Whatever is written and read when: envelopes come out whole, in order, and what is held is bounded by what
        /// has waited.
        #[test]
        fn it_is_a_queue(
            steps in proptest::collection::vec((0u8..3, 0usize..100, 0usize..4, any::<bool>()), 1..200),
        ) {
            let (mut backlog, mut model) = (Backlog::default(), VecDeque::new());
            let (mut waiting, mut most) = (0, 0);
            for (n, (which, length, count, interrupted)) in (0u8..).zip(steps) {
                let (label, letter) = (of(which, n), alloc::vec![n; length]);
                if interrupted && n % 8 == 0 {
                    backlog.interrupt();
                }
                let saved = push(&mut backlog, &label, &letter);
                let whole = whole(&label, &letter);
                let length = frame::HEADER + whole.len() - saved;
                model.push_back((whole, length, saved));
                waiting += length;
                most = most.max(waiting);
                // As a record: the first is written out.
                let (mut from, mut wanted) = (backlog.start(), Vec::new());
                for (nth, (whole, length, saved)) in model.drain(..count.min(model.len())).enumerate() {
                    waiting -= length;
                    let own = if nth == 0 && saved > 0 {
                        backlog.write_out();
                        from = backlog.start();
                        backlog.pass(length + saved, 0)
                    } else {
                        backlog.pass(length, saved)
                    };
                    prop_assert_eq!(backlog.pieces(own.clone()).collect::<Vec<_>>(), core::slice::from_ref(&own));
                    wanted.push(whole);
                }
                let all = from..backlog.start();
                let pieces: Vec<_> = backlog.pieces(all.clone()).collect();
                let is_whole = all.start >= backlog.front.len() || all.end <= backlog.front.len();
                prop_assert_eq!(pieces.len() < 2, is_whole);
                let read: Vec<_> = pieces.iter().flat_map(|piece| backlog.get(piece)).copied().collect();
                prop_assert_eq!(all_in(&read), wanted);
                backlog.settle();
                prop_assert!(backlog.front.len() + backlog.back.len() <= 2 * most);
                prop_assert_eq!(backlog.front.len() + backlog.back.len() - backlog.start, waiting);
            }
        }
    }

    #[test]
    fn the_label_is_saved_when_it_is_that_of_the_one_before() {
        let mut backlog = Backlog::default();
        let (one, another) = (of(0, 1), of(1, 2));
        let saved: Vec<_> =
            [one, one, another, one, one].iter().map(|label| push(&mut backlog, label, b"")).collect();
        assert_eq!(saved, [0, one.len() - 16, 0, 0, one.len() - 16]);
        backlog.interrupt();
        assert_eq!(push(&mut backlog, &one, b""), 0);
        // The other half is written from here on.
        backlog.pass(frame::HEADER + one.len(), 0);
        assert_eq!((push(&mut backlog, &one, b""), push(&mut backlog, &one, b"")), (0, one.len() - 16));
    }

    #[test]
    fn a_backlog_that_is_read_as_fast_as_it_is_written_needs_two_pieces_and_no_more() {
        let mut backlog = Backlog::default();
        let label = of(0, 0);
        push(&mut backlog, &label, &[0; 1000]);
        for _ in 0..1000 {
            let saved = push(&mut backlog, &label, &[0; 10]);
            backlog.pass(frame::HEADER + label.len() + 10 - saved, saved);
            backlog.settle();
        }
        assert!(backlog.memory() <= 4 * 1000, "{}", backlog.memory());
    }
}
