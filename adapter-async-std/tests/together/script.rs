//! A peer and its hub, told the same from the same seeds: nothing is begun before what came before it
//! has come to its end, and no clock has a say. So nothing is left in which two runs could differ.
//!
//! Without such a script they may: whoever reads two records at once answers both in one, and whoever
//! is told to send while something else waits sends both in one. What is written then depends on when.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_std::{
    Address, Command, Dial, Event, Heartbeat, Instance, Invite, Message, Options, Pattern, Reason, Receipts,
    Received, Response, Seed, Serving, Stage, StaticKey,
};

use crate::runtime::{Answers, Node, Runtime};
use crate::wire::{Bytes, Wire};

/// Longer than a run takes on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a node's application came to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saw {
    Event(Event),
    Receipt(Option<Address>, Stage),
    Called(Address, Vec<u8>),
    Answers(Answers),
    Failed(String),
}

/// What a run left behind.
#[derive(PartialEq, Eq)]
pub struct Run {
    pub bytes: Bytes,
    pub ada: Vec<Saw>,
    pub hub: Vec<Saw>,
}

/// Whose randomness is given, and whose clock has nothing to say.
fn options(key: u8) -> Options {
    let mut options = Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])));
    options.seed = Some(Seed::from_bytes([key + 100; 32]));
    options.config.heartbeat = Heartbeat::SLOWEST;
    let limits = &mut options.config.limits;
    // Never by itself: it travels with what is sent next.
    limits.ack_delay = PATIENCE * 10;
    // At once, and not with what changes next.
    limits.roster_delay = Duration::ZERO;
    // What a caller says it waits: its own patience would be less by the time that asking took.
    limits.patience = PATIENCE / 2;
    limits.handshake_time = PATIENCE;
    limits.goodbye = PATIENCE;
    limits.queue_time = PATIENCE;
    limits.stall = PATIENCE;
    options
}

struct Side {
    node: Node,
    address: Address,
    saw: Arc<Mutex<Vec<Saw>>>,
}

impl Side {
    fn new(node: Node, address: &str) -> Side {
        Side { node, address: address.parse().unwrap(), saw: Arc::default() }
    }

    fn saw(&self, what: Saw) {
        self.saw.lock().unwrap().push(what);
    }

    /// The next event, whatever it is.
    fn event(&self) -> Event {
        let event = self.node.next_event(PATIENCE).expect("something happens");
        self.saw(Saw::Event(event.clone()));
        event
    }

    fn message(&self) -> Received {
        match self.event() {
            Event::Message(message) => message,
            other => panic!("{other:?} instead of a message"),
        }
    }

    fn serve(&self) {
        let saw = Arc::clone(&self.saw);
        let shout = move |request: &homing_std::Request| {
            let called = Saw::Called(request.from.clone(), request.body.clone());
            saw.lock().unwrap().push(called);
            match request.body.is_empty() {
                false => Ok(Response::new("text/plain", request.body.to_ascii_uppercase())),
                true => Err(Reason::ARGUMENT.into()),
            }
        };
        self.node.serve("/shout", shout).unwrap();
    }

    /// Sends to `other`, whose application does what `deal` says once this side knows that it may.
    fn send(&self, other: &Side, to: &Address, message: Message, deal: impl FnOnce(&Node, &Received)) {
        let wanted = message.receipts;
        let mut deal = Some(deal);
        for (from, stage) in self.node.track(to, message).unwrap() {
            let received = matches!(stage, Stage::Received);
            self.saw(Saw::Receipt(from, stage));
            if received && let Some(deal) = deal.take() {
                deal(&other.node, &other.message());
            }
        }
        // Nobody said so; the message went all the same.
        if wanted < Receipts::Received {
            other.message();
        }
    }

    fn request(&self, to: &Address, command: Command) {
        match self.node.request(to, command, PATIENCE) {
            Ok(response) => self.saw(Saw::Answers(vec![(to.clone(), Ok(response))])),
            Err(e) => self.saw(Saw::Failed(e.to_string())),
        }
    }

    fn take_saw(&self) -> Vec<Saw> {
        std::mem::take(&mut self.saw.lock().unwrap())
    }
}

