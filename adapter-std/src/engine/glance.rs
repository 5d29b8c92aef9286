//! Looking for a moment before sleeping.
//!
//! To sleep and to be woken costs more than the system calls for it: where a processor without work is given back, as
//! in a virtual machine, tens of microseconds, for each hop of a message. What answers what was just sent comes sooner
//! than that. So whoever waits looks again and again for a moment first, and lets others have the processor between
//! looks; and where that was in vain, it is tried less and less often.

use std::time::{Duration, Instant};

/// How long somebody looks at most: about as long as a neighbour and its hub take for a few dozen answers.
const MOMENT: Duration = Duration::from_micros(300);

/// The same on a hub, which waits for nobody in particular: what it looks, the processor does for nobody else.
const MOMENT_OF_HUB: Duration = Duration::from_micros(100);

/// In vain so often in a row, it is tried once in 2^6 waits.
const RARELY: u32 = 6;

/// Whether looking has been worth it lately.
#[derive(Debug)]
pub(super) struct Glance {
    moment: Duration,
    /// How often in a row it was in vain.
    vain: u32,
    /// So many waits go by without.
    skipped: u32,
}

impl Glance {
    pub(super) const fn new(is_hub: bool) -> Glance {
        Glance { moment: if is_hub { MOMENT_OF_HUB } else { MOMENT }, vain: 0, skipped: 0 }
    }

    /// Looks by `look`, which says whether it has found something: until it has, or for a moment, or as long as
    /// `most`. Whether it has.
    pub(super) fn until_found(&mut self, most: Option<Duration>, mut look: impl FnMut() -> bool) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        let end = Instant::now() + most.map_or(self.moment, |most| most.min(self.moment));
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
        let (mut glance, mut looks) = (Glance::new(false), 0);
        let third = || {
            looks += 1;
            looks == 3
        };
        assert!(glance.until_found(None, third) && looks == 3);
        let mut looks = 0;
        let never = || {
            looks += 1;
            false
        };
        assert!(!glance.until_found(Some(Duration::ZERO), never) && looks == 1);
    }

    #[test]
    fn in_vain_it_is_tried_less_and_less_often_and_found_always() {
        let mut glance = Glance::new(false);
        let mut tries = |found: bool| {
            let mut tried = 0;
            for _ in 0..1000 {
                glance.until_found(Some(Duration::ZERO), || {
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
