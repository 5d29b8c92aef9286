//! Where every choice of a run comes from: a seed, a fuzzer's bytes, or a recorded list.

use std::time::Duration;

/// Makes the choices of a run, and remembers them.
///
/// All that is random in a simulated world comes through here, so that a run is a function of its seed, of a
/// fuzzer's bytes, or of the list that an earlier run has left. **Zero is always the calmest choice**: no
/// fault, the least delay, everything in one piece. Bytes and lists that have come to their end give zeros,
/// which is what makes a run that fails easy to shrink.
///
/// ```
/// use homing_sim::Chooser;
///
/// let mut first = Chooser::seeded(7);
/// let numbers: Vec<u64> = (0..5).map(|_| first.below(100)).collect();
/// let mut again = Chooser::from_list(first.taken().to_vec());
/// assert_eq!(numbers, (0..5).map(|_| again.below(100)).collect::<Vec<_>>());
/// assert_eq!(again.below(100), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Chooser {
    source: Source,
    taken: Vec<u64>,
    keep: bool,
}

#[derive(Clone, Debug)]
enum Source {
    /// SplitMix64: one addition and a few shifts a number, and every seed is a good one.
    Seed(u64),
    Bytes {
        bytes: Vec<u8>,
        at: usize,
    },
    List {
        list: Vec<u64>,
        at: usize,
    },
}

impl Chooser {
    /// Draws from a generator. The same seed makes the same choices on every machine.
    pub fn seeded(seed: u64) -> Chooser {
        Chooser::new(Source::Seed(stir(seed ^ 0x9e37_79b9_7f4a_7c15)))
    }

    /// Reads the choices off a fuzzer's bytes: as many for each as it has to tell apart.
    pub fn from_bytes(bytes: &[u8]) -> Chooser {
        Chooser::new(Source::Bytes { bytes: bytes.to_vec(), at: 0 })
    }

    /// Repeats what another has [`taken`](Chooser::taken).
    pub fn from_list(list: Vec<u64>) -> Chooser {
        Chooser::new(Source::List { list, at: 0 })
    }

    fn new(source: Source) -> Chooser {
        Chooser { source, taken: Vec::new(), keep: true }
    }

    /// The same, but without a memory: for long runs that a seed can repeat.
    #[must_use]
    pub fn forgetful(mut self) -> Chooser {
        self.keep = false;
        self
    }

    /// All choices so far.
    pub fn taken(&self) -> &[u64] {
        &self.taken
    }

    /// One that is independent of this one from here on. A fuzzer's bytes go with it in halves.
    pub fn split(&mut self) -> Chooser {
        let source = match &mut self.source {
            Source::Seed(state) => Source::Seed(stir(next(state) ^ 0xd1b5_4a32_d192_ed03)),
            Source::Bytes { bytes, at } => {
                let rest = bytes.split_off((*at).min(bytes.len()));
                let (mine, other) = rest.split_at(rest.len() / 2);
                bytes.extend_from_slice(mine);
                Source::Bytes { bytes: other.to_vec(), at: 0 }
            }
            Source::List { .. } => Source::List { list: Vec::new(), at: 0 },
        };
        Chooser { source, taken: Vec::new(), keep: self.keep }
    }

    /// A number below `n`; 0 when `n` is 0 or 1.
    pub fn below(&mut self, n: u64) -> u64 {
        if n <= 1 {
            return 0;
        }
        let number = match &mut self.source {
            Source::Seed(state) => {
                // The high half of a product: as even as 64 bits allow, without a division.
                let wide = u128::from(next(state)) * u128::from(n);
                u64::try_from(wide >> 64).unwrap_or(0)
            }
            Source::Bytes { bytes, at } => {
                let wanted = (64 - (n - 1).leading_zeros()).div_ceil(8) as usize;
                let mut number = 0;
                for _ in 0..wanted {
                    number = number << 8 | u64::from(bytes.get(*at).copied().unwrap_or(0));
                    *at += 1;
                }
                number % n
            }
            Source::List { list, at } => {
                let number = list.get(*at).copied().unwrap_or(0);
                *at += 1;
                number.min(n - 1)
            }
        };
        if self.keep {
            self.taken.push(number);
        }
        number
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        // The high end, so that zero is "no".
        self.below(1000) >= 1000 - per_mille.min(1000)
    }

    /// One of several; the first is the calmest. `None` when there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len() as u64);
        from.get(usize::try_from(at).ok()?)
    }

    /// An index below `n`.
    pub fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap_or(0)
    }

    /// A time from `low` to `high`, in microseconds.
    pub fn time(&mut self, low: Duration, high: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.between(micros(low), micros(high)))
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    stir(*state)
}

fn stir(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_can_be_repeated() {
        let mut first = Chooser::seeded(3);
        let numbers: Vec<u64> = (1..200).map(|n| first.below(n * n)).collect();
        let mut again = Chooser::from_list(first.taken().to_vec());
        assert_eq!(numbers, (1..200).map(|n| again.below(n * n)).collect::<Vec<_>>());
    }

    #[test]
    fn what_has_ended_is_calm() {
        for mut calm in [Chooser::from_bytes(&[]), Chooser::from_list(Vec::new())] {
            assert_eq!((calm.below(9), calm.between(3, 9), calm.chance(999)), (0, 3, false));
            assert_eq!(calm.pick(&["calm", "wild"]), Some(&"calm"));
            assert_eq!(calm.split().below(77), 0);
        }
        assert!(Chooser::from_list(vec![0]).chance(1000));
    }

    #[test]
    fn numbers_are_even_enough_and_within_bounds() {
        let mut chooser = Chooser::seeded(1);
        let mut counts = [0; 7];
        for _ in 0..7000 {
            counts[chooser.index(7)] += 1;
        }
        assert!(counts.iter().all(|n| (850..1150).contains(n)), "{counts:?}");
        assert_eq!(chooser.pick::<u8>(&[]), None);
        assert!((0..1000).filter(|_| chooser.chance(100)).count().abs_diff(100) < 40);
    }

    #[test]
    fn bytes_are_taken_as_many_as_it_needs() {
        let mut bytes = Chooser::from_bytes(&[5, 1, 0, 9]);
        assert_eq!((bytes.below(10), bytes.below(300), bytes.below(256)), (5, 256, 9));
    }
}
