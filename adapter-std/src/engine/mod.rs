//! Who moves the bytes of a peer, and when.
//!
//! One driver does all the work, a [turn](Driver::turn) at a time, and any thread may give it one. Whoever waits
//! for something [leads](Lead): it waits at the system's event queue and gives the driver its turns until it has
//! what it waits for, and no other thread has to be woken in between. While nobody waits, a thread of the engine's
//! own leads. Whoever gives the node something to do and does not wait gives the driver a turn at once, if it had
//! none lately; who does so again and again has it collected, and written by the batch.

mod bell;
mod glance;
mod lead;
mod posts;
mod sockets;

use std::borrow::Borrow;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use homing_adapter::{Driver, Error, Handle, Options, Rest, Shared};
use homing_core::Message;
use mio::Events;
use parking::Parker;

use crate::sleeper::Sleeper;
use bell::{Answering, BELL};
use glance::Glance;
use lead::{Lead, Need, Own, Place, Role, Seen};
use sockets::Sockets;

pub(crate) use bell::Bell;
pub(crate) use glance::For;
pub(crate) use posts::{Post, Posts};

/// How many readiness events are taken from the system at once.
const EVENTS: usize = 1024;
/// Bytes given to the node that are worth a turn of their own: as many as two records take. A turn and its system call
/// cost as much as thirty messages.
const BATCH: usize = 32 * 1024;
/// What a message takes on the wire besides its body, roughly.
const HEAD: usize = 64;
/// As many bytes as a call takes, or its answer, besides its body, in work for both ends: after some thirty short ones there is
/// a turn. Those that are under way at once are no single crowd then, which everybody on the way works on alone while all others
/// wait for it.
const CALL: usize = 768;
/// What follows the last turn sooner than this is collected.
const QUIET: Duration = Duration::from_micros(50);
/// When the own thread looks whether what was left to be written was.
const SOON: Duration = Duration::from_micros(250);
/// The same while others are busy and have left nothing undone: each look takes the processor from them.
const SOON_ENOUGH: Duration = Duration::from_millis(1);
/// When it looks whether somebody who has led comes back; whoever is busy in other ways leaves it no longer than that
/// until somebody looks at the event queue.
const LATER: Duration = Duration::from_millis(5);

/// A panic elsewhere must not spread: what these locks guard is valid between any two statements.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The driver of one peer, and who gives it its turns.
pub(crate) struct Engine {
    moving: Mutex<Moving>,
    polling: Mutex<Polling>,
    lead: Arc<Mutex<Lead>>,
    bell: Arc<Bell>,
    posts: Posts,
    /// Bytes given to the node since the last turn.
    given: AtomicUsize,
    /// Whether something was left since.
    collecting: AtomicBool,
    /// How many turns there were.
    turns: AtomicU64,
    /// How often somebody has looked at the event queue.
    rounds: AtomicU64,
}

/// What a turn takes.
struct Moving {
    /// None when all is over.
    driver: Option<Box<Turner>>,
    rest: Rest,
    /// Until when the leader waits; the time of its last turn at the latest.
    waits: Option<Instant>,
    /// When the last turn ended.
    last: Instant,
    /// How many bytes it moved, and half as many as those before it.
    moved: usize,
    /// A leader's has told the application of one thing: what is given to the node next may answer that, and is not collected.
    /// Of what comes at once more than one is answered, and most answers would wait behind the first.
    answers: bool,
}

/// What waiting takes.
struct Polling {
    poll: mio::Poll,
    events: Events,
    glance: Glance,
}

/// A driver that leaves nobody waiting when it is dropped, not even by a panic.
struct Turner {
    driver: Driver<Sockets>,
    posts: Posts,
    lead: Arc<Mutex<Lead>>,
    bell: Arc<Bell>,
}

impl Drop for Turner {
    fn drop(&mut self) {
        // A listener that is posted meanwhile would hold its address.
        self.posts.close();
        lock(&self.lead).end();
        self.bell.ring();
    }
}

