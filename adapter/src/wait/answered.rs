//! What has come of a call, on its way to whoever waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use homing_core::{Address, CallOutcome, Failure, Response};

use crate::sync::lock;
use crate::wait::Summary;

/// Who answered, and what.
pub(crate) type Answer = (Address, Result<Response, Failure>);

#[derive(Default)]
struct Come {
    /// Most calls have one answer only.
    first: Option<Answer>,
    /// Those behind it.
    more: VecDeque<Answer>,
    ended: Option<Summary>,
    /// Who waits for the next.
    waiting: Option<Waker>,
}

/// Tells whoever waits for a call what has come of it. When it is dropped before the end, the peer was closed.
pub(crate) struct Teller(Arc<Mutex<Come>>);

/// Is told what has come of a call.
pub(crate) struct Told(Arc<Mutex<Come>>);

/// The two ends for a new call.
pub(crate) fn pair() -> (Teller, Told) {
    let come = Arc::new(Mutex::default());
    (Teller(Arc::clone(&come)), Told(come))
}

impl Teller {
    pub(crate) fn answer(&self, from: Address, answer: Result<Response, Failure>) {
        self.tell(|come| match come.first {
            None => come.first = Some((from, answer)),
            Some(_) => come.more.push_back((from, answer)),
        });
    }

    pub(crate) fn end(self, summary: Summary) {
        self.tell(|come| come.ended = Some(summary));
    }

    fn tell(&self, news: impl FnOnce(&mut Come)) {
        let woken = {
            let mut come = lock(&self.0);
            news(&mut come);
            come.waiting.take()
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tell(|come| {
            let closed = Summary { outcome: CallOutcome::Cancelled, answered: 0, asked: 0 };
            come.ended.get_or_insert(closed);
        });
    }
}

impl Told {
    /// The next answer, or the end, which comes after all answers.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Answer, Summary>> {
        let mut come = lock(&self.0);
        if let Some(answer) = come.first.take() {
            come.first = come.more.pop_front();
            return Poll::Ready(Ok(answer));
        }
        match come.ended {
            Some(summary) => Poll::Ready(Err(summary)),
            None => {
                match &mut come.waiting {
                    Some(waiting) => waiting.clone_from(cx.waker()),
                    None => come.waiting = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Whether the call has ended, whatever of it was not taken yet.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.0).ended.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn answer(n: u8) -> Answer {
        ("ada@home".parse().unwrap(), Ok(Response::new("x/y", [n])))
    }

    #[test]
    fn answers_come_in_their_order_and_the_end_after_them() {
        let (teller, told) = pair();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(told.poll_next(&mut cx), Poll::Pending);
        for n in 0..4 {
            let (from, answer) = answer(n);
            teller.answer(from, answer);
        }
        assert_eq!(told.poll_next(&mut cx), Poll::Ready(Ok(answer(0))));
        assert!(!told.has_ended());
        let end = Summary { outcome: CallOutcome::Complete, answered: 4, asked: 4 };
        teller.end(end);
        assert!(told.has_ended());
        for n in 1..4 {
            assert_eq!(told.poll_next(&mut cx), Poll::Ready(Ok(answer(n))));
        }
        assert_eq!(told.poll_next(&mut cx), Poll::Ready(Err(end)));
        assert_eq!(told.poll_next(&mut cx), Poll::Ready(Err(end)));
    }

    #[test]
    fn who_waits_is_woken_once_for_each_time() {
        let (teller, told) = pair();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        assert!(told.poll_next(&mut cx).is_pending() && told.poll_next(&mut cx).is_pending());
        for n in 0..2 {
            let (from, answer) = answer(n);
            teller.answer(from, answer);
        }
        assert_eq!(count.0.load(SeqCst), 1);
        assert!(told.poll_next(&mut cx).is_ready() && told.poll_next(&mut cx).is_ready());
        assert!(told.poll_next(&mut cx).is_pending());
        drop(teller);
        assert_eq!(count.0.load(SeqCst), 2);
        let closed = Summary { outcome: CallOutcome::Cancelled, answered: 0, asked: 0 };
        assert_eq!(told.poll_next(&mut cx), Poll::Ready(Err(closed)));
    }
}
