//! The driver: moves bytes between streams and the node, keeps its time, carries its news.
//!
//! It waits for nothing itself. Whoever runs it reports readiness and calls [`turn`](Driver::turn),
//! which says how long to wait. A turn: open the mail, accept, read each ready link a little, tell the
//! time, write what is pending. Its work is bounded by who is ready, not by who there is.

mod buffer;
mod doors;
mod either;
mod keeper;
mod links;
mod moving;
mod system;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::Waker;
use std::time::{Duration, Instant as Clock};

use homing_core::{Action, Event, Input, LinkId};

use crate::driver::doors::Doors;
use crate::driver::either::{AnyListener, AnyStream};
use crate::driver::keeper::Keeper;
use crate::driver::links::Links;
use crate::endpoint::Endpoint;
use crate::handle::Made;
use crate::inbox::Arrivals;
use crate::mailbox::{Mail, Way};
use crate::memory;
use crate::shared::{Shared, State};

pub use crate::driver::system::{Listener, Slot, Stream, System};

/// What is to be done after a [`turn`](Driver::turn).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// There is work left: take another turn, after whoever else must be given one.
    No,
    /// Nothing is left until something is ready, the mailbox is rung, or it is this time.
    Until(Option<Clock>),
    /// All is over. Drop the driver.
    Over,
}

/// Moves the bytes of one node, and keeps its time.
pub struct Driver<S: System> {
    shared: Arc<Shared>,
    system: S,
    links: Links<S::Stream>,
    doors: Doors<S::Listener>,
    /// Dials under way, and when they are given up.
    dials: BTreeMap<LinkId, Clock>,
    dial_time: Duration,
    keeper: Keeper,
    /// Events on their way to the application's queue.
    news: Arrivals,
    mail: Vec<Mail>,
    /// How many bytes came and went in the last turn.
    moved: usize,
    /// How much it has told the application in the last turn.
    told: usize,
    /// The node has said that all is over.
    stopped: bool,
}

impl<S: System> Driver<S> {
    /// A driver for `made`, on `system`.
    pub fn new(made: Made, system: S) -> Driver<S> {
        Driver {
            shared: Arc::clone(Shared::of(&made.handle)),
            system,
            links: Links::new(),
            doors: Doors::new(),
            dials: BTreeMap::new(),
            dial_time: made.dial_time,
            keeper: Keeper::new(made.store),
            news: Arrivals::default(),
            mail: Vec::new(),
            moved: 0,
            told: 0,
            stopped: false,
        }
    }

    /// What it shares with the handles.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What it runs on.
    pub fn system(&mut self) -> &mut S {
        &mut self.system
    }

    /// How many bytes came and went in the last [turn](Driver::turn).
    pub fn moved(&self) -> usize {
        self.moved
    }

    /// How many messages, requests and other events the application was given in the last [turn](Driver::turn), but for those
    /// that say that a call or a request has ended.
    pub fn told(&self) -> usize {
        self.told
    }

    /// The stream at `place` may go on.
    pub fn ready(&mut self, place: usize, read: bool, write: bool) {
        self.links.ready(place, (read, write), &mut self.system);
    }

    /// Somebody waits at the listener at `place`.
    pub fn listener_ready(&mut self, place: usize) {
        self.doors.ready(place);
    }

    /// Accepts from `listener`, too, for as long as the node runs.
    pub fn listen(&mut self, listener: S::Listener) {
        self.doors.open(AnyListener::System(listener), &mut self.system, &self.shared.mailbox);
    }

    /// A dial has ended. One that was given up meanwhile is dropped.
    pub fn dialed(&mut self, link: LinkId, result: io::Result<S::Stream>) {
        if self.dials.remove(&link).is_some() {
            self.with_node(|driver, state| driver.attach(state, link, result.map(AnyStream::System)));
        }
    }

