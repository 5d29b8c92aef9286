//! How a connection ends: why, and until when it may still say so.

use crate::{CloseReason, Instant};

/// The end of a connection.
#[derive(Debug)]
pub(crate) enum Goodbye {
    /// It is not ending.
    No,
    /// This side has asked to finish: it sends what is queued, then says so, then waits for the answer.
    Asking { by: Instant, said: bool },
    /// The other side has asked: this side sends what is queued, then agrees.
    Agreeing { by: Instant },
    /// It is over. What is sealed may still be written.
    Over { by: Instant, why: CloseReason, told: bool },
}

impl Goodbye {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Goodbye::Over { .. })
    }

    /// Until when it may take.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self {
            Goodbye::No => None,
            Goodbye::Asking { by, .. } | Goodbye::Agreeing { by } | Goodbye::Over { by, .. } => Some(*by),
        }
    }
}
