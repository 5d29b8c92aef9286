//! Three nodes and no sockets: what the state machine alone costs.

use std::sync::Arc;

use homing_core::{Action, Input, Instant, Node, SendError};
use homing_std::{Address, Config, Dial, Event, Invite, LinkId, Message, Seed, Serving, StaticKey};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Ada sends to Bob through the hub.
pub struct Trio {
    now: Instant,
    ada: End,
    bob: End,
    hub: Node,
    /// The hub's ends, of Ada's link and of Bob's.
    links: [LinkId; 2],
    to: Address,
}

/// Whose work it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Ada's node takes a message.
    Send,
    /// It is encrypted, and what comes back is read.
    Seal,
    /// The hub reads it and passes it on.
    Hub,
    /// Bob's node reads it, and gives it to the application.
    Receive,
}

struct End {
    node: Node,
    link: LinkId,
    got: u64,
}

fn node(key: u8, config: Config) -> Node {
    let seed = |n| Seed::from_bytes([n; 32]);
    Node::new(Instant::ZERO, StaticKey::generate(&seed(key)), seed(key + 100), Arc::new(config))
}

/// Does what `node` wants done, but writing. What it says of messages is counted.
fn drain(node: &mut Node, now: Instant, got: &mut u64, up: &mut bool, mut dialed: impl FnMut(LinkId)) {
    while let Some(action) = node.poll_action() {
        match action {
            Action::Event(Event::Message(message)) => {
                std::hint::black_box(&message);
                *got += 1;
            }
            Action::Event(Event::Up { .. }) => *up = true,
            Action::Dial { link, .. } => {
                dialed(link);
                node.handle(now, Input::Dialed { link });
            }
            Action::Store { id, .. } => node.handle(now, Input::Stored { id, ok: true }),
            _ => {}
        }
    }
}

/// Moves what `from` has for `to`. False when it was nothing.
fn carry(now: Instant, from: &mut Node, link: LinkId, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    loop {
        let pending = from.pending(link);
        if pending.is_empty() || buffer.len() > 60_000 {
            return !buffer.is_empty();
        }
        let n = pending.len();
        buffer.extend_from_slice(pending);
        from.handle(now, Input::Wrote { link, n });
    }
}

fn give(now: Instant, to: &mut Node, link: LinkId, bytes: &[u8]) {
    for bytes in bytes.chunks(64 * 1024) {
        to.handle(now, Input::Data { link, bytes });
    }
}

impl Trio {
    /// All of them are there, and in the network.
    ///
    /// # Errors
    /// When they do not come together.
    pub fn new(config: impl Fn() -> Config) -> Result<Trio> {
        let mut of_hub = config();
        of_hub.serving =
            Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
        let mut hub = node(1, of_hub);
        let now = Instant::ZERO;
        let invite = Invite { key: hub.peer_id(), target: "hub:1".into(), network: "home".parse()? };
        let links = [LinkId::accepted(0), LinkId::accepted(1)];
        let mut ends = Vec::new();
        for (n, (key, name)) in [(2, "ada"), (3, "bob")].into_iter().enumerate() {
            let mut node = node(key, config());
            node.dial(now, Dial::invite(&invite, name.parse()?))?;
            let (mut link, mut up, mut buffer) = (None, false, Vec::new());
            hub.handle(now, Input::Accepted { link: links[n] });
            for _ in 0..100 {
                drain(&mut node, now, &mut 0, &mut up, |dialed| link = Some(dialed));
                let link = link.ok_or("it did not dial")?;
                carry(now, &mut node, link, &mut buffer);
                give(now, &mut hub, links[n], &buffer);
                drain(&mut hub, now, &mut 0, &mut false, |_| {});
                carry(now, &mut hub, links[n], &mut buffer);
                give(now, &mut node, link, &buffer);
            }
            if !up {
                return Err("no link".into());
            }
            ends.push(End { node, link: link.ok_or("no link")?, got: 0 });
        }
        let (Some(bob), Some(ada)) = (ends.pop(), ends.pop()) else { return Err("no ends".into()) };
        Ok(Trio { now, ada, bob, hub, links, to: "bob@home".parse()? })
    }

    /// Sends `count` messages of `size` bytes, a hundred at a time or as many as there is room for. Each piece of work
    /// is done by `watch`, which calls what it is given once.
    ///
    /// # Errors
    /// When a message is refused, or none arrives any more.
    pub fn run(
        &mut self,
        count: u64,
        size: usize,
        mut watch: impl FnMut(Part, &mut dyn FnMut()),
    ) -> Result<()> {
        let message = Message::new("application/octet-stream", vec![0x5a; size]);
        let (mut sent, start) = (0, self.bob.got);
        let (mut up, mut back) = (Vec::new(), Vec::new());
        while self.bob.got - start < count {
            let (now, [a, b]) = (self.now, self.links);
            let Trio { ada, bob, hub, to, .. } = self;
            let mut refused = None;
            watch(Part::Send, &mut || {
                for _ in 0..100.min(count - sent) {
                    match ada.node.send(now, to, &message) {
                        Ok(_) => sent += 1,
                        Err(SendError::Full) => break,
                        Err(e) => refused = Some(e),
                    }
                }
            });
            if let Some(e) = refused {
                return Err(e.into());
            }
            let mut some = false;
            watch(Part::Seal, &mut || some |= carry(now, &mut ada.node, ada.link, &mut up));
            watch(Part::Hub, &mut || {
                give(now, hub, a, &up);
                drain(hub, now, &mut 0, &mut false, |_| {});
                some |= carry(now, hub, b, &mut up);
            });
            watch(Part::Receive, &mut || {
                give(now, &mut bob.node, bob.link, &up);
                drain(&mut bob.node, now, &mut bob.got, &mut false, |_| {});
                some |= carry(now, &mut bob.node, bob.link, &mut back);
            });
            watch(Part::Hub, &mut || {
                give(now, hub, b, &back);
                drain(hub, now, &mut 0, &mut false, |_| {});
                some |= carry(now, hub, a, &mut back);
            });
            watch(Part::Seal, &mut || {
                give(now, &mut ada.node, ada.link, &back);
                drain(&mut ada.node, now, &mut ada.got, &mut false, |_| {});
            });
            if !some {
                // What is acknowledged late is due now.
                let nodes = [&mut ada.node, hub, &mut bob.node];
                let next =
                    nodes.iter().filter_map(|node| node.next_deadline()).map(|deadline| deadline.at).min();
                self.now = now.max(next.ok_or("nothing happens any more")?);
                nodes.into_iter().for_each(|node| node.handle(self.now, Input::Timeout));
            }
        }
        Ok(())
    }
}
