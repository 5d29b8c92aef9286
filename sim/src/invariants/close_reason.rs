//! Honest nodes end links only for what has befallen them.

use homing_core::{Event, Reason};

use crate::fact::{Fact, What};
use crate::invariant::{Invariant, Scene};

/// Among honest nodes no link ends for what would be a fault of one of them: nothing malformed, forged, out of order
/// or past a limit.
#[derive(Clone, Copy, Default, Debug)]
pub struct CloseReasons;

fn is_innocent(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::FINISHED
            | Reason::REPLACED
            | Reason::HANDSHAKE_TIMEOUT
            | Reason::SILENCE
            | Reason::GONE
            | Reason::BUSY
            | Reason::UNREACHABLE
            | Reason::STORAGE
    )
}

impl Invariant for CloseReasons {
    fn name(&self) -> &'static str {
        "close-reason"
    }

    fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Told(Event::Down { why, .. } | Event::LinkDown { why, .. })
                if !is_innocent(why.reason()) =>
            {
                Err(format!("a link ended: {why}"))
            }
            _ => Ok(()),
        }
    }
}
