//! A frame that waits, and where its bytes are.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::Bytes;

use crate::Instant;
use crate::link::flow::{Kept, Sent, envelope_cost};
use crate::wire::frame;

/// A frame that is the same on many links: written once, whoever it waits for. What many links hold would not fit in
/// the processor's caches if each had its own. In a box, for thousands of entries have room for the address of one.
pub(crate) type SharedFrame = Arc<Box<[u8]>>;

/// What a shared frame takes besides its bytes: two counts, where these are, and how many.
pub(super) const SHARED_HEAD: usize = 4 * size_of::<usize>();

/// What is known of a frame that waits.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it costs is what its whole frame holds, and a little more.
    pub(super) kept: Kept,
    /// Of what the window counts only.
    pub(super) expires: Instant,
    pub(super) held: Held,
}

/// Where the bytes of a frame are.
#[derive(Debug)]
pub(super) enum Held {
    /// Among the lane's.
    Own {
        /// So many fewer than those of the whole frame, as the one before it has them.
        saved: u32,
    },
    /// Among the lane's, but for the end.
    Ended(Box<Ended>),
    /// Others have them, too.
    Shared(SharedFrame),
}

/// Where the bytes are of a frame that ends in what is kept as it came.
#[derive(Debug)]
pub(super) struct Ended {
    /// As in [`Held::Own`].
    pub(super) saved: u32,
    pub(super) end: Bytes,
}

// Many thousands may wait.
const _: () = assert!(size_of::<Entry>() == 64);

impl Entry {
    /// Of a frame of `length` bytes in whole.
    pub(super) fn new(sent: Sent, length: usize, expires: Instant, held: Held) -> Entry {
        Entry { kept: Kept::new(sent, envelope_cost(length - frame::HEADER)), expires, held }
    }

    /// Of the whole frame.
    pub(super) const fn len(&self) -> usize {
        self.kept.cost() - envelope_cost(0) + frame::HEADER
    }

    /// How many bytes fewer it has behind the one before it.
    pub(super) const fn saved(&self) -> usize {
        match &self.held {
            Held::Own { saved } => *saved as usize,
            Held::Ended(ended) => ended.saved as usize,
            Held::Shared(_) => 0,
        }
    }
}