impl Engine {
    /// Starts a node and the thread that leads while nobody waits.
    pub(crate) fn start(options: Options) -> Result<(Arc<Handle>, Arc<Engine>), Error> {
        let poll = mio::Poll::new()?;
        let (parker, unparker) = parking::pair();
        let unparker = Arc::new(unparker);
        let bell = Arc::new(Bell::new(poll.registry(), Arc::clone(&unparker))?);
        let made = Handle::make(options, Instant::now, Waker::from(Arc::clone(&bell)))?;
        let (handle, posts) = (Arc::clone(&made.handle), Posts::new());
        let lead = Arc::new(Mutex::new(Lead::new(unparker)));
        let sockets = Sockets {
            registry: poll.registry().try_clone()?,
            posts: posts.clone(),
            mailbox: Arc::clone(Shared::of(&handle).mailbox()),
            dial_time: made.dial_time,
        };
        let driver = Box::new(Turner {
            driver: Driver::new(made, sockets),
            posts: posts.clone(),
            lead: Arc::clone(&lead),
            bell: Arc::clone(&bell),
        });
        let now = Instant::now();
        let engine = Arc::new(Engine {
            // Whatever the node wants before anything has happened.
            moving: Mutex::new(Moving {
                driver: Some(driver),
                rest: Rest::No,
                waits: Some(now),
                last: now,
                moved: 0,
                answers: false,
            }),
            polling: Mutex::new(Polling {
                poll,
                events: Events::with_capacity(EVENTS),
                glance: Glance::default(),
            }),
            lead,
            bell,
            posts,
            given: AtomicUsize::new(0),
            collecting: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            rounds: AtomicU64::new(0),
        });
        let own = Arc::clone(&engine);
        std::thread::Builder::new().name("homing".into()).spawn(move || own.run(&parker))?;
        Ok((handle, engine))
    }

    pub(crate) fn posts(&self) -> &Posts {
        &self.posts
    }

    /// The own thread: leads while nobody else does.
    fn run(&self, parker: &Parker) {
        let (mut seen, mut turns) = (Seen::default(), 0);
        let (mut rounds, mut looked_at, mut dozed) = (0, Instant::now(), false);
        let mut patience = SOON;
        loop {
            let before = std::mem::replace(&mut turns, self.turns.load(Relaxed));
            if rounds != self.rounds.load(Relaxed) {
                (rounds, looked_at) = (self.rounds.load(Relaxed), Instant::now());
            }
            let need = match self.bell.has_rung() {
                _ if looked_at.elapsed() >= LATER => Need::Undone,
                true if before == turns && !dozed => Need::Undone,
                true => Need::Rung,
                false => Need::None,
            };
            let own = lock(&self.lead).own(&mut seen, need);
            dozed = own == Own::Watch { soon: false };
            match own {
                Own::Lead => {
                    let mut leading = Leading::new(self, For::Neighbours);
                    while leading.round(None) && !lock(&self.lead).wanted() {}
                }
                Own::Help => {
                    Leading::new(self, For::Anything).round(Some(Instant::now()));
                }
                Own::Watch { soon: true } => {
                    // While others have taken turns every time, it is left to them more and more.
                    patience = if before == turns { SOON } else { (patience * 2).min(SOON_ENOUGH) };
                    parker.park_timeout(patience);
                }
                Own::Watch { soon: false } => {
                    self.bell.while_dozing(|rung| parker.park_timeout(if rung { SOON } else { LATER }));
                }
                Own::Sleep => parker.park(),
                Own::End => return,
            }
        }
    }

    /// Does `act`, which gives the node something to do and waits for nothing.
    #[inline]
    pub(crate) fn promptly<T>(&self, act: impl FnOnce() -> T) -> T {
        let answering = self.bell.answer();
        let done = act();
        if answering.take() {
            self.see_to(true);
        }
        done
    }