/// Runs the whole script with both nodes on these runtimes, over a wire that carries at most `most`
/// bytes at a time.
pub fn run(ada_on: Runtime, hub_on: Runtime, most: usize) -> Run {
    let mut hub_options = options(1);
    let serving = Serving { address: "hub@home".parse().unwrap(), open: true, allow: Default::default() };
    hub_options.config.serving = Some(serving);
    let hub = Side::new(hub_on.start(hub_options).unwrap(), "hub@home");
    let ada = Side::new(ada_on.start(options(2)).unwrap(), "ada@home");
    let wire = Wire::to(&hub.node.listen(&"127.0.0.1:0".parse().unwrap()).unwrap(), most);
    hub.serve();
    ada.serve();

    join(&ada, &hub, &wire);
    send(&ada, &hub);
    send(&hub, &ada);
    call(&ada, &hub);
    call(&hub, &ada);

    ada.node.close(PATIENCE).unwrap();
    while ada.event() != Event::Stopped {}
    while !matches!(hub.event(), Event::LinkDown { .. }) {}
    let bytes = wire.bytes();
    hub.node.close(PATIENCE).unwrap();
    while hub.event() != Event::Stopped {}
    Run { bytes, ada: ada.take_saw(), hub: hub.take_saw() }
}

fn join(ada: &Side, hub: &Side, wire: &Wire) {
    let invite =
        Invite { key: hub.node.peer_id(), target: wire.at().to_string(), network: "home".parse().unwrap() };
    let dial = Dial { redial: false, ..Dial::invite(&invite, "ada".parse().unwrap()) };
    let dial = Dial { instance: Some("one".parse::<Instance>().unwrap()), ..dial };
    ada.node.connect(dial, PATIENCE).unwrap();
    assert!(matches!(ada.event(), Event::Up { .. }));
    for _ in ["hub", "ada"] {
        assert!(matches!(ada.event(), Event::PeerUp { .. }));
    }
    assert!(matches!(hub.event(), Event::LinkUp { .. }));
    assert!(matches!(hub.event(), Event::PeerUp { .. }));
}

fn send(from: &Side, to: &Side) {
    let text = |receipts| Message::text("hello").with_receipts(receipts);
    let nothing = |_: &Node, _: &Received| {};
    let consume = |node: &Node, message: &Received| node.consume(message).unwrap();
    let refuse = |node: &Node, message: &Received| {
        node.refuse(message, Reason::REFUSED.into()).unwrap();
    };
    from.send(to, &to.address, text(Receipts::Route), nothing);
    from.send(to, &to.address, text(Receipts::Received), nothing);
    from.send(to, &to.address, text(Receipts::Consumed), consume);
    from.send(to, &to.address, text(Receipts::Consumed), refuse);
    for size in [0, 1, 4_000, 12_000] {
        let message = Message::new("application/octet-stream", vec![7; size]);
        from.send(to, &to.address, message.with_receipts(Receipts::Consumed), consume);
    }
    from.send(to, &"*@home".parse().unwrap(), text(Receipts::Consumed), consume);
    // Nobody of that name is there: it comes back.
    let nobody: Address = "nobody@home".parse().unwrap();
    for (by, stage) in from.node.track(&nobody, text(Receipts::Consumed)).unwrap() {
        from.saw(Saw::Receipt(by, stage));
    }
}

fn call(from: &Side, to: &Side) {
    let shout = |body: &str| Command::get("shout").with_body("text/plain", body);
    for body in ["hello", "", "hello again"] {
        from.request(&to.address, shout(body));
    }
    from.request(&to.address, Command::get("ping"));
    from.request(&to.address, Command::get("commands"));
    from.request(&to.address, Command::get("nothing.of.that.name"));
    from.request(&"nobody@home".parse().unwrap(), Command::get("ping"));
    let all = Pattern::All("home".parse().unwrap());
    // What a node answers by itself: a hub says how many it asks, and with a handler on another thread
    // it would be a matter of luck whether the handler's answer goes in the same record.
    let answers = from.node.request_many(&all, Command::get("ping"), PATIENCE).unwrap();
    from.saw(Saw::Answers(answers));
}
