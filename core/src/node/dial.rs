//! How a node comes into a network.

use alloc::string::String;

use crate::{Instance, Invite, Name, Network, PeerId};

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
