//! Who is in a network, as each member sees it.

use std::collections::{BTreeMap, BTreeSet};

use homing_core::{Address, Event, PeerId, UplinkId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Peers come and go in turn, and what a node says of its network is what it has told; when everything has
/// drained, everybody sees everybody who is there, with the right key.
#[derive(Default)]
pub struct Roster {
    seen: BTreeMap<HostId, BTreeMap<Address, PeerId>>,
    up: BTreeMap<(HostId, UplinkId), String>,
}

impl Roster {
    fn forget(&mut self, host: HostId, network: &str) {
        if let Some(seen) = self.seen.get_mut(&host) {
            seen.retain(|address, _| address.network() != network);
        }
    }
}

impl Invariant for Roster {
    fn name(&self) -> &'static str {
        "roster"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        let host = fact.host;
        match &fact.what {
            What::Told(Event::PeerUp { peer }) => {
                if !scene.who(&peer.address).any(|who| scene.identity(who).key == peer.key) {
                    return Err(format!(
                        "{} is said to be there with a key that is not its own",
                        peer.address
                    ));
                }
                // One whose key or priority has changed is told again.
                self.seen.entry(host).or_default().insert(peer.address.clone(), peer.key);
            }
            What::Told(Event::PeerDown { peer }) => {
                let seen = self.seen.entry(host).or_default().remove(&peer.address);
                let wrong = || format!("{} is said to have left, and was not there", peer.address);
                return seen.map(|_| ()).ok_or_else(wrong);
            }
            What::Told(Event::Up { uplink, address, .. }) => {
                self.up.insert((host, *uplink), address.network().to_string());
            }
            What::Told(Event::Down { uplink, .. }) => {
                if let Some(network) = self.up.remove(&(host, *uplink)) {
                    self.forget(host, &network);
                }
            }
            What::Crashed | What::Started { .. } => {
                self.seen.remove(&host);
                self.up.retain(|(who, _), _| *who != host);
            }
            _ => {}
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for host in 0..scene.hosts() {
            let Some(node) = scene.node(host) else { continue };
            for info in node.networks() {
                let network = info.network.as_str();
                let known: BTreeSet<Address> =
                    node.peers(network).unwrap_or_default().into_iter().map(|peer| peer.address).collect();
                let there: BTreeSet<Address> = (0..scene.hosts())
                    .filter(|other| scene.node(*other).is_some())
                    .flat_map(|other| scene.identity(other).addresses.iter().map(move |own| (other, own)))
                    .filter(|(other, own)| {
                        own.network() == network
                            && scene
                                .node(*other)
                                .is_some_and(|node| node.networks().iter().any(|info| info.address == **own))
                    })
                    .map(|(_, own)| own.clone())
                    .collect();
                if known != there {
                    let name = &scene.identity(host).name;
                    return Err(format!("{name} sees {known:?}, and there are {there:?}"));
                }
                let seen = self.seen.get(&host);
                let told: BTreeSet<Address> = seen
                    .map(|seen| seen.keys().filter(|it| it.network() == network).cloned().collect())
                    .unwrap_or_default();
                let others: BTreeSet<Address> = known.into_iter().filter(|it| *it != info.address).collect();
                let told: BTreeSet<Address> = told.into_iter().filter(|it| *it != info.address).collect();
                if told != others && !info.serving {
                    let name = &scene.identity(host).name;
                    return Err(format!("{name} was told of {told:?}, and there are {others:?}"));
                }
            }
        }
        Ok(())
    }
}
