//! Everything is bounded.

use homing_core::Limits;

use crate::fact::{Fact, What};
use crate::invariant::{Invariant, Scene};

/// What a node says that it holds stays within what its limits allow for its links; and when everything has
/// drained, it holds little.
#[derive(Clone, Copy, Default, Debug)]
pub struct Memory;

/// What a node may keep for each link besides what waits in it: the state of a session, and tables that have grown.
const PER_LINK: usize = 160 * 1024;
/// What it may keep for itself: buffers of a record's size, and tables that have grown.
const ALONE: usize = 1024 * 1024;
/// What it may keep when nothing waits anywhere: names, rosters, the ids that it remembers.
const AT_REST: usize = 1024 * 1024;

/// The most that a node with so many links holds.
fn most(limits: &Limits, links: usize) -> usize {
    let letter = limits.letter + 1024;
    let link = limits.queue + limits.replies + limits.deliveries + limits.window + 2 * letter + PER_LINK;
    // What is counted is what is reserved: twice of what is held, when it has just grown.
    ALONE + 2 * (links + 1) * link
}

impl Invariant for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        let What::Rested { memory, links, .. } = &fact.what else { return Ok(()) };
        let most = most(&scene.spec(fact.host).config.limits, *links);
        if *memory > most {
            return Err(format!("it holds {memory} bytes on {links} links, and {most} are the most"));
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for host in 0..scene.hosts() {
            let Some(node) = scene.node(host) else { continue };
            let most = AT_REST + node.links() * PER_LINK;
            if node.memory() > most {
                let name = &scene.identity(host).name;
                return Err(format!("{name} rests and still holds {} bytes", node.memory()));
            }
        }
        Ok(())
    }
}
