//! Looking for a moment before sleeping.
//!
//! To sleep and to be woken costs more than the system calls for it: where a processor without work is given back, as
//! in a virtual machine, tens of microseconds, for each hop of a message. What answers what was just sent comes sooner
//! than that. So whoever waits looks again and again for a moment first, and lets others have the processor between
//! looks; and where that was in vain, it is tried less and less often.
//!
//! Where much is under way nobody waits for an answer: what comes next comes when it comes, and more of it at once to
//! whoever sleeps a little. There the moment is short.

use std::time::{Duration, Instant};

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum For {
    /// Whatever happens next.
    Anything,
    /// What happens next to the node, while nobody of the program's waits: it may be what others ask each other for.
    Neighbours,
    /// What it has asked for.
    Answer,
    /// What others ask it for.
    Request,
}

impl For {
    /// How long it looks at most, where so many bytes were moved lately. Questions and answers go to and fro as long as
    /// nobody sleeps: a few dozen at once take a neighbour and its hub a few hundred microseconds.
    const fn moment(self, moved: usize) -> Duration {
        Duration::from_micros(match self {
            For::Anything if moved >= MUCH => 25,
            For::Anything | For::Neighbours => 100,
            For::Answer | For::Request => 300,
        })
    }
}

/// So many bytes in the last few turns are a stream.
const MUCH: usize = 8 * 1024;

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
    /// `most`. Whether it has. `moved`: how many bytes lately.
    pub(super) fn until_found(
        &mut self,
        what: For,
        moved: usize,
        most: Option<Duration>,
        mut look: impl FnMut() -> bool,
    ) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        let moment = what.moment(moved);
        let end = Instant::now() + most.map_or(moment, |most| most.min(moment));
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
        assert!(glance.until_found(For::Answer, 0, None, third) && looks == 3);
        let mut looks = 0;
        let never = || {
            looks += 1;
            false
        };
        assert!(!glance.until_found(For::Anything, 0, Some(Duration::ZERO), never) && looks == 1);
    }

    #[test]
    fn only_where_nobody_waits_for_an_answer_does_a_stream_make_it_short() {
        for what in [For::Answer, For::Request, For::Neighbours] {
            assert_eq!(what.moment(MUCH), what.moment(0), "{what:?}");
        }
        assert!(For::Anything.moment(MUCH) < For::Anything.moment(MUCH - 1));
        assert_eq!(For::Anything.moment(0), For::Neighbours.moment(0));
    }

    #[test]
    fn in_vain_it_is_tried_less_and_less_often_and_found_always() {
        let mut glance = Glance::default();
        let mut tries = |found: bool| {
            let mut tried = 0;
            for _ in 0..1000 {
                glance.until_found(For::Anything, 0, Some(Duration::ZERO), || {
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
