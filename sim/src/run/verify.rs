//! That a run is what its plan says, and nothing else: the same again, and each node from what it was told.

use homing_core::trace::{Trace, replay};

use crate::invariant::Violation;
use crate::plan::Plan;

use super::{Outcome, Simulation};

/// A trace of one node in one run is a few hundred kilobytes; one that is larger than this is not whole.
const MOST: usize = 64 << 20;

impl Simulation {
    /// Runs a plan twice, and compares; then runs each node alone from what it was told, and compares what it does to
    /// the byte. What departs is a violation of `determinism`, or of `replay`.
    pub fn verify(&self, plan: &Plan) -> Outcome {
        let first = self.run_plan(plan);
        let (mut second, world) = self.run_world(plan, |world| world.record(MOST));
        if second.violation.is_some() {
            return second;
        }
        let mut accuse = |invariant: &str, why: String, host| {
            let at = world.now();
            second.violation.get_or_insert(Violation { invariant: invariant.into(), why, at, host });
        };
        if first.hash != world.hash() {
            accuse("determinism", format!("{:016x} at first, then {:016x}", first.hash, world.hash()), None);
        }
        for (host, bytes) in world.traces() {
            let name = &world.identity(host).name;
            let run = Trace::from_bytes(bytes).map_err(|error| error.to_string()).and_then(|trace| {
                replay(&trace, trace.ciphers().provider()).map_err(|error| error.to_string())
            });
            if let Err(why) = run {
                accuse("replay", format!("{name}: {why}"), Some(host));
            }
        }
        second
    }
}
