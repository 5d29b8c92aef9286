//! What a node is told once.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;

use crate::crypto::{Provider, Pure};
use crate::noise::Suite;
use crate::{Address, Heartbeat, Instance, Invite, Limits, Name, Network, PeerId};

/// How a node behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network over which this node has authority, if it lets others dial it.
    pub serving: Option<Serving>,
    /// Its caps.
    pub limits: Limits,
    /// The heartbeat that it asks its neighbours for.
    pub heartbeat: Heartbeat,
    /// Who does its cryptography.
    pub provider: Arc<dyn Provider>,
    /// The cipher suite that it dials with. It accepts all.
    pub suite: Suite,
}

impl Config {
    /// A node that only dials, with pure Rust cryptography.
    pub fn new() -> Config {
        Config::with_provider(Arc::new(Pure))
    }

    /// A node that only dials, with this cryptography and the suite that it does best.
    pub fn with_provider(provider: Arc<dyn Provider>) -> Config {
        let suite = Suite::preferred(&*provider);
        Config { serving: None, limits: Limits::DEFAULT, heartbeat: Heartbeat::INTERNET, provider, suite }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

/// Authority over a network: this node is its hub.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Serving {
    /// The hub's own address: `hub@home`.
    pub address: Address,
    /// Whether anybody is let in. A newcomer's name is bound to its key then.
    pub open: bool,
    /// The keys that are let in besides those that a name is bound to.
    pub allow: BTreeSet<PeerId>,
}

/// A network that this node has dialed and keeps dialing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UplinkId(pub(crate) u64);

/// How to come into a network, and to come back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dial {
    /// What the driver is to dial: [`Action::Dial`](crate::Action::Dial).
    pub target: String,
    /// The network.
    pub network: Network,
    /// The key that must answer. Without one, whoever answers is believed: look at the key in
    /// [`Event::Up`](crate::Event::Up).
    pub pin: Option<PeerId>,
    /// The name to ask for; without one, the hub makes one up, if it takes guests.
    pub name: Option<Name>,
    /// Which of several nodes of this name; without one, made up.
    pub instance: Option<Instance>,
    /// Among instances of one name the highest gets what is for the name; one below zero gets only
    /// what names it.
    pub priority: i8,
    /// Whether to dial again when the link is lost.
    pub redial: bool,
}

impl Dial {
    /// Dials as an invite says, under `name`, and again when the link is lost.
    pub fn invite(invite: &Invite, name: Name) -> Dial {
        Dial {
            target: invite.target.clone(),
            network: invite.network.clone(),
            pin: Some(invite.key),
            name: Some(name),
            instance: None,
            priority: 0,
            redial: true,
        }
    }
}
