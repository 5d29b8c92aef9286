//! A node whose driver makes mistakes, and whose neighbours send whatever they like.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_core::wire::record;
use homing_core::{Input, Instant, Limits, LinkId};

use super::app::command;
use super::attack;
use super::bytes::Bytes;
use super::host::{Host, config, tight};
use super::noise::Handshake;
use super::raw::{Session, handshake, next_record, record_of};

/// A node and a program of inputs and commands.
///
/// Streams open, fail, break and are opened twice; bytes come that are nothing, or a handshake up to some
/// point, or a session's; more is said to be written than there was, stores are answered twice, time stands
/// still or leaps. After each step the driver's law holds, and what the node holds is within its limits.
pub fn node(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let setup = bytes.u8();
    let limits = if setup & 1 == 0 { tight() } else { Limits::DEFAULT };
    let hub = (setup & 2 == 0).then_some("hub@home");
    let mut world =
        World { host: Host::new(config(limits, hub)), bytes, links: BTreeMap::new(), turn: 0, shut: false };
    for _ in 0..400 {
        if world.bytes.is_empty() {
            break;
        }
        world.operation();
        world.listen();
    }
    world.end();
}

/// How far a neighbour is.
enum Far {
    /// It has said nothing.
    Silent,
    /// It has begun a handshake.
    Greeting(Handshake),
    /// It has the keys.
    Keys(Session),
    /// Nobody knows any more where its stream is: the driver has lost some of it, or it has sent anything.
    Lost,
}

struct World<'a> {
    bytes: Bytes<'a>,
    host: Host,
    links: BTreeMap<LinkId, Far>,
    turn: u8,
    shut: bool,
}

/// As many links as there are at once; a driver has its own limit.
const LINKS: usize = 8;
/// The latest time that a driver with a sound clock tells.
const LATEST: u64 = u64::MAX / 2 - 1;

