//! Times until which somebody waits, kept by the driver's one timer.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant as Clock;

use crate::shared::Shared;

/// Who is to be woken when.
#[derive(Default, Debug)]
pub(crate) struct Alarms {
    next: u64,
    due: BTreeMap<(Clock, u64), Waker>,
}

impl Alarms {
    fn set(&mut self, at: Clock, number: &mut Option<u64>, waker: &Waker) {
        if let Some(known) = number.and_then(|number| self.due.get_mut(&(at, number))) {
            return known.clone_from(waker);
        }
        self.due.insert((at, self.next), waker.clone());
        *number = Some(self.next);
        self.next += 1;
    }

    /// When the first of them is due.
    pub(crate) fn first(&self) -> Option<Clock> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Those that are due, to be woken where no lock is held.
    pub(crate) fn take_due(&mut self, now: Clock) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove());
        }
        due
    }

    /// All of them.
    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.due).into_values().collect()
    }
}

/// Ready at its time, or when the driver has ended: nothing is worth waiting for then.
///
/// The driver's timer serves it, so that waiting for a time needs no runtime.
#[derive(Debug)]
pub struct Alarm {
    shared: Arc<Shared>,
    at: Clock,
    number: Option<u64>,
}

impl Alarm {
    /// One that is due `at`.
    pub fn new(shared: &Arc<Shared>, at: Clock) -> Alarm {
        Alarm { shared: Arc::clone(shared), at, number: None }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Alarm { shared, at, number } = &mut *self;
        if shared.clock() >= *at {
            return Poll::Ready(());
        }
        let mut state = shared.lock();
        if state.over {
            return Poll::Ready(());
        }
        let is_first = state.alarms.first().is_none_or(|first| *at < first);
        state.alarms.set(*at, number, cx.waker());
        drop(state);
        if is_first {
            // It may sleep beyond this.
            shared.mailbox.wake();
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.lock().alarms.due.remove(&(self.at, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn alarms_are_due_in_their_order() {
        let mut alarms = Alarms::default();
        let start = Clock::now();
        let at = |n| start + Duration::from_secs(n);
        let (mut a, mut b, mut c) = (None, None, None);
        alarms.set(at(3), &mut a, Waker::noop());
        alarms.set(at(1), &mut b, Waker::noop());
        alarms.set(at(1), &mut c, Waker::noop());
        alarms.set(at(1), &mut c, Waker::noop());
        assert_eq!(alarms.first(), Some(at(1)));
        assert_eq!(alarms.take_due(at(0)).len(), 0);
        assert_eq!(alarms.take_due(at(1)).len(), 2);
        assert_eq!(alarms.first(), Some(at(3)));
        assert_eq!(alarms.take_all().len(), 1);
    }
}
