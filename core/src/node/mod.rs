//! One identity with many connections: routing, roster, receipts, calls, redial.
//!
//! The tables ([`router`], [`roster`], [`receipts`], [`calls`], [`requests`], [`names`], [`uplinks`]) know
//! no bytes; the other files put them together, one job each.

mod admission;
mod again;
mod agenda;
mod answering;
mod bodies;
mod builtins;
mod by_id;
mod calls;
mod crowd;
mod deliver;
mod deliveries;
mod dial;
mod event;
mod forward;
mod ids;
mod io;
mod joining;
mod journal;
mod lately;
mod links;
mod message;
mod names;
mod presence;
mod receipts;
mod recent;
mod requests;
mod roster;
mod router;
mod runs;
mod submit;
mod uplinks;
mod view;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::crypto::KeyPair;
use crate::key::{Purpose, Stream};
use crate::link::{LinkId, Plain, Went};
use crate::queue::Queue;
use crate::wire::MessageId;
use crate::{Config, Deadline, Instant, PeerId, Seed, StaticKey, Timer};

use again::Again;
use bodies::Bodies;
use calls::CallTable;
use crowd::Crowd;
use deliveries::Deliveries;
use ids::Ids;
use lately::Lately;
use links::Links;
use names::Names;
use receipts::ReceiptTable;
use recent::Recent;
use requests::RequestTable;
use roster::Changes;
use router::Router;
use uplinks::Uplinks;

pub use dial::{Dial, UplinkId};
pub use event::{CallOutcome, Event, PeerInfo, Received, ReceivedHead, Request, Stage};
pub use io::{Action, Input, StoreId};
pub use journal::EntryError;
pub use message::{CallId, Command, Message, RequestId, Response, SendError, normal_path};
pub use view::{NetworkInfo, Route, Why};

/// One identity on any number of links: what applications embed.
///
/// It does nothing by itself. It is told what happened ([`handle`](Node::handle)) and what the
/// application wants ([`send`](Node::send), [`request`](Node::request), ..), and is asked what is to be done
/// ([`poll_action`](Node::poll_action), [`pending`](Node::pending), [`next_deadline`](Node::next_deadline)). The
/// crate's documentation has the loop.
pub struct Node {
    config: Arc<Config>,
    key: Arc<dyn KeyPair>,
    peer_id: PeerId,
    /// The latest time that it was told. Time never runs backwards here.
    now: Instant,
    seed: Seed,
    random: Randomness,

    links: Links,
    /// Links that something was done to, to be looked after before the call ends.
    touched: Vec<LinkId>,
    uplinks: Uplinks,

    names: Names,
    router: Router,
    changes: Changes,
    /// When waiting changes are told, and when they were last.
    changes_due: Option<Instant>,
    changes_told: Option<Instant>,
    /// Newcomers that wait until their names are durable.
    storing: BTreeMap<StoreId, admission::Storing>,
    next_store: u64,

    receipts: ReceiptTable,
    calls: CallTable,
    requests: RequestTable,
    commands: BTreeMap<String, String>,

    actions: Queue<Action>,
    bodies: Bodies,
    deliveries: Deliveries,
    /// What of them this node has sent to itself, in bytes of cost.
    own_deliveries: usize,
    stopping: Stopping,

    plain: Plain,
    scratch: Vec<u8>,
    /// Lent to the link that has something to write.
    spare: Buffer,
    went: Vec<Went>,
    /// Where letters of messages for the network that this node serves are put together.
    letter: Vec<u8>,
    /// Where the beginnings of the letters of messages are written.
    opening: Vec<u8>,
    recent: Recent,
    lately: Lately,
    again: Again,
    crowd: Crowd,
}

/// A driver's clock that is later than this, 292 471 years after its origin, is broken.
const END_OF_TIME: Instant = Instant::from_micros(u64::MAX / 2);

/// How far a shutdown is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stopping {
    No,
    Asked,
    Done,
}

/// A stream for each purpose.
struct Randomness {
    ids: Ids,
    redial: Stream,
    words: Stream,
    /// How many handshakes there were: each has a stream of its own.
    handshakes: u64,
}

