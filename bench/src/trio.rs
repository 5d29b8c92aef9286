//! Three nodes and no sockets: what the state machine alone costs. And further ones, who come and go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use homing_core::{Action, Input, Instant, Node, SendError};
use homing_std::{Address, Config, Dial, Event, Invite, LinkId, Message, Received, Seed, Serving, StaticKey};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Ada sends to Bob through the hub.
pub struct Trio {
    now: Instant,
    ada: End,
    bob: End,
    hub: Node,
    /// The hub's ends, of Ada's link and of Bob's.
    links: [LinkId; 2],
    /// Of those who came later and stay.
    members: Vec<(End, LinkId)>,
    accepted: u64,
    invite: Invite,
    to: Address,
    /// The bytes that Ada sent to the hub, and the hub to Bob.
    carried: [u64; 2],
    /// Whether Ada sends many at once, or one by one.
    many: bool,
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
    inbox: Inbox,
}

/// Where messages go, as in a driver: many at once.
#[derive(Default)]
struct Inbox {
    messages: VecDeque<Received>,
    got: u64,
}

fn node(key: u8, config: Config) -> Node {
    let seed = |n| Seed::from_bytes([n; 32]);
    Node::new(Instant::ZERO, StaticKey::generate(&seed(key)), seed(key + 100), Arc::new(config))
}

