//! A hub and its members on a virtual clock, and everything that goes over each stream between them.

use std::time::Duration;

use homing_core::wire::record;
use homing_core::{Action, Event, Input, Instant, Limits, LinkId, Node, Suite};

use crate::vectors::sessions::node::{START, dial, fault, hub, node};
use crate::vectors::sessions::trace::Wires;
use crate::vectors::sessions::{Party, Session, Side, Step, What};

/// One node.
struct Actor {
    node: Node,
    party: Party,
    events: Vec<Event>,
}

/// One stream: from a member to the hub.
struct Stream {
    ends: [(usize, LinkId); 2],
    /// What was said, in order.
    log: Vec<(Side, Vec<u8>)>,
    /// What each end has not heard yet.
    inbox: [Vec<u8>; 2],
    open: bool,
}

/// All of them. The first is the hub.
pub(super) struct Stage {
    suite: Suite,
    limits: Limits,
    pub(super) now: Instant,
    actors: Vec<Actor>,
    streams: Vec<Stream>,
}

const SIDES: [Side; 2] = [Side::Initiator, Side::Responder];

impl Stage {
    /// A hub alone.
    pub(super) fn new(suite: Suite, limits: Limits) -> Result<Stage, String> {
        let party = hub();
        let node = node(&party, suite, true, limits.clone())?;
        let hub = Actor { node, party, events: Vec::new() };
        Ok(Stage { suite, limits, now: START, actors: vec![hub], streams: Vec::new() })
    }

    /// Somebody who dials the hub.
    pub(super) fn join(&mut self, party: Party, name: Option<&str>) -> Result<usize, String> {
        let mut node = node(&party, self.suite, false, self.limits.clone())?;
        node.dial(self.now, dial(&party, name)?).map_err(fault)?;
        self.actors.push(Actor { node, party, events: Vec::new() });
        self.run()?;
        Ok(self.actors.len() - 1)
    }

    /// Lets somebody do something, and everybody hear of it.
    pub(super) fn act<R, E: std::fmt::Display>(
        &mut self,
        who: usize,
        act: impl FnOnce(&mut Node, Instant) -> Result<R, E>,
    ) -> Result<R, String> {
        let now = self.now;
        let actor = self.actors.get_mut(who).ok_or("nobody")?;
        let result = act(&mut actor.node, now).map_err(fault)?;
        self.run()?;
        Ok(result)
    }

    /// What somebody was told since they were asked the last time.
    pub(super) fn events(&mut self, who: usize) -> Vec<Event> {
        self.actors.get_mut(who).map(|actor| std::mem::take(&mut actor.events)).unwrap_or_default()
    }

    /// Works until nothing more happens at this moment.
    fn run(&mut self) -> Result<(), String> {
        for _ in 0..10_000 {
            let mut worked = false;
            for at in 0..self.actors.len() {
                worked |= self.drain(at)?;
            }
            for s in 0..self.streams.len() {
                for side in SIDES {
                    let bytes = std::mem::take(&mut self.streams[s].inbox[side.index()]);
                    let (at, link) = self.streams[s].ends[side.index()];
                    if !bytes.is_empty() {
                        worked = true;
                        self.actors[at].node.handle(self.now, Input::Data { link, bytes: &bytes });
                    }
                }
            }
            if !worked {
                return Ok(());
            }
        }
        Err("the stage does not come to rest".into())
    }

    /// Obeys the driver's law for one node.
    fn drain(&mut self, at: usize) -> Result<bool, String> {
        let mut worked = false;
        let now = self.now;
        while let Some(action) = self.actors[at].node.poll_action() {
            worked = true;
            match action {
                Action::Event(event) => self.actors[at].events.push(event),
                Action::Store { id, .. } => self.actors[at].node.handle(now, Input::Stored { id, ok: true }),
                Action::Dial { link, .. } => {
                    let n = u64::try_from(self.streams.len()).map_err(fault)?;
                    let other = LinkId::accepted(n);
                    let ends = [(at, link), (0, other)];
                    self.streams.push(Stream {
                        ends,
                        log: Vec::new(),
                        inbox: Default::default(),
                        open: true,
                    });
                    self.actors[0].node.handle(now, Input::Accepted { link: other });
                    self.actors[at].node.handle(now, Input::Dialed { link });
                }
                Action::Write { link } => self.write(at, link),
                Action::Close { link } => self.close(at, link),
            }
        }
        Ok(worked)
    }

    fn find(&self, at: usize, link: LinkId) -> Option<(usize, Side)> {
        self.streams.iter().enumerate().find_map(|(s, stream)| {
            let side = SIDES.into_iter().find(|side| stream.ends[side.index()] == (at, link))?;
            stream.open.then_some((s, side))
        })
    }

    fn write(&mut self, at: usize, link: LinkId) {
        let Some((s, side)) = self.find(at, link) else { return };
        let stream = &mut self.streams[s];
        let node = &mut self.actors[at].node;
        loop {
            let bytes = node.pending(link).to_vec();
            if bytes.is_empty() {
                return;
            }
            node.handle(self.now, Input::Wrote { link, n: bytes.len() });
            stream.inbox[side.other().index()].extend_from_slice(&bytes);
            stream.log.push((side, bytes));
        }
    }

    fn close(&mut self, at: usize, link: LinkId) {
        let Some((s, side)) = self.find(at, link) else { return };
        let stream = &mut self.streams[s];
        stream.open = false;
        let (other, link) = stream.ends[side.other().index()];
        let bytes = std::mem::take(&mut stream.inbox[side.other().index()]);
        let node = &mut self.actors[other].node;
        node.handle(self.now, Input::Data { link, bytes: &bytes });
        node.handle(self.now, Input::Gone { link, cause: "closed" });
    }

    /// Lets time go by, stopping at each deadline on the way.
    pub(super) fn advance(&mut self, by: Duration) -> Result<(), String> {
        let until = self.now + by;
        while self.now < until {
            let next = self.actors.iter().filter_map(|actor| actor.node.next_deadline()).map(|d| d.at).min();
            self.now = next.unwrap_or(until).min(until);
            for actor in &mut self.actors {
                actor.node.handle(self.now, Input::Timeout);
            }
            self.run()?;
        }
        Ok(())
    }

    /// What went over the stream of the `n`-th who came.
    pub(super) fn session(&self, n: usize, name: &str, why: &str) -> Result<Session, String> {
        let stream = self.streams.get(n).ok_or("no such stream")?;
        let [initiator, responder] = stream.ends.map(|(at, _)| self.actors[at].party.clone());
        let mut wires = Wires::new(self.suite, &initiator, &responder)?;
        let (mut steps, mut partial) = (Vec::new(), [Vec::new(), Vec::new()]);
        for (side, bytes) in &stream.log {
            let partial = &mut partial[side.index()];
            partial.extend_from_slice(bytes);
            if steps.is_empty() {
                let preface: Vec<u8> = partial.drain(..record::PREFACE.min(partial.len())).collect();
                steps.push(Step::says(*side, What::Preface, preface));
            }
            while let Some(unit) = Wires::cut(partial) {
                steps.push(wires.read(*side, &unit)?);
            }
        }
        if partial.iter().any(|rest| !rest.is_empty()) {
            return Err("something is left of a record".into());
        }
        let (suite, keys) = (self.suite.byte(), wires.keys());
        let (name, why) = (format!("suite {suite:02x}: {name}"), why.to_string());
        Ok(Session { name, why, suite, initiator, responder, keys, steps, outcome: None })
    }
}
