//! The plaintext of a record while it is read, and the envelopes in it.

use core::num::NonZeroU64;
use core::ops::Range;

use bytes::Bytes;

use crate::pages::Pages;
use crate::wire::{Kind, MessageId, frame, label};

/// The plaintext of the record that is being read. One for all connections of a node.
#[derive(Debug, Default)]
pub struct Plain {
    pub(super) bytes: Pages,
    /// How much of it was read.
    pub(super) at: usize,
    /// Where the payload is of the envelope that came last.
    pub(super) payload: Range<usize>,
    /// Whether it has no label of its own there.
    pub(super) is_alike: bool,
    /// The last label that came in this record.
    pub(super) label: Option<At>,
    pub(super) sequence: Option<NonZeroU64>,
}

impl Plain {
    /// The envelope that [`Step::Envelope`](crate::link::Step::Envelope) spoke of.
    pub fn envelope(&self) -> &[u8] {
        self.bytes.get(self.payload.clone()).unwrap_or_default()
    }

    /// The one that came last, which has not been [written out](Plain::write_out).
    pub(crate) fn came(&self) -> Came<'_> {
        Came::new(self.is_alike, self.envelope()).unwrap_or(Came::Whole(&[]))
    }

    /// Where the whole frame is of the one that came last, and has not been written out.
    pub(crate) const fn frame(&self) -> Range<usize> {
        self.payload.start - frame::HEADER..self.payload.end
    }

    /// Frames that came one behind the other.
    pub(crate) fn frames(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Writes the label in front of the letter of an envelope that came without one.
    pub(super) fn write_out(&mut self) {
        let Came::Alike { id, letter } = self.came() else { return };
        let end = self.payload.end - letter.len();
        let Some(at) = &mut self.label else { return };
        // What stands in front of it was dealt with, the envelope among it that has the label.
        if let Some(start) = self.bytes.change(|bytes| label::write_again(bytes, at.start, id, end)) {
            (self.payload.start, at.start) = (start, start);
            self.is_alike = false;
        }
    }

    /// Its number, to be given back when it was dealt with; none for one that is not counted.
    pub const fn sequence(&self) -> Option<NonZeroU64> {
        self.sequence
    }

    /// How long the whole record is.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where the last `len` bytes of that envelope are, if they can be kept there; none, if they are better copied.
    #[inline]
    pub(crate) fn end(&self, len: usize) -> Option<(&Bytes, Range<usize>)> {
        let end = self.payload.end - len.min(self.payload.len())..self.payload.end;
        self.bytes.lent(&end).map(|page| (page, end))
    }

    pub(crate) fn memory(&self) -> usize {
        self.bytes.memory()
    }

    /// Gives back what it holds besides.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink();
    }

    /// Nothing of it is read any more. The bytes stay until the next record comes.
    pub(crate) fn clear(&mut self) {
        self.at = self.bytes.len();
        (self.payload, self.label, self.sequence) = (0..0, None, None);
    }
}

/// Where a label is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    start: usize,
    /// How many bytes it has.
    pub(super) length: usize,
    /// Whether windows count envelopes with it.
    pub(super) is_counted: bool,
}

impl At {
    /// That of `envelope`, which begins at `start`; none, if it has no whole one.
    pub(super) fn new(start: usize, envelope: &[u8]) -> Option<At> {
        Some(At { start, length: label::length(envelope)?, is_counted: is_counted(envelope) })
    }
}

/// What the flags say of an envelope, without reading the rest: a malformed one is counted.
pub(super) fn is_counted(envelope: &[u8]) -> bool {
    envelope.first().is_none_or(|flags| flags & 3 != Kind::Notification as u8)
}

/// An envelope as it came in its record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Came<'a> {
    /// With its label.
    Whole(&'a [u8]),
    /// With that of the one before it, but for the id.
    Alike { id: MessageId, letter: &'a [u8] },
}

impl<'a> Came<'a> {
    /// In a frame with this payload; none, if the payload is too short.
    pub(super) fn new(is_alike: bool, payload: &'a [u8]) -> Option<Came<'a>> {
        if !is_alike {
            return Some(Came::Whole(payload));
        }
        let (&id, letter) = payload.split_first_chunk()?;
        Some(Came::Alike { id: MessageId(id), letter })
    }
}
