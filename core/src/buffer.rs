//! Bytes that are written over and over again.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};

/// Bytes, and behind them room with what was in it before: what is about to be overwritten is not cleared first.
#[derive(Default)]
pub(crate) struct Buffer {
    /// All of it was written once.
    memory: Vec<u8>,
    /// So much of it counts.
    len: usize,
}

impl Buffer {
    /// Appends.
    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(room) = self.memory.get_mut(self.len..end) {
            copy(room, bytes);
        } else {
            self.memory.truncate(self.len);
            self.memory.extend_from_slice(bytes);
        }
        self.len = end;
    }

    /// Appends what `write` writes to the `most` bytes that it is given, whatever is in them: as much as it says.
    ///
    /// # Errors
    /// Those of `write`. Nothing is appended then.
    pub(crate) fn extend_by<E>(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        self.replace_from(self.len, most, write)
    }

    /// The same, in place of what stands from `from` on, which comes first in what `write` is given.
    ///
    /// # Errors
    /// Those of `write`. Nothing counts from `from` on then, nor after a panic.
    pub(crate) fn replace_from<E>(
        &mut self,
        from: usize,
        more: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let (from, end) = (from.min(self.len), self.len + more);
        if self.memory.len() < end {
            self.memory.resize(end, 0);
        }
        self.len = from;
        self.len += write(&mut self.memory[from..end])?.min(end - from);
        Ok(())
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Leaves the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes the first `n` off, of those that there are.
    pub(crate) fn drop_front(&mut self, n: usize) {
        let n = n.min(self.len);
        self.memory.copy_within(n..self.len, 0);
        self.len -= n;
    }

    /// What it holds room for.
    pub(crate) const fn capacity(&self) -> usize {
        self.memory.capacity()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.len]
    }
}

/// So much is copied at once.
///
/// For more than this, a common `memcpy` uses an instruction for strings, which on some processors takes thirty times as
/// long where the one place is a little behind the other, modulo a page: 5 µs instead of 0.2 for a record, once in 130 times.
const PIECE: usize = 2 * 1024;

/// As `copy_from_slice`, which panics as well where the one is longer than the other.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    assert_eq!(to.len(), from.len(), "what is copied to must be as long");
    for (to, from) in to.chunks_mut(PIECE).zip(from.chunks(PIECE)) {
        to.copy_from_slice(from);
    }
}

/// As `extend_from_slice`.
#[inline]
pub(crate) fn append(to: &mut Vec<u8>, from: &[u8]) {
    if from.len() <= PIECE {
        return to.extend_from_slice(from);
    }
    to.reserve(from.len());
    from.chunks(PIECE).for_each(|from| to.extend_from_slice(from));
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was in it before: what counts is what was written, and it gives nothing else.
        #[test]
        fn it_is_a_vector(steps in proptest::collection::vec((0u8..6, 0usize..40), 0..60)) {
            let (mut buffer, mut model) = (Buffer::default(), Vec::new());
            for (n, (what, size)) in (0u8..).zip(steps) {
                match what {
                    0 => {
                        buffer.extend_from_slice(&alloc::vec![n; size]);
                        model.resize(model.len() + size, n);
                    }
                    1 => {
                        let written = buffer.extend_by(40, |room| {
                            assert_eq!(room.len(), 40);
                            room[..size].fill(n);
                            Ok::<usize, ()>(size)
                        });
                        prop_assert!(written.is_ok());
                        model.resize(model.len() + size, n);
                    }
                    2 => {
                        let failed = buffer.extend_by(size, |room| {
                            room.fill(n);
                            Err(n)
                        });
                        prop_assert_eq!(failed, Err(n));
                    }
                    3 => {
                        let replaced = buffer.replace_from(size, 7, |room| {
                            assert_eq!(room[..room.len() - 7], model[size.min(model.len())..]);
                            room.fill(n);
                            Ok::<usize, ()>(size)
                        });
                        prop_assert!(replaced.is_ok());
                        let from = size.min(model.len());
                        let written = size.min(model.len() - from + 7);
                        model.truncate(from);
                        model.resize(from + written, n);
                    }
                    4 => {
                        buffer.truncate(size);
                        model.truncate(size);
                    }
                    _ => {
                        buffer.drop_front(size);
                        model.drain(..size.min(model.len()));
                    }
                }
                prop_assert_eq!(&buffer[..], &model[..]);
            }
            buffer.clear();
            prop_assert!(buffer.is_empty());
        }
    }

    #[test]
    fn room_that_was_there_is_given_again_as_it_is() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(&[7; 10]);
        buffer.clear();
        buffer.extend_from_slice(&[8; 2]);
        let seen = buffer.extend_by(8, |room| {
            assert_eq!(room, [7; 8]);
            Ok::<usize, ()>(99)
        });
        assert!(seen.is_ok());
        assert_eq!(buffer[..], [8, 8, 7, 7, 7, 7, 7, 7, 7, 7], "no more than there is");
    }

    #[test]
    #[should_panic(expected = "as long")]
    fn nothing_is_left_out() {
        copy(&mut [0; 2 * PIECE], &[0; PIECE]);
    }

    #[test]
    fn pieces_are_as_good_as_the_whole() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let bytes: Vec<u8> = (0..251).cycle().take(len).collect();
            let (mut copied, mut appended) = (alloc::vec![0; len], alloc::vec![7; 3]);
            copy(&mut copied, &bytes);
            append(&mut appended, &bytes);
            assert!(copied == bytes && appended[..3] == [7; 3] && appended[3..] == bytes[..], "{len}");
        }
    }
}
