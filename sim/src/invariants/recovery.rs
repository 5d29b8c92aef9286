//! When nothing is wrong any more, everybody comes back.

use crate::fact::Fact;
use crate::invariant::{Invariant, Scene};

/// When everything is healed and has had its time, every machine runs and is in every network that it wants to be
/// in, unless that is full. That messages pass between all of them then is tried by who runs the world.
#[derive(Clone, Copy, Default, Debug)]
pub struct Recovery;

impl Invariant for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn observe(&mut self, _: &Scene<'_>, _: &Fact) -> Result<(), String> {
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for host in 0..scene.hosts() {
            let identity = scene.identity(host);
            if scene.node(host).is_none() {
                return Err(format!("{} is down", identity.name));
            }
            let wanted = identity.addresses.iter().find(|own| !scene.is_in(host, own));
            if let Some(missing) = wanted.filter(|own| !scene.is_full(own.network())) {
                return Err(format!("{} did not come back as {missing}", identity.name));
            }
        }
        Ok(())
    }
}
