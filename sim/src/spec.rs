//! Machines as one usually wants them.

use std::sync::Arc;
use std::time::Duration;

use homing_core::crypto::Fake;
use homing_core::{Address, Config, Dial, Limits, Serving};

use crate::handler::{Disk, Handler, Idle};
use crate::host::{HostSpec, Maker};

/// The application of a machine: `make` is called at each start, with what the machine's disk holds.
///
/// ```
/// use homing_sim::{Disk, Handler, app, member};
///
/// struct Counter(usize);
/// impl Handler for Counter {}
///
/// let ada = member("ada@home", 1, app(|disk: &Disk| Counter(disk.len())));
/// assert_eq!(ada.name, "ada");
/// ```
pub fn app<H: Handler + 'static>(make: impl Fn(&Disk) -> H + Send + Sync + 'static) -> Maker {
    Arc::new(move |disk| Box::new(make(disk)))
}

/// An application that deals with whatever comes and does nothing by itself: for hubs, mostly. It is [`Idle`].
pub fn idle() -> Maker {
    app(|_| Idle)
}

/// The configuration of simulated nodes: cryptography that costs nothing, and the limits that nodes have.
pub fn fake() -> Config {
    Config::with_provider(Arc::new(Fake))
}

/// Small limits: what is rare with large ones happens all the time.
pub fn tight() -> Limits {
    Limits {
        window: 12_000,
        queue: 20_000,
        replies: 10_000,
        deliveries: 15_000,
        stall: Duration::from_secs(1),
        rekey_records: 5,
        receipts: 20,
        calls: 10,
        requests: 8,
        queue_time: Duration::from_secs(10),
        ..Limits::DEFAULT
    }
}

/// A hub that lets everybody in, whose name in the world is that of its address. It listens under its network's
/// name.
///
/// # Panics
/// When `address` is none.
pub fn hub(address: &str, maker: Maker) -> HostSpec {
    let address = parse(address);
    let serving = Serving { address: address.clone(), open: true, allow: Default::default() };
    HostSpec {
        name: address.name().to_string(),
        key: 1_000_000,
        config: Config { serving: Some(serving), ..fake() },
        listens: Some(address.network().to_string()),
        dials: Vec::new(),
        maker,
    }
}

/// A member of the network that `address` names, under its name and instance, with the key of this number.
///
/// # Panics
/// When `address` is none.
pub fn member(address: &str, key: u64, maker: Maker) -> HostSpec {
    let address = parse(address);
    let name = match address.instance() {
        Some(instance) => format!("{}/{instance}", address.name()),
        None => address.name().to_string(),
    };
    HostSpec { name, key, config: fake(), listens: None, dials: vec![dial(&address)], maker }
}

/// How a machine joins a network under an address, and comes back.
///
/// # Panics
/// When the address is everybody's.
#[allow(clippy::expect_used)]
pub fn dial(address: &Address) -> Dial {
    Dial {
        target: address.network().to_string(),
        network: address.network().parse().expect("an address has a network"),
        pin: None,
        name: Some(address.name().parse().expect("the address of one peer has a name")),
        instance: Some(address.instance().unwrap_or("x").parse().expect("it was parsed")),
        priority: 0,
        redial: true,
    }
}

#[allow(clippy::expect_used)]
fn parse(address: &str) -> Address {
    address.parse().expect("an address: name@network/instance")
}
