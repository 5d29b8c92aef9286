//! The bytes that are sealed and not yet written. They stay until the driver says so.

use crate::buffer::Buffer;

/// While more than this is sealed and unwritten, nothing more is: what is urgent can still overtake
/// what is not sealed, and one slow reader costs no more memory than this and a record.
pub(crate) const ENOUGH: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Buffer,
    written: usize,
}

impl Output {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Where to append.
    pub(crate) const fn bytes(&mut self) -> &mut Buffer {
        &mut self.bytes
    }

    /// The first `n` were written; more than there are count as all.
    pub(crate) fn wrote(&mut self, n: usize) {
        let n = if planted!(PartialWriteDropsRest) { self.bytes.len() } else { n };
        self.written = self.bytes.len().min(self.written.saturating_add(n));
        if self.is_empty() {
            self.bytes.clear();
            self.written = 0;
        } else if self.written > ENOUGH {
            self.bytes.drop_front(self.written);
            self.written = 0;
        }
    }

    pub(crate) const fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Output::default();
        }
    }
}