impl World<'_> {
    /// A link that there is, or was, or may be one day.
    fn link(&mut self) -> LinkId {
        match self.bytes.u8() {
            n @ 224.. => LinkId::accepted(u64::from(n)),
            n => {
                let at = usize::from(n) % self.links.len().max(1);
                self.links.keys().nth(at).copied().unwrap_or(LinkId::accepted(1))
            }
        }
    }

    fn operation(&mut self) {
        let host = &mut self.host;
        match self.bytes.u8() % 20 {
            0 if host.open.len() < LINKS => {
                let link = host.accept();
                self.links.insert(link, Far::Silent);
            }
            0 => {}
            // A stream that is there already, or that the node is to dial, or has not asked for.
            1 => {
                let link = self.link();
                if self.host.open.contains(&link) {
                    self.host.tell(Input::Accepted { link });
                    self.host.tell(Input::Dialed { link });
                    self.host.tell(Input::DialFailed { link, cause: "there is one" });
                }
            }
            2 | 3 => {
                let link = self.link();
                let bytes = self.bytes.few();
                self.links.insert(link, Far::Lost);
                self.host.data(link, bytes);
            }
            4..=6 => {
                let link = self.link();
                self.go_on(link);
            }
            7..=9 => {
                let link = self.link();
                let Some(Far::Keys(session)) = self.links.get_mut(&link) else { return };
                let mut plain = Vec::new();
                attack::frame(&mut self.bytes, &session.ids, &mut plain);
                let record = session.seal(&plain);
                self.host.data(link, &record);
            }
            10 => {
                let link = self.link();
                let n = match self.bytes.u8() {
                    255 => usize::MAX,
                    n => usize::from(n) * 64,
                };
                self.links.insert(link, Far::Lost);
                self.host.tell(Input::Wrote { link, n });
            }
            11 => {
                let link = self.link();
                self.links.remove(&link);
                self.host.gone(link);
            }
            12 => {
                let cause = if self.bytes.one_in(2) { "connection refused" } else { "" };
                match self.bytes.u8() % 3 {
                    0 => {
                        if let Some((link, _)) = host.dials.pop_front() {
                            host.tell(Input::DialFailed { link, cause });
                        }
                    }
                    1 => {
                        if let Some((link, _)) = host.dials.pop_front() {
                            host.tell(Input::Gone { link, cause });
                        }
                    }
                    _ => {
                        if let Some((link, _)) = host.dialed() {
                            self.links.insert(link, Far::Silent);
                        }
                    }
                }
            }
            13 => {
                if let Some(id) = self.bytes.some(&host.stores).copied() {
                    let ok = !self.bytes.one_in(4);
                    host.tell(Input::Stored { id, ok });
                }
            }
            14 => self.time(),
            15 => match self.bytes.u8() % 8 {
                0 => host.takes = !host.takes,
                1 => host.stores_at_once = !host.stores_at_once,
                2 => host.most = usize::from(self.bytes.u8()),
                3 if self.bytes.one_in(8) => {
                    self.shut = true;
                    host.node.shutdown(host.now);
                    host.drain();
                }
                _ => {
                    let link = self.link();
                    if !self.host.deaf.remove(&link) {
                        self.host.deaf.insert(link);
                    }
                    self.host.drain();
                }
            },
            16 => {
                // Not at its time, which is before anything else; it does no harm.
                let entry = [&[1, 1][..], &[self.bytes.u8(); 32], b"restored"].concat();
                let _ = host.node.restore(if self.bytes.one_in(2) { self.bytes.few() } else { &entry });
                host.drain();
            }
            _ => command(&mut self.host, &mut self.bytes),
        }
    }

    fn time(&mut self) {
        let host = &mut self.host;
        let leap: u64 = match self.bytes.u8() {
            0 => LATEST,
            n @ 1..64 => 1 << n,
            64..96 => 0,
            n => u64::from(n) * 200_000,
        };
        let until = Instant::from_micros(host.now.as_micros().saturating_add(leap).min(LATEST));
        if self.bytes.one_in(3) {
            // A clock that went back: time stands still.
            let before = Instant::from_micros(host.now.as_micros().saturating_sub(leap));
            host.node.handle(before, Input::Timeout);
            host.drain();
        } else if self.bytes.one_in(2) {
            host.now = until;
            host.tell(Input::Timeout);
        } else {
            for _ in 0..200 {
                if !host.step_to(until) {
                    break;
                }
            }
        }
    }

    /// The neighbour's next step towards a session, which may be a wrong one.
    fn go_on(&mut self, link: LinkId) {
        if !self.host.open.contains(&link) {
            return;
        }
        let Some(far) = self.links.remove(&link) else { return };
        let wrong = self.bytes.one_in(8);
        self.turn = self.turn.wrapping_add(1);
        let next = if link.is_accepted() { self.dialing(link, far, wrong) } else { self.dialed(link, far) };
        self.links.insert(link, next);
    }

    /// The neighbour has dialed.
    fn dialing(&mut self, link: LinkId, far: Far, wrong: bool) -> Far {
        match far {
            Far::Silent => {
                let key = 1 + self.bytes.u8() % 4;
                let network = if wrong { "work" } else { "home" };
                let mut noise = handshake(true, key, self.turn, network);
                let first = record_of(&noise.write(b"").unwrap());
                self.host.data(link, &[&record::preface(1)[..], &first].concat());
                Far::Greeting(noise)
            }
            Far::Greeting(mut noise) => {
                let Some(second) = next_record(&mut self.host.written(link)) else { return Far::Lost };
                let Some(_) = noise.read(&second) else { return Far::Lost };
                let name = self.bytes.pick(&["ada", "eve", "bob", "hub", "restored"]);
                let third = noise.write(&attack::hello(&mut self.bytes, name)).unwrap();
                self.host.data(link, &record_of(&third));
                Far::Keys(Session::new(noise))
            }
            far => far,
        }
    }

    /// The node has dialed: its neighbour is the hub of whatever network it wants.
    fn dialed(&mut self, link: LinkId, far: Far) -> Far {
        let Far::Silent = far else { return far };
        let mut said = self.host.written(link);
        if said.get(..8) != Some(&record::preface(1)[..]) {
            return Far::Lost;
        }
        said.drain(..8);
        let network = self.bytes.pick(&["home", "work", "other"]);
        let mut noise = handshake(false, 50, self.turn, network);
        let Some(_) = next_record(&mut said).and_then(|first| noise.read(&first)) else { return Far::Lost };
        let offer = r#"{"schemes":["key","guest"],"options":{"idle":15000,"silence":45000,"window":9999,"letter":4096}}"#;
        let hello = if self.bytes.one_in(8) { self.bytes.few() } else { offer.as_bytes() };
        let second = noise.write(hello).unwrap();
        self.host.data(link, &record_of(&second));
        match next_record(&mut self.host.written(link)) {
            Some(third) if noise.read(&third).is_some() => {
                let mut session = Session::new(noise);
                let admitted =
                    format!(r#"{{"state":"established","address":"ada@{network}/x","hub":"hub@{network}"}}"#);
                let record = session.seal(&super::raw::frame_of(7, admitted.as_bytes()));
                self.host.data(link, &record);
                Far::Keys(session)
            }
            _ => Far::Lost,
        }
    }

    /// Reads what came on the links whose keys are known, and forgets those that are closed.
    fn listen(&mut self) {
        let host = &mut self.host;
        self.links.retain(|link, far| {
            if let Far::Keys(session) = far
                && host.has_written(*link)
            {
                session.hear(&host.written(*link));
            }
            host.open.contains(link)
        });
    }

    /// Everything ends: the streams are gone, and what was due is done.
    fn end(mut self) {
        let host = &mut self.host;
        host.takes = true;
        host.node.shutdown(host.now);
        host.drain();
        while let Some(link) = host.open.first().copied() {
            host.gone(link);
        }
        host.dials.clear();
        host.drain();
        assert!(host.stopped, "a node without links that does not stop: {:?}", host.node);
        assert!(self.shut || host.node.links() == 0);
        for _ in 0..200 {
            let Some(deadline) = host.node.next_deadline() else { return };
            if deadline.at.as_micros() > LATEST {
                return;
            }
            host.step_to(deadline.at.max(host.now + Duration::from_micros(1)));
        }
        // Calls, requests and receipts at most, each with a deadline of its own.
        assert!(host.node.next_deadline().is_none(), "a node that is stopped and never rests");
    }
}
