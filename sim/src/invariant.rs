//! What must hold, whatever happens: how it is said and what it looks at.

use std::fmt;

use homing_core::{Instant, LinkId, Node};

use crate::conditions::Conditions;
use crate::fact::{Fact, HostId, Identity};
use crate::host::Host;
use crate::network::Stream;

/// Something that must hold in every run.
///
/// It is shown each fact as it happens and keeps what it needs to judge the next ones. When it says that
/// something is wrong, the run ends there.
pub trait Invariant {
    /// A word for it, for reports.
    fn name(&self) -> &'static str;

    /// Looks at what has just happened.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String>;

    /// All faults are healed and all has had its time: nothing may be left open now.
    ///
    /// # Errors
    /// What is left, for people.
    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let _ = scene;
        Ok(())
    }
}

impl<I: Invariant + ?Sized> Invariant for Box<I> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        (**self).observe(scene, fact)
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        (**self).drained(scene)
    }
}

/// A world as an invariant sees it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    now: Instant,
    healed: bool,
    hosts: &'a [Host],
    streams: &'a [Stream],
    conditions: &'a Conditions,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        now: Instant,
        healed: bool,
        hosts: &'a [Host],
        streams: &'a [Stream],
        conditions: &'a Conditions,
    ) -> Scene<'a> {
        Scene { now, healed, hosts, streams, conditions }
    }

    /// The world's time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Whether nothing is in anybody's way any more.
    pub fn healed(&self) -> bool {
        self.healed
    }

    /// How many machines there are.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// How bytes travel.
    pub fn conditions(&self) -> &Conditions {
        self.conditions
    }

    /// The machine of this name.
    pub fn named(&self, name: &str) -> Option<HostId> {
        self.hosts.iter().position(|it| it.machine.identity.name == name)
    }

    /// Who a machine is.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn identity(&self, host: HostId) -> &'a Identity {
        &self.hosts[host].machine.identity
    }

    /// What a machine was made of.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn spec(&self, host: HostId) -> &'a crate::HostSpec {
        &self.hosts[host].spec
    }

    /// A machine's node; none while it is down.
    pub fn node(&self, host: HostId) -> Option<&'a Node> {
        self.hosts.get(host)?.machine.node.as_deref()
    }

    /// What a machine has written on its disk, besides its journal.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn disk(&self, host: HostId) -> &'a crate::Disk {
        &self.hosts[host].machine.disk
    }

    /// Whether a machine runs, and its application takes what is delivered.
    pub fn is_well(&self, host: HostId) -> bool {
        self.hosts.get(host).is_some_and(|it| it.machine.node.is_some() && !it.paused && it.takes)
    }

    /// What has arrived on a link of a machine that its node has not read.
    pub fn unread(&self, host: HostId, link: LinkId) -> usize {
        let end = self.hosts.get(host).and_then(|it| it.links.get(&link));
        end.and_then(|(s, end)| Some(self.streams.get(*s)?.pipes[1 - end].ready.len())).unwrap_or(0)
    }

    /// The same, without what has arrived at this very moment: a driver may look at its timer first.
    pub(crate) fn unread_before(&self, host: HostId, link: LinkId) -> usize {
        let end = self.hosts.get(host).and_then(|it| it.links.get(&link));
        let pipe = end.and_then(|(s, end)| Some(&self.streams.get(*s)?.pipes[1 - end]));
        pipe.filter(|pipe| pipe.since < self.now).map_or(0, |pipe| pipe.ready.len())
    }

    /// Who is at the other end of a link: the machine, its link, and whether it still has it.
    pub fn other_end(&self, host: HostId, link: LinkId) -> Option<(HostId, LinkId, bool)> {
        let (s, end) = self.hosts.get(host)?.links.get(&link)?;
        let stream = self.streams.get(*s)?;
        let other = &stream.ends[1 - end];
        Some((other.host, other.link, other.open && !stream.dead))
    }

    /// The links of a machine.
    pub fn links(&self, host: HostId) -> impl Iterator<Item = LinkId> + 'a {
        self.hosts[host].links.keys().copied()
    }

    /// How many streams a machine has dialed, ever.
    pub(crate) fn streams_of(&self, host: HostId) -> usize {
        self.streams.iter().filter(|stream| stream.ends[0].host == host).count()
    }

    /// Whether a link of a machine lives that has carried more records than one key takes.
    pub(crate) fn past_first_key(&self, host: HostId) -> bool {
        let most = self.hosts[host].spec.config.limits.rekey_records;
        let mut links = self.hosts[host].links.values();
        links.any(|(s, end)| self.streams.get(*s).is_some_and(|it| it.pipes[*end].writes > most + 3))
    }

    /// Whether a machine is in a network under this address.
    pub fn is_in(&self, host: HostId, own: &homing_core::Address) -> bool {
        self.node(host).is_some_and(|node| node.networks().iter().any(|info| info.address == *own))
    }

    /// Whether a network's hub lets nobody else in, as there are as many as it takes.
    pub fn is_full(&self, network: &str) -> bool {
        self.hosts.iter().any(|it| {
            let config = &it.spec.config;
            let serves = config.serving.as_ref().is_some_and(|it| it.address.network() == network);
            let here = it.machine.node.as_ref().and_then(|node| node.peers(network));
            serves && here.is_some_and(|here| here.len() >= config.limits.roster)
        })
    }

    /// What a machine's node has had stored and would be given at its next start.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn journal(&self, host: HostId) -> &'a [Vec<u8>] {
        &self.hosts[host].journal
    }

    /// The machines that an address means: one, or several instances of one name.
    pub fn who(&self, address: &homing_core::Address) -> impl Iterator<Item = HostId> + 'a {
        let address = address.clone();
        self.hosts
            .iter()
            .enumerate()
            .filter(move |(_, it)| it.machine.identity.has(&address))
            .map(|(at, _)| at)
    }
}

impl Identity {
    /// Whether an address means this machine: it is one of its own, or the name of one without the instance.
    pub fn has(&self, address: &homing_core::Address) -> bool {
        self.addresses.iter().any(|own| {
            own.name() == address.name()
                && own.network() == address.network()
                && (address.instance().is_none() || address.instance() == own.instance())
        })
    }
}

/// Something was not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which invariant says so.
    pub invariant: String,
    /// What is wrong.
    pub why: String,
    /// When, in the world's time.
    pub at: Instant,
    /// On which machine, if it was one.
    pub host: Option<HostId>,
}

impl Violation {
    pub(crate) fn new(invariant: &str, why: String, fact: &Fact) -> Violation {
        Violation { invariant: invariant.into(), why, at: fact.at, host: Some(fact.host) }
    }

    pub(crate) fn at(invariant: &str, why: String, at: Instant) -> Violation {
        Violation { invariant: invariant.into(), why, at, host: None }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (at {:?})", self.invariant, self.why, self.at)
    }
}
