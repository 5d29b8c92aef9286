//! Nothing before admission; names belong to keys.

use std::collections::{BTreeMap, BTreeSet};

use homing_core::{Event, LinkId, UplinkId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Uplinks go up and down in turn; nothing is heard of a network that a node is not in; a hub admits only who has
/// the key of the name, on a link that is open, and whose name it has stored; nobody comes back to what it has left;
/// after `Stopped` there is silence.
#[derive(Default)]
pub struct Admission {
    up: BTreeMap<(HostId, UplinkId), String>,
    over: BTreeSet<(HostId, UplinkId)>,
    admitted: BTreeMap<(HostId, LinkId), homing_core::Address>,
    stopped: BTreeSet<HostId>,
    left: BTreeSet<(HostId, UplinkId)>,
}

/// What the names begin with that a hub makes up: they are nobody's, and not stored.
const GUEST: &str = "guest-";

impl Admission {
    fn is_in(&self, scene: &Scene<'_>, host: HostId, network: &str) -> bool {
        let serves = scene.spec(host).config.serving.as_ref();
        serves.is_some_and(|serving| serving.address.network() == network)
            || self.up.iter().any(|((who, _), its)| *who == host && its == network)
    }

    fn told(&mut self, scene: &Scene<'_>, host: HostId, event: &Event) -> Result<(), String> {
        if self.stopped.contains(&host) {
            return Err("something is heard of it after it has stopped".into());
        }
        match event {
            Event::Up { uplink, address, hub_key, .. } => {
                if !scene.identity(host).addresses.contains(address) {
                    return Err(format!("it was admitted as {address}"));
                }
                let hub = (0..scene.hosts()).any(|hub| scene.identity(hub).key == *hub_key);
                if !hub || self.over.contains(&(host, *uplink)) {
                    return Err("it came up where it could not".into());
                }
                if self.left.contains(&(host, *uplink)) {
                    return Err(format!("it left {} and came up in it again", address.network()));
                }
                if self.up.insert((host, *uplink), address.network().to_string()).is_some() {
                    return Err("it came up twice".into());
                }
            }
            Event::Down { uplink, retry, .. } => {
                self.up.remove(&(host, *uplink));
                let over = (host, *uplink);
                let again = if retry.is_none() { !self.over.insert(over) } else { self.over.contains(&over) };
                if again {
                    return Err("an uplink that is no more is said to be down".into());
                }
            }
            Event::LinkUp { link, address, key } => {
                let rightful = scene.who(address).any(|who| scene.identity(who).key == *key);
                if !rightful {
                    return Err(format!("{address} was admitted with another's key"));
                }
                let name = address.name().as_bytes();
                let stored = scene.journal(host).iter().any(|entry| entry.ends_with(name));
                if !stored && !address.name().starts_with(GUEST) {
                    return Err(format!("{address} was admitted, and its name is not stored"));
                }
                if self.admitted.insert((host, *link), address.clone()).is_some() {
                    return Err(format!("{address} was admitted twice on one link"));
                }
            }
            Event::LinkDown { link, address, .. } => {
                if self.admitted.remove(&(host, *link)) != *address {
                    return Err(format!("{address:?} was lost, who was not there"));
                }
            }
            Event::PeerUp { peer } | Event::PeerDown { peer } => {
                if !self.is_in(scene, host, peer.address.network()) {
                    return Err(format!("{} is told of in a network that it is not in", peer.address));
                }
            }
            Event::Stopped => {
                self.stopped.insert(host);
            }
            // What was taken in before a link was lost may be handed on after it.
            Event::Message(_)
            | Event::Request(_)
            | Event::RequestEnded { .. }
            | Event::Receipt { .. }
            | Event::Answer { .. }
            | Event::CallEnded { .. } => {}
        }
        Ok(())
    }
}

impl Invariant for Admission {
    fn name(&self) -> &'static str {
        "admission"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Told(event) => self.told(scene, fact.host, event),
            What::Left { uplink } => {
                self.left.insert((fact.host, *uplink));
                Ok(())
            }
            What::Crashed | What::Started { .. } => {
                let host = fact.host;
                self.left.retain(|(who, _)| *who != host);
                self.up.retain(|(who, _), _| *who != host);
                self.over.retain(|(who, _)| *who != host);
                self.admitted.retain(|(who, _), _| *who != host);
                self.stopped.remove(&host);
                Ok(())
            }
            What::Unrestored { error } => {
                Err(format!("an entry of its journal cannot be read back: {error}"))
            }
            _ => Ok(()),
        }
    }
}
