//! The driver as a future, for whatever executor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_channel::mpsc::UnboundedReceiver;
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use homing_adapter::{Made, Rest};

use crate::listening::{Ask, Listening};
use crate::net::Net;
use crate::polled::Incoming;
use crate::system::Streams;
use crate::timer::Timer;

/// How many turns are taken before other tasks are given one. Each reads and writes what is ready,
/// every link once.
const TURNS: usize = 4;

/// Moves the bytes of one node, and keeps its time. Spawn it; it is ready when the node has ended.
///
/// It does as much as is ready and then yields; it never blocks, and sleeps when nothing is. Dropping
/// it ends the node as a crash would: its handles find it closed.
#[must_use = "a node does nothing without its driver: spawn it"]
pub struct Driver<N: Net, T> {
    driver: homing_adapter::Driver<Streams<N>>,
    asks: UnboundedReceiver<Ask>,
    listening: FuturesUnordered<Listening<N>>,
    timer: T,
    /// For when it is armed.
    armed: Option<Instant>,
}

// Nothing in it is pinned in place: the futures are in boxes of their own.
impl<N: Net, T> Unpin for Driver<N, T> {}

impl<N: Net, T: Timer> Driver<N, T> {
    pub(crate) fn new(made: Made, net: N, timer: T, asks: UnboundedReceiver<Ask>) -> Driver<N, T> {
        let driver = homing_adapter::Driver::new(made, Streams::new(net));
        Driver { driver, asks, listening: FuturesUnordered::new(), timer, armed: None }
    }

    /// Takes what dials and listeners have come to. True when there was something.
    fn take_news(&mut self, cx: &mut Context<'_>) -> bool {
        let mut some = false;
        while let Some((link, result)) = self.driver.system().poll_dialed(cx) {
            some = true;
            self.driver.dialed(link, result);
        }
        while let Poll::Ready(Some(ask)) = Pin::new(&mut self.asks).poll_next(cx) {
            self.listening.push(Listening::new(&self.driver.system().net, ask));
        }
        while let Poll::Ready(Some(listener)) = Pin::new(&mut self.listening).poll_next(cx) {
            if let Some(listener) = listener {
                some = true;
                self.driver.listen(Incoming::new(listener));
            }
        }
        some
    }

    /// Arms the timer for `until`. True when it is due already.
    fn is_due(&mut self, until: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(until) = until else { return false };
        // One that is armed for less is left: most deadlines only ever move away, and re-arming for
        // each costs more than waking once too often.
        if self.armed.is_none_or(|armed| until < armed) {
            self.timer.set(until);
            self.armed = Some(until);
        }
        let due = self.timer.poll_due(cx).is_ready();
        if due {
            self.armed = None;
        }
        due
    }
}

impl<N: Net, T: Timer> Future for Driver<N, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.driver.shared().mailbox().set_waker(cx.waker());
        for _ in 0..TURNS {
            this.take_news(cx);
            match this.driver.turn() {
                Rest::Over => return Poll::Ready(()),
                Rest::No => {}
                Rest::Until(until) => {
                    // What the turn has begun has not been polled yet.
                    if !this.take_news(cx) && !this.is_due(until, cx) {
                        return Poll::Pending;
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<N: Net, T> std::fmt::Debug for Driver<N, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("driver", &self.driver).finish_non_exhaustive()
    }
}
