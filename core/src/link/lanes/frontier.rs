//! What goes into one record: in one piece where it waits, or put together where it is encrypted.

use core::ops::Range;

use crate::link::backlog::Backlog;
use crate::link::lanes::entry::SharedFrame;
use crate::link::record::Record;

/// What of a lane may go into the next record.
pub(crate) struct Frontier {
    pub(super) lane: usize,
    pub(super) frames: Frames,
}

/// Where its bytes are.
pub(super) enum Frames {
    /// In the lane.
    Own(Range<usize>),
    /// They are one frame, which others have, too.
    Shared(SharedFrame),
    /// They are in several pieces, and in the record already.
    Added,
}

impl Frames {
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Frames::Own(range) if range.start == range.end)
    }

    /// Those that follow, one behind the other: their place in `bytes`.
    pub(super) fn add_own(&mut self, bytes: &Backlog, own: Range<usize>, record: &mut Record<'_>) {
        for own in bytes.pieces(own) {
            if self.is_empty() {
                *self = Frames::Own(own);
            } else {
                self.add(bytes, bytes.get(&own), record);
            }
        }
    }

    /// One more, which others have, too.
    pub(super) fn add_shared(&mut self, bytes: &Backlog, frame: &SharedFrame, record: &mut Record<'_>) {
        if self.is_empty() {
            *self = Frames::Shared(frame.clone());
        } else {
            self.add(bytes, frame, record);
        }
    }

    /// Puts what there is into the record, and `piece` behind it.
    pub(super) fn add(&mut self, bytes: &Backlog, piece: &[u8], record: &mut Record<'_>) {
        match self {
            Frames::Own(range) => record.add(bytes.get(range)),
            Frames::Shared(frame) => record.add(frame),
            Frames::Added => {}
        }
        record.add(piece);
        *self = Frames::Added;
    }
}
