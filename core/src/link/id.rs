//! What links are called.

use core::fmt;

/// One byte stream to a neighbour. Never used twice by one node.
///
/// The node numbers the links that it dials; the driver numbers those that it accepts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    /// The driver's `n`-th accepted link. `n` is below 2^63 and never used twice.
    pub const fn accepted(n: u64) -> LinkId {
        LinkId(n << 1 | 1)
    }

    pub(crate) const fn dialed(n: u64) -> LinkId {
        LinkId(n << 1)
    }

    /// Whether the neighbour dialed.
    pub const fn is_accepted(self) -> bool {
        self.0 & 1 == 1
    }

    /// A number that no other link of this node has.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_accepted() { "accepted-" } else { "dialed-" }, self.0 >> 1)
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