    /// Blocks until `poll` is ready; none when it is not by `until`.
    pub(crate) fn block<T>(
        &self,
        what: For,
        until: Option<Instant>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Option<T> {
        let answering = self.bell.answer();
        let done = Sleeper::with(|sleeper| match poll(&mut sleeper.context()) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => self.wait(what, until, sleeper, &answering, &mut poll),
        });
        if answering.take() {
            // Whoever has the next request answers it, too: what it has given until then is collected.
            self.see_to(what != For::Request);
        }
        done
    }

    fn wait<T>(
        &self,
        what: For,
        until: Option<Instant>,
        sleeper: &Sleeper,
        answering: &Answering<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Option<T> {
        let mut cx = sleeper.context();
        let mut following = Following { engine: self, place: None };
        loop {
            // What it has asked for before it waits is done before it waits.
            if answering.take() {
                self.turn(&mut lock(&self.moving));
            }
            let role = lock(&self.lead).enter(&mut following.place, sleeper.unparker());
            match role {
                Role::Leader => {
                    let mut leading = Leading::new(self, what);
                    let _reachable = sleeper.reachable_by(&self.bell);
                    // Whoever has no time to wait looks once all the same: it may be the only one who looks.
                    let mut looked = false;
                    loop {
                        if let Poll::Ready(done) = poll(&mut cx) {
                            leading.finish();
                            return Some(done);
                        }
                        if looked && until.is_some_and(|until| until <= Instant::now()) {
                            return None;
                        }
                        if answering.take() {
                            self.bell.ring();
                        }
                        if !leading.round(until) {
                            break;
                        }
                        looked = true;
                    }
                }
                Role::Follower { ring } => {
                    if ring {
                        self.bell.ring();
                    }
                    let late = !sleeper.sleep(until) && until.is_some_and(|until| until <= Instant::now());
                    // At the last moment it may have come.
                    match poll(&mut cx) {
                        Poll::Ready(done) => return Some(done),
                        Poll::Pending if late => return None,
                        Poll::Pending => {}
                    }
                }
            }
        }
    }

    /// This thread has given the node something to do, and does not wait for it. `at_once`: what answers the one thing that
    /// has just come goes out now.
    fn see_to(&self, at_once: bool) {
        let mut moving = lock(&self.moving);
        if at_once && std::mem::take(&mut moving.answers) || moving.last.elapsed() >= QUIET {
            return self.turn(&mut moving);
        }
        self.collecting.store(true, Relaxed);
        drop(moving);
        lock(&self.lead).leave_it();
        self.bell.ring();
    }

    /// Whether something that was left is still to be moved, which it is within milliseconds: so the node was told the
    /// time a moment ago.
    pub(crate) fn is_collecting(&self) -> bool {
        self.collecting.load(Relaxed)
    }

    /// The node was given these messages.
    pub(crate) fn gave_messages<M: Borrow<Message>>(&self, messages: &[M]) {
        self.gave(messages.iter().map(|message| HEAD + message.borrow().body.len()).sum());
    }

    /// The node was given a call, or an answer, with a body of so many bytes.
    pub(crate) fn gave_call(&self, body: usize) {
        self.gave(body + CALL);
    }

    /// The node was given so many bytes more. Whenever they make a batch, they are written.
    fn gave(&self, bytes: usize) {
        // Two threads that give at once may count as one: then the batch is a little larger. To count them one by one
        // would cost each more than all else that is done here.
        let given = self.given.load(Relaxed) + bytes;
        self.given.store(given, Relaxed);
        if given >= BATCH {
            // Whoever moves bytes now sees them.
            if let Ok(mut moving) = self.moving.try_lock() {
                self.turn(&mut moving);
            }
        }
    }

    /// Gives the driver a turn, besides the leader's.
    fn turn(&self, moving: &mut Moving) {
        self.move_bytes(moving);
        // The leader may have to wait less than it does.
        let sooner = match moving.rest {
            Rest::No => true,
            Rest::Until(until) => until.is_some_and(|until| moving.waits.is_none_or(|waits| until < waits)),
            Rest::Over => false,
        };
        if sooner {
            self.bell.ring();
        }
    }

    /// How much it has told the application.
    fn move_bytes(&self, moving: &mut Moving) -> usize {
        self.given.store(0, Relaxed);
        self.collecting.store(false, Relaxed);
        self.turns.fetch_add(1, Relaxed);
        // If it panics, it is dropped, and all is over.
        let Some(mut turner) = moving.driver.take() else { return 0 };
        for post in self.posts.take() {
            match post {
                Post::Listen(listener) => turner.driver.listen(listener),
                Post::Dialed { link, result } => turner.driver.dialed(link, result),
            }
        }
        moving.rest = turner.driver.turn();
        moving.moved = moving.moved / 2 + turner.driver.moved();
        let told = turner.driver.told();
        if moving.rest != Rest::Over {
            moving.driver = Some(turner);
        }
        // What was put before the driver lay down has woken nobody.
        if !self.posts.is_empty() {
            moving.rest = Rest::No;
        }
        moving.last = Instant::now();
        told
    }
}

/// Following. When it is dropped, it is not for this thread to lead.
struct Following<'a> {
    engine: &'a Engine,
    place: Place,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        if self.place.is_some() {
            lock(&self.engine.lead).leave(&mut self.place);
        }
    }
}

