//! A real hub on a virtual clock whose members are raw, and one of them honest: the witness, whose
//! link must work whatever the others do. And a real dialing node, whose hub is raw.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use homing_core::{
    Action, CloseReason, ClosedBy, Config, Dial, Event, Input, Instant, Limits, LinkId, Node, Reason, Seed,
    Serving, StaticKey, StoreId,
};

use crate::raw::{self, Crypto, Envelope, Session, types};

/// A node, a driver that keeps the law, and everything that both have said.
pub struct Host {
    pub node: Node,
    pub now: Instant,
    pub events: Vec<Event>,
    /// What was written on each link and not looked at.
    pub out: BTreeMap<LinkId, Vec<u8>>,
    pub closed: BTreeSet<LinkId>,
    pub dialed: Vec<LinkId>,
    /// Links on which nothing can be written: their readers do not read.
    pub deaf: BTreeSet<LinkId>,
    writes: BTreeSet<LinkId>,
    pub stores: Vec<StoreId>,
    pub stores_at_once: bool,
    next: u64,
}

impl Host {
    pub fn new(config: Config) -> Host {
        let now = Instant::from_micros(1_000_000);
        let key = StaticKey::from_bytes([200; 32]);
        Host {
            node: Node::new(now, key, Seed::from_bytes([201; 32]), Arc::new(config)),
            now,
            events: Vec::new(),
            out: BTreeMap::new(),
            closed: BTreeSet::new(),
            dialed: Vec::new(),
            deaf: BTreeSet::new(),
            writes: BTreeSet::new(),
            stores: Vec::new(),
            stores_at_once: true,
            next: 0,
        }
    }

    /// The driver's law; and that a drain ends, with nothing left that is due.
    pub fn drain(&mut self) {
        for _ in 0..1_000_000 {
            match self.node.poll_action() {
                Some(Action::Event(event)) => self.events.push(event),
                Some(Action::Write { link }) => drop(self.writes.insert(link)),
                Some(Action::Close { link }) => assert!(self.closed.insert(link), "{link} closed twice"),
                Some(Action::Dial { link, .. }) => self.dialed.push(link),
                Some(Action::Store { id, .. }) if self.stores_at_once => {
                    self.node.handle(self.now, Input::Stored { id, ok: true });
                }
                Some(Action::Store { id, .. }) => self.stores.push(id),
                None => {
                    let ready = self.writes.iter().find(|link| !self.deaf.contains(link)).copied();
                    let Some(link) = ready else {
                        let deadline = self.node.next_deadline();
                        assert!(deadline.is_none_or(|d| d.at > self.now), "{deadline:?} at {:?}", self.now);
                        return;
                    };
                    self.writes.remove(&link);
                    loop {
                        let bytes = self.node.pending(link);
                        if bytes.is_empty() {
                            break;
                        }
                        let n = bytes.len();
                        self.out.entry(link).or_default().extend(bytes);
                        self.node.handle(self.now, Input::Wrote { link, n });
                    }
                }
            }
        }
        panic!("a drain that does not end");
    }

    pub fn tell(&mut self, input: Input<'_>) {
        self.node.handle(self.now, input);
        self.drain();
    }

    pub fn data(&mut self, link: LinkId, bytes: &[u8]) {
        self.tell(Input::Data { link, bytes });
    }

    pub fn gone(&mut self, link: LinkId) {
        self.tell(Input::Gone { link, cause: "reset" });
    }

    pub fn accept(&mut self) -> LinkId {
        self.next += 1;
        let link = LinkId::accepted(self.next);
        self.tell(Input::Accepted { link });
        link
    }

    pub fn written(&mut self, link: LinkId) -> Vec<u8> {
        self.out.remove(&link).unwrap_or_default()
    }

    /// Somebody reads again.
    pub fn undeafen(&mut self, link: LinkId) {
        self.deaf.remove(&link);
        self.drain();
    }

    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        loop {
            let next = self.node.next_deadline().map_or(until, |d| d.at).min(until);
            self.now = next;
            self.tell(Input::Timeout);
            if next == until {
                return;
            }
        }
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Why a link ended: said exactly once.
    pub fn down(&self, link: LinkId) -> Option<CloseReason> {
        let mut whys = self.events.iter().filter_map(|event| match event {
            Event::LinkDown { link: l, why, .. } if *l == link => Some(why.clone()),
            _ => None,
        });
        let why = whys.next();
        assert!(whys.next().is_none(), "told twice");
        why
    }

    /// That a link ended for this reason and by this side, and that its stream is closed.
    pub fn expect_down(&self, link: LinkId, by: ClosedBy, reason: Reason) {
        let why = self.down(link).unwrap_or_else(|| panic!("{link} is up, not {reason:?}"));
        assert_eq!((why.by, why.reason()), (by, reason), "{link}: {why:?}");
        assert!(by == ClosedBy::Network || self.closed.contains(&link), "{link} is not closed");
    }

