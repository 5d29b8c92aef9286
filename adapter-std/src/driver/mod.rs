//! The loop: waits for readiness, moves bytes between streams and the node, keeps one timer.
//!
//! A turn: note who is ready, open the mail, accept, read each ready link once, tell the time, write
//! what is pending. Its work is bounded by who is ready, not by who there is.

mod accept;
mod links;
mod moving;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use homing_core::{Action, Event, Input, LinkId};
use mio::{Events, Poll, Token};

use crate::driver::accept::Doors;
use crate::driver::links::Links;
use crate::mailbox::Mail;
use crate::resolve;
use crate::shared::{Shared, State};
use crate::store::Keeper;
use crate::stream::Stream;
use crate::waiting::after;
use homing_adapter::Store;

/// Even tokens are links, odd ones listeners; this is neither, as nobody has so many.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// How much is read from a link in one turn.
const READ: usize = 64 * 1024;
/// How many readiness events are taken from the system at once.
const EVENTS: usize = 1024;

pub(crate) struct Driver {
    shared: Arc<Shared>,
    poll: Poll,
    links: Links,
    doors: Doors,
    /// Dials under way, and when they are given up.
    dials: BTreeMap<LinkId, Instant>,
    dial_time: Duration,
    keeper: Keeper,
    /// One for all links: between two reads there is nothing in it.
    buffer: Box<[u8]>,
    /// Events on their way to the application's queue.
    news: Vec<Event>,
    mail: Vec<Mail>,
    /// The node has said that all is over.
    stopped: bool,
}