/// Leading. When it is dropped, another may lead.
struct Leading<'a> {
    engine: &'a Engine,
    what: For,
    /// None when it is dropped.
    polling: Option<MutexGuard<'a, Polling>>,
}

impl<'a> Leading<'a> {
    /// For the thread that was told to lead, and waits for `what`.
    fn new(engine: &'a Engine, what: For) -> Leading<'a> {
        Leading { engine, what, polling: Some(lock(&engine.polling)) }
    }

    /// Waits until something is ready or due, `until` at most, and gives the driver a turn. False when all is over.
    fn round(&mut self, until: Option<Instant>) -> bool {
        let (engine, Some(polling)) = (self.engine, &mut self.polling) else { return false };
        let (waits, moved) = {
            let mut moving = lock(&engine.moving);
            moving.waits = match moving.rest {
                _ if moving.driver.is_none() => return false,
                Rest::Until(rest) => rest.into_iter().chain(until).min(),
                Rest::No | Rest::Over => Some(moving.last),
            };
            (moving.waits, moving.moved)
        };
        engine.rounds.fetch_add(1, Relaxed);
        let Polling { poll, events, glance } = &mut **polling;
        let wait = || waits.map(|waits| waits.saturating_duration_since(Instant::now()));
        let heard = engine.bell.heard();
        let most = wait();
        let found = most != Some(Duration::ZERO)
            && glance.until_found(self.what, moved, most, || {
                poll_once(poll, events, Some(Duration::ZERO));
                !events.is_empty() || engine.bell.has_rung()
            });
        if !found {
            let rung = heard.waits();
            poll_once(poll, events, if rung { Some(Duration::ZERO) } else { wait() });
        }
        drop(heard);
        loop {
            let mut moving = lock(&engine.moving);
            // If it panics, it is dropped, and all is over.
            let Some(mut turner) = moving.driver.take() else { return false };
            turner.driver.shared().mailbox().rise();
            let seen = report(events, &mut turner.driver);
            moving.driver = Some(turner);
            // There may be more, and time is told only when everything that has arrived is read: a
            // link whose bytes wait here must not be called dead.
            if seen < EVENTS {
                let told = engine.move_bytes(&mut moving);
                moving.waits = Some(moving.last);
                if told > 0 {
                    moving.answers = told == 1;
                }
                return true;
            }
            poll_once(poll, events, Some(Duration::ZERO));
        }
    }

    /// Has the driver lie down, if it takes no more than a turn, so that it is known when it is given something.
    fn finish(&self) {
        let mut moving = lock(&self.engine.moving);
        if moving.rest == Rest::No {
            self.engine.move_bytes(&mut moving);
        }
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let left = lock(&self.engine.moving).rest == Rest::No;
        self.polling = None;
        lock(&self.engine.lead).release();
        if left {
            // A driver that is awake calls nobody: whoever comes next is to go on, and if nobody does, the own thread.
            self.engine.bell.ring_softly();
        }
    }
}

fn poll_once(poll: &mut mio::Poll, events: &mut Events, wait: Option<Duration>) {
    if let Err(e) = poll.poll(events, wait) {
        events.clear();
        if e.kind() != ErrorKind::Interrupted {
            // The system is out of something. A loop that spins would not give it back.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Reports all that is ready; how much that is.
fn report(events: &Events, driver: &mut Driver<Sockets>) -> usize {
    let mut seen = 0;
    for event in events {
        seen += 1;
        if event.token() == BELL {
            // It only ends the wait.
            continue;
        }
        match sockets::place(event.token()) {
            sockets::Place::Listener(place) => driver.listener_ready(place),
            sockets::Place::Stream(place) => {
                let read = event.is_readable() || event.is_read_closed() || event.is_error();
                let write = event.is_writable() || event.is_write_closed() || event.is_error();
                driver.ready(place, read, write);
            }
        }
    }
    seen
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;
    use homing_core::{Address, Dial, Invite, Message, Seed, Serving, StaticKey};

    fn options(key: u8) -> Options {
        Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])))
    }

