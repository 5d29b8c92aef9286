//! What the driver and the handles share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Clock};

use homing_core::trace::Recorded;
use homing_core::{
    Address, CallId, CallOutcome, CloseReason, Event, Failure, Instant, MessageId, PeerId, Response,
    SendError, Stage, UplinkId,
};

use crate::handlers::Work;
use crate::inbox::Inbox;
use crate::mailbox::{Mailbox, lock};
use crate::waiting::Joined;
use homing_adapter::Error;

pub(crate) struct Shared {
    pub(crate) id: PeerId,
    /// The origin of the node's time.
    pub(crate) start: Clock,
    state: Mutex<State>,
    /// The driver has finished a turn; something may have been written.
    turned: Condvar,
    pub(crate) inbox: Inbox,
    pub(crate) work: Work,
    pub(crate) mailbox: Arc<Mailbox>,
    /// The driver has left deliveries in the node, because a queue was full.
    pub(crate) behind: AtomicBool,
    pub(crate) abort: AtomicBool,
    pub(crate) wakeups: AtomicU64,
}

pub(crate) struct State {
    pub(crate) node: Recorded,
    pub(crate) waiters: Waiters,
    /// Threads that wait for `turned`.
    watching: usize,
    /// The driver has ended: nothing will happen any more.
    pub(crate) over: bool,
}

/// Who waits for what; the driver passes on to them what would be events otherwise.
#[derive(Default)]
pub(crate) struct Waiters {
    pub(crate) tracked: HashMap<MessageId, Sender<Note>>,
    pub(crate) calls: HashMap<CallId, Sender<News>>,
    pub(crate) joins: HashMap<UplinkId, Sender<Join>>,
}

/// A receipt, and when it came.
pub(crate) struct Note {
    pub(crate) at: Clock,
    pub(crate) from: Option<Address>,
    pub(crate) stage: Stage,
}

/// News of a call.
pub(crate) enum News {
    Answer(Address, Result<Response, Failure>),
    Ended(CallOutcome, u32, u32),
}

/// News of a dial that somebody waits for.
pub(crate) enum Join {
    Up(Joined),
    Down { why: CloseReason, last: bool },
}

impl Waiters {
    /// Gives `event` to whoever waits for it; gives it back when it is for the application's queue.
    pub(crate) fn pass(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Receipt { id, from, stage } => {
                let Some(waiter) = self.tracked.get(&id) else {
                    return Some(Event::Receipt { id, from, stage });
                };
                let note = Note { at: Clock::now(), from, stage };
                let Err(note) = waiter.send(note) else { return None };
                self.tracked.remove(&id);
                Some(Event::Receipt { id, from: note.0.from, stage: note.0.stage })
            }
            Event::Answer { call, from, response } => match self.calls.get(&call) {
                Some(waiter) => {
                    // Whoever has stopped waiting wants to hear no more of it.
                    let _ = waiter.send(News::Answer(from, response));
                    None
                }
                None => Some(Event::Answer { call, from, response }),
            },
            Event::CallEnded { call, outcome, answered, asked } => match self.calls.remove(&call) {
                Some(waiter) => {
                    let _ = waiter.send(News::Ended(outcome, answered, asked));
                    None
                }
                None => Some(Event::CallEnded { call, outcome, answered, asked }),
            },
            event => {
                self.tell_joins(&event);
                Some(event)
            }
        }
    }

    fn tell_joins(&mut self, event: &Event) {
        if self.joins.is_empty() {
            return;
        }
        let (uplink, news) = match event {
            Event::Up { uplink, address, hub, hub_key } => {
                let (address, hub) = (address.clone(), hub.clone());
                (uplink, Join::Up(Joined { uplink: *uplink, address, hub, hub_key: *hub_key }))
            }
            Event::Down { uplink, why, retry, .. } => {
                (uplink, Join::Down { why: why.clone(), last: retry.is_none() })
            }
            _ => return,
        };
        if self.joins.get(uplink).is_some_and(|waiter| waiter.send(news).is_err()) {
            self.joins.remove(uplink);
        }
    }

    fn clear(&mut self) {
        *self = Waiters::default();
    }
}

impl Shared {
    pub(crate) fn new(start: Clock, node: Recorded, queue: usize, mailbox: Arc<Mailbox>) -> Shared {
        Shared {
            id: node.peer_id(),
            start,
            state: Mutex::new(State { node, waiters: Waiters::default(), watching: 0, over: false }),
            turned: Condvar::new(),
            inbox: Inbox::new(queue),
            work: Work::new(queue),
            mailbox,
            behind: AtomicBool::new(false),
            abort: AtomicBool::new(false),
            wakeups: AtomicU64::new(0),
        }
    }

    /// The node's clock.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Has the node do something, and wakes the driver to carry it out.
    pub(crate) fn command<T>(
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

    /// The same, but waits while a queue is full, until `until` if there is an end to it.
    pub(crate) fn command_when_free<T>(
        &self,
        until: Option<Clock>,
        mut act: impl FnMut(&mut State, Instant) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        loop {
            if state.over {
                return Err(Error::Closed);
            }
            let now = self.now();
            match act(&mut state, now) {
                Err(SendError::Full | SendError::TooMany { .. }) => {}
                Err(e) => return Err(e.into()),
                Ok(done) => {
                    drop(state);
                    self.mailbox.wake();
                    return Ok(done);
                }
            }
            let left = until.map(|until| until.saturating_duration_since(Clock::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Error::Timeout(None));
            }
            state = self.wait_turn(state, left);
        }
    }

    fn wait_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        state.watching += 1;
        let mut state = match left {
            None => self.turned.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.turned.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.watching -= 1;
        state
    }

    /// Waits until the driver has ended; false when it has not by `until`.
    pub(crate) fn wait_over(&self, until: Clock) -> bool {
        let mut state = self.lock();
        while !state.over {
            let left = until.saturating_duration_since(Clock::now());
            if left.is_zero() {
                return false;
            }
            state = self.wait_turn(state, Some(left));
        }
        true
    }

    /// The driver tells those who wait for a queue that things have moved.
    pub(crate) fn announce_turn(&self, state: &State) {
        if state.watching > 0 {
            self.turned.notify_all();
        }
    }

    /// An application that was behind has made room: the driver may go on delivering.
    pub(crate) fn made_room(&self) {
        if self.behind.swap(false, SeqCst) {
            self.mailbox.wake();
        }
    }

    /// How many messages and requests the application's queues take. None while it is behind and
    /// has not emptied them by half: a delivery at a time would be a wake-up at a time.
    pub(crate) fn room(&self) -> usize {
        let wary = self.behind.load(SeqCst);
        self.inbox.room(wary).min(self.work.room(wary))
    }

    /// The driver has ended, however: nobody is left waiting.
    pub(crate) fn finish(&self) {
        {
            let mut state = self.lock();
            state.over = true;
            state.waiters.clear();
        }
        // A listener that came too late would hold its port.
        self.mailbox.take(&mut Vec::new());
        self.turned.notify_all();
        self.inbox.close();
        self.work.close();
    }
}
