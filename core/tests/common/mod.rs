//! A world of nodes on a virtual clock, joined by streams that hold whatever was written and give it
//! in pieces as they are told. No socket, no thread, no real time.
#![allow(dead_code, unreachable_pub)] // each test file uses its part
#![allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity, clippy::cast_possible_truncation)] // as in tests

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use homing_core::crypto::Fake;
use homing_core::{
    Action, Config, Dial, Event, Heartbeat, Input, Instant, LinkId, Node, PeerId, Seed, Serving, StaticKey,
};

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All that there is at once.
    Whole,
    /// One by one.
    Bytes,
    /// In pieces of changing size.
    Pieces(u64),
}

/// One direction of a stream.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// Everything that ever went through, for looking at.
    log: Vec<u8>,
}

struct Stream {
    /// (node, link) of the dialing and of the accepting end.
    ends: [(usize, LinkId); 2],
    /// What the dialing end wrote; what the accepting end wrote.
    pipes: [Pipe; 2],
    /// Nothing is delivered to this end while it is stalled.
    stalled: [bool; 2],
    open: bool,
}

pub struct Peer {
    pub node: Node,
    pub events: Vec<Event>,
    /// Whether the application takes its deliveries.
    takes: bool,
    /// How many messages its driver takes at once; none: it polls for each.
    pub batch: Option<usize>,
    pub stores: Vec<Vec<u8>>,
    /// Whether stores are answered at once.
    pub stores_at_once: bool,
    pub pending_stores: Vec<homing_core::StoreId>,
    /// What this node was told, when it is recorded.
    pub told: Option<Vec<(Instant, Told)>>,
    /// How often it was woken by its timer.
    pub timeouts: usize,
    /// What its calls leave allocated, when something measures them.
    pub meter: Option<fn(&mut dyn FnMut()) -> i64>,
    pub held: i64,
    accepted: u64,
    listening: Option<String>,
    writes: Vec<LinkId>,
}

/// An input as it can be kept.
#[derive(Clone, Debug)]
pub enum Told {
    Dialed(LinkId),
    DialFailed(LinkId),
    Accepted(LinkId),
    Data(LinkId, Vec<u8>),
    Wrote(LinkId, usize),
    Gone(LinkId),
    Stored(homing_core::StoreId),
    Timeout,
    /// Not an input: the application asked for something.
    Asked(Asked),
}

/// What an application asks for, as data.
#[derive(Clone, Debug)]
pub enum Asked {
    Dial(Box<Dial>),
    Send { to: String, size: usize, receipts: homing_core::Receipts },
    Call { to: String, path: &'static str },
    Shutdown,
}

impl Peer {
    pub fn tell(&mut self, now: Instant, told: Told) {
        if let Some(list) = &mut self.told {
            list.push((now, told.clone()));
        }
        if matches!(told, Told::Timeout) {
            self.timeouts += 1;
        }
        self.metered(|node| {
            tell(node, now, &told);
        });
    }

