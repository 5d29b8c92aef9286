//! No link over which bytes flow is called dead, and one that is dead is.

use std::collections::BTreeMap;

use homing_core::{Event, Instant, LinkId, Reason};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// A link dies of silence only when there was silence, for as long as was agreed on this machine's clock, and with
/// nothing unread; and when everything has drained, no link leads to somebody who is not there.
#[derive(Default)]
pub struct Heartbeats {
    /// When something was last read, by the machine's own clock, which never runs backwards for its node.
    heard: BTreeMap<(HostId, LinkId), Instant>,
}

impl Heartbeats {
    fn died(&self, scene: &Scene<'_>, fact: &Fact, link: LinkId) -> Result<(), String> {
        let Some((other, ..)) = scene.other_end(fact.host, link) else { return Ok(()) };
        let heartbeat = |host| scene.spec(host).config.heartbeat;
        let least = heartbeat(fact.host).between(heartbeat(other)).silence;
        let Some(heard) = self.heard.get(&(fact.host, link)) else { return Ok(()) };
        let silence = fact.local.saturating_since(*heard);
        if silence < least {
            return Err(format!("{link} was called dead after {silence:?} of silence"));
        }
        match scene.unread_before(fact.host, link) {
            0 => Ok(()),
            unread => Err(format!("{link} was called dead with {unread} bytes unread")),
        }
    }
}

impl Invariant for Heartbeats {
    fn name(&self) -> &'static str {
        "heartbeat"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        let host = fact.host;
        match &fact.what {
            What::Heard { link, .. } => {
                self.heard.insert((host, *link), fact.local);
            }
            What::Opened { link, .. } => {
                self.heard.insert((host, *link), fact.local);
            }
            What::Told(Event::LinkDown { link, why, .. })
                if why.reason() == Reason::SILENCE && is_ours(why) =>
            {
                return self.died(scene, fact, *link);
            }
            What::Told(Event::Down { network, why, .. })
                if why.reason() == Reason::SILENCE && is_ours(why) =>
            {
                let leads_there = |link: &LinkId| {
                    let other = scene.other_end(host, *link);
                    let serving = other.and_then(|(other, ..)| scene.spec(other).config.serving.as_ref());
                    !link.is_accepted() && serving.is_some_and(|it| it.address.network() == network.as_str())
                };
                let links: Vec<LinkId> = scene.links(host).filter(leads_there).collect();
                let deaths = links.iter().map(|link| self.died(scene, fact, *link));
                // One that is closing already may lead to the same hub.
                return deaths.min_by_key(|death| u8::from(death.is_err())).unwrap_or(Ok(()));
            }
            What::Crashed | What::Started { .. } => {
                self.heard.retain(|(who, _), _| *who != host);
            }
            _ => {}
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for host in 0..scene.hosts() {
            for link in scene.links(host) {
                let there = scene.other_end(host, link).is_some_and(|(_, _, there)| there);
                if !there {
                    let name = &scene.identity(host).name;
                    return Err(format!("{name} still has {link}, which leads nowhere"));
                }
            }
        }
        Ok(())
    }
}

fn is_ours(why: &homing_core::CloseReason) -> bool {
    why.by == homing_core::ClosedBy::Us
}
