//! When a message has come as far as its sender wants to wait for.

use homing_core::{Failure, Reason, Stage};

use crate::args::Wait;

/// Follows one message by its receipts.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    wait: Wait,
    everyone: bool,
    expected: Option<u32>,
    reached: u32,
    failed: u32,
    failure: Option<Failure>,
}

impl Progress {
    /// Of a message to one, or to everyone, until `wait`.
    pub(crate) fn new(wait: Wait, everyone: bool) -> Progress {
        Progress { wait, everyone, expected: None, reached: 0, failed: 0, failure: None }
    }

    /// Takes one receipt. Says how it ended, once it has: for everyone, when each of them has said
    /// so or failed.
    pub(crate) fn take(&mut self, stage: &Stage) -> Option<Result<(), Failure>> {
        match stage {
            Stage::Failed(failure) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| failure.clone());
                // Before it was passed on to anybody, it failed as a whole.
                if !self.everyone || self.expected.is_none() {
                    return Some(Err(failure.clone()));
                }
            }
            Stage::Accepted if self.wait == Wait::Accepted => return Some(Ok(())),
            Stage::Dispatched { count: 0 } if self.everyone => return Some(Err(Reason::NOT_FOUND.into())),
            Stage::Dispatched { .. } if self.wait <= Wait::Dispatched => return Some(Ok(())),
            Stage::Dispatched { count } => self.expected = Some(*count),
            Stage::Received if self.wait == Wait::Received => self.reached += 1,
            Stage::Consumed if self.wait == Wait::Consumed => self.reached += 1,
            _ => {}
        }
        let enough = if self.everyone { self.expected? } else { 1 };
        if self.reached + self.failed < enough {
            return None;
        }
        Some(self.failure.take().map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISPATCHED: Stage = Stage::Dispatched { count: 2 };

    #[test]
    fn to_one_it_ends_where_it_should() {
        let stages = [Stage::Accepted, Stage::Dispatched { count: 1 }, Stage::Received, Stage::Consumed];
        for (at, wait) in
            [Wait::Accepted, Wait::Dispatched, Wait::Received, Wait::Consumed].into_iter().enumerate()
        {
            let mut progress = Progress::new(wait, false);
            let end = stages.iter().position(|stage| progress.take(stage) == Some(Ok(())));
            assert_eq!(end, Some(at), "{wait:?}");
        }
    }

    #[test]
    fn to_everyone_it_ends_with_the_last() {
        let mut progress = Progress::new(Wait::Received, true);
        for stage in [Stage::Accepted, DISPATCHED, Stage::Received] {
            assert_eq!(progress.take(&stage), None);
        }
        assert_eq!(progress.take(&Stage::Received), Some(Ok(())));
        // One receipt may overtake the count.
        let mut progress = Progress::new(Wait::Received, true);
        for stage in [Stage::Received, Stage::Received] {
            assert_eq!(progress.take(&stage), None);
        }
        assert_eq!(progress.take(&DISPATCHED), Some(Ok(())));
    }

    #[test]
    fn failures() {
        let failure = Failure::from(Reason::LINK_LOST);
        let failed = Stage::Failed(failure.clone());
        assert_eq!(Progress::new(Wait::Received, false).take(&failed), Some(Err(failure.clone())));
        let mut progress = Progress::new(Wait::Received, true);
        assert_eq!(progress.take(&DISPATCHED), None);
        assert_eq!(progress.take(&failed), None);
        assert_eq!(progress.take(&Stage::Received), Some(Err(failure)));
        let nobody = Progress::new(Wait::Accepted, true).take(&Stage::Dispatched { count: 0 });
        assert_eq!(nobody, Some(Err(Reason::NOT_FOUND.into())));
    }
}
