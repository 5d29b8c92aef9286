//! Looking at a node: which networks, which peers, which way.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::link::LinkId;
use crate::node::Node;
use crate::node::admission::network_of;
use crate::node::event::PeerInfo;
use crate::node::router::Rule;
use crate::node::submit::Way;
use crate::{Address, AddressError, Network, Reason};

/// A network that a node is in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkInfo {
    /// Its name.
    pub network: Network,
    /// Who the node is there.
    pub address: Address,
    /// Who has authority there; the node itself, when it serves the network.
    pub hub: Address,
    /// Whether the node serves it.
    pub serving: bool,
    /// The round trip to the hub, as the last ping measured it.
    pub rtt: Option<Duration>,
}

/// Where an address leads from a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// To the node itself.
    Here,
    /// To everybody in the network.
    Everyone,
    /// To a peer on one of its links.
    Peer(LinkId),
    /// To the hub of the network, on this link, which knows more.
    Hub(LinkId),
    /// Nowhere, for this reason.
    Nowhere(Reason),
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Here => f.write_str("this node"),
            Route::Everyone => f.write_str("everybody in the network"),
            Route::Peer(link) => write!(f, "the peer's link {link}"),
            Route::Hub(link) => write!(f, "the hub, by link {link}"),
            Route::Nowhere(reason) => write!(f, "nowhere: {reason}"),
        }
    }
}

/// Why an address leads where it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// The address.
    pub to: Address,
    /// Where it leads.
    pub route: Route,
    /// The rule that chose it.
    pub rule: &'static str,
    /// The instance that it means now.
    pub instance: Option<Address>,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> ", self.to)?;
        if let Some(instance) = &self.instance
            && *instance != self.to
        {
            write!(f, "{instance} -> ")?;
        }
        write!(f, "{} ({})", self.route, self.rule)
    }
}

impl Node {
    /// The networks that it is in now: first the one that it serves.
    pub fn networks(&self) -> Vec<NetworkInfo> {
        let served = self.config.serving.as_ref().and_then(|serving| {
            let address = serving.address.clone();
            Some(NetworkInfo {
                network: network_of(&address)?,
                hub: address.clone(),
                address,
                serving: true,
                rtt: None,
            })
        });
        let joined = self.uplinks.members().filter_map(|(_, member)| {
            let address = member.address.clone();
            let network = network_of(&address)?;
            let rtt = self.links.get(member.link).and_then(|link| link.conn.as_ref()?.rtt());
            Some(NetworkInfo { network, address, hub: member.hub.clone(), serving: false, rtt })
        });
        served.into_iter().chain(joined).collect()
    }

    /// Everybody in a network, itself and the hub too; `None` when it is not in it.
    pub fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        if self.config.serving.as_ref().is_some_and(|serving| serving.address.network() == network) {
            return Some(self.served_peers());
        }
        let (_, member) = self.uplinks.member(network)?;
        Some(member.roster.peers().cloned().collect())
    }

    pub(super) fn peer_count(&self, network: &str) -> Option<usize> {
        if self.config.serving.as_ref().is_some_and(|serving| serving.address.network() == network) {
            return Some(self.router.len() + 1);
        }
        self.uplinks.member(network).map(|(_, member)| member.roster.peers().count())
    }

    /// The key of the hub of a network that this node has joined, proven.
    pub fn hub_key(&self, network: &str) -> Option<crate::PeerId> {
        self.uplinks.member(network).map(|(_, member)| member.hub_key)
    }

    /// Where an address leads from here, and why. Nothing is sent.
    pub fn why(&self, to: &Address) -> Why {
        let why = |route, rule| Why { to: to.clone(), route, rule, instance: None };
        let link = match self.way(to) {
            Ok(Way::Served) => return self.why_served(to),
            Ok(Way::Uplink(link)) => link,
            Err(crate::SendError::NotConnected(_)) => {
                return why(Route::Nowhere(Reason::UNREACHABLE), "the network's link is down");
            }
            Err(_) => return why(Route::Nowhere(Reason::NO_ROUTE), "not a network of this node"),
        };
        if let Some((_, member)) = self.uplinks.member(to.network())
            && member.address == *to
        {
            return why(Route::Here, "its own address");
        }
        why(Route::Hub(link), "the network's link")
    }

    fn why_served(&self, to: &Address) -> Why {
        let why = |route, rule| Why { to: to.clone(), route, rule, instance: None };
        let own = self.config.serving.as_ref().is_some_and(|serving| {
            let bare = to.instance().is_none() && serving.address.bare_str() == to.as_str();
            bare || serving.address == *to
        });
        if to.is_everyone() {
            return why(Route::Everyone, "the address of everybody");
        }
        if own {
            return why(Route::Here, "its own address");
        }
        match self.router.find(to.name(), to.instance()) {
            Ok((seat, rule)) => Why {
                to: to.clone(),
                route: Route::Peer(seat.link),
                rule: Rule::text(rule),
                instance: Some(seat.address.clone()),
            },
            Err(reason) => why(Route::Nowhere(reason), "the network's roster"),
        }
    }

    /// Reads an address as a person writes it: a bare `name` is in the first network of this node.
    ///
    /// # Errors
    /// When it is no address, or has no network and this node is in none.
    pub fn resolve(&self, text: &str) -> Result<Address, AddressError> {
        match self.networks().first() {
            Some(first) => Address::parse_in(text, &first.network),
            None => text.to_string().parse(),
        }
    }

    /// How many links it has, in whatever state.
    pub fn links(&self) -> usize {
        self.links.len()
    }
}
