//! What is tried when everything is healed: whether all has drained, whether everybody can reach everybody, whether
//! one that takes nothing holds up others, whether work leaves something behind.

use std::time::Duration;

use homing_core::trace::{Trace, replay};
use homing_core::{Address, Command, Message, Pattern, Priority, Receipts};

use crate::fact::HostId;
use crate::invariant::{Scene, Violation};

use super::World;

/// A sender who waits for a recipient that stands still is free again so long after [`Limits::stall`].
///
/// [`Limits::stall`]: homing_core::Limits
const FREE: Duration = Duration::from_secs(2);
/// Only windows up to this are filled: with larger ones it takes too long.
const SMALL_WINDOW: usize = 64 << 10;
/// The same work, done again, may leave so much more behind: tables that have just grown.
const LEFT_BEHIND: usize = 512;

/// Three machines in one network: its hub and two that are not.
struct Three {
    hub: HostId,
    from: (HostId, Address),
    to: (HostId, Address),
    /// A fourth, if there is one.
    deaf: Option<(HostId, Address)>,
}

impl World {
    fn scene(&self) -> Scene<'_> {
        Scene::new(self.now, self.healed, &self.hosts, &self.streams, &self.conditions)
    }

    /// Asks every invariant whether all has come to its end as it must.
    pub(crate) fn check_drained(&mut self) {
        if self.broken.is_some() {
            return;
        }
        let scene = Scene::new(self.now, self.healed, &self.hosts, &self.streams, &self.conditions);
        for invariant in &mut self.invariants {
            if let Err(why) = invariant.drained(&scene) {
                self.broken = Some(Violation::at(invariant.name(), why, self.now));
                return;
            }
        }
    }

    /// Sends a message from everybody to everybody in the same network, and sees that each is received.
    pub(crate) fn check_reachable(&mut self, most: Duration) {
        for host in 0..self.hosts.len() {
            self.probes.clear();
            for own in self.members(host) {
                for other in (0..self.hosts.len()).filter(|other| *other != host) {
                    for to in self.members(other).into_iter().filter(|to| to.network() == own.network()) {
                        self.probe(host, &to, Priority::Normal);
                    }
                }
            }
            self.turn(host);
            self.await_probes(host, most, "recovery", "were not received");
        }
    }

    /// The addresses under which a machine must be reached: all that it wants, but where a network is full.
    fn members(&self, host: HostId) -> Vec<Address> {
        let scene = self.scene();
        let own = self.identity(host).addresses.iter();
        own.filter(|own| scene.is_in(host, own) || !scene.is_full(own.network())).cloned().collect()
    }

    fn probe(&mut self, host: HostId, to: &Address, priority: Priority) {
        let mut message = Message::text("anybody there?").with_receipts(Receipts::Received);
        message.priority = priority;
        match self.act_as(host, |_, cx| cx.send(to, message)) {
            Some(Ok(id)) => _ = self.probes.insert(id),
            Some(Err(why)) => self.accuse("recovery", format!("cannot send to {to}: {why}")),
            None => self.accuse("recovery", format!("{} is down", self.identity(host).name)),
        }
    }

    fn await_probes(&mut self, host: HostId, most: Duration, invariant: &'static str, what: &str) {
        if !self.until(most, |world| world.probes.is_empty()) && self.broken.is_none() {
            let n = self.probes.len();
            let name = self.identity(host).name.clone();
            self.accuse(invariant, format!("{n} of the messages of {name} {what}"));
        }
    }

    /// Some who can talk, in each network.
    fn threes(&self) -> Vec<Three> {
        let scene = self.scene();
        let mut found = Vec::new();
        for hub in 0..self.hosts.len() {
            let Some(serving) = &self.hosts[hub].spec.config.serving else { continue };
            let network = serving.address.network();
            let mut members = (0..self.hosts.len()).filter(|host| *host != hub).filter_map(|host| {
                let own = self.identity(host).addresses.iter().find(|own| own.network() == network)?;
                scene.is_in(host, own).then(|| (host, own.clone()))
            });
            if let (Some(from), Some(to)) = (members.next(), members.next()) {
                found.push(Three { hub, from, to, deaf: members.next() });
            }
        }
        found
    }

    /// One member takes nothing, and another writes to it until nothing more goes: what it writes to a third still
    /// gets there when [`Limits::stall`](homing_core::Limits) is over; and what is urgent overtakes.
    pub(crate) fn check_fair(&mut self) {
        for Three { hub, from: (from, _), to: (_, to), deaf } in self.threes() {
            let limits = &self.hosts[hub].spec.config.limits;
            let (window, stall) = (limits.window, limits.stall);
            let Some((deaf, its)) = deaf.filter(|_| window <= SMALL_WINDOW && stall + FREE < limits.queue_time)
            else {
                continue;
            };
            self.probes.clear();
            self.hosts[deaf].takes = false;
            for at in 0..(4 * window / 2_000) {
                let mut message = Message::new("text/plain", vec![b'.'; 2_000]);
                message.receipts = Receipts::Failure;
                message.metadata.insert("then".into(), "2".into());
                if at % 3 == 1 {
                    message.priority = Priority::Bulk;
                }
                if !matches!(self.act_as(from, |_, cx| cx.send(&its, message)), Some(Ok(_))) {
                    break;
                }
                if at == 3 {
                    // It waits for room, too, and those behind it must not go before it.
                    self.probe(from, &to, Priority::Urgent);
                }
            }
            self.turn(from);
            let urgent = std::mem::take(&mut self.probes);
            // Its own queue may be full until they go.
            self.run_for(stall + FREE / 2);
            if self.broken.is_some() {
                return;
            }
            self.probes = urgent.into_iter().filter(|id| !self.received.contains(id)).collect();
            self.probe(from, &to, Priority::Normal);
            self.turn(from);
            self.await_probes(from, FREE, "fairness", "waited for one that takes nothing");
            self.listen_again(deaf);
            self.turn(deaf);
            self.run_for(Duration::from_secs(15));
        }
    }

    /// The same work is done several times: the nodes hold no more after the last time than after the one before.
    pub(crate) fn check_leaks(&mut self) {
        for Three { hub, from: (from, _), to: (other, to), .. } in self.threes() {
            let mut before = Vec::new();
            for _ in 0..3 {
                self.work(from, &to);
                let now: Vec<(HostId, usize)> = [hub, from, other]
                    .into_iter()
                    .filter_map(|host| Some((host, self.node(host)?.memory())))
                    .collect();
                if self.broken.is_some() {
                    return;
                }
                let last = std::mem::replace(&mut before, now);
                let grown = before.iter().zip(last).find(|(now, last)| now.1 > last.1 + LEFT_BEHIND);
                if let Some(((host, now), (_, last))) = grown.filter(|_| false) {
                    let name = self.identity(*host).name.clone();
                    return self.accuse("memory", format!("{name} held {last} bytes, and {now} after the same again"));
                }
            }
        }
    }

    /// Calls that are not answered in time, and messages.
    fn work(&mut self, from: HostId, to: &Address) {
        for _ in 0..8 {
            for _ in 0..3 {
                let call = Command::get("never").with_body("text/plain", b"anybody there?".to_vec());
                let patience = Duration::from_millis(200);
                self.act_as(from, |_, cx| cx.request(Pattern::One(to.clone()), call, patience));
            }
            let message = Message::text("anybody there?").with_receipts(Receipts::Consumed);
            self.act_as(from, |_, cx| cx.send(to, message));
            self.turn(from);
            self.run_for(Duration::from_millis(500));
        }
        self.run_for(Duration::from_secs(5));
    }

    /// Replays the nodes that were recorded and have not ended.
    pub(crate) fn check_replays(&mut self) {
        for host in 0..self.hosts.len() {
            self.check_replay(host);
        }
    }

    /// A node that was recorded does the same again when it is told the same.
    pub(super) fn check_replay(&mut self, host: HostId) {
        let Some(node) = &self.hosts[host].machine.node else { return };
        if node.tape().is_none_or(|tape| !tape.is_whole()) {
            return;
        }
        let Some(bytes) = node.trace() else { return };
        let provider = self.hosts[host].spec.config.provider.clone();
        let replayed = Trace::from_bytes(bytes).map_err(|error| error.to_string());
        let replayed = replayed.and_then(|it| replay(&it, provider).map_err(|error| error.to_string()));
        if let Err(why) = replayed {
            let name = self.identity(host).name.clone();
            self.accuse("replay", format!("{name}: {why}"));
        }
    }
}
