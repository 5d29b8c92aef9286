//! Many machines, one thread, one virtual clock.

mod checks;
mod deeds;
mod happening;
mod moving;
mod trials;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use homing_core::{Event, Instant, MessageId, Node, Received, Stage};

use crate::chooser::Chooser;
use crate::conditions::Conditions;
use crate::digest::Digest;
use crate::fact::{Fact, HostId, Identity, What};
use crate::handler::Cx;
use crate::host::{Host, HostSpec};
use crate::invariant::{Invariant, Scene, Violation};
use crate::network::{Stream, Walls};
use crate::sometimes::Sometimes;
use crate::story::Story;

use happening::Happening;
pub(crate) use happening::Notice;

/// When a world begins. Not zero: clocks can jump back.
const BEGIN: Instant = Instant::from_micros(1_000_000_000);

/// The type of the messages with which it is tried whether everybody reaches everybody.
const PROBE: &str = "application/x-homing-probe";

/// Machines, the streams between them, and what is to happen: the whole of a simulated network.
///
/// Nothing in it waits: time goes on from one happening to the next. Two worlds that are made and used the same
/// way from one seed do the same to the byte, which [`World::hash`] tells.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use homing_sim::{Conditions, Idle, World, hub, member};
///
/// let mut world = World::new(7, Conditions::LAN);
/// world.start(hub("hub@home", Arc::new(|_| Box::new(Idle))));
/// let ada = world.start(member("ada@home", 1, Arc::new(|_| Box::new(Idle))));
/// assert!(world.until(Duration::from_secs(5), |world| {
///     world.node(ada).is_some_and(|node| node.networks().len() == 1)
/// }));
/// assert!(world.violation().is_none());
/// ```
pub struct World {
    now: Instant,
    seed: u64,
    hosts: Vec<Host>,
    streams: Vec<Stream>,
    walls: Walls,
    conditions: Conditions,
    weather: Chooser,
    queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    healed: bool,
    invariants: Vec<Box<dyn Invariant>>,
    broken: Option<Violation>,
    sometimes: Sometimes,
    digest: Digest,
    story: Option<Story>,
    facts: u64,
    /// Messages that must be received.
    probes: BTreeSet<MessageId>,
    /// Messages of a trial that were neither delivered nor have they failed.
    open: BTreeSet<MessageId>,
    /// How much of what each node is told is kept, if it is.
    record: Option<usize>,
    /// What was kept of nodes that are no more.
    traces: Vec<(HostId, Vec<u8>)>,
}

impl World {
    /// An empty world. Its weather, and the randomness of its nodes, come from `seed`.
    pub fn new(seed: u64, conditions: Conditions) -> World {
        World::with_weather(seed, conditions, Chooser::seeded(seed).forgetful())
    }

    /// An empty world whose weather comes from `weather`.
    pub fn with_weather(seed: u64, conditions: Conditions, weather: Chooser) -> World {
        World {
            now: BEGIN,
            seed,
            hosts: Vec::new(),
            streams: Vec::new(),
            walls: Walls::default(),
            conditions,
            weather,
            queue: BTreeMap::new(),
            sequence: 0,
            healed: false,
            invariants: Vec::new(),
            broken: None,
            sometimes: Sometimes::default(),
            digest: Digest::default(),
            story: None,
            facts: 0,
            probes: BTreeSet::new(),
            open: BTreeSet::new(),
            record: None,
            traces: Vec::new(),
        }
    }

    /// Lets an invariant watch from now on.
    pub fn watch(&mut self, invariant: Box<dyn Invariant>) {
        self.invariants.push(invariant);
    }

    /// Keeps the story of what happens from now on, for people.
    pub fn tell_story(&mut self) {
        self.story = Some(Story::new());
    }

    /// Keeps what each node is told from its next start on, as [traces](homing_core::trace), each at most so
    /// large.
    pub fn record(&mut self, most_bytes: usize) {
        self.record = Some(most_bytes);
    }

    /// What was kept: a trace for each time that a machine was started, those that run now at the end.
    pub fn traces(&self) -> Vec<(HostId, Vec<u8>)> {
        let now = self.hosts.iter().enumerate();
        let now = now.filter_map(|(host, it)| Some((host, it.machine.node.as_ref()?.trace()?)));
        self.traces.iter().cloned().chain(now).collect()
    }

    /// The story, if it was kept.
    pub fn story(&self) -> Option<&Story> {
        self.story.as_ref()
    }

