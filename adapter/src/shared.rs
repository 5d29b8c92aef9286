//! What the driver and the handles share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant as Clock};

use homing_core::trace::Recorded;
use homing_core::{Instant, PeerId, SendError};

use crate::error::Error;
use crate::inbox::Inbox;
use crate::mailbox::Mailbox;
use crate::requests::Requests;
use crate::sync::lock;
use crate::wait::alarms::Alarms;
use crate::wait::pending::Pending;
use crate::wait::watchers::{Place, Watchers};

/// What the driver of a node and its handles share: the node, what is on its way to the
/// application, and who waits for what.
pub struct Shared {
    pub(crate) id: PeerId,
    clock: fn() -> Clock,
    /// The origin of the node's time.
    start: Clock,
    state: Mutex<State>,
    pub(crate) inbox: Inbox,
    pub(crate) requests: Requests,
    pub(crate) mailbox: Arc<Mailbox>,
    /// The driver has left deliveries in the node, because a queue was full.
    pub(crate) behind: AtomicBool,
    pub(crate) abort: AtomicBool,
    pub(crate) wakeups: AtomicU64,
}

/// What is guarded by the one lock of a node.
pub struct State {
    /// The node.
    pub node: Recorded,
    pub(crate) pending: Pending,
    /// Who waits for a turn of the driver: something may have been written then.
    pub(crate) turn: Watchers,
    pub(crate) alarms: Alarms,
    /// The driver has ended: nothing will happen any more.
    pub over: bool,
}

impl Shared {
    pub(crate) fn new(clock: fn() -> Clock, node: Recorded, queue: usize, waker: Waker) -> Shared {
        Shared {
            id: node.peer_id(),
            clock,
            start: clock(),
            state: Mutex::new(State {
                node,
                pending: Pending::default(),
                turn: Watchers::default(),
                alarms: Alarms::default(),
                over: false,
            }),
            inbox: Inbox::new(queue),
            requests: Requests::new(queue),
            mailbox: Arc::new(Mailbox::new(waker)),
            behind: AtomicBool::new(false),
            abort: AtomicBool::new(false),
            wakeups: AtomicU64::new(0),
        }
    }

    /// The driver's mailbox.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// The time now.
    pub fn clock(&self) -> Clock {
        (self.clock)()
    }

    /// The same as the node counts it.
    pub fn now(&self) -> Instant {
        self.instant(self.clock())
    }

    /// A time on the clock as the node counts it.
    pub(crate) fn instant(&self, at: Clock) -> Instant {
        let elapsed = at.saturating_duration_since(self.start);
        Instant::from_micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// When `patience` that begins now is over. One without end ends in a century: the clock goes no
    /// further than it must.
    pub fn after(&self, patience: Duration) -> Clock {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let now = self.clock();
        now.checked_add(patience).or_else(|| now.checked_add(CENTURY)).unwrap_or(now)
    }

    /// A time of the node's on the clock; a century hence for what the clock does not reach.
    pub(crate) fn clock_at(&self, at: Instant) -> Clock {
        self.after(at.saturating_since(self.now()))
    }

    /// The node and who waits for it. Hold it for a moment only: the driver needs it.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Has the node do something, and wakes the driver to carry it out.
    ///
    /// # Errors
    /// What `act` says; [`SendError::Stopped`] when the driver has ended.
    pub fn command<T>(
        &self,
        act: impl FnOnce(&mut State, Instant) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let result = {
            let mut state = self.lock();
            if state.over {
                return Err(SendError::Stopped);
            }
            let now = self.now();
            act(&mut state, now)
        };
        if result.is_ok() {
            self.mailbox.wake();
        }
        result
    }

    /// The same, if no queue is full; none when one is, and then nothing was done. `is_recent` when the node was told the
    /// time a moment ago, and the driver's next turn is still to come: then the clock is not asked again.
    #[inline]
    pub fn try_command<T>(
        &self,
        is_recent: bool,
        act: impl FnOnce(&mut State, Instant) -> Result<T, SendError>,
    ) -> Option<Result<T, Error>> {
        let result = {
            let mut state = self.lock();
            if state.over {
                return Some(Err(Error::Closed));
            }
            let now = if is_recent { state.node.now() } else { self.now() };
            act(&mut state, now)
        };
        match result {
            Ok(done) => {
                self.mailbox.wake();
                Some(Ok(done))
            }
            Err(SendError::Full | SendError::TooMany { .. }) => None,
            Err(e) => Some(Err(e.into())),
        }
    }

    /// The same, but waits for the next turn of the driver while a queue is full.
    pub(crate) fn poll_command<T>(
        &self,
        cx: &mut Context<'_>,
        place: &mut Place,
        mut act: impl FnMut(&mut State, Instant) -> Result<T, SendError>,
    ) -> Poll<Result<T, Error>> {
        let mut state = self.lock();
        if state.over {
            return Poll::Ready(Err(Error::Closed));
        }
        let now = self.now();
        let result = act(&mut state, now);
        match result {
            Err(SendError::Full | SendError::TooMany { .. }) => {
                state.turn.watch(place, cx.waker());
                Poll::Pending
            }
            Err(e) => Poll::Ready(Err(e.into())),
            Ok(done) => {
                state.turn.leave(place);
                drop(state);
                self.mailbox.wake();
                Poll::Ready(Ok(done))
            }
        }
    }

    /// Whoever waited for a turn at `place` does not any more.
    pub(crate) fn leave_turn(&self, place: &mut Place) {
        if place.is_some() {
            self.lock().turn.leave(place);
        }
    }

    /// Has the node say goodbye to its neighbours; the driver ends when it has.
    pub fn shut_down(&self) {
        // It fails when the driver has ended: then there is nothing to do.
        let _ = self.command(|state, now| {
            state.node.shutdown(now);
            Ok(())
        });
    }

    /// Ends the driver at its next step, without a goodbye.
    pub fn abort(&self) {
        self.abort.store(true, SeqCst);
        self.mailbox.wake();
    }

    /// An application that was behind has made room: the driver may go on delivering.
    pub(crate) fn made_room(&self) {
        if self.behind.load(SeqCst) && self.behind.swap(false, SeqCst) {
            self.mailbox.wake();
        }
    }

    /// How many messages and requests the application's queues take. None while it is behind and
    /// has not emptied them by half: a delivery at a time would be a wake-up at a time.
    pub(crate) fn room(&self) -> usize {
        let wary = self.behind.load(SeqCst);
        self.inbox.room(wary).min(self.requests.room(wary))
    }

    /// Wakes those whose time has come, where no lock is held; says when the next one's will.
    pub(crate) fn ring_alarms(&self, mut state: MutexGuard<'_, State>) -> Option<Clock> {
        let first = state.alarms.first()?;
        let now = self.clock();
        if now < first {
            return Some(first);
        }
        let due = state.alarms.take_due(now);
        let next = state.alarms.first();
        drop(state);
        due.into_iter().for_each(Waker::wake);
        next
    }

    /// The driver has ended, however: nobody is left waiting.
    pub(crate) fn finish(&self) {
        let woken = {
            let mut state = self.lock();
            state.over = true;
            state.pending = Pending::default();
            let mut woken = state.turn.take_all();
            woken.extend(state.alarms.take_all());
            woken
        };
        // A listener that came too late would hold its address.
        self.mailbox.take(&mut Vec::new());
        self.inbox.close();
        self.requests.close();
        woken.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.id).finish()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("over", &self.over).finish_non_exhaustive()
    }
}
