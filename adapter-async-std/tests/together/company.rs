//! A hub on std and a peer on each runtime in one network, who all do the same with each other. What
//! each of them saw is told without names, so that it can be compared.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_std::{
    Address, Command, Dial, Endpoint, Event, Failure, Invite, Message, Options, Pattern, Receipts, Received,
    Response, Seed, Serving, Stage, StaticKey,
};

use crate::runtime::{Node, Runtime};

const PATIENCE: Duration = Duration::from_secs(60);

/// Who somebody is, to the one who says it: the others by the order in which they were first heard of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    Me,
    Hub,
    Everybody,
    Other(usize),
}

/// What an application came to know.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Saw {
    Up { me: Who, hub: Who },
    Here(Who),
    Left(Who),
    Message { from: Who, to: Who, content_type: String, body: Vec<u8>, consumed: bool },
    Down { why: String, again: bool },
    Stopped,
    Receipt(Option<Who>, String),
    Answer(Who, Result<Vec<u8>, String>),
    Other(String),
}

/// What one of them saw, by where it saw it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Story {
    /// Until everybody was there. The order depends on who came when, and is left out.
    pub arrivals: Vec<Saw>,
    /// The events from then on, in their order.
    pub events: Vec<Saw>,
    /// What became of what it said, in the order in which it did; where several answer, without one.
    pub outcomes: Vec<Vec<Saw>>,
    /// Who called it, and with what.
    pub calls: Vec<Saw>,
}

struct Member {
    node: Node,
    address: Address,
    known: Arc<Mutex<Vec<String>>>,
    calls: Arc<Mutex<Vec<Saw>>>,
    story: Story,
}

fn options(key: u8) -> Options {
    Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])))
}

fn who(me: &str, known: &Mutex<Vec<String>>, address: &Address) -> Who {
    let name = address.name();
    if address.is_everyone() {
        Who::Everybody
    } else if name == me {
        Who::Me
    } else if name == "hub" {
        Who::Hub
    } else {
        let mut known = known.lock().unwrap();
        let number = known.iter().position(|known| known == name).unwrap_or_else(|| {
            known.push(name.to_string());
            known.len() - 1
        });
        Who::Other(number)
    }
}

impl Member {
    fn join(runtime: Runtime, name: &str, key: u8, invite: &Invite) -> Member {
        let node = runtime.start(options(key)).unwrap();
        let dial = Dial { redial: false, ..Dial::invite(invite, name.parse().unwrap()) };
        node.connect(dial, PATIENCE).unwrap();
        let address = format!("{name}@home").parse().unwrap();
        let member =
            Member { node, address, known: Arc::default(), calls: Arc::default(), story: Story::default() };
        member.serve();
        member
    }

    fn serve(&self) {
        let (me, known, calls) =
            (self.address.name().to_string(), Arc::clone(&self.known), Arc::clone(&self.calls));
        let shout = move |request: &homing_std::Request| {
            let saw = Saw::Answer(who(&me, &known, &request.from), Ok(request.body.clone()));
            calls.lock().unwrap().push(saw);
            Ok(Response::new("text/plain", request.body.to_ascii_uppercase()))
        };
        self.node.serve("/shout", shout).unwrap();
    }

    fn who(&self, address: &Address) -> Who {
        who(self.address.name(), &self.known, address)
    }

    fn told(&self, event: &Event) -> Saw {
        match event {
            Event::Up { address, hub, .. } => Saw::Up { me: self.who(address), hub: self.who(hub) },
            Event::PeerUp { peer } => Saw::Here(self.who(&peer.address)),
            Event::PeerDown { peer } => Saw::Left(self.who(&peer.address)),
            Event::Message(message) => Saw::Message {
                from: self.who(&message.from),
                to: self.who(&message.to),
                content_type: message.content_type.to_string(),
                body: message.body.to_vec(),
                consumed: message.receipts == Receipts::Consumed,
            },
            Event::Down { why, retry, .. } => Saw::Down { why: format!("{why:?}"), again: retry.is_some() },
            Event::Stopped => Saw::Stopped,
            other => Saw::Other(format!("{other:?}")),
        }
    }

    fn next(&mut self) -> Event {
        let event = self.node.next_event(PATIENCE).expect("something happens");
        let saw = self.told(&event);
        self.story.events.push(saw);
        event
    }

    fn message(&mut self) -> Received {
        match self.next() {
            Event::Message(message) => message,
            other => panic!("{other:?} instead of a message"),
        }
    }

    /// Takes events until `others` other peers are there.
    fn meet(&mut self, others: usize) {
        // Itself, the hub, and that it is in.
        for _ in 0..others + 3 {
            self.next();
        }
        self.story.arrivals = std::mem::take(&mut self.story.events);
        self.story.arrivals.sort();
        self.known.lock().unwrap().clear();
    }

