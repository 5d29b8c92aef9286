//! Looking for a moment before sleeping.
//!
//! To sleep and to be woken costs more than the system calls for it: where a processor without work is given back, as
//! in a virtual machine, tens of microseconds, for each hop of a message. What answers what was just sent comes sooner
//! than that. So whoever waits looks again and again for a moment first, and lets others have the processor between
//! looks; and where that was in vain, it is tried less and less often.

use std::time::{Duration, Instant};

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum For {
    /// Whatever happens next.
    Anything,
    /// What it has asked for.
    Answer,
    /// What others ask it for.
    Request,
}

impl For {
    /// How long it looks at most. Questions and answers go to and fro as long as nobody sleeps: a few dozen at once take
    /// a neighbour and its hub a few hundred microseconds.
    const fn moment(self) -> Duration {
        Duration::from_micros(match self {
            For::Anything => 100,
            For::Answer | For::Request => 300,
        })
    }
}

/// In vain so often in a row, it is tried once in 2^6 waits.
const RARELY: u32 = 6;

/// Whether looking has been worth it lately.
#[derive(Default, Debug)]
pub(super) struct Glance {
    /// How often in a row it was in vain.
    vain: u32,
    /// So many waits go by without.
    skipped: u32,
}

impl Glance {
    /// Looks by `look`, which says whether it has found something: until it has, or for a moment, or as long as
    /// `most`. Whether it has.
    pub(super) fn until_found(
        &mut self,
        what: For,
        most: Option<Duration>,
        mut look: impl FnMut() -> bool,
    ) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        let end = Instant::now() + most.map_or(what.moment(), |most| most.min(what.moment()));
        while !look() {
            if Instant::now() >= end {
                self.vain = (self.vain + 1).min(RARELY);
                self.skipped = (1 << self.vain) - 1;
                return false;
            }
            std::thread::yield_now();
        }
        self.vain = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_something_is_found_and_when_there_is_no_time() {
        let (mut glance, mut looks) = (Glance::default(), 0);
        let third = || {
            looks += 1;
            looks == 3
        };
        assert!(glance.until_found(For::Answer, None, third) && looks == 3);
        let mut looks = 0;
        let never = || {
            looks += 1;
            false
        };
        assert!(!glance.until_found(For::Anything, Some(Duration::ZERO), never) && looks == 1);
    }

    #[test]
    fn in_vain_it_is_tried_less_and_less_often_and_found_always() {
        let mut glance = Glance::default();
        let mut tries = |found: bool| {
            let mut tried = 0;
            for _ in 0..1000 {
                glance.until_found(For::Anything, Some(Duration::ZERO), || {
                    tried += 1;
                    found
                });
            }
            tried
        };
        // After 0, 1, 3, 7 .. 63 others, and every 64th from then on.
        let in_vain = tries(false);
        assert!((15..25).contains(&in_vain), "{in_vain}");
        assert!(tries(true) > 900);
    }
}
