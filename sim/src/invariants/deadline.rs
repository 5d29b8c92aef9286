//! Time: deadlines lie in the future, and nobody wakes up for nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use homing_core::Instant;

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// When a node rests its next deadline lies in the future of the time that it was told, or there is none; and it is
/// not woken more often than its links and its work explain.
#[derive(Default)]
pub struct Deadlines {
    woken: BTreeMap<HostId, VecDeque<Instant>>,
}

/// Woken so often within a second without a byte, an event or a command in between, a node is not at rest.
const STORM: usize = 200;

impl Invariant for Deadlines {
    fn name(&self) -> &'static str {
        "deadline"
    }

    fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        let host = fact.host;
        match &fact.what {
            What::Started { .. } => {
                self.woken.remove(&host);
            }
            What::Rested { deadline, .. } => {
                if let Some(at) = deadline.filter(|at| *at <= fact.local) {
                    return Err(format!("a deadline at {at:?} when it is {:?}", fact.local));
                }
            }
            What::Woken => {
                let woken = self.woken.entry(host).or_default();
                woken.push_back(fact.at);
                while woken.front().is_some_and(|at| *at + Duration::from_secs(1) < fact.at) {
                    woken.pop_front();
                }
                if woken.len() > STORM {
                    return Err(format!("it was woken {} times within a second, for nothing", woken.len()));
                }
            }
            What::Heard { .. } | What::Told(_) | What::Sent { .. } | What::Called { .. } => {
                self.woken.remove(&host);
            }
            _ => {}
        }
        Ok(())
    }
}
