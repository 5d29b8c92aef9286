//! A node and a driver that keeps the law, and looks after every step whether the node does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use homing_core::crypto::Fake;
use homing_core::{
    Action, Address, CallId, CloseReason, ClosedBy, Config, Event, Heartbeat, Input, Instant, Limits, LinkId,
    Node, Reason, Received, RequestId, Seed, Serving, StaticKey, StoreId, UplinkId,
};

/// Small limits: what is rare with large ones happens within a few hundred bytes.
pub(super) fn tight() -> Limits {
    Limits {
        links: 6,
        handshakes: 3,
        letter: 6_000,
        head: 1_024,
        window: 12_000,
        queue: 20_000,
        replies: 10_000,
        deliveries: 15_000,
        roster: 12,
        names: 8,
        names_per_key: 3,
        instances: 2,
        receipts: 8,
        calls: 4,
        recipients: 4,
        requests: 4,
        uplinks: 3,
        commands: 3,
        rekey_records: 20,
        stall: Duration::from_secs(1),
        ..Limits::DEFAULT
    }
}

/// A configuration with the fake cryptography.
pub(super) fn config(limits: Limits, hub: Option<&str>) -> Config {
    let serving =
        hub.map(|hub| Serving { address: hub.parse().unwrap(), open: true, allow: BTreeSet::new() });
    Config { serving, limits, heartbeat: Heartbeat::INTERNET, ..Config::with_provider(Arc::new(Fake)) }
}

/// What a node of these limits may hold with so many links, as [`Node::memory`] counts it: each queue at its cap,
/// and twice that, as a vector may have reserved so much.
fn cap(limits: &Limits, links: usize) -> usize {
    // A record that is not whole yet; what is sealed and not written (the least that is, and a record more).
    let buffers = 65_537 + 64 * 1024 + 65_537;
    // An envelope is remembered while it is under way, in less than it costs its window; what waits is
    // counted with that cost. One letter may always go beyond.
    let queues = limits.queue + limits.replies + 3 * limits.window + limits.deliveries + 2 * limits.letter;
    let tables = limits.roster * (limits.uplinks + 2)
        + limits.names
        + limits.receipts
        + limits.calls * limits.recipients
        + limits.requests
        + 16_384 / 16; // ids whose last word was heard
    2 * ((links + limits.uplinks) * (buffers + queues) + tables * 512 + 4 * 65_537 + limits.deliveries)
}

/// The driver.
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) now: Instant,
    limits: Limits,
    /// What was written and not looked at.
    out: BTreeMap<LinkId, Vec<u8>>,
    /// Streams that are open, as the driver knows.
    pub(super) open: BTreeSet<LinkId>,
    /// Links on which nothing can be written.
    pub(super) deaf: BTreeSet<LinkId>,
    /// At most so many bytes are written at once; zero: all.
    pub(super) most: usize,
    /// Whether the application takes what is delivered.
    pub(super) takes: bool,
    pub(super) stores_at_once: bool,
    writes: BTreeSet<LinkId>,
    /// Streams to be opened, and for which target.
    pub(super) dials: VecDeque<(LinkId, String)>,
    pub(super) stores: Vec<StoreId>,
    /// The last few of what the application was given.
    pub(super) messages: VecDeque<Received>,
    pub(super) requests: VecDeque<RequestId>,
    pub(super) calls: VecDeque<CallId>,
    pub(super) uplinks: BTreeSet<UplinkId>,
    /// One that is never hung up.
    pub(super) stays: Option<UplinkId>,
    /// Accepted links that ended, and why.
    pub(super) downs: BTreeMap<LinkId, CloseReason>,
    pub(super) stopped: bool,
    /// Who has said nothing to the application, whatever others say.
    pub(super) never: fn(&Address) -> bool,
    next: u64,
}

/// How many of anything the application keeps in mind.
pub(super) const FEW: usize = 8;

pub(super) fn keep<T>(list: &mut VecDeque<T>, value: T) {
    if list.len() >= FEW {
        list.pop_front();
    }
    list.push_back(value);
}

impl Host {
    pub(super) fn new(config: Config) -> Host {
        let now = Instant::from_micros(1_000_000);
        let limits = config.limits.clone();
        let (key, seed) = (StaticKey::from_bytes([200; 32]), Seed::from_bytes([201; 32]));
        Host {
            node: Node::new(now, key, seed, Arc::new(config)),
            now,
            limits,
            out: BTreeMap::new(),
            open: BTreeSet::new(),
            deaf: BTreeSet::new(),
            most: 0,
            takes: true,
            stores_at_once: true,
            writes: BTreeSet::new(),
            dials: VecDeque::new(),
            stores: Vec::new(),
            messages: VecDeque::new(),
            requests: VecDeque::new(),
            calls: VecDeque::new(),
            uplinks: BTreeSet::new(),
            stays: None,
            downs: BTreeMap::new(),
            stopped: false,
            never: |_| false,
            next: 0,
        }
    }