    /// Does what there is to do. Readiness is reported before it.
    pub fn turn(&mut self) -> Rest {
        self.shared.mailbox.rise();
        self.shared.wakeups.fetch_add(1, Relaxed);
        (self.moved, self.told) = (0, 0);
        self.open_mail();
        if self.stopped || self.shared.abort.load(SeqCst) {
            return self.end();
        }
        self.accept();
        self.read_ready();
        self.tell_time();
        self.write_ready();
        self.plan()
    }

    /// Waits for what must not be cut off.
    fn end(&mut self) -> Rest {
        let now = self.shared.clock();
        self.doors.shut();
        // Before the last look: whoever has news after it, or aborts, must find the driver lying.
        self.shared.mailbox.lie_down();
        if self.shared.abort.load(SeqCst) {
            self.links.clear(&mut self.system);
        }
        self.links.give_up_leaving(now, &mut self.system);
        let alarm = self.shared.ring_alarms(self.shared.lock());
        let kept = self.keeper.finish();
        match self.links.leaving_until() {
            None if kept => Rest::Over,
            until if self.shared.mailbox.is_empty() => Rest::Until(until.into_iter().chain(alarm).min()),
            _ => Rest::No,
        }
    }

    fn open_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.mail);
        self.shared.mailbox.take(&mut mail);
        for letter in mail.drain(..) {
            match letter {
                Mail::Ready(seat) => {
                    seat.taken();
                    match seat.way {
                        Way::In => self.listener_ready(seat.place),
                        Way::Read => self.ready(seat.place, true, false),
                        Way::Write => self.ready(seat.place, false, true),
                        Way::Both => self.ready(seat.place, true, true),
                    }
                }
                Mail::Listen(listener) => {
                    let listener = AnyListener::Memory(listener);
                    self.doors.open(listener, &mut self.system, &self.shared.mailbox);
                }
                Mail::Stored { id, ok } => self.with_node(|driver, state| {
                    let now = driver.shared.now();
                    state.node.handle(now, Input::Stored { id, ok });
                }),
            }
        }
        self.mail = mail;
    }

    /// Locks the node for `act`, then does what the node wants done.
    fn with_node(&mut self, act: impl FnOnce(&mut Driver<S>, &mut State)) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        act(self, &mut state);
        self.drain(&mut state);
    }

    /// Does what the node wants done, until it wants nothing more.
    fn drain(&mut self, state: &mut State) {
        let mut room = self.shared.room();
        loop {
            let count = state.node.poll_messages(room, self.news.messages());
            room -= count;
            self.told += count;
            let action = if room > 0 { state.node.poll_action() } else { state.node.poll_duty() };
            match action {
                Some(Action::Event(event)) => {
                    let delivery = matches!(event, Event::Message(_) | Event::Request(_));
                    room -= usize::from(delivery && room > 0);
                    self.tell(state, event);
                }
                Some(Action::Write { link }) => self.links.wants_write(link),
                Some(Action::Close { link }) => self.close(link),
                Some(Action::Dial { link, target }) => self.dial(state, link, &target),
                Some(Action::Store { id, entry }) => {
                    if !self.keeper.store(id, entry, &self.shared.mailbox) {
                        let now = self.shared.now();
                        state.node.handle(now, Input::Stored { id, ok: false });
                    }
                }
                None if room > 0 => break,
                None => {
                    // Whoever makes room from now on wakes us; what was made until now, we see.
                    self.shared.inbox.put(&mut self.news);
                    self.shared.behind.store(true, SeqCst);
                    room = self.shared.room();
                    if room == 0 {
                        break;
                    }
                    self.shared.behind.store(false, SeqCst);
                }
            }
        }
        self.shared.inbox.put(&mut self.news);
    }

    #[inline]
    fn tell(&mut self, state: &mut State, event: Event) {
        self.told += usize::from(!matches!(event, Event::CallEnded { .. } | Event::RequestEnded { .. }));
        match event {
            Event::Request(request) => self.shared.requests.put(*request),
            Event::RequestEnded { request } => self.shared.requests.forget(request),
            Event::Stopped => {
                self.stopped = true;
                self.news.push(Event::Stopped);
            }
            // Nobody waits for one of these in particular, and there are many.
            Event::Message(_) => self.news.push(event),
            event => {
                if let Some(event) = state.pending.pass(self.shared.clock(), event) {
                    self.news.push(event);
                }
            }
        }
    }

    fn dial(&mut self, state: &mut State, link: LinkId, target: &str) {
        let result = match target.parse() {
            Err(e) => Err(io::Error::new(ErrorKind::InvalidInput, e)),
            Ok(Endpoint::Memory(name)) => memory::connect(&name).map(AnyStream::Memory),
            Ok(endpoint) => match self.system.dial(link, &endpoint) {
                Some(result) => result.map(AnyStream::System),
                None => {
                    self.dials.insert(link, self.shared.after(self.dial_time));
                    return;
                }
            },
        };
        self.attach(state, link, result);
    }

    fn attach(&mut self, state: &mut State, link: LinkId, result: io::Result<AnyStream<S::Stream>>) {
        let added =
            result.and_then(|stream| self.links.add(link, stream, &mut self.system, &self.shared.mailbox));
        let now = self.shared.now();
        match added {
            Ok(()) => state.node.handle(now, Input::Dialed { link }),
            Err(e) => state.node.handle(now, Input::DialFailed { link, cause: &moving::cause(&e) }),
        }
    }

    fn close(&mut self, link: LinkId) {
        if self.dials.remove(&link).is_some() {
            return self.system.forget(link);
        }
        let now = self.shared.clock();
        self.links.close(link, &mut self.system, now);
    }

    /// Tells the node that time went by, and gives up what took too long.
    fn tell_time(&mut self) {
        self.give_up_dials();
        self.links.give_up_leaving(self.shared.clock(), &mut self.system);
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        self.drain(&mut state);
        let now = shared.now();
        if state.node.next_deadline().is_some_and(|deadline| deadline.at <= now) {
            state.node.handle(now, Input::Timeout);
            self.drain(&mut state);
        }
    }

    fn give_up_dials(&mut self) {
        if self.dials.is_empty() {
            return;
        }
        // A node has a few dozen of them at most.
        let now = self.shared.clock();
        let late: Vec<_> = self.dials.iter().filter(|(_, until)| **until <= now).map(|(l, _)| *l).collect();
        for link in late {
            self.dials.remove(&link);
            self.system.forget(link);
            self.with_node(|driver, state| {
                driver.attach(state, link, Err(ErrorKind::TimedOut.into()));
            });
        }
    }

    /// How long to wait: not at all while there is work left, else until the next deadline. From
    /// when this returns, whoever has news must wake the driver.
    fn plan(&mut self) -> Rest {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        // Before the last look: whoever makes room after it must find the driver lying.
        shared.mailbox.lie_down();
        self.drain(&mut state);
        self.links.unpark_if(|link| state.node.read_budget(link) > 0);
        let deadline = state.node.next_deadline();
        let woken = state.turn.take_all();
        let alarm = shared.ring_alarms(state);
        woken.into_iter().for_each(Waker::wake);
        let work = self.links.has_work() || self.doors.has_work() || self.stopped;
        if work || !shared.mailbox.is_empty() || shared.abort.load(SeqCst) {
            shared.mailbox.rise();
            return Rest::No;
        }
        let node = deadline.map(|deadline| shared.clock_at(deadline.at));
        let dials = self.dials.values().copied();
        let own = dials.chain(self.doors.paused_until()).chain(self.links.leaving_until()).chain(alarm);
        Rest::Until(node.into_iter().chain(own).min())
    }
}

impl<S: System> Drop for Driver<S> {
    /// However it ends, nobody is left waiting, and nothing of it is left when they hear of it.
    fn drop(&mut self) {
        self.links.clear(&mut self.system);
        self.doors.shut();
        self.shared.finish();
    }
}

impl<S: System> std::fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("shared", &self.shared).finish_non_exhaustive()
    }
}