impl Node {
    /// A node that knows nobody yet.
    ///
    /// `now` is the driver's time now; `seed` must be unpredictable for a node that is to be secure,
    /// and is the only randomness that it ever uses.
    pub fn new(now: Instant, key: StaticKey, seed: Seed, mut config: Arc<Config>) -> Node {
        let limits = config.limits.clone().feasible();
        if limits != config.limits {
            Arc::make_mut(&mut config).limits = limits;
        }
        let random = Randomness {
            ids: Ids::new(&seed),
            redial: seed.stream(Purpose::Redial, 0),
            words: seed.stream(Purpose::Word, 0),
            handshakes: 0,
        };
        let key = config.provider.key_pair(key.expose());
        Node {
            peer_id: PeerId::from_bytes(*key.public_key()),
            key,
            now,
            seed,
            random,
            links: Links::default(),
            touched: Vec::new(),
            uplinks: Uplinks::default(),
            names: Names::default(),
            router: Router::default(),
            changes: Changes::default(),
            changes_due: None,
            changes_told: None,
            storing: BTreeMap::new(),
            next_store: 0,
            receipts: ReceiptTable::default(),
            calls: CallTable::default(),
            requests: RequestTable::default(),
            commands: BTreeMap::new(),
            actions: Queue::default(),
            bodies: Bodies::default(),
            deliveries: Deliveries::default(),
            own_deliveries: 0,
            stopping: Stopping::No,
            plain: Plain::default(),
            scratch: Vec::new(),
            spare: Buffer::default(),
            went: Vec::new(),
            letter: Vec::new(),
            opening: Vec::new(),
            recent: Recent::default(),
            lately: Lately::default(),
            again: Again::default(),
            crowd: Crowd::default(),
            config,
        }
    }

    /// Feeds one entry that [`Action::Store`] once gave, before anything else is done.
    ///
    /// # Errors
    /// When it is damaged or of a later version; nothing has changed then.
    pub fn restore(&mut self, entry: &[u8]) -> Result<(), EntryError> {
        journal::Entry::from_bytes(entry).map(|entry| self.names.restore(entry))
    }

    /// The public key of this node.
    pub const fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// The latest time that it was told.
    pub const fn now(&self) -> Instant {
        self.now
    }

    // ---- what the world tells