    /// The driver's law, and that the node keeps its side of it: a drain ends, nothing that is left is
    /// due, and what is held is within the caps.
    pub(super) fn drain(&mut self) {
        for _ in 0..200_000 {
            let action = if self.takes { self.node.poll_action() } else { self.node.poll_duty() };
            match action {
                Some(Action::Event(event)) => self.event(event),
                Some(Action::Write { link }) => drop(self.writes.insert(link)),
                Some(Action::Close { link }) => {
                    self.forget(link);
                    assert_eq!(self.node.read_budget(link), 0, "a link that is closed wants bytes");
                    assert!(self.node.pending(link).is_empty(), "a link that is closed has bytes");
                }
                Some(Action::Dial { link, target }) => self.dials.push_back((link, target)),
                Some(Action::Store { id, entry }) => {
                    assert!(entry.len() <= 2 + 32 + 64);
                    self.stores.push(id);
                    if self.stores_at_once {
                        self.node.handle(self.now, Input::Stored { id, ok: true });
                    }
                }
                None => {
                    let ready = self.writes.iter().find(|link| !self.deaf.contains(link)).copied();
                    let Some(link) = ready else { return self.check() };
                    self.writes.remove(&link);
                    self.write(link);
                }
            }
        }
        panic!("a drain that does not end");
    }

    fn write(&mut self, link: LinkId) {
        loop {
            let bytes = self.node.pending(link);
            if bytes.is_empty() {
                return;
            }
            assert!(bytes.len() <= 3 * 65_537, "{} bytes are sealed at once", bytes.len());
            let n = if self.most == 0 { bytes.len() } else { bytes.len().min(self.most) };
            self.out.entry(link).or_default().extend_from_slice(&bytes[..n]);
            self.node.handle(self.now, Input::Wrote { link, n });
        }
    }

    fn check(&self) {
        let deadline = self.node.next_deadline();
        assert!(deadline.is_none_or(|d| d.at > self.now), "{deadline:?} at {:?}", self.now);
        let (memory, cap) = (self.node.memory(), cap(&self.limits, self.open.len()));
        assert!(memory <= cap, "{memory} bytes are held with {} links, of {cap}", self.open.len());
        assert!(self.node.links() <= self.open.len() + self.dials.len(), "links that no driver knows");
    }

    fn forget(&mut self, link: LinkId) {
        self.open.remove(&link);
        self.dials.retain(|(dial, _)| *dial != link);
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::LinkDown { link, why, .. } => {
                check_reason(&why);
                let before = self.downs.insert(link, why);
                assert!(before.is_none(), "{link} went down twice");
            }
            Event::Down { uplink, why, retry, .. } => {
                check_reason(&why);
                assert!(retry.is_none_or(|at| at > self.now), "tried again in the past");
                if retry.is_none() {
                    assert!(self.uplinks.remove(&uplink), "an uplink went down for good twice");
                }
            }
            Event::Message(message) => {
                assert!(!(self.never)(&message.from), "{} has not said this", message.from);
                keep(&mut self.messages, message);
            }
            Event::Request(request) => {
                assert!(!(self.never)(&request.from), "{} has not asked this", request.from);
                keep(&mut self.requests, request.request);
            }
            Event::RequestEnded { request } => self.requests.retain(|open| *open != request),
            Event::CallEnded { call, answered, asked, .. } => {
                assert!(self.calls.contains(&call) || self.calls.len() >= FEW, "a call that was never made");
                assert!(answered <= asked || asked == 0, "{answered} of {asked} answered");
                self.calls.retain(|open| *open != call);
            }
            Event::Stopped => {
                assert!(!self.stopped, "stopped twice");
                assert_eq!(self.node.links(), 0);
                self.stopped = true;
            }
            Event::Up { .. }
            | Event::PeerUp { .. }
            | Event::PeerDown { .. }
            | Event::LinkUp { .. }
            | Event::Receipt { .. }
            | Event::Answer { .. } => {}
        }
    }

    /// Tells the node something, and works until it has nothing to say.
    pub(super) fn tell(&mut self, input: Input<'_>) {
        self.node.handle(self.now, input);
        self.drain();
    }

    pub(super) fn data(&mut self, link: LinkId, bytes: &[u8]) {
        self.tell(Input::Data { link, bytes });
    }

    pub(super) fn gone(&mut self, link: LinkId) {
        self.forget(link);
        self.writes.remove(&link);
        self.tell(Input::Gone { link, cause: "connection reset" });
    }

    pub(super) fn accept(&mut self) -> LinkId {
        self.next += 1;
        let link = LinkId::accepted(self.next);
        self.open.insert(link);
        self.tell(Input::Accepted { link });
        link
    }

    /// The oldest stream that is to be opened is open.
    pub(super) fn dialed(&mut self) -> Option<(LinkId, String)> {
        let (link, target) = self.dials.pop_front()?;
        self.open.insert(link);
        self.tell(Input::Dialed { link });
        Some((link, target))
    }

    /// One of its networks that may be left.
    pub(super) fn leavable(&self) -> Option<UplinkId> {
        self.uplinks.iter().find(|uplink| Some(**uplink) != self.stays).copied()
    }

    /// What was written on a link.
    pub(super) fn written(&mut self, link: LinkId) -> Vec<u8> {
        self.out.remove(&link).unwrap_or_default()
    }

    /// Whether something that was written was not looked at.
    pub(super) fn has_written(&self, link: LinkId) -> bool {
        self.out.contains_key(&link)
    }

    /// Goes to the next deadline, or to `until` when that is sooner. Whether there is more to go.
    pub(super) fn step_to(&mut self, until: Instant) -> bool {
        let next = self.node.next_deadline().map_or(until, |d| d.at).min(until);
        self.now = self.now.max(next);
        self.tell(Input::Timeout);
        self.now < until
    }
}

/// A link ends for a reason that has a name, unless the neighbour gave another.
fn check_reason(why: &CloseReason) {
    assert!(why.failure.text.len() <= 1024, "{why:?}");
    if matches!(why.by, ClosedBy::Us | ClosedBy::Network) {
        assert!(Reason::ALL.contains(&why.reason()), "{why:?}");
    }
}
