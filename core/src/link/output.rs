//! The bytes that are sealed and not yet written. They stay until the driver says so.

use crate::buffer::Buffer;
use crate::link::lanes::FULL;
use crate::wire::record;

/// What TCP hands on in one piece: 64 KiB with all headers, on the loopback as well as to a card that cuts it up itself. A
/// little more is two pieces, and each is sent, acknowledged and woken for.
const SEGMENT: usize = 64 * 1024 - 128;

/// While so much is sealed and unwritten, nothing more is, so that with one more full record it still goes in one piece. And
/// what is urgent can still overtake what is not sealed, and one slow reader costs no more memory than this and a record.
pub(crate) const ENOUGH: usize = SEGMENT - (record::HEADER + FULL + record::TAG);

/// Whoever gives a link many envelopes at once gives it no more than these bytes before they are written: a little less than
/// goes in one piece, as records are full when the next envelope would not fit.
pub(crate) const AT_ONCE: usize = SEGMENT - 4 * 1024;

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
