//! A node whose neighbour has the keys of their session and none of the manners.

use std::time::Duration;

use homing_core::wire::frame::types;
use homing_core::wire::{Kind, record};
use homing_core::{Input, Limits, LinkId};

use super::app::{command, dial};
use super::attack;
use super::bytes::Bytes;
use super::host::{Host, config, tight};
use super::raw::{Said, Session, frame_of, handshake, next_record};

/// A hub or a member and a hostile neighbour that has passed the handshake.
///
/// The neighbour seals whatever the bytes say: frames of every type, labels and letters that are altered, words
/// of the session out of order, floods, silence. Meanwhile there is an honest neighbour, whom nothing of it
/// must reach: its link stays, it is answered at once, and nothing is believed to come from it that it did not say.
/// A link that ends does so once, for a reason with a name; what the node says stays well-formed to its last
/// byte; what it holds stays within its limits, and is given back when all is over.
pub fn pair(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let setup = bytes.u8();
    let limits = if setup & 2 == 0 { tight() } else { Limits::DEFAULT };
    let side = if setup & 1 == 0 { Side::Hub } else { Side::Member };
    let mut world = World::new(bytes, side, limits);
    world.check();
    // Bytes that stand for long waits are cheap: a program ends in any case.
    for _ in 0..400 {
        if world.bytes.is_empty() {
            break;
        }
        world.operation();
        world.serve();
    }
    world.end();
}

/// Which side of the link is the node under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Hub,
    Member,
}

/// A neighbour of the node's.
struct Peer {
    link: LinkId,
    session: Session,
}

struct World<'a> {
    bytes: Bytes<'a>,
    host: Host,
    side: Side,
    /// Who is honest.
    witness: Option<Peer>,
    /// The hostile ones.
    eves: Vec<Peer>,
    /// Frames of the record that is being put together.
    plain: Vec<u8>,
    turn: u8,
    checks: u8,
}

const OFFER: &str =
    r#"{"schemes":["key","guest"],"options":{"idle":15000,"silence":45000,"window":1048576,"letter":16384}}"#;
const HELLO: &str =
    r#""instance":"x","options":{"idle":15000,"silence":45000,"window":1048576,"letter":16384}}"#;
const WITNESS: u8 = 99;