/// Tells everybody who waits that the driver has ended, even if it panics.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, poll: Poll, store: Box<dyn Store>, dial_time: Duration) -> Driver {
        Driver {
            shared,
            poll,
            links: Links::default(),
            doors: Doors::default(),
            dials: BTreeMap::new(),
            dial_time,
            keeper: Keeper::new(store),
            buffer: vec![0; READ].into_boxed_slice(),
            news: Vec::new(),
            mail: Vec::new(),
            stopped: false,
        }
    }

    pub(crate) fn run(mut self) {
        let finish = Finish(Arc::clone(&self.shared));
        let mut events = Events::with_capacity(EVENTS);
        // Whatever the node wants before anything has happened.
        let mut wait = Some(Duration::ZERO);
        while !self.shared.abort.load(SeqCst) && !self.stopped {
            self.wait(&mut events, wait);
            self.shared.wakeups.fetch_add(1, Relaxed);
            self.open_mail();
            self.accept();
            self.read_ready();
            self.tell_time();
            self.write_ready();
            wait = self.plan();
        }
        let Driver { keeper, links, doors, .. } = self;
        drop((links, doors));
        keeper.finish();
        drop(finish);
    }

    /// Waits for readiness, and notes all of it.
    fn wait(&mut self, events: &mut Events, mut wait: Option<Duration>) {
        loop {
            if let Err(e) = self.poll.poll(events, wait) {
                events.clear();
                if e.kind() != ErrorKind::Interrupted {
                    // The system is out of something. A loop that spins would not give it back.
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            self.shared.mailbox.rise();
            let mut seen = 0;
            for event in events.iter() {
                seen += 1;
                let (read, write) = (
                    event.is_readable() || event.is_read_closed() || event.is_error(),
                    event.is_writable() || event.is_write_closed() || event.is_error(),
                );
                self.ready(event.token(), read, write);
            }
            // There may be more, and time is told only when everything that has arrived is read: a
            // link whose bytes wait here must not be called dead.
            if seen < EVENTS {
                return;
            }
            wait = Some(Duration::ZERO);
        }
    }

    fn ready(&mut self, token: Token, read: bool, write: bool) {
        if token == WAKER {
            // It only ends the wait.
        } else if token.0 & 1 == 1 {
            self.doors.ready(token.0 >> 1);
        } else {
            self.links.ready(token.0 >> 1, read, write);
        }
    }

    fn open_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.mail);
        self.shared.mailbox.take(&mut mail);
        for letter in mail.drain(..) {
            match letter {
                Mail::Ready(token) => self.ready(token, true, true),
                Mail::Listen(listener) => self.doors.open(listener, &self.poll, &self.shared.mailbox),
                Mail::Dialed { link, result } => {
                    // A dial that was given up is no longer known: its stream is dropped.
                    if self.dials.remove(&link).is_some() {
                        self.with_node(|driver, state| driver.dialed(state, link, result));
                    }
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
    fn with_node(&mut self, act: impl FnOnce(&mut Driver, &mut State)) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        act(self, &mut state);
        self.drain(&mut state);
    }

    /// Does what the node wants done, until it wants nothing more.
    fn drain(&mut self, state: &mut State) {
        let mut room = self.shared.room();
        let mut delivered = false;
        loop {
            let action = if room > 0 { state.node.poll_action() } else { state.node.poll_duty() };
            match action {
                Some(Action::Event(event)) => {
                    let delivery = matches!(event, Event::Message(_) | Event::Request(_));
                    delivered |= delivery;
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
        if delivered {
            // What the application has taken may be what these waited for.
            self.links.unpark();
        }
    }

    fn tell(&mut self, state: &mut State, event: Event) {
        match event {
            Event::Request(request) => self.shared.work.put(request),
            Event::RequestEnded { request } => self.shared.work.forget(request),
            Event::Stopped => {
                self.stopped = true;
                self.news.push(Event::Stopped);
            }
            event => self.news.extend(state.waiters.pass(event)),
        }
    }

    fn dial(&mut self, state: &mut State, link: LinkId, target: &str) {
        match resolve::dial(link, target, self.dial_time, &self.shared.mailbox) {
            None => {
                self.dials.insert(link, after(self.dial_time));
            }
            Some(result) => self.dialed(state, link, result),
        }
    }

    fn dialed(&mut self, state: &mut State, link: LinkId, result: std::io::Result<Stream>) {
        let added = result
            .and_then(|stream| self.links.add(link, stream, self.poll.registry(), &self.shared.mailbox));
        let now = self.shared.now();
        match added {
            Ok(()) => state.node.handle(now, Input::Dialed { link }),
            Err(e) => state.node.handle(now, Input::DialFailed { link, cause: &moving::cause(&e) }),
        }
    }

    fn close(&mut self, link: LinkId) {
        if self.dials.remove(&link).is_none() {
            self.links.close(link, self.poll.registry(), &mut self.buffer);
        }
    }

    /// Tells the node that time went by, and gives up what took too long.
    fn tell_time(&mut self) {
        self.give_up_dials();
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
        let now = Instant::now();
        let late: Vec<_> = self.dials.iter().filter(|(_, until)| **until <= now).map(|(l, _)| *l).collect();
        for link in late {
            self.dials.remove(&link);
            self.with_node(|driver, state| {
                driver.dialed(state, link, Err(ErrorKind::TimedOut.into()));
            });
        }
    }

    /// How long to wait: not at all while there is work left, else until the next deadline. From
    /// when this returns, whoever has news must wake the driver.
    fn plan(&mut self) -> Option<Duration> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        // Before the last look: whoever makes room after it must find the driver lying.
        shared.mailbox.lie_down();
        self.drain(&mut state);
        self.links.unpark_if(|link| state.node.read_budget(link) > 0);
        shared.announce_turn(&state);
        if self.links.has_work() || self.doors.has_work() {
            shared.mailbox.rise();
            return Some(Duration::ZERO);
        }
        let deadline = state.node.next_deadline();
        drop(state);
        if !shared.mailbox.is_empty() || shared.abort.load(SeqCst) {
            shared.mailbox.rise();
            return Some(Duration::ZERO);
        }
        let node = deadline.map(|deadline| deadline.at.saturating_since(shared.now()));
        let until = self.dials.values().copied().chain(self.doors.paused_until()).min();
        let own = until.map(|until| until.saturating_duration_since(Instant::now()));
        node.into_iter().chain(own).min()
    }
}
