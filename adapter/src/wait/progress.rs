//! How far a message has come.

use std::collections::BTreeSet;

use homing_core::{Address, Receipts, Stage};

/// How far a message has come, of how far it is followed.
#[derive(Debug)]
pub(crate) struct Progress {
    until: Receipts,
    /// How many recipients there are, when it is known.
    expected: Option<usize>,
    /// Who has confirmed.
    arrived: BTreeSet<Address>,
    /// How many could not be given it. A hub speaks for several, so these are not told apart.
    failed: usize,
    pub(crate) done: bool,
}

impl Progress {
    pub(crate) fn new(to: &Address, until: Receipts) -> Progress {
        let expected = if to.is_everyone() { None } else { Some(1) };
        Progress { until, expected, arrived: BTreeSet::new(), failed: 0, done: false }
    }

    pub(crate) fn note(&mut self, from: Option<&Address>, stage: &Stage) {
        let reached = match stage {
            Stage::Accepted => Receipts::Failure,
            Stage::Dispatched { count } => {
                self.expected.get_or_insert(*count as usize);
                Receipts::Route
            }
            Stage::Received => Receipts::Received,
            Stage::Consumed => Receipts::Consumed,
            Stage::Failed(_) => {
                // What one of many recipients could not be given says nothing of the others; what
                // the node itself says is its last word.
                self.done |= from.is_none() || self.expected == Some(1);
                // Refused after it was received: it counts already.
                self.failed += usize::from(!from.is_some_and(|from| self.arrived.contains(from)));
                Receipts::Failure
            }
        };
        if reached >= self.until {
            self.done |= reached == Receipts::Route;
            self.arrived.extend(from.cloned());
        }
        self.done |= self.expected.is_some_and(|expected| self.arrived.len() + self.failed >= expected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::Reason;

    fn progress(to: &str, until: Receipts, notes: &[(Option<&str>, Stage)]) -> usize {
        let mut progress = Progress::new(&to.parse().unwrap(), until);
        for (n, (from, stage)) in notes.iter().enumerate() {
            let from = from.map(|from| from.parse().unwrap());
            progress.note(from.as_ref(), stage);
            if progress.done {
                return n + 1;
            }
        }
        0
    }

    #[test]
    fn a_message_is_followed_as_far_as_it_asked() {
        use Stage::*;
        let hub = Some("hub@home");
        let (bob, eve) = (Some("bob@home/a"), Some("eve@home/a"));
        let way = [(hub, Accepted), (hub, Dispatched { count: 1 }), (bob, Received), (bob, Consumed)];
        for (until, n) in [(Receipts::Route, 2), (Receipts::Received, 3), (Receipts::Consumed, 4)] {
            assert_eq!(progress("bob@home", until, &way), n);
        }
        let failed = |from| (from, Failed(Reason::NOT_FOUND.into()));
        assert_eq!(progress("bob@home", Receipts::Consumed, &[(hub, Accepted), failed(hub)]), 2);

        let all = [(hub, Accepted), (bob, Received), (hub, Dispatched { count: 2 }), (eve, Received)];
        assert_eq!(progress("*@home", Receipts::Received, &all), 4);
        assert_eq!(progress("*@home", Receipts::Route, &all), 3);
        let nobody = [(hub, Accepted), (hub, Dispatched { count: 0 })];
        assert_eq!(progress("*@home", Receipts::Consumed, &nobody), 2);
        let both = [(hub, Dispatched { count: 2 }), failed(hub), failed(hub)];
        assert_eq!(progress("*@home", Receipts::Received, &both), 3);
        let some = [(hub, Dispatched { count: 2 }), failed(bob), (eve, Received), (eve, Consumed)];
        assert_eq!(progress("*@home", Receipts::Consumed, &some), 4);
        assert_eq!(progress("*@home", Receipts::Consumed, &[all[2].clone(), failed(None)]), 2);
    }
}