impl<'a> World<'a> {
    fn new(bytes: Bytes<'a>, side: Side, limits: Limits) -> World<'a> {
        let hub = (side == Side::Hub).then_some("hub@home");
        let mut host = Host::new(config(limits, hub));
        host.never = match side {
            Side::Hub => |from| from.name() == "witness",
            Side::Member => |from| from.network() == "work",
        };
        host.node.serve("/served", "").unwrap();
        let (eves, plain) = (Vec::new(), Vec::new());
        let mut world = World { bytes, host, side, witness: None, eves, plain, turn: 0, checks: 0 };
        match side {
            Side::Hub => {
                let hello = format!(r#"{{"scheme":"key","name":"witness",{HELLO}"#);
                world.witness = world.join(WITNESS, hello.as_bytes());
                let hello = format!(r#"{{"scheme":"key","name":"eve",{HELLO}"#);
                let eve = world.join(1, hello.as_bytes());
                world.eves.extend(eve);
            }
            Side::Member => {
                for network in ["work", "home"] {
                    let (name, instance) = (Some("ada".parse().unwrap()), Some("x".parse().unwrap()));
                    let dial = dial(network, name, instance, true);
                    let uplink = world.host.node.dial(world.host.now, dial).unwrap();
                    world.host.uplinks.insert(uplink);
                    // The first is the honest one's.
                    world.host.stays.get_or_insert(uplink);
                    world.host.drain();
                    let (link, _) = world.host.dialed().unwrap();
                    let peer = world.answer(link, network, OFFER.as_bytes());
                    match network {
                        "work" => world.witness = peer,
                        _ => world.eves.extend(peer),
                    }
                }
            }
        }
        assert!(world.witness.is_some() && world.eves.len() == 1, "the handshakes did not end well");
        world.serve();
        world
    }

    // ---- coming in

    /// Dials the node and comes in with this hello, or does not.
    fn join(&mut self, key: u8, hello: &[u8]) -> Option<Peer> {
        let link = self.host.accept();
        self.turn = self.turn.wrapping_add(1);
        let mut noise = handshake(true, key, self.turn, "home");
        let first = noise.write(b"").unwrap();
        self.host.data(link, &[&record::preface(1)[..], &super::raw::record_of(&first)].concat());
        let second = next_record(&mut self.host.written(link))?;
        noise.read(&second).expect("the second message of a handshake");
        let third = noise.write(hello).unwrap();
        self.host.data(link, &super::raw::record_of(&third));
        Some(Peer { link, session: Session::new(noise) })
    }

    /// Answers the node's dialing with this hello, and lets it in.
    fn answer(&mut self, link: LinkId, network: &str, hello: &[u8]) -> Option<Peer> {
        let key = if network == "work" { WITNESS } else { 1 };
        self.turn = self.turn.wrapping_add(1);
        let mut noise = handshake(false, key, self.turn, network);
        let mut said = self.host.written(link);
        assert_eq!(said.get(..8), Some(&record::preface(1)[..]));
        said.drain(..8);
        noise.read(&next_record(&mut said).unwrap()).expect("the first message of a handshake");
        let second = noise.write(hello).unwrap();
        self.host.data(link, &super::raw::record_of(&second));
        let third = next_record(&mut self.host.written(link))?;
        noise.read(&third).expect("the third message of a handshake");
        let mut session = Session::new(noise);
        let admitted =
            format!(r#"{{"state":"established","address":"ada@{network}/x","hub":"hub@{network}"}}"#);
        let record = session.seal(&frame_of(types::SESSION, admitted.as_bytes()));
        self.host.data(link, &record);
        Some(Peer { link, session })
    }

    /// The node dials again: the honest hub answers as it should, the hostile one as it likes.
    fn serve_dials(&mut self) {
        for _ in 0..4 {
            let Some((link, network)) = self.host.dialed() else { return };
            if self.bytes.one_in(8) {
                self.host.gone(link);
                continue;
            }
            let hello = if self.bytes.one_in(8) { self.bytes.few() } else { OFFER.as_bytes() };
            let peer = self.answer(link, &network, hello);
            self.eves.extend(peer);
        }
    }

    // ---- the honest neighbour

    /// Reads what the node has written, on every link; the honest neighbour answers.
    fn serve(&mut self) -> Vec<Said> {
        let mut heard = Vec::new();
        if let Some(witness) = &mut self.witness {
            while self.host.has_written(witness.link) {
                let bytes = self.host.written(witness.link);
                heard.extend(witness.session.hear(&bytes));
                if let Some(answer) = witness.session.manners() {
                    self.host.data(witness.link, &answer);
                }
            }
            let open = self.host.open.contains(&witness.link) && !witness.session.closed;
            assert!(open, "the honest neighbour was closed: {:?}", self.host.downs.get(&witness.link));
        }
        self.eves.retain_mut(|eve| {
            if self.host.has_written(eve.link) {
                let bytes = self.host.written(eve.link);
                eve.session.hear(&bytes);
            }
            let open = self.host.open.contains(&eve.link);
            let told = !eve.link.is_accepted() || self.host.downs.contains_key(&eve.link);
            assert!(open || told, "{} was closed and nobody was told", eve.link);
            open
        });
        heard
    }

    /// The honest neighbour asks, and is answered at once; what it sends itself through a hub arrives.
    fn check(&mut self) {
        self.serve();
        self.checks = self.checks.wrapping_add(1);
        let id = [self.checks; 16];
        let envelope = |flags: u8, to: &str, from: &str, head: &str| {
            let mut out = [&[flags, 8][..], &id].concat();
            for text in [to, from] {
                out.push(u8::try_from(text.len()).unwrap());
                out.extend_from_slice(text.as_bytes());
            }
            out.extend_from_slice(&u16::try_from(head.len()).unwrap().to_be_bytes());
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(b"well?");
            frame_of(types::ENVELOPE, &out)
        };
        let echo = r#"{"method":"get","uri":"/echo"}"#;
        let plain = match self.side {
            Side::Hub => {
                [envelope(6, "hub@home", "", echo), envelope(4, "witness@home/x", "", "{}")].concat()
            }
            Side::Member => envelope(6, "ada@work/x", "hub@work", echo),
        };
        let Some(witness) = &mut self.witness else { return };
        let record = witness.session.seal(&plain);
        self.host.data(witness.link, &record);
        let said = self.serve();
        let has = |kind| said.iter().any(|s| s.kind == kind && s.id == id && s.letter.ends_with(b"well?"));
        assert!(has(Kind::Response), "the honest neighbour was not answered");
        assert!(self.side == Side::Member || has(Kind::Message), "its message did not arrive");
    }

    /// Lets time go by, stopping wherever the node wants to be woken; for so many times at most.
    fn wait(&mut self, by: Duration) {
        let until = self.host.now + by;
        for _ in 0..300 {
            let more = self.host.step_to(until);
            self.serve_dials();
            self.serve();
            if !more {
                return;
            }
        }
    }

    // ---- the hostile one

    fn operation(&mut self) {
        let operation = self.bytes.u8() % 20;
        if operation >= 16 {
            return self.other_operation(operation);
        }
        let chosen = usize::from(self.bytes.u8());
        if self.eves.is_empty() {
            return self.another();
        }
        let at = chosen % self.eves.len();
        let eve = &mut self.eves[at];
        let link = eve.link;
        match operation {
            // A frame, alone in its record.
            0..=5 => {
                let mut plain = std::mem::take(&mut self.plain);
                attack::frame(&mut self.bytes, &eve.session.ids, &mut plain);
                let record = eve.session.seal(&plain);
                self.host.data(link, &record);
            }
            // A frame that waits for others.
            6 | 7 => attack::frame(&mut self.bytes, &eve.session.ids, &mut self.plain),
            // Any plaintext; any record; the last record again.
            8 => {
                let record = eve.session.seal(self.bytes.few());
                self.host.data(link, &record);
            }
            9 => self.host.data(link, self.bytes.few()),
            10 => {
                let record = eve.session.last.clone();
                self.host.data(link, &record);
            }
            // The next key, in word and deed.
            11 => {
                let record = eve.session.seal(&frame_of(types::REKEY, b""));
                eve.session.rekey();
                self.host.data(link, &record);
            }
            // A record in pieces.
            12 => {
                let mut plain = Vec::new();
                attack::frame(&mut self.bytes, &eve.session.ids, &mut plain);
                let record = eve.session.seal(&plain);
                let (first, rest) = record.split_at(usize::from(self.bytes.u16()) % record.len());
                self.host.data(link, first);
                rest.chunks(1 + usize::from(self.bytes.u8()) * 16)
                    .for_each(|rest| self.host.data(link, rest));
            }
            // It reads, or does not; it acknowledges and answers pings as it should.
            13 => {
                if !self.host.deaf.remove(&link) {
                    self.host.deaf.insert(link);
                }
                self.host.drain();
            }
            14 => {
                if let Some(answer) = eve.session.manners() {
                    self.host.data(link, &answer);
                }
            }
            _ => {
                self.host.gone(link);
                self.eves.remove(at);
            }
        }
    }

    fn other_operation(&mut self, operation: u8) {
        match operation {
            16 => command(&mut self.host, &mut self.bytes),
            17 => {
                let waits = [1, 20, 50, 400, 1_000, 5_000, 30_000, 60_000, 3_600_000];
                let by = Duration::from_millis(self.bytes.pick(&waits));
                if self.bytes.one_in(4) {
                    // The driver slept.
                    self.host.now = self.host.now + by;
                    self.host.tell(Input::Timeout);
                } else {
                    self.wait(by);
                }
            }
            18 => {
                match self.bytes.u8() % 4 {
                    0 => self.host.takes = !self.host.takes,
                    1 => self.host.stores_at_once = !self.host.stores_at_once,
                    2 => self.host.most = usize::from(self.bytes.u8()) * 4,
                    _ => self.stored(),
                }
                self.host.tell(Input::Timeout);
            }
            _ => self.another(),
        }
    }

    /// A store that was asked for is answered, perhaps again, perhaps not well.
    fn stored(&mut self) {
        if let Some(id) = self.bytes.some(&self.host.stores).copied() {
            let ok = !self.bytes.one_in(4);
            self.host.tell(Input::Stored { id, ok });
        }
    }

    /// Another hostile neighbour comes, while there is room for one.
    fn another(&mut self) {
        if self.host.open.len() > 6 {
            return;
        }
        match self.side {
            Side::Hub => {
                let key = 1 + self.bytes.u8() % 3;
                let name = self.bytes.pick(&["eve", "witness", "ada", "hub", "guest-x", "mallory"]);
                let hello = attack::hello(&mut self.bytes, name);
                let eve = self.join(key, &hello);
                self.eves.extend(eve);
            }
            Side::Member => self.serve_dials(),
        }
    }

    // ---- the end

    /// All who are hostile are gone, everybody reads and takes: the honest one is served, and what was held is
    /// given back.
    fn end(mut self) {
        self.host.takes = true;
        self.host.most = 0;
        self.host.deaf.clear();
        self.host.tell(Input::Timeout);
        self.serve();
        self.check();
        for uplink in self.host.uplinks.clone() {
            if Some(uplink) != self.host.stays {
                self.host.node.hang_up(self.host.now, uplink).unwrap();
                self.host.drain();
            }
        }
        self.serve();
        for eve in std::mem::take(&mut self.eves) {
            self.host.gone(eve.link);
        }
        self.check();
        let held = self.host.node.memory();
        for _ in 0..4 {
            self.wait(Duration::from_secs(60));
        }
        self.check();
        let kept = self.host.node.memory();
        // Tables and buffers that have grown keep their room.
        assert!(kept <= 1024 * 1024, "{kept} bytes are kept, of {held}, when all is over");
    }
}