    /// Does something with the node, and measures what it leaves allocated.
    fn metered<R>(&mut self, work: impl FnOnce(&mut Node) -> R) -> R {
        let mut work = Some(work);
        let mut result = None;
        let node = &mut self.node;
        let mut run = || result = work.take().map(|work| work(node));
        match self.meter {
            Some(meter) => self.held += meter(&mut run),
            None => run(),
        }
        result.unwrap()
    }
}

/// Tells a node what was kept; whether a command was carried out.
pub fn tell(node: &mut Node, now: Instant, told: &Told) -> bool {
    let cause = "connection reset";
    match told {
        Told::Dialed(link) => node.handle(now, Input::Dialed { link: *link }),
        Told::DialFailed(link) => node.handle(now, Input::DialFailed { link: *link, cause }),
        Told::Accepted(link) => node.handle(now, Input::Accepted { link: *link }),
        Told::Data(link, bytes) => node.handle(now, Input::Data { link: *link, bytes }),
        Told::Wrote(link, n) => node.handle(now, Input::Wrote { link: *link, n: *n }),
        Told::Gone(link) => node.handle(now, Input::Gone { link: *link, cause }),
        Told::Stored(id) => node.handle(now, Input::Stored { id: *id, ok: true }),
        Told::Timeout => node.handle(now, Input::Timeout),
        Told::Asked(asked) => return ask(node, now, asked),
    }
    true
}

fn ask(node: &mut Node, now: Instant, asked: &Asked) -> bool {
    match asked {
        Asked::Dial(dial) => node.dial(now, (**dial).clone()).is_ok(),
        Asked::Send { to, size, receipts } => {
            let body = vec![b'x'; *size];
            let message = homing_core::Message::new("text/plain", body).with_receipts(*receipts);
            node.send(now, &to.parse().unwrap(), message).is_ok()
        }
        Asked::Call { to, path } => {
            let to: homing_core::Address = to.parse().unwrap();
            let command = homing_core::Command::get(path);
            node.request(now, &to.into(), command, Duration::from_secs(20)).is_ok()
        }
        Asked::Shutdown => {
            node.shutdown(now);
            true
        }
    }
}

pub struct World {
    pub now: Instant,
    pub peers: Vec<Peer>,
    streams: Vec<Stream>,
    pub cut: Cut,
    turn: u64,
}

pub fn key(n: u8) -> StaticKey {
    StaticKey::generate(&Seed::from_bytes([n; 32]))
}

/// A configuration with the fake cryptography: a handshake costs nothing.
pub fn fake() -> Config {
    Config::with_provider(Arc::new(Fake))
}

pub fn serving(address: &str) -> Option<Serving> {
    Some(Serving { address: address.parse().unwrap(), open: true, allow: Default::default() })
}

pub fn hub_config(base: Config) -> Config {
    Config { serving: serving("hub@home"), ..base }
}

pub fn dial(target: &str, name: &str) -> Dial {
    Dial {
        target: target.into(),
        network: "home".parse().unwrap(),
        pin: None,
        name: Some(name.parse().unwrap()),
        instance: Some("x".parse().unwrap()),
        priority: 0,
        redial: true,
    }
}

impl World {
    pub fn new() -> World {
        World {
            now: Instant::from_micros(1_000_000),
            peers: Vec::new(),
            streams: Vec::new(),
            cut: Cut::Whole,
            turn: 0,
        }
    }

    pub fn add(&mut self, n: u8, config: Config) -> usize {
        let node = Node::new(self.now, key(n), Seed::from_bytes([n.wrapping_add(100); 32]), Arc::new(config));
        self.add_node(node)
    }

    pub fn add_node(&mut self, node: Node) -> usize {
        self.peers.push(Peer {
            node,
            events: Vec::new(),
            takes: true,
            batch: None,
            stores: Vec::new(),
            stores_at_once: true,
            pending_stores: Vec::new(),
            told: None,
            timeouts: 0,
            meter: None,
            held: 0,
            accepted: 0,
            listening: None,
            writes: Vec::new(),
        });
        self.peers.len() - 1
    }

    pub fn listen(&mut self, peer: usize, target: &str) {
        self.peers[peer].listening = Some(target.into());
    }

    /// A hub that listens as "hub", and so many peers p0, p1, .. that have joined.
    pub fn network(peers: u8, config: impl Fn() -> Config) -> World {
        World::network_cut(peers, config, Cut::Whole)
    }

    pub fn network_cut(peers: u8, config: impl Fn() -> Config, cut: Cut) -> World {
        let mut world = World::new();
        world.cut = cut;
        world.add(0, hub_config(config()));
        world.listen(0, "hub");
        for n in 0..peers {
            let peer = world.add(n + 1, config());
            let now = world.now;
            world.peers[peer].node.dial(now, dial("hub", &format!("p{n}"))).unwrap();
        }
        world.run();
        world
    }

    /// Asks something of a node as its application would; whether it was carried out.
    pub fn ask(&mut self, peer: usize, asked: Asked) -> bool {
        let now = self.now;
        let peer = &mut self.peers[peer];
        if let Some(list) = &mut peer.told {
            list.push((now, Told::Asked(asked.clone())));
        }
        ask(&mut peer.node, now, &asked)
    }