    pub fn link_up(&self, link: LinkId) -> bool {
        self.events.iter().any(|event| matches!(event, Event::LinkUp { link: l, .. } if *l == link))
    }
}

/// A raw member of a real hub.
pub struct Raw {
    pub link: LinkId,
    pub session: Session,
}

pub struct Hub {
    pub host: Host,
    pub crypto: Crypto,
    pub limits: Limits,
    witness: Option<Raw>,
    checks: u8,
}

pub fn serving() -> Option<Serving> {
    Some(Serving { address: "hub@home".parse().unwrap(), open: true, allow: BTreeSet::new() })
}

impl Hub {
    pub fn new() -> Hub {
        Hub::with(Crypto::Fake, |_| {})
    }

    pub fn with(crypto: Crypto, change: impl FnOnce(&mut Config)) -> Hub {
        let mut config = Config { serving: serving(), ..crypto.config() };
        change(&mut config);
        let limits = config.limits.clone();
        let mut hub = Hub { host: Host::new(config), crypto, limits, witness: None, checks: 0 };
        hub.witness = Some(hub.join(99, "witness"));
        hub.check();
        hub
    }

    /// The witness asks and is answered at once, and has never been closed.
    pub fn check(&mut self) {
        let Some(mut witness) = self.witness.take() else { return };
        self.checks = self.checks.wrapping_add(1);
        let ask =
            Envelope::new(REQUEST, self.checks, "hub@home", r#"{"method":"get","uri":"/echo"}"#, b"well?");
        witness.read(self);
        let ack = witness.ack();
        let mut plain = if ack > 0 { raw::frame(types::ACK, &ack.to_be_bytes()) } else { Vec::new() };
        plain.extend(ask.frame());
        let answer = witness.send(self, &plain);
        let answered = answer.iter().filter(|(kind, _)| *kind == types::ENVELOPE).any(|(_, bytes)| {
            let envelope = Envelope::read(bytes);
            envelope.id == ask.id && envelope.kind() == RESPONSE && envelope.body() == b"well?"
        });
        assert!(answered, "the witness is not answered: {answer:?}");
        self.witness = Some(witness);
    }

    pub fn hello(&self, name: &str) -> String {
        raw::hello(name, &self.limits)
    }

    /// The same, of one who takes no more than `window` bytes at once.
    pub fn hello_with_window(&self, name: &str, window: usize) -> String {
        raw::hello(name, &Limits { window, ..self.limits.clone() })
    }

    /// The bytes up to where a client may send its third message, and the state to write it with.
    pub fn greet(&mut self, key: u8) -> (LinkId, snow::HandshakeState) {
        let link = self.host.accept();
        let mut noise = raw::noise(self.crypto, true, [key; 32], raw::PREFACE, "home");
        let first = [&raw::PREFACE[..], &raw::message(&mut noise, b"")].concat();
        self.host.data(link, &first);
        let second = self.host.written(link);
        assert_eq!(second.len(), 2 + usize::from(u16::from_be_bytes([second[0], second[1]])));
        noise.read_message(&second[2..], &mut vec![0; 65_535]).unwrap();
        (link, noise)
    }

    /// Says any hello; the session's keys.
    pub fn introduce(&mut self, key: u8, hello: &[u8]) -> Raw {
        let (link, mut noise) = self.greet(key);
        let third = raw::message(&mut noise, hello);
        self.host.data(link, &third);
        let mut raw = Raw { link, session: Session::new(noise) };
        raw.read(self);
        raw
    }

    pub fn join(&mut self, key: u8, name: &str) -> Raw {
        let hello = self.hello(name);
        let raw = self.introduce(key, hello.as_bytes());
        let (kind, json) = &raw.session.frames[0];
        assert_eq!(*kind, types::SESSION);
        let expected = format!(r#"{{"state":"established","address":"{name}@home/x","hub":"hub@home"}}"#);
        assert_eq!(String::from_utf8_lossy(json), expected);
        assert!(self.host.link_up(raw.link));
        raw
    }
}

pub use crate::raw::{MESSAGE, NOTIFICATION, REQUEST, RESPONSE};

impl Raw {
    /// Sends one record; the frames that come back at once.
    pub fn send(&mut self, hub: &mut Hub, plain: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let bytes = self.session.seal(plain);
        hub.host.data(self.link, &bytes);
        self.read(hub)
    }

    pub fn send_raw(&mut self, hub: &mut Hub, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        hub.host.data(self.link, bytes);
        self.read(hub)
    }

    pub fn read(&mut self, hub: &mut Hub) -> Vec<(u8, Vec<u8>)> {
        let bytes = hub.host.written(self.link);
        self.session.open(&bytes)
    }

    /// How many envelopes are to be acknowledged.
    pub fn ack(&mut self) -> u32 {
        std::mem::take(&mut self.session.owed)
    }

    /// Everything that this member was sent, in order.
    pub fn envelopes(&self) -> Vec<Envelope> {
        let frames = self.session.frames.iter().filter(|(kind, _)| *kind == types::ENVELOPE);
        frames.map(|(_, bytes)| Envelope::read(bytes)).collect()
    }

    /// The reason of the goodbye, which must be the last that was said.
    pub fn goodbye(&self) -> Option<Reason> {
        let last = self.session.frames.last()?;
        (last.0 == types::CLOSE).then(|| Reason::from_code(u16::from_be_bytes([last.1[0], last.1[1]])))
    }

    /// That the hub has closed this link for this reason, and said so; and that nobody else noticed.
    pub fn expect_closed(&mut self, hub: &mut Hub, reason: Reason) {
        self.read(hub);
        hub.host.expect_down(self.link, ClosedBy::Us, reason);
        assert_eq!(self.goodbye(), Some(reason));
        hub.check();
    }

    pub fn expect_open(&mut self, hub: &mut Hub) {
        assert_eq!(hub.host.down(self.link), None);
        let pong = self.send(hub, &raw::frame(types::PING, &7u64.to_be_bytes()));
        assert!(pong.iter().any(|f| *f == (types::PONG, 7u64.to_be_bytes().to_vec())), "{pong:?}");
    }
}

/// A raw hub of one real node.
pub struct Caller {
    pub host: Host,
    pub link: LinkId,
    pub session: Session,
}

pub fn dial() -> Dial {
    Dial {
        target: "there".into(),
        network: "home".parse().unwrap(),
        pin: None,
        name: Some("ada".parse().unwrap()),
        instance: Some("x".parse().unwrap()),
        priority: 0,
        redial: true,
    }
}

pub const OFFER: &str =
    r#"{"schemes":["key","guest"],"options":{"idle":15000,"silence":45000,"window":1048576,"letter":16384}}"#;
pub const ADMITTED: &str = r#"{"state":"established","address":"ada@home/x","hub":"hub@home"}"#;

/// A node that dials, up to its first message.
pub fn dialing(dial: Dial, config: Config) -> (Host, LinkId, Vec<u8>) {
    let mut host = Host::new(config);
    let now = host.now;
    host.node.dial(now, dial).unwrap();
    host.drain();
    let link = host.dialed[0];
    host.tell(Input::Dialed { link });
    let first = host.written(link);
    (host, link, first)
}

/// Answers a first message with this hello; the bytes, and the state to read the third with.
pub fn answer(first: &[u8], network: &str, hello: &str) -> (Vec<u8>, snow::HandshakeState) {
    assert_eq!(&first[..8], raw::PREFACE);
    let mut noise = raw::noise(Crypto::Fake, false, [150; 32], raw::PREFACE, network);
    noise.read_message(&first[10..], &mut [0; 4096]).unwrap();
    (raw::message(&mut noise, hello.as_bytes()), noise)
}

impl Caller {
    /// Up to the keys: whatever the hub says next is the test's.
    pub fn greeted(config: Config) -> Caller {
        let (mut host, link, first) = dialing(dial(), config);
        let (second, mut noise) = answer(&first, "home", OFFER);
        host.data(link, &second);
        let third = host.written(link);
        let mut payload = vec![0; 4096];
        let n = noise.read_message(&third[2..], &mut payload).unwrap();
        assert!(String::from_utf8_lossy(&payload[..n]).contains(r#""name":"ada""#));
        Caller { host, link, session: Session::new(noise) }
    }

    pub fn up() -> Caller {
        let mut caller = Caller::greeted(Crypto::Fake.config());
        caller.send(&raw::frame(types::SESSION, ADMITTED.as_bytes()));
        assert!(matches!(caller.host.events[..], [Event::Up { .. }]), "{:?}", caller.host.events);
        caller.host.events.clear();
        caller
    }

    pub fn send(&mut self, plain: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let bytes = self.session.seal(plain);
        self.host.data(self.link, &bytes);
        let bytes = self.host.written(self.link);
        self.session.open(&bytes)
    }

    pub fn expect_down(&self, by: ClosedBy, reason: Reason) {
        expect_uplink_down(&self.host, by, reason);
    }

    pub fn expect_closed(&self, reason: Reason) {
        self.expect_down(ClosedBy::Us, reason);
        let last = self.session.frames.last().unwrap();
        assert_eq!((last.0, &last.1[..2]), (types::CLOSE, &reason.code().to_be_bytes()[..]));
    }
}

/// That the only uplink went down once, for this reason.
pub fn expect_uplink_down(host: &Host, by: ClosedBy, reason: Reason) {
    let downs: Vec<_> = host
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Down { why, .. } => Some((why.by, why.reason())),
            _ => None,
        })
        .collect();
    assert_eq!(downs, [(by, reason)], "{:?}", host.events);
    assert!(!host.events.iter().any(|event| matches!(event, Event::Up { .. })));
}