    /// A hub, the engine under it, and its address.
    fn hub() -> (Peer, Arc<Engine>, Address) {
        let (mut options, address) = (options(1), "hub@home".parse::<Address>().unwrap());
        options.config.serving =
            Some(Serving { address: address.clone(), open: true, allow: Default::default() });
        let (handle, engine) = Engine::start(options).unwrap();
        (Peer::of(handle, Arc::clone(&engine)), engine, address)
    }

    /// What is sent to oneself is answered by nobody: no turn follows on which the node would be told the time.
    #[test]
    fn what_was_seen_to_is_not_collected() {
        let (peer, engine, address) = hub();
        for _ in 0..20 {
            peer.send(&address, Message::text("x")).unwrap();
            let end = Instant::now() + Duration::from_secs(5);
            while engine.is_collecting() {
                assert!(Instant::now() < end, "it is left for ever");
                std::thread::yield_now();
            }
        }
    }

    /// Nobody waits meanwhile. If the own thread has a turn of its own, that is one, too.
    #[test]
    fn calls_are_moved_by_the_batch() {
        let (_handle, engine) = Engine::start(options(1)).unwrap();
        for body in [0, 256, BATCH] {
            // No turn is under way that was counted already.
            let before = (lock(&engine.moving), engine.turns.load(Relaxed)).1;
            (0..BATCH.div_ceil(CALL + body)).for_each(|_| engine.gave_call(body));
            assert!(engine.turns.load(Relaxed) > before, "{body}");
        }
    }

    /// The answer to the only thing that has come goes out at once; of several, the first answer waits for the others.
    #[test]
    fn what_comes_alone_is_answered_at_once() {
        let (hub, engine, address) = hub();
        let at = hub.listen(&"memory:answered-at-once".parse().unwrap()).unwrap();
        let ada = Peer::start(options(2)).unwrap();
        let network = "home".parse().unwrap();
        let invite = Invite { key: hub.peer_id(), target: at.to_string(), network };
        ada.connect(Dial::invite(&invite, "ada".parse().unwrap()), Duration::from_secs(5)).unwrap();

        let becomes = |wanted: bool, count: usize| {
            lock(&engine.moving).answers = !wanted;
            let end = Instant::now() + Duration::from_secs(5);
            while lock(&engine.moving).answers != wanted {
                assert!(Instant::now() < end, "{count} at once");
                (0..count).for_each(|_| _ = ada.send(&address, Message::text("x")).unwrap());
                while hub.events().next_timeout(Duration::from_millis(1)).is_some() {}
            }
        };
        becomes(true, 1);
        becomes(false, 100);
        becomes(true, 1);
    }
}
