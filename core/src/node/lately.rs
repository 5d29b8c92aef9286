//! What the last envelopes of each link came to: most that follow are from the same and for the same, and need neither
//! be parsed nor looked up again.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::link::{Came, LinkId};
use crate::node::agenda::{ADDRESS_TEXT, tree_memory};
use crate::node::event::ReceivedHead;
use crate::node::recent::place;
use crate::node::router::Taken;
use crate::wire::label::{self, is_same};
use crate::{Address, MessageId, Receipts};

const PLACES: usize = 128;

/// Where what has come lately led to. Each link and recipient has one place, where the last that came is: what is not
/// found is looked up as if there were no such table.
#[derive(Debug, Default)]
pub(super) struct Lately {
    /// Empty before the first.
    places: Vec<Option<Box<Known>>>,
    /// Where the last was found.
    last: usize,
    #[cfg(test)]
    off: bool,
    #[cfg(test)]
    used: usize,
}

/// What the head of the last message of a link said. Most that follow say the same, byte for byte.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// How the letter began: the head's length and text.
    opening: Vec<u8>,
    head: Option<Arc<ReceivedHead>>,
}

/// The bytes of a head's length.
const LENGTH: usize = 2;

/// A head that is longer is not kept: what is kept of each link must be small.
const LONGEST: usize = 64;

impl Heard {
    /// What a head says that reads `text`, if the last one did and the message asked for the same receipts.
    pub(super) fn again(&self, text: &[u8], receipts: Receipts) -> Option<Arc<ReceivedHead>> {
        let (_, head) = self.opening(receipts)?;
        is_same(&self.opening[LENGTH..], text).then(|| Arc::clone(head))
    }

    /// What it said, if the last message asked for the same receipts; and how long the beginning of its letter was.
    pub(super) fn opening(&self, receipts: Receipts) -> Option<(usize, &Arc<ReceivedHead>)> {
        let head = self.head.as_ref().filter(|head| head.receipts == receipts)?;
        Some((self.opening.len(), head))
    }

    /// Whether a letter begins in the same way.
    #[inline]
    pub(super) fn begins(&self, letter: &[u8]) -> bool {
        letter.get(..self.opening.len()).is_some_and(|opening| is_same(opening, &self.opening))
    }

    /// It reads `text` and says `head`.
    pub(super) fn learn(&mut self, text: &[u8], head: ReceivedHead) -> Arc<ReceivedHead> {
        let head = Arc::new(head);
        if let (true, Ok(length)) = (text.len() <= LONGEST, u16::try_from(text.len())) {
            self.opening.clear();
            self.opening.extend_from_slice(&length.to_be_bytes());
            self.opening.extend_from_slice(text);
            self.head = Some(Arc::clone(&head));
        }
        head
    }

    fn memory(&self) -> usize {
        let of_head = |head: &Arc<ReceivedHead>| {
            2 * size_of::<usize>()
                + size_of::<ReceivedHead>()
                + tree_memory::<(String, String)>(head.metadata.len())
                + self.opening.len()
        };
        self.opening.capacity() + self.head.as_ref().map_or(0, of_head)
    }
}

/// An envelope's addresses, and where they led to.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) link: LinkId,
    /// As it stood in the label.
    pub(super) to: Address,
    /// As this node vouches for it.
    pub(super) from: Address,
    pub(super) led: Led,
    pub(super) heard: Heard,
    /// How both stand in the label, with their lengths.
    texts: Box<[u8]>,
    /// The same in the label with which it goes on; nothing, if it does not.
    pub(super) onward: Box<[u8]>,
}

/// Where to. It holds for as long as the table that said so counts no change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Led {
    /// From a member, who left `from` out, on to one peer.
    On { seat: Taken, changes: u64 },
    /// From a hub, which wrote `from`, to this node.
    Here { changes: u64 },
}

impl Led {
    /// Whether it still holds, when the seats have changed so often, and the networks that this node is in.
    pub(super) const fn is_current(self, seats: u64, networks: u64) -> bool {
        match self {
            Led::On { changes, .. } => changes == seats,
            Led::Here { changes } => changes == networks,
        }
    }
}