/// Does what `node` wants done, but writing. What it says of messages is counted.
fn drain(node: &mut Node, now: Instant, inbox: &mut Inbox, up: &mut bool, mut dialed: impl FnMut(LinkId)) {
    loop {
        inbox.got += node.poll_messages(usize::MAX, &mut inbox.messages) as u64;
        while let Some(event) = inbox.messages.pop_front() {
            std::hint::black_box(&event);
        }
        inbox.messages.clear();
        let Some(action) = node.poll_action() else { return };
        match action {
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
    // What is asked for is sealed: no more of it than is taken.
    while buffer.len() <= 60_000 {
        let pending = from.pending(link);
        if pending.is_empty() {
            break;
        }
        let n = pending.len();
        buffer.extend_from_slice(pending);
        from.handle(now, Input::Wrote { link, n });
    }
    !buffer.is_empty()
}

fn give(now: Instant, to: &mut Node, link: LinkId, bytes: &[u8]) {
    for bytes in bytes.chunks(64 * 1024) {
        to.handle(now, Input::Data { link, bytes });
    }
}

/// Brings `node` into the hub's network, by a link that is the hub's `accepted`.
fn enter(
    now: Instant,
    hub: &mut Node,
    accepted: LinkId,
    mut node: Node,
    invite: &Invite,
    name: &str,
) -> Result<End> {
    node.dial(now, Dial::invite(invite, name.parse()?))?;
    hub.handle(now, Input::Accepted { link: accepted });
    let (mut link, mut up, mut buffer, mut more) = (None, false, Vec::new(), true);
    while more {
        drain(&mut node, now, &mut Inbox::default(), &mut up, |dialed| link = Some(dialed));
        let link = link.ok_or("it did not dial")?;
        more = carry(now, &mut node, link, &mut buffer);
        give(now, hub, accepted, &buffer);
        drain(hub, now, &mut Inbox::default(), &mut false, |_| {});
        more |= carry(now, hub, accepted, &mut buffer);
        give(now, &mut node, link, &buffer);
    }
    if !up {
        return Err("no link".into());
    }
    Ok(End { node, link: link.ok_or("no link")?, inbox: Inbox::default() })
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
        let [ada, bob] = [(2, "ada"), (3, "bob")]
            .map(|(key, name)| (node(key, config()), name))
            .into_iter()
            .zip(links)
            .map(|((node, name), link)| enter(now, &mut hub, link, node, &invite, name))
            .collect::<Result<Vec<_>>>()?
            .try_into()
            .map_err(|_| "no ends")?;
        let (members, accepted, to) = (Vec::new(), 2, "bob@home".parse()?);
        Ok(Trio { now, ada, bob, hub, links, members, accepted, invite, to, carried: [0; 2], many: false })
    }

    /// The same three; Ada sends many messages at once.
    #[must_use]
    pub fn with_many(self) -> Trio {
        Trio { many: true, ..self }
    }

    /// Lets one more come in, who stays.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn admit(&mut self, name: &str, config: Config) -> Result<()> {
        let member = self.come(name, config)?;
        self.members.push(member);
        self.settle();
        Ok(())
    }

    /// Lets one come in and go again. All others hear of it.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn visit(&mut self, config: Config) -> Result<()> {
        let (_, link) = self.come("guest", config)?;
        self.settle();
        self.hub.handle(self.now, Input::Gone { link, cause: "closed" });
        self.settle();
        Ok(())
    }

    fn come(&mut self, name: &str, config: Config) -> Result<(End, LinkId)> {
        let link = LinkId::accepted(self.accepted);
        self.accepted += 1;
        // A key is its name's own.
        let mut seed = [0; 32];
        seed.iter_mut().zip(name.bytes()).for_each(|(seed, byte)| *seed = byte);
        let seed = Seed::from_bytes(seed);
        let node = Node::new(self.now, StaticKey::generate(&seed), seed, Arc::new(config));
        Ok((enter(self.now, &mut self.hub, link, node, &self.invite, name)?, link))
    }

    /// Lets what there is to tell arrive, also what is told or acknowledged a little later.
    fn settle(&mut self) {
        let (end, mut buffer) = (self.now + Duration::from_millis(100), Vec::new());
        let [a, b] = self.links;
        let Trio { now, ada, bob, hub, members, .. } = self;
        let of_members = members.iter_mut().map(|(end, link)| (end, *link));
        let mut all: Vec<_> = [(ada, a), (bob, b)].into_iter().chain(of_members).collect();
        loop {
            let mut more = true;
            while more {
                drain(hub, *now, &mut Inbox::default(), &mut false, |_| {});
                more = false;
                for (end, link) in &mut all {
                    more |= carry(*now, hub, *link, &mut buffer);
                    give(*now, &mut end.node, end.link, &buffer);
                    drain(&mut end.node, *now, &mut end.inbox, &mut false, |_| {});
                    more |= carry(*now, &mut end.node, end.link, &mut buffer);
                    give(*now, hub, *link, &buffer);
                }
            }
            let nodes = all.iter().map(|(end, _)| &end.node).chain([&*hub]);
            let next = nodes.filter_map(|node| node.next_deadline()).map(|deadline| deadline.at).min();
            let Some(next) = next.filter(|next| *next <= end) else { return };
            *now = next.max(*now);
            hub.handle(*now, Input::Timeout);
            all.iter_mut().for_each(|(end, _)| end.node.handle(*now, Input::Timeout));
        }
    }

    /// Bob's node, who knows everybody by his roster.
    pub fn bob(&self) -> &Node {
        &self.bob.node
    }

    /// How many bytes went from Ada to the hub, and from the hub to Bob, by [`run`](Trio::run).
    pub fn carried(&self) -> [u64; 2] {
        self.carried
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
        let (mut sent, start) = (0, self.bob.inbox.got);
        let (messages, mut ids) = ([&message; 100], Vec::with_capacity(100));
        let (mut up, mut back) = (Vec::new(), Vec::new());
        while self.bob.inbox.got - start < count {
            let (now, [a, b]) = (self.now, self.links);
            let Trio { ada, bob, hub, to, carried, many, .. } = self;
            let mut refused = None;
            watch(Part::Send, &mut || {
                let mut rest =
                    messages.get(..usize::try_from(count - sent).unwrap_or(100)).unwrap_or(&messages);
                ids.clear();
                while let Some(first) = rest.first() {
                    let went = match *many {
                        true => ada.node.send_many(now, to, rest, &mut ids),
                        false => ada.node.send(now, to, *first).map(|_| 1),
                    };
                    match went {
                        Ok(went) => {
                            rest = rest.get(went..).unwrap_or_default();
                            sent += went as u64;
                        }
                        Err(SendError::Full) => break,
                        Err(e) => return refused = Some(e),
                    }
                }
            });
            if let Some(e) = refused {
                return Err(e.into());
            }
            let mut some = false;
            watch(Part::Seal, &mut || some |= carry(now, &mut ada.node, ada.link, &mut up));
            carried[0] += up.len() as u64;
            watch(Part::Hub, &mut || {
                give(now, hub, a, &up);
                drain(hub, now, &mut Inbox::default(), &mut false, |_| {});
                some |= carry(now, hub, b, &mut up);
            });
            carried[1] += up.len() as u64;
            watch(Part::Receive, &mut || {
                give(now, &mut bob.node, bob.link, &up);
                drain(&mut bob.node, now, &mut bob.inbox, &mut false, |_| {});
                some |= carry(now, &mut bob.node, bob.link, &mut back);
            });
            watch(Part::Hub, &mut || {
                give(now, hub, b, &back);
                drain(hub, now, &mut Inbox::default(), &mut false, |_| {});
                some |= carry(now, hub, a, &mut back);
            });
            watch(Part::Seal, &mut || {
                give(now, &mut ada.node, ada.link, &back);
                drain(&mut ada.node, now, &mut ada.inbox, &mut false, |_| {});
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