    /// Adds a machine that is down.
    pub fn add(&mut self, spec: HostSpec) -> HostId {
        // No two machines' clocks show the same.
        let local = Instant::from_micros(BEGIN.as_micros() + 1_000_003 * self.hosts.len() as u64);
        self.hosts.push(Host::new(spec, self.now, local));
        self.walls.grow(self.hosts.len());
        self.hosts.len() - 1
    }

    /// Adds a machine and starts it.
    pub fn start(&mut self, spec: HostSpec) -> HostId {
        let host = self.add(spec);
        self.switch_on(host);
        host
    }

    // ---- looking at it

    /// The world's time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How long it has been going.
    pub fn age(&self) -> Duration {
        self.now.saturating_since(BEGIN)
    }

    /// How many machines there are.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// Who a machine is.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn identity(&self, host: HostId) -> &Identity {
        &self.hosts[host].machine.identity
    }

    /// A machine's node; none while it is down.
    pub fn node(&self, host: HostId) -> Option<&Node> {
        self.hosts.get(host)?.machine.node.as_deref()
    }

    /// The first thing that was not as it must be. Nothing happens after it.
    pub fn violation(&self) -> Option<&Violation> {
        self.broken.as_ref()
    }

    /// Which rare situations have been reached.
    pub fn sometimes(&self) -> &Sometimes {
        &self.sometimes
    }

    /// A number of all that has happened: each byte that was delivered, each event, each moment. The same on
    /// every machine and in every build.
    pub fn hash(&self) -> u64 {
        self.digest.finish()
    }

    /// How many facts there were.
    pub fn facts(&self) -> u64 {
        self.facts
    }

    // ---- letting it go on

    /// Lets time go by.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time go by until a moment, or until an invariant is violated.
    pub fn run_until(&mut self, until: Instant) {
        while self.broken.is_none() {
            match self.queue.first_key_value() {
                Some(((at, _), _)) if *at <= until => {}
                _ => {
                    self.now = self.now.max(until);
                    return;
                }
            }
            self.step();
        }
    }

    /// Lets time go by until `done`, at most for `most`; whether it was.
    pub fn until(&mut self, most: Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let end = self.now + most;
        loop {
            if self.broken.is_some() {
                return false;
            }
            if done(self) {
                return true;
            }
            match self.queue.first_key_value() {
                Some(((at, _), _)) if *at <= end => self.step(),
                _ => return false,
            }
        }
    }

    /// Does something as a machine's application; nothing, when it is down.
    pub fn with<R>(&mut self, host: HostId, work: impl FnOnce(&mut Cx<'_>) -> R) -> Option<R> {
        let result = self.act_as(host, |_, cx| work(cx));
        self.turn(host);
        result
    }

    // ---- what its parts share

    fn schedule(&mut self, at: Instant, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), happening);
    }

    /// Makes facts of what a machine has said since.
    fn listen(&mut self, host: HostId) {
        if self.hosts[host].machine.said.is_empty() {
            return;
        }
        for what in std::mem::take(&mut self.hosts[host].machine.said) {
            self.fact(host, what);
        }
    }

    fn fact(&mut self, host: HostId, what: What) {
        if self.broken.is_some() {
            return;
        }
        self.facts += 1;
        let local = self.hosts[host].machine.latest;
        let fact = Fact { at: self.now, local, host, what };
        self.digest.add(&fact);
        if let Some(story) = &mut self.story {
            story.add(&fact);
        }
        if let What::Told(Event::Receipt { id, stage: Stage::Received, .. }) = &fact.what {
            self.probes.remove(id);
        }
        if let What::Told(
            Event::Message(Received { id, .. }) | Event::Receipt { id, stage: Stage::Failed(_), .. },
        ) = &fact.what
        {
            self.open.remove(id);
        }
        let scene = Scene::new(self.now, self.healed, &self.hosts, &self.streams, &self.conditions);
        self.sometimes.observe(&scene, &fact);
        for invariant in &mut self.invariants {
            if let Err(why) = invariant.observe(&scene, &fact) {
                self.broken = Some(Violation::new(invariant.name(), why, &fact));
                return;
            }
        }
    }

    pub(crate) fn accuse(&mut self, invariant: &'static str, why: String) {
        if self.broken.is_none() {
            self.broken = Some(Violation::at(invariant, why, self.now));
        }
    }
}
