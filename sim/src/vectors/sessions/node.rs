//! Real nodes with the keys of the vectors.

use std::sync::Arc;

use homing_core::{
    Address, Config, Dial, Instant, Limits, Network, Node, PeerId, Seed, Serving, StaticKey, Suite,
};

use crate::vectors::Hex;
use crate::vectors::sessions::Party;
use crate::vectors::sessions::fixed::Fixed;

/// When every session begins.
pub(super) const START: Instant = Instant::from_micros(1_000_000);

/// A party of the frozen sessions, by the bytes that its keys are made of.
pub(super) fn party(static_key: u8, ephemeral: u8, network: &str) -> Party {
    Party {
        static_key: Hex::from([static_key; 32]),
        ephemeral: Hex::from([ephemeral; 32]),
        network: network.into(),
        pin: None,
        closed: false,
        journal: Vec::new(),
    }
}

pub(super) fn ada() -> Party {
    party(0x11, 0x22, "home")
}

pub(super) fn hub() -> Party {
    party(0x33, 0x44, "home")
}

pub(super) fn fault(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A node with this party's keys. As a hub it is `hub@` its network.
pub(super) fn node(party: &Party, suite: Suite, serves: bool, limits: Limits) -> Result<Node, String> {
    let (static_key, ephemeral) = (party.static_key.array()?, party.ephemeral.array()?);
    let network: Network = party.network.parse().map_err(fault)?;
    let address = Address::new(&"hub".parse().map_err(fault)?, &network, None);
    let serving = Serving { address, open: !party.closed, allow: Default::default() };
    let config = Config {
        serving: serves.then_some(serving),
        limits,
        suite,
        ..Config::with_provider(Arc::new(Fixed { static_key, ephemeral }))
    };
    let key = StaticKey::from_bytes(static_key);
    // What is random is the ids: drawn from the static key, so that no two nodes have the same.
    let mut node = Node::new(START, key, Seed::from_bytes(static_key), Arc::new(config));
    for entry in &party.journal {
        node.restore(&entry.0).map_err(fault)?;
    }
    Ok(node)
}

/// How a member of this name comes in.
pub(super) fn dial(party: &Party, name: Option<&str>) -> Result<Dial, String> {
    let pin = party.pin.as_ref().map(Hex::array).transpose()?.map(PeerId::from_bytes);
    Ok(Dial {
        target: "hub".into(),
        network: party.network.parse().map_err(fault)?,
        pin,
        name: name.map(str::parse).transpose().map_err(fault)?,
        instance: Some("laptop".parse().map_err(fault)?),
        priority: 0,
        redial: false,
    })
}
