//! A whole simulated world whose every choice is the fuzzer's.

use std::time::Duration;

use crate::scenarios;

/// The longest plan that is run: a world takes milliseconds for each step, and what goes wrong in a long one goes
/// wrong in a short one.
const MOST: usize = 1024;

/// The choices of a simulated world: who is in it, what they ask of each other and what befalls them.
///
/// It is a run like any other ([`Simulation`](crate::Simulation)), but what a seed would draw is read off the
/// bytes, so that a fuzzer which sees where a run has been can steer the next one. Every invariant of
/// [`invariants`](crate::invariants) watches; after all faults everything must drain. The same bytes must do the
/// same twice.
pub fn schedule(data: &[u8]) {
    let data = &data[..data.len().min(MOST)];
    let simulation = scenarios::mixed().steps(3, 24).lasting(Duration::from_secs(60));
    let plan = simulation.plan_of_bytes(data);
    let outcome = simulation.run_plan(&plan);
    if let Some(violation) = outcome.violation {
        let json = serde_json::to_string(&plan).unwrap_or_default();
        panic!("{violation}\nthe plan: {json}");
    }
    // Twice is dear: once in a while.
    if data.last().is_some_and(|last| last % 16 == 0) {
        assert_eq!(simulation.run_plan(&plan).hash, outcome.hash, "the same plan has done something else");
    }
}
