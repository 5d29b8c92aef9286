//! What a node is told once.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;

use crate::crypto::{Provider, Pure};
use crate::noise::Suite;
use crate::{Address, Heartbeat, Limits, PeerId};

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
