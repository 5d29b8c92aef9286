//! A hub and some peers, each on a tape, on a virtual clock; they do as they are told by a list of steps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use homing_core::trace::{Recorded, Tape};
use homing_core::{
    Action, CallId, Command, Config, Dial, Event, Failure, Input, Instant, LinkId, Message, Reason, Receipts,
    Received, RequestId, Response, Seed, Serving, StaticKey,
};
use proptest::prelude::*;

/// Something that is done to the world.
#[derive(Clone, Debug)]
pub enum Step {
    Send { from: usize, to: String, body: Vec<u8>, receipts: Receipts },
    Call { from: usize, to: String, path: &'static str, body: Vec<u8> },
    Cancel(usize),
    CutOff(usize),
    Takes(usize, bool),
    Wait(u64),
    HangUp(usize),
    Serve(usize, bool),
    Shutdown(usize),
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let to = || {
        prop_oneof!["p[0-3]@home", Just("*@home".to_string()), Just("hub@home".to_string()), "p[0-2]@home/x"]
    };
    let body = || proptest::collection::vec(any::<u8>(), 0..600);
    let receipts = prop_oneof![
        Just(Receipts::Failure),
        Just(Receipts::Route),
        Just(Receipts::Received),
        Just(Receipts::Consumed)
    ];
    let path =
        prop_oneof![Just("ping"), Just("peers"), Just("echo"), Just("why"), Just("served"), Just("no")];
    let send = (0usize..4, to(), body(), receipts).prop_map(|(from, to, body, receipts)| Step::Send {
        from,
        to,
        body,
        receipts,
    });
    let call = (0usize..4, to(), path, body()).prop_map(|(from, to, path, body)| Step::Call {
        from,
        to,
        path,
        body,
    });
    let step = prop_oneof![
        12 => send,
        6 => call,
        1 => (0usize..4).prop_map(Step::Cancel),
        1 => (1usize..4).prop_map(Step::CutOff),
        1 => (0usize..4, any::<bool>()).prop_map(|(peer, on)| Step::Takes(peer, on)),
        3 => (1u64..20_000).prop_map(Step::Wait),
        1 => (1usize..4).prop_map(Step::HangUp),
        1 => (0usize..4, any::<bool>()).prop_map(|(peer, on)| Step::Serve(peer, on)),
        1 => (1usize..4).prop_map(Step::Shutdown),
    ];
    proptest::collection::vec(step, 1..40)
}

pub struct Peer {
    pub node: Recorded,
    pub events: Vec<Event>,
    takes: bool,
    last_call: Option<CallId>,
    uplink: Option<homing_core::UplinkId>,
    received: Vec<Received>,
    requests: Vec<RequestId>,
    writes: Vec<LinkId>,
    accepted: u64,
}

struct Stream {
    ends: [(usize, LinkId); 2],
    pipes: [VecDeque<u8>; 2],
    open: bool,
}

pub struct World {
    pub now: Instant,
    pub peers: Vec<Peer>,
    streams: Vec<Stream>,
}

impl World {
    /// A hub and three peers that have joined, each recorded on a tape of this size.
    pub fn new(config: impl Fn() -> Config, tape: usize) -> World {
        let mut world =
            World { now: Instant::from_micros(1_000_000), peers: Vec::new(), streams: Vec::new() };
        let address = "hub@home".parse().unwrap();
        let serving = Some(Serving { address, open: true, allow: Default::default() });
        world.add(0, Config { serving, ..config() }, tape);
        for n in 1..4 {
            world.add(n, config(), tape);
            let dial = Dial {
                target: "hub".into(),
                network: "home".parse().unwrap(),
                pin: Some(world.peers[0].node.peer_id()),
                name: Some(format!("p{}", n - 1).parse().unwrap()),
                instance: (n != 2).then(|| "x".parse().unwrap()),
                priority: 0,
                redial: true,
            };
            let now = world.now;
            let peer = &mut world.peers[usize::from(n)];
            peer.uplink = Some(peer.node.dial(now, dial).unwrap());
        }
        world.run();
        world
    }

    fn add(&mut self, n: u8, config: Config, tape: usize) {
        let key = StaticKey::generate(&Seed::from_bytes([n; 32]));
        let seed = Seed::from_bytes([n + 100; 32]);
        let mut node = Recorded::new(self.now, key, seed, Arc::new(config), Some(Tape::new(tape)));
        node.serve("/served", "for the tests").unwrap();
        self.peers.push(Peer {
            node,
            events: Vec::new(),
            takes: true,
            last_call: None,
            uplink: None,
            received: Vec::new(),
            requests: Vec::new(),
            writes: Vec::new(),
            accepted: 0,
        });
    }

