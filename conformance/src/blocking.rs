//! Waiting for a future on the thread that asks, whatever executor it belongs to.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park, park_timeout};
use std::time::{Duration, Instant};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future`, for as long as it takes: how a [`Subject`](crate::Subject) calls what is a future
/// in its adapter.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => park(),
        }
    }
}

/// The same, but gives the future up when `timeout` is over.
pub fn block_on_for<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    let (mut future, start) = (pin!(future), Instant::now());
    let waker = Waker::from(Arc::new(Unpark(current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        match timeout.saturating_sub(start.elapsed()) {
            Duration::ZERO => return None,
            left => park_timeout(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};

    #[test]
    fn what_is_ready_later_is_waited_for() {
        let mut woken = false;
        let later = |cx: &mut Context<'_>| {
            if std::mem::replace(&mut woken, true) {
                return Poll::Ready(7);
            }
            let waker = cx.waker().clone();
            std::thread::spawn(move || waker.wake());
            Poll::Pending
        };
        assert_eq!(block_on(poll_fn(later)), 7);
        assert_eq!(block_on_for(ready(8), Duration::ZERO), Some(8));
        assert_eq!(block_on_for(pending::<()>(), Duration::from_millis(1)), None);
    }
}
