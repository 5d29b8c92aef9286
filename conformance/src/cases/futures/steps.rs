//! Polling a future so many times, and dropping it.

use std::fmt;
use std::future::Future;
use std::iter::once;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park_timeout};
use std::time::Duration;

use crate::node::Node;
use crate::wait::{Check, Until, ensure, until};

/// More polls than any call needs: one that is not ready after these is not waiting, it is busy.
const MOST: u32 = 200;

/// When a future is dropped: after so many polls, asleep, or woken for the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At {
    pub(super) polls: u32,
    pub(super) woken: bool,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.woken { "woken" } else { "asleep" };
        write!(f, "after {} polls, {how}", self.polls)
    }
}

/// Every moment at which a future can be dropped, in order.
pub(super) fn moments() -> impl Iterator<Item = At> {
    let both = |polls| [false, true].map(|woken| At { polls, woken });
    once(At { polls: 0, woken: false }).chain((1..).flat_map(both))
}

/// Goes through the moments until the future is ready before it can be dropped, which `give_up_at` says. How many
/// were dropped.
pub(super) fn at_each(what: &str, mut give_up_at: impl FnMut(At) -> Check<bool>) -> Check<u32> {
    for (dropped, at) in (0..MOST).zip(moments()) {
        if give_up_at(at).map_err(|e| format!("{what}, dropped {at}: {e}"))? {
            return Ok(dropped);
        }
    }
    Err(format!("{what}: not ready after {MOST} polls, each of which it was woken for"))
}

/// A waker that a thread waits for, and that is counted.
pub(super) struct Bell {
    rung: AtomicBool,
    thread: Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, SeqCst);
        self.thread.unpark();
    }
}

impl Bell {
    /// One for this thread.
    pub(super) fn new() -> Arc<Bell> {
        Arc::new(Bell { rung: AtomicBool::new(false), thread: current() })
    }

    pub(super) fn has_rung(&self) -> bool {
        self.rung.load(SeqCst)
    }

    /// Waits until it rings.
    pub(super) fn wait(&self, patience: Duration) -> Check {
        let end = Until::after(patience);
        while !self.has_rung() {
            ensure(!end.is_over(), || format!("polled, and not woken in {patience:?}"))?;
            park_timeout(end.left());
        }
        Ok(())
    }

    pub(super) fn poll<F: Future + ?Sized>(self: &Arc<Bell>, future: Pin<&mut F>) -> Poll<F::Output> {
        self.rung.store(false, SeqCst);
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// Whoever keeps the waker of a future that is no more has a list that grows.
    pub(super) fn is_forgotten(self: &Arc<Bell>, patience: Duration) -> Check {
        until("nobody keeps the waker of a future that was dropped", patience, || {
            Arc::strong_count(self) == 1
        })
    }
}

/// What queues and buffers may keep for the next of their kind. It is far less than many futures leave behind if each
/// leaves something.
const KEPT: usize = 8 * 1024;

/// `node` holds no more than before, when it held `before` bytes.
pub(super) fn holds_no_more(node: &Node, before: usize) -> Check {
    until(&format!("{node:?} holds {before} bytes again"), node.patience, || node.memory() <= before + KEPT)
        .map_err(|e| format!("{e}, but {}", node.memory()))
}

/// Polls `future` until it is ready or `at` is reached; after each poll does `meanwhile`. What it came to, if it was
/// ready first.
pub(super) fn give_up<F: Future>(
    future: F,
    at: At,
    patience: Duration,
    mut meanwhile: impl FnMut() -> Check,
) -> Check<Option<F::Output>> {
    let bell = Bell::new();
    let came = {
        let mut future = pin!(future);
        let mut came = None;
        for poll in 1..=at.polls {
            if let Poll::Ready(output) = bell.poll(future.as_mut()) {
                came = Some(output);
                break;
            }
            meanwhile()?;
            if poll < at.polls || at.woken {
                bell.wait(patience)?;
            }
        }
        came
    };
    bell.is_forgotten(patience)?;
    Ok(came)
}