    /// Whether a peer's application takes its deliveries. A driver that polls them again tells the time
    /// first: nothing else has, since.
    pub fn set_takes(&mut self, peer: usize, takes: bool) {
        let now = self.now;
        self.peers[peer].takes = takes;
        self.peers[peer].tell(now, Told::Timeout);
    }

    pub fn node(&mut self, peer: usize) -> &mut Node {
        &mut self.peers[peer].node
    }

    pub fn take_events(&mut self, peer: usize) -> Vec<Event> {
        std::mem::take(&mut self.peers[peer].events)
    }

    pub fn hub_key(&self) -> PeerId {
        self.peers[0].node.peer_id()
    }

    /// Obeys the driver's law for one peer; whether anything was done.
    fn drain(&mut self, at: usize) -> bool {
        let mut worked = false;
        loop {
            let peer = &mut self.peers[at];
            let (takes, forgets) = (peer.takes, peer.meter.is_some());
            if let Some(most) = peer.batch.filter(|_| takes) {
                let mut messages = VecDeque::new();
                let count = peer.node.poll_messages(most, &mut messages);
                assert!(count == messages.len() && count <= most);
                worked |= count > 0;
                peer.events.extend(messages.into_iter().map(Event::Message));
            }
            let action = peer.metered(|node| {
                let action = if takes { node.poll_action() } else { node.poll_duty() };
                match action {
                    // What is measured must not leave with the event.
                    Some(Action::Event(_)) if forgets => Some(Action::Event(Event::Stopped)),
                    action => action,
                }
            });
            match action {
                Some(Action::Event(_)) if forgets => {}
                Some(Action::Event(event)) => peer.events.push(event),
                Some(Action::Store { id, entry }) => {
                    peer.stores.push(entry);
                    if peer.stores_at_once {
                        peer.tell(self.now, Told::Stored(id));
                    } else {
                        peer.pending_stores.push(id);
                    }
                }
                Some(Action::Dial { link, target }) => self.connect(at, link, &target),
                Some(Action::Close { link }) => self.close(at, link),
                Some(Action::Write { link }) => peer.writes.push(link),
                None => match self.peers[at].writes.pop() {
                    Some(link) => self.write(at, link),
                    None => return worked,
                },
            }
            worked = true;
        }
    }

    fn connect(&mut self, at: usize, link: LinkId, target: &str) {
        let host = self.peers.iter().position(|peer| peer.listening.as_deref() == Some(target));
        let Some(host) = host else {
            self.peers[at].tell(self.now, Told::DialFailed(link));
            return;
        };
        self.peers[host].accepted += 1;
        let other = LinkId::accepted(self.peers[host].accepted);
        self.streams.push(Stream {
            ends: [(at, link), (host, other)],
            pipes: Default::default(),
            stalled: [false; 2],
            open: true,
        });
        self.peers[host].tell(self.now, Told::Accepted(other));
        self.peers[at].tell(self.now, Told::Dialed(link));
    }

    fn find(&self, at: usize, link: LinkId) -> Option<(usize, usize)> {
        self.streams.iter().enumerate().find_map(|(s, stream)| {
            let end = stream.ends.iter().position(|end| *end == (at, link))?;
            stream.open.then_some((s, end))
        })
    }

    fn write(&mut self, at: usize, link: LinkId) {
        let Some((s, end)) = self.find(at, link) else { return };
        loop {
            self.peers[at].metered(|node| node.pending(link).len());
            let bytes = self.peers[at].node.pending(link);
            if bytes.is_empty() {
                break;
            }
            let n = match self.cut {
                Cut::Whole => bytes.len(),
                Cut::Bytes => 1,
                Cut::Pieces(seed) => {
                    self.turn += 1;
                    (1 + (self.turn * 31 + seed) % 97).min(bytes.len() as u64) as usize
                }
            };
            let pipe = &mut self.streams[s].pipes[end];
            pipe.bytes.extend(&bytes[..n]);
            pipe.log.extend(&bytes[..n]);
            let rest = bytes[n..].to_vec();
            self.peers[at].tell(self.now, Told::Wrote(link, n));
            // Law 6: what was not written stays, and stays first.
            assert!(
                self.peers[at].node.pending(link).starts_with(&rest),
                "bytes that were not written are lost"
            );
        }
    }