    fn receipt(&self, from: Option<&Address>, stage: &Stage) -> Saw {
        Saw::Receipt(from.map(|from| self.who(from)), format!("{stage:?}"))
    }

    fn answer(&self, from: &Address, answer: Result<Response, Failure>) -> Saw {
        let answer = answer.map(|response| response.body).map_err(|failure| failure.to_string());
        Saw::Answer(self.who(from), answer)
    }
}

/// Takes it out for a moment, so that one can deal with the others.
fn with_each(company: &mut [Member], mut act: impl FnMut(&mut Member, &mut Member)) {
    for one in 0..company.len() {
        for other in 0..company.len() {
            if let Ok([one, other]) = company.get_disjoint_mut([one, other]) {
                act(one, other);
            }
        }
    }
}

/// Plays it with the hub on `on`: what each of them saw, in the order of [`Runtime::ALL`].
pub fn play(on: &Endpoint) -> Vec<Story> {
    let mut hub_options = options(1);
    let serving = Serving { address: "hub@home".parse().unwrap(), open: true, allow: Default::default() };
    hub_options.config.serving = Some(serving);
    let hub = Runtime::Std.start(hub_options).unwrap();
    let target = hub.listen(on).unwrap().to_string();
    let invite = Invite { key: hub.peer_id(), target, network: "home".parse().unwrap() };
    let names = ["ada", "bob", "cy", "dan", "eve"];
    let mut company: Vec<Member> = (Runtime::ALL.into_iter().zip(names).zip(2..))
        .map(|((runtime, name), key)| Member::join(runtime, name, key, &invite))
        .collect();
    let others = company.len() - 1;
    company.iter_mut().for_each(|member| member.meet(others));
    for member in &company {
        let roster = member.node.peers("home").unwrap();
        let mut there: Vec<_> = roster.iter().map(|peer| peer.address.name()).collect();
        there.sort_unstable();
        assert_eq!(there, ["ada", "bob", "cy", "dan", "eve", "hub"]);
    }

    with_each(&mut company, send);
    with_each(&mut company, call);
    for n in 0..company.len() {
        company.swap(0, n);
        let (one, others) = company.split_first_mut().unwrap();
        broadcast(one, others, &hub);
        call_all(one);
        company.swap(0, n);
    }

    hub.close(PATIENCE).unwrap();
    for member in &mut company {
        while !matches!(member.next(), Event::Down { .. }) {}
        member.node.close(PATIENCE).unwrap();
        while member.next() != Event::Stopped {}
        member.story.calls = std::mem::take(&mut member.calls.lock().unwrap());
    }
    company.into_iter().map(|member| member.story).collect()
}

fn send(one: &mut Member, other: &mut Member) {
    let message = Message::text("hello").with_receipts(Receipts::Consumed);
    let mut outcome = Vec::new();
    for (from, stage) in one.node.track(&other.address, message).unwrap() {
        if stage == Stage::Received {
            let message = other.message();
            assert_eq!(message.from.name(), one.address.name());
            other.node.consume(&message).unwrap();
        }
        outcome.push(one.receipt(from.as_ref(), &stage));
    }
    one.story.outcomes.push(outcome);
}

fn call(one: &mut Member, other: &mut Member) {
    let shout = Command::get("shout").with_body("text/plain", "hello");
    let answer = one.node.request(&other.address, shout, PATIENCE).unwrap();
    let outcome = one.answer(&other.address, Ok(answer));
    one.story.outcomes.push(vec![outcome]);
}

fn broadcast(one: &mut Member, others: &mut [Member], hub: &Node) {
    let to = "*@home".parse().unwrap();
    let message = Message::text("hello, all").with_receipts(Receipts::Consumed);
    let receipts = one.node.track(&to, message).unwrap();
    for other in &mut *others {
        let message = other.message();
        assert_eq!((message.from.name(), message.to.is_everyone()), (one.address.name(), true));
        other.node.consume(&message).unwrap();
    }
    consume_next(hub);
    let mut outcome: Vec<_> = receipts.map(|(from, stage)| one.receipt(from.as_ref(), &stage)).collect();
    outcome.sort();
    one.story.outcomes.push(outcome);
}

/// The hub is of the network as well: what is said to everybody is not dealt with before it has done so too.
fn consume_next(hub: &Node) {
    loop {
        if let Event::Message(message) = hub.next_event(PATIENCE).expect("a message comes") {
            return hub.consume(&message).unwrap();
        }
    }
}

fn call_all(one: &mut Member) {
    let shout = Command::get("shout").with_body("text/plain", "hello");
    let all = Pattern::All("home".parse().unwrap());
    let answers = one.node.request_many(&all, shout, PATIENCE).unwrap();
    let mut outcome: Vec<_> = answers.into_iter().map(|(from, answer)| one.answer(&from, answer)).collect();
    outcome.sort();
    one.story.outcomes.push(outcome);
}
