//! What is looked at when everything is healed: whether all has drained, whether everybody can reach everybody.

use std::time::Duration;

use homing_core::{Address, Message, Receipts};

use crate::fact::HostId;
use crate::invariant::{Scene, Violation};

use super::{PROBE, World};

impl World {
    pub(super) fn scene(&self) -> Scene<'_> {
        Scene::new(self.now, self.healed, &self.hosts, &self.streams, &self.conditions)
    }

    /// Asks every invariant whether all has come to its end as it must, or only one.
    pub(crate) fn check_drained(&mut self, only: Option<&str>) {
        // Whom a full network turns away dials again and again, and may not have heard of the end of its last try.
        if self.streams.iter().any(|stream| !stream.dead && stream.ends[0].open != stream.ends[1].open) {
            self.run_for(Duration::from_secs(1));
        }
        if self.broken.is_some() {
            return;
        }
        let scene = Scene::new(self.now, self.healed, &self.hosts, &self.streams, &self.conditions);
        for invariant in self.invariants.iter_mut().filter(|it| only.is_none_or(|only| only == it.name())) {
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
                        self.probe(host, &to);
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

    /// Sends a message that must be received.
    pub(super) fn probe(&mut self, host: HostId, to: &Address) {
        let message = Message::new(PROBE, "anybody there?").with_receipts(Receipts::Received);
        match self.act_as(host, |_, cx| cx.send(to, message)) {
            Some(Ok(id)) => _ = self.probes.insert(id),
            Some(Err(why)) => self.accuse("recovery", format!("cannot send to {to}: {why}")),
            None => self.accuse("recovery", format!("{} is down", self.identity(host).name)),
        }
    }

    pub(super) fn await_probes(&mut self, host: HostId, most: Duration, invariant: &'static str, what: &str) {
        if !self.until(most, |world| world.probes.is_empty()) && self.broken.is_none() {
            let n = self.probes.len();
            let name = self.identity(host).name.clone();
            self.accuse(invariant, format!("{n} of the messages of {name} {what}"));
        }
    }
}