    pub fn play(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
            self.run();
        }
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match step {
            Step::Send { from, to, body, receipts } => {
                let mut message = Message::new("text/plain", body.clone()).with_receipts(*receipts);
                message
                    .metadata
                    .insert("topic".into(), format!("a \"quoted\"\n\u{1F30D} secret of {}", body.len()));
                let _ = self.peers[*from].node.send(now, &to.parse().unwrap(), message);
            }
            Step::Call { from, to, path, body } => {
                let to: homing_core::Address = to.parse().unwrap();
                let body = if *path == "why" { br#"{"to":"p1@home"}"#.to_vec() } else { body.clone() };
                let command = Command::get(path).with_body("application/json", body);
                let peer = &mut self.peers[*from];
                let call = peer.node.request(now, &to.into(), command, Duration::from_secs(20));
                peer.last_call = call.ok().or(peer.last_call);
            }
            Step::Cancel(peer) => {
                let peer = &mut self.peers[*peer];
                if let Some(call) = peer.last_call {
                    let _ = peer.node.cancel(now, call);
                }
            }
            Step::CutOff(peer) => self.cut_off(*peer),
            Step::Takes(peer, on) => {
                self.peers[*peer].takes = *on;
                self.peers[*peer].node.handle(now, Input::Timeout);
            }
            Step::Wait(millis) => self.advance(Duration::from_millis(*millis)),
            Step::HangUp(peer) => {
                if let Some(uplink) = self.peers[*peer].uplink {
                    let _ = self.peers[*peer].node.hang_up(now, uplink);
                }
            }
            Step::Serve(peer, on) => {
                if *on {
                    self.peers[*peer].node.serve("/served", "again").unwrap();
                } else {
                    self.peers[*peer].node.unserve("/served");
                }
            }
            Step::Shutdown(peer) => self.peers[*peer].node.shutdown(now),
        }
    }

    fn drain(&mut self, at: usize) -> bool {
        let (mut worked, now) = (false, self.now);
        loop {
            let peer = &mut self.peers[at];
            let action = if peer.takes { peer.node.poll_action() } else { peer.node.poll_duty() };
            match action {
                Some(Action::Event(event)) => {
                    match &event {
                        Event::Message(message) => peer.received.push(message.clone()),
                        Event::Request(request) => peer.requests.push(request.request),
                        _ => {}
                    }
                    peer.events.push(event);
                }
                Some(Action::Store { id, .. }) => peer.node.handle(now, Input::Stored { id, ok: true }),
                Some(Action::Dial { link, .. }) => self.connect(at, link),
                Some(Action::Close { link }) => self.close(at, link),
                Some(Action::Write { link }) => peer.writes.push(link),
                None => match peer.writes.pop() {
                    Some(link) => self.write(at, link),
                    None => match self.deal(at) {
                        true => {}
                        false => return worked,
                    },
                },
            }
            worked = true;
        }
    }

    /// The application deals with what it was given, each thing in another way.
    fn deal(&mut self, at: usize) -> bool {
        let (peer, now) = (&mut self.peers[at], self.now);
        if let Some(message) = peer.received.pop() {
            let _ = match message.body.len() % 3 {
                0 => peer.node.refuse(now, &message, Failure::from(Reason::REFUSED)),
                _ => peer.node.consume(now, &message),
            };
            return true;
        }
        let Some(request) = peer.requests.pop() else { return false };
        let answer = match peer.accepted % 2 {
            0 => Ok(Response::json("{\"an\":\"answer\"}")),
            _ => Err(Failure { reason: Reason::COMMAND_FAILED, text: "not today".into() }),
        };
        let _ = peer.node.respond(now, request, answer);
        true
    }

    fn connect(&mut self, at: usize, link: LinkId) {
        self.peers[0].accepted += 1;
        let other = LinkId::accepted(self.peers[0].accepted);
        self.streams.push(Stream { ends: [(at, link), (0, other)], pipes: Default::default(), open: true });
        self.peers[0].node.handle(self.now, Input::Accepted { link: other });
        self.peers[at].node.handle(self.now, Input::Dialed { link });
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
            let bytes = self.peers[at].node.pending(link);
            // Now and then a socket takes a part.
            let n = bytes.len().min(900);
            if n == 0 {
                return;
            }
            self.streams[s].pipes[end].extend(&bytes[..n]);
            self.peers[at].node.handle(self.now, Input::Wrote { link, n });
        }
    }

    fn close(&mut self, at: usize, link: LinkId) {
        if let Some((s, end)) = self.find(at, link) {
            while self.deliver(s, 1 - end) {}
            self.streams[s].open = false;
            let (other, link) = self.streams[s].ends[1 - end];
            self.peers[other].node.handle(self.now, Input::Gone { link, cause: "closed" });
        }
    }

    fn deliver(&mut self, s: usize, end: usize) -> bool {
        let stream = &mut self.streams[s];
        let (peer, link) = stream.ends[end];
        let pipe = &mut stream.pipes[1 - end];
        // Records are cut where it happens.
        let n = self.peers[peer].node.read_budget(link).min(pipe.len()).min(1111);
        if !stream.open || n == 0 {
            return false;
        }
        let bytes: Vec<u8> = pipe.drain(..n).collect();
        self.peers[peer].node.handle(self.now, Input::Data { link, bytes: &bytes });
        true
    }

    pub fn run(&mut self) {
        for _ in 0..1_000_000 {
            let mut worked = false;
            for at in 0..self.peers.len() {
                worked |= self.drain(at);
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

    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while self.now < until {
            let next = self.peers.iter().filter_map(|peer| peer.node.next_deadline()).map(|d| d.at).min();
            self.now = next.unwrap_or(until).min(until);
            for peer in &mut self.peers {
                if peer.node.next_deadline().is_some_and(|deadline| deadline.at <= self.now) {
                    peer.node.handle(self.now, Input::Timeout);
                }
            }
            self.run();
        }
    }

    fn cut_off(&mut self, at: usize) {
        for stream in &mut self.streams {
            if stream.open && stream.ends.iter().any(|end| end.0 == at) {
                stream.open = false;
                for (peer, link) in stream.ends {
                    self.peers[peer].node.handle(self.now, Input::Gone { link, cause: "cut" });
                }
            }
        }
    }
}