    /// Tells the node what happened. Cannot fail; see [`Input`].
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.begin(now);
        match input {
            Input::Dialed { link } => self.dialed(link),
            Input::DialFailed { link, cause } => self.dial_failed(link, cause),
            Input::Accepted { link } => self.accepted(link),
            Input::Data { link, bytes } => self.data(link, bytes),
            Input::Wrote { link, n } => self.wrote(link, n),
            Input::Gone { link, cause } => self.gone(link, cause),
            Input::Stored { id, ok } => self.stored(id, ok),
            Input::Timeout => {}
        }
        self.finish_turn();
    }

    /// Every call from outside begins with this ..
    fn begin(&mut self, now: Instant) {
        // Time ends before the deadlines that are computed from it would.
        let now = now.min(END_OF_TIME);
        if now > self.now {
            self.now = now;
            if self.is_due(now) {
                self.run_due();
            }
        }
        debug_assert!(!self.is_due(self.now), "each call has left nothing that is due at its time");
        // A command that is refused does not come to its end: what was due must not be left unsaid.
        self.say_if_stopped();
    }

    /// .. and ends with this: nothing is left that is due, no link that was touched is not looked after.
    fn finish_turn(&mut self) {
        self.settle();
        if self.is_due(self.now) {
            self.run_due();
        }
        self.say_if_stopped();
    }

    fn say_if_stopped(&mut self) {
        let waits = planted!(StoppedWaits) && !self.deliveries.is_empty();
        if self.stopping == Stopping::Asked && self.links.is_empty() && !waits {
            self.stopping = Stopping::Done;
            self.event(Event::Stopped);
        }
    }

    /// Does what is due, table by table, until nothing is.
    fn run_due(&mut self) {
        let now = self.now;
        while self.is_due(now) {
            while let Some(link) = self.links.pop_due(now) {
                self.link_due(link);
            }
            while let Some(ended) = self.calls.pop_due(now) {
                self.call_ended(ended);
            }
            while let Some((request, caller)) = self.requests.pop_due(now) {
                self.request_timed_out(request, &caller);
            }
            while let Some(id) = self.receipts.pop_due(now) {
                self.receipt_timed_out(id);
            }
            while let Some(uplink) = self.uplinks.agenda.pop_due(now) {
                self.redial(uplink);
            }
            if self.changes_due.is_some_and(|at| at <= now) {
                self.tell_changes();
            }
            self.settle();
        }
    }

    /// Whether the next deadline has come: what each call asks twice, without saying which one it is.
    fn is_due(&self, now: Instant) -> bool {
        self.links.is_due(now)
            || self.calls.is_due(now)
            || self.requests.is_due(now)
            || self.receipts.is_due(now)
            || self.uplinks.agenda.is_due(now)
            || self.changes_due.is_some_and(|at| at <= now)
    }

    // ---- what is to be done

    /// The next thing to be done. After any input or command, and after any
    /// [`pending`](Node::pending), it is asked until it says `None`.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        let taken = self.take_delivery().map(Action::Event);
        self.settle();
        taken
    }

    /// The same, but [`Event::Message`] and [`Event::Request`] are left where they are: for a driver
    /// whose application is behind. What is left counts against its sender's window, and in the
    /// end stops the reading ([`read_budget`](Node::read_budget)): backpressure, from end to end.
    /// When the application has caught up, say [`Input::Timeout`] before polling: the node knows no
    /// other time than the last that it was told.
    #[must_use]
    pub fn poll_duty(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`handle`](Node::handle) with [`Input::Timeout`] at the latest. After a drain it lies
    /// strictly in the future, or there is none.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline> {
        let with = |timer| move |at| Deadline { at, timer };
        [
            self.links.next_deadline(),
            self.calls.next_deadline().map(with(Timer::Call)),
            self.requests.next_deadline().map(with(Timer::Request)),
            self.receipts.next_deadline().map(with(Timer::Receipt)),
            self.uplinks.agenda.next().map(with(Timer::Redial)),
            self.changes_due.map(with(Timer::Roster)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    // ---- small things that all files here use

    fn event(&mut self, event: Event) {
        self.actions.push_back(Action::Event(event));
    }

    fn touch(&mut self, link: LinkId) {
        if self.touched.last() != Some(&link) {
            self.touched.push(link);
        }
    }

    /// The same, for what may have changed nothing that a link is looked after for. While others wait to be looked
    /// after it keeps its place among them all the same.
    fn touch_if(&mut self, changed: bool, link: LinkId) {
        if changed || !self.touched.is_empty() {
            self.touch(link);
        }
    }

    fn next_id(&mut self) -> MessageId {
        self.random.ids.next()
    }

    fn handshake_stream(&mut self) -> Stream {
        self.random.handshakes += 1;
        self.seed.stream(Purpose::Ephemeral, self.random.handshakes)
    }

    /// `wait` from now, and never now: what is due at once is done at once.
    fn after(&self, wait: Duration) -> Instant {
        self.now + wait.max(Duration::from_micros(1))
    }

    fn queue_deadline(&self) -> Instant {
        self.after(self.config.limits.queue_time)
    }

    /// The bytes that it holds in its queues, tables and buffers, about: collections count what they
    /// have reserved, trees what their entries need.
    pub fn memory(&self) -> usize {
        self.links.memory()
            + self.uplinks.memory()
            + self.names.memory()
            + self.router.memory()
            + self.changes.memory()
            + self.receipts.memory()
            + self.calls.memory()
            + self.requests.memory()
            + self.actions.memory()
            + self.bodies.memory()
            + self.deliveries.memory()
            + self.touched.capacity() * size_of::<LinkId>()
            + self.went.capacity() * size_of::<Went>()
            + self.plain.memory()
            + self.scratch.capacity()
            + self.spare.capacity()
            + self.letter.capacity()
            + self.opening.capacity()
            + self.recent.memory()
            + self.lately.memory()
            + self.again.memory()
            + self.crowd.memory()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("peer_id", &self.peer_id)
            .field("now", &self.now)
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// Puts a buffer of the node's aside while the node is borrowed, and gives it back after.
fn with_buffer<T: Default, R>(
    node: &mut Node,
    buffer: impl Fn(&mut Node) -> &mut T,
    work: impl FnOnce(&mut Node, &mut T) -> R,
) -> R {
    let mut taken = mem::take(buffer(node));
    let result = work(node, &mut taken);
    *buffer(node) = taken;
    result
}