    fn close(&mut self, at: usize, link: LinkId) {
        if let Some((s, end)) = self.find(at, link) {
            // What was written still arrives, then the end.
            while self.deliver(s, 1 - end) {}
            self.streams[s].open = false;
            let (other, link) = self.streams[s].ends[1 - end];
            self.peers[other].tell(self.now, Told::Gone(link));
        }
    }

    /// Delivers some bytes to an end; whether there were any.
    fn deliver(&mut self, s: usize, end: usize) -> bool {
        let stream = &mut self.streams[s];
        if !stream.open || stream.stalled[end] {
            return false;
        }
        let (peer, link) = stream.ends[end];
        let pipe = &mut stream.pipes[1 - end].bytes;
        let budget = self.peers[peer].node.read_budget(link);
        let most = match self.cut {
            Cut::Whole => budget,
            Cut::Bytes => 1,
            Cut::Pieces(seed) => {
                self.turn += 1;
                (1 + (self.turn * 17 + seed) % 193) as usize
            }
        };
        let n = most.min(budget).min(pipe.len());
        if n == 0 {
            return false;
        }
        let bytes: Vec<u8> = pipe.drain(..n).collect();
        self.peers[peer].tell(self.now, Told::Data(link, bytes));
        true
    }

    /// Works until nothing more happens at this moment. Checks the laws at every step.
    pub fn run(&mut self) {
        for _ in 0..1_000_000 {
            let mut worked = false;
            for at in 0..self.peers.len() {
                worked |= self.drain(at);
                let deadline = self.peers[at].node.next_deadline();
                assert!(deadline.is_none_or(|d| d.at > self.now), "a deadline in the past: {deadline:?}");
            }
            for s in 0..self.streams.len() {
                for end in 0..2 {
                    worked |= self.deliver(s, end);
                }
            }
            if !worked {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time go by, stopping at each deadline on the way.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        loop {
            self.run();
            let next = self.peers.iter().filter_map(|peer| peer.node.next_deadline()).map(|d| d.at).min();
            self.now = next.unwrap_or(until).min(until);
            for at in 0..self.peers.len() {
                if self.peers[at].node.next_deadline().is_some_and(|d| d.at <= self.now) {
                    self.peers[at].tell(self.now, Told::Timeout);
                }
            }
            if self.now == until {
                self.run();
                return;
            }
        }
    }

    /// Runs and lets time go by until `done`, at most for an hour.
    pub fn until(&mut self, mut done: impl FnMut(&mut World) -> bool) {
        for _ in 0..36_000 {
            self.run();
            if done(self) {
                return;
            }
            self.advance(Duration::from_millis(100));
        }
        panic!("it did not happen within an hour");
    }

    /// Cuts every stream of a peer, without a word: both ends are told that it is gone.
    pub fn cut_off(&mut self, at: usize) {
        for s in 0..self.streams.len() {
            if self.streams[s].open && self.streams[s].ends.iter().any(|end| end.0 == at) {
                self.streams[s].open = false;
                for (peer, link) in self.streams[s].ends {
                    self.peers[peer].tell(self.now, Told::Gone(link));
                }
            }
        }
    }

    /// From now on nothing arrives at this peer, and nothing that it says; nobody is told.
    pub fn stall(&mut self, at: usize, stalled: bool) {
        for stream in &mut self.streams {
            if stream.ends.iter().any(|end| end.0 == at) {
                stream.stalled = [stalled; 2];
            }
        }
    }

    /// Nothing arrives at this peer; what it says arrives.
    pub fn deafen(&mut self, at: usize, deaf: bool) {
        for stream in &mut self.streams {
            if let Some(end) = stream.ends.iter().position(|end| end.0 == at) {
                stream.stalled[end] = deaf;
            }
        }
    }

    /// What the dialing and the accepting end of the n-th stream have written.
    pub fn log(&self, n: usize) -> [&[u8]; 2] {
        let pipes = &self.streams[n].pipes;
        [&pipes[0].log, &pipes[1].log]
    }

    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    pub fn heartbeat(mut config: Config, heartbeat: Heartbeat) -> Config {
        config.heartbeat = heartbeat;
        config
    }
}