impl Known {
    pub(super) fn new(link: LinkId, to: Address, from: Address, led: Led) -> Known {
        let written = match led {
            Led::On { .. } => "",
            Led::Here { .. } => from.as_str(),
        };
        let room = &mut [0; label::TEXTS];
        let texts = label::texts(to.as_str(), written, room).into();
        let onward = match led {
            Led::On { .. } => label::texts(to.as_str(), from.as_str(), room).into(),
            Led::Here { .. } => Box::default(),
        };
        Known { link, to, from, led, heard: Heard::default(), texts, onward }
    }

    /// Whether an envelope of `link` with `rest` behind the fixed part of its label is like this one.
    fn is_like(&self, link: LinkId, rest: &[u8]) -> bool {
        self.link == link && rest.get(..self.texts.len()).is_some_and(|texts| is_same(texts, &self.texts))
    }

    /// The letter of an envelope that came behind one with these flags, if it is like it; and the hops that it has
    /// left, unless those of that one.
    #[inline]
    pub(super) fn letter_if_alike<'a>(
        &self,
        flags: u8,
        came: &Came<'a>,
    ) -> Option<(MessageId, &'a [u8], Option<u8>)> {
        match came {
            Came::Alike { id, letter } => Some((*id, letter, None)),
            Came::Whole(envelope) => {
                let (fixed, rest) = envelope.split_first_chunk::<{ label::FIXED }>()?;
                let (texts, letter) = rest.split_at_checked(self.texts.len())?;
                (fixed[0] == flags && is_same(texts, &self.texts))
                    .then(|| (MessageId::of(fixed), letter, Some(fixed[1])))
            }
        }
    }

    /// The letter of an envelope like this one.
    pub(super) fn letter<'a>(&self, envelope: &'a [u8]) -> &'a [u8] {
        envelope.get(label::FIXED + self.texts.len()..).unwrap_or_default()
    }

    fn memory(&self) -> usize {
        size_of::<Known>() + ADDRESS_TEXT + self.texts.len() + self.onward.len() + self.heard.memory()
    }
}

impl Lately {
    /// Takes out what is known of an envelope like this one, to be [put back](Lately::put_back) at its place:
    /// `is_current` says whether it still holds.
    pub(super) fn take(
        &mut self,
        link: LinkId,
        envelope: &[u8],
        is_current: impl FnOnce(Led) -> bool,
    ) -> Option<(usize, Box<Known>)> {
        let rest = envelope.get(label::FIXED..)?;
        let like =
            |place: &&mut Option<Box<Known>>| place.as_ref().is_some_and(|known| known.is_like(link, rest));
        // Most often it is like the one before.
        if self.places.get_mut(self.last).filter(like).is_none() {
            let at = place(link.as_u64(), label::first_text(rest)?, PLACES);
            self.places.get_mut(at).filter(like)?;
            self.last = at;
        }
        let known = self.places.get_mut(self.last)?.take_if(|known| is_current(known.led))?;
        Some((self.last, known))
    }

    pub(super) fn put_back(&mut self, at: usize, known: Box<Known>) {
        #[cfg(test)]
        {
            self.used += 1;
        }
        self.places[at] = Some(known);
    }

