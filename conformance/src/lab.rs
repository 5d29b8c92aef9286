//! Where a case is tried: starts nodes of the adapter under test and brings them together.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use homing_adapter::{Endpoint, Options};
use homing_core::{Dial, Heartbeat, Invite, Seed, Serving, StaticKey};

use crate::Adapter;
use crate::node::Node;
use crate::wait::{Check, Saying};

/// Listens on any free port of this machine.
pub(crate) const TCP: &str = "127.0.0.1:0";
/// The network in which all meet, and its hub.
pub(crate) const NETWORK: &str = "home";
pub(crate) const HUB: &str = "hub@home";

/// What a case works with.
pub(crate) struct Lab {
    pub(crate) adapter: &'static dyn Adapter,
    /// How long anything is waited for.
    pub(crate) patience: Duration,
}

/// A hub and two peers in its network.
pub(crate) struct Trio {
    pub(crate) hub: Node,
    pub(crate) at: Endpoint,
    pub(crate) ada: Node,
    pub(crate) bob: Node,
}

impl Lab {
    pub(crate) fn new(adapter: &'static dyn Adapter, patience: Duration) -> Lab {
        Lab { adapter, patience }
    }

    /// For how long a call waits that is to be given up: its own end must not be taken for its having been given up.
    pub(crate) fn long(&self) -> Duration {
        self.patience * 10
    }

    /// A name within the process that no other case uses.
    pub(crate) fn memory(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        format!("memory:conformance-{}", NEXT.fetch_add(1, Relaxed))
    }

    pub(crate) fn start(&self, name: &str, options: Options) -> Check<Node> {
        let subject = self.adapter.start(options).saying(&format!("starting {name}"))?;
        Ok(Node::new(subject, name, self.patience))
    }

    /// A hub that listens on `on`, and where it does.
    pub(crate) fn hub(&self, options: Options, on: &str) -> Check<(Node, Endpoint)> {
        let hub = self.start("hub", options)?;
        let at = hub.listen(on)?;
        Ok((hub, at))
    }

    /// A peer that is in the hub's network.
    pub(crate) fn join(&self, options: Options, hub: &Node, at: &Endpoint, name: &str) -> Check<Node> {
        let peer = self.start(name, options)?;
        peer.connect(dial(hub, at, name)?)?;
        Ok(peer)
    }

    /// A hub with ada and bob, who know each other, over links of one sort.
    pub(crate) fn trio(&self, on: &str) -> Check<Trio> {
        self.trio_with(on, |options| options)
    }

    /// The same, with all three's options changed.
    pub(crate) fn trio_with(&self, on: &str, with: impl Fn(Options) -> Options) -> Check<Trio> {
        let (hub, at) = self.hub(with(hub_options()), on)?;
        let ada = self.join(with(options(2)), &hub, &at, "ada")?;
        let bob = self.join(with(options(3)), &hub, &at, "bob")?;
        for peer in [&ada, &bob] {
            peer.wait_peers(3)?;
        }
        Ok(Trio { hub, at, ada, bob })
    }
}

/// A peer that only dials, with the key of this number.
pub(crate) fn options(key: u16) -> Options {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&key.to_be_bytes());
    let mut options = Options::new(StaticKey::generate(&Seed::from_bytes(seed)));
    // No ping is to make good what a lost wake-up has left undone.
    options.config.heartbeat = Heartbeat::SLOWEST;
    options
}

/// The hub of the network, open to all.
pub(crate) fn hub_options() -> Options {
    let mut options = options(1);
    options.config.serving =
        HUB.parse().ok().map(|address| Serving { address, open: true, allow: Default::default() });
    options
}

/// How to come into the hub's network at `at` as `name`, and to come back.
pub(crate) fn dial(hub: &Node, at: &Endpoint, name: &str) -> Check<Dial> {
    let network = NETWORK.parse().saying("the network's name")?;
    let invite = Invite { key: hub.peer_id(), target: at.to_string(), network };
    Ok(Dial::invite(&invite, name.parse().saying(name)?))
}