    pub(super) fn put(&mut self, known: Known) {
        #[cfg(test)]
        if self.off {
            return;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let place = &mut self.places[place(known.link.as_u64(), known.to.as_str().as_bytes(), PLACES)];
        match place {
            Some(before) => **before = known,
            None => *place = Some(Box::new(known)),
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Option<Box<Known>>>()
            + self.places.iter().flatten().map(|known| known.memory()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::sync::Arc;
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Fake;
    use crate::{
        Action, Command, Config, Dial, Event, Input, Instant, Message, Node, Pattern, Priority, Receipts,
        Seed, Serving, StaticKey, UplinkId,
    };

    const PEERS: usize = 4;
    const TO: [&str; 9] = [
        "p0@home",
        "p1@home",
        "p0@home/i0",
        "p0@home/i1",
        "p1@home/i0",
        "hub@home",
        "*@home",
        "p7@home",
        "p0@away",
    ];

    /// A hub and its peers, and everything that they say and tell.
    struct World {
        now: Instant,
        nodes: Vec<Node>,
        uplinks: Vec<Option<UplinkId>>,
        /// A stream of a peer: its end, and the hub's.
        streams: BTreeMap<(usize, LinkId), LinkId>,
        accepted: u64,
        said: Vec<String>,
    }

    impl World {
        fn new(off: bool) -> World {
            let seed = |n: usize| Seed::from_bytes([u8::try_from(n).unwrap(); 32]);
            let node = |n| {
                let mut config = Config::with_provider(Arc::new(Fake));
                (config.limits.window, config.limits.queue) = (3000, 4000);
                if n == PEERS {
                    let address = "hub@home".parse().unwrap();
                    config.serving = Some(Serving { address, open: true, allow: Default::default() });
                }
                // Those of one name have one key: they are its instances.
                let key = StaticKey::generate(&seed(if n == PEERS { n } else { n % 2 }));
                let mut node = Node::new(Instant::ZERO, key, seed(n + 100), Arc::new(config));
                (node.lately.off, node.again.off) = (off, off);
                node
            };
            World {
                now: Instant::ZERO,
                nodes: (0..=PEERS).map(node).collect(),
                uplinks: alloc::vec![None; PEERS],
                streams: BTreeMap::new(),
                accepted: 0,
                said: Vec::new(),
            }
        }

        fn step(&mut self, (what, peer, to, more): (u8, usize, usize, u8)) {
            let (now, node) = (self.now, &mut self.nodes[peer]);
            let address: Address = TO[to].parse().unwrap();
            match what {
                0 if self.uplinks[peer].is_none() => {
                    let dial = Dial {
                        target: "hub".into(),
                        network: "home".parse().unwrap(),
                        pin: None,
                        name: format!("p{}", peer % 2).parse().ok(),
                        instance: format!("i{}", more % 3).parse().ok(),
                        priority: if more < 32 { -1 } else { i8::try_from(more % 2).unwrap() },
                        redial: more % 5 == 0,
                    };
                    self.uplinks[peer] = node.dial(now, dial).ok();
                }
                0 | 1 => drop(self.uplinks[peer].take().map(|uplink| node.hang_up(now, uplink))),
                2 => {
                    let ends: Vec<_> = self.streams.extract_if(.., |(of, _), _| *of == peer).collect();
                    for ((_, link), hub) in ends {
                        self.nodes[peer].handle(now, Input::Gone { link, cause: "cut" });
                        self.nodes[PEERS].handle(now, Input::Gone { link: hub, cause: "cut" });
                    }
                }
                3 => self.now = now + Duration::from_millis(u64::from(more) * 50),
                4 => {
                    let (to, command) = (Pattern::from(address), Command::get("/ping"));
                    drop(node.request(now, &to, command, Duration::from_secs(5)));
                }
                _ => {
                    let types = ["text/plain", "application/octet-stream", "text/html"];
                    let mut message = Message::new(types[to % 3], alloc::vec![more; usize::from(more)]);
                    if more % 13 == 0 {
                        message.metadata.insert("more".into(), format!("{more}"));
                    }
                    message.receipts = if more % 7 == 0 { Receipts::Received } else { Receipts::Failure };
                    message.priority = if more % 11 == 0 { Priority::Urgent } else { Priority::Normal };
                    // Many at once are as many one by one.
                    let unlike = Message { priority: Priority::Bulk, ..message.clone() };
                    let all = [&message, &message, &message, &unlike, &message];
                    let mut rest = &all[..usize::from(1 + more % 5)];
                    while let Some(first) = rest.first() {
                        let mut ids = Vec::new();
                        let sent = if node.again.off {
                            node.send(now, &address, *first).map(|id| ids.push(id))
                        } else {
                            node.send_many(now, &address, rest, &mut ids)
                                .map(|sent| assert_eq!(sent, ids.len()))
                        };
                        self.said.extend(ids.iter().map(|id| format!("{id:?}")));
                        rest = &rest[ids.len()..];
                        if let Err(e) = sent {
                            self.said.push(format!("{e:?}"));
                            break;
                        }
                    }
                }
            }
        }

        /// Until nobody has anything to say.
        fn run(&mut self) {
            let mut busy = true;
            while core::mem::take(&mut busy) {
                for at in 0..=PEERS {
                    self.nodes[at].handle(self.now, Input::Timeout);
                    while let Some(action) = self.nodes[at].poll_action() {
                        busy = true;
                        self.said.push(format!("{at}: {action:?}"));
                        match action {
                            Action::Dial { link, .. } => {
                                self.accepted += 1;
                                let hub = LinkId::accepted(self.accepted);
                                self.streams.insert((at, link), hub);
                                self.nodes[PEERS].handle(self.now, Input::Accepted { link: hub });
                                self.nodes[at].handle(self.now, Input::Dialed { link });
                            }
                            Action::Store { id, .. } => {
                                self.nodes[at].handle(self.now, Input::Stored { id, ok: true });
                            }
                            Action::Event(Event::Down { uplink, retry: None, .. }) => {
                                self.uplinks[at].take_if(|of| *of == uplink);
                            }
                            _ => {}
                        }
                    }
                }
                for ((peer, link), hub) in self.streams.clone() {
                    for [(from, sends), (to, reads)] in
                        [[(peer, link), (PEERS, hub)], [(PEERS, hub), (peer, link)]]
                    {
                        let bytes = self.nodes[from].pending(sends).to_vec();
                        busy |= !bytes.is_empty();
                        self.said.push(format!("{from} to {to}: {bytes:?}"));
                        self.nodes[from].handle(self.now, Input::Wrote { link: sends, n: bytes.len() });
                        self.nodes[to].handle(self.now, Input::Data { link: reads, bytes: &bytes });
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever happens, and however often who is there changes: with what is known and without, every byte and
        /// every event is the same.
        #[test]
        fn nobody_can_tell(steps in proptest::collection::vec(
            (prop_oneof![0u8..5, 5u8..40], 0..PEERS, 0..TO.len(), any::<u8>()), 1..60,
        )) {
            let (mut with, mut without) = (World::new(false), World::new(true));
            // All but one are there to begin with.
            for peer in 1..PEERS {
                for world in [&mut with, &mut without] {
                    world.step((0, peer, 0, 200 + u8::try_from(peer).unwrap()));
                }
            }
            for (n, step) in steps.into_iter().enumerate() {
                for world in [&mut with, &mut without] {
                    world.step(step);
                    // Some of it happens at once.
                    if n % 3 != 0 {
                        world.run();
                    }
                }
                prop_assert_eq!(&with.said, &without.said);
                with.said.clear();
                without.said.clear();
            }
            prop_assert!(without.nodes.iter().all(|node| node.lately.used == 0 && node.again.used == 0));
        }
    }

    #[test]
    fn it_is_used_until_there_is_a_change() {
        let mut world = World::new(false);
        (1..PEERS).for_each(|peer| world.step((0, peer, 0, 200 + u8::try_from(peer).unwrap())));
        world.run();
        let used = |world: &World| [PEERS, 1].map(|at| world.nodes[at].lately.used);
        // Of two messages the first is looked up, at the hub and where it arrives.
        let send = |world: &mut World| {
            world.step((9, 2, 4, 1));
            world.run();
        };
        send(&mut world);
        assert!(used(&world).iter().sum::<usize>() >= 1);
        let before = used(&world);
        send(&mut world);
        assert!(used(&world)[0] > before[0], "the hub");
        assert!(world.nodes[2].again.used > 0, "who sends");
        let before = used(&world);
        // Somebody leaves.
        world.step((1, 3, 0, 0));
        world.run();
        world.step((9, 2, 4, 5));
        world.run();
        assert_eq!(used(&world)[0], before[0], "what was known does not hold any more");
    }
}
