//! A failing plan, made smaller.

use std::time::{Duration, Instant};

use crate::conditions::Conditions;
use crate::plan::{Deed, Fault, Plan, Step};

use super::Simulation;

impl Simulation {
    /// The smallest plan that was found within `most` of real time and that still violates the same invariant.
    pub fn shrink(&self, plan: Plan, invariant: &str, most: Duration) -> Plan {
        let mut search = Search { simulation: self, invariant, until: Instant::now() + most, best: plan };
        loop {
            let before = search.best.clone();
            search.drop_steps();
            search.calm();
            search.smaller_steps();
            if search.best == before || search.is_over() {
                return search.best;
            }
        }
    }
}

struct Search<'a> {
    simulation: &'a Simulation,
    invariant: &'a str,
    until: Instant,
    best: Plan,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Whether a plan still goes wrong; it is the best one then.
    fn try_plan(&mut self, plan: Plan) -> bool {
        if plan == self.best || self.is_over() {
            return false;
        }
        let violation = self.simulation.run_plan(&plan).violation;
        let still = violation.is_some_and(|violation| violation.invariant == self.invariant);
        if still {
            self.best = plan;
        }
        still
    }

    /// Leaves out halves, quarters, .. and in the end single steps.
    fn drop_steps(&mut self) {
        let mut size = self.best.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.best.steps.len() {
                let mut plan = self.best.clone();
                let end = (at + size).min(plan.steps.len());
                plan.steps.drain(at..end);
                if !self.try_plan(plan) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn calm(&mut self) {
        let plan = Plan { weather: false, ..self.best.clone() };
        self.try_plan(plan);
        for conditions in [Conditions::IDEAL, Conditions::LAN] {
            if conditions == self.best.conditions {
                break;
            }
            let plan = Plan { conditions, ..self.best.clone() };
            if self.try_plan(plan) {
                break;
            }
        }
        let used: Vec<_> = self.best.faults.clone();
        for at in (0..used.len()).rev() {
            let mut plan = self.best.clone();
            plan.faults.remove(at);
            self.try_plan(plan);
        }
        // What comes after the last step may be waited for, or not.
        let last = self.best.steps.last().map_or(0, |step| step.at);
        let plan = Plan { heal: last + 1, ..self.best.clone() };
        self.try_plan(plan);
    }

    fn smaller_steps(&mut self) {
        for at in 0..self.best.steps.len() {
            for smaller in smaller(&self.best.steps[at]) {
                let mut plan = self.best.clone();
                plan.steps[at] = smaller;
                self.try_plan(plan);
            }
        }
    }
}

/// The same step with less in it.
fn smaller(step: &Step) -> Vec<Step> {
    let with = |deed| Step { deed, ..step.clone() };
    match &step.deed {
        Deed::Poke(number) if *number > 0 => vec![with(Deed::Poke(0)), with(Deed::Poke(number / 2))],
        Deed::Send { to, size, receipts, priority, patience, then, times } => {
            let send = |size, receipts, priority, then, times| {
                let (to, patience) = (to.clone(), *patience);
                with(Deed::Send { to, size, receipts, priority, patience, then, times })
            };
            vec![
                send(0, *receipts, *priority, *then, *times),
                send(*size, *receipts, *priority, *then, 1),
                send(*size, *receipts, 1, *then, *times),
                send(*size, *receipts, *priority, 0, *times),
                send(*size, 0, *priority, *then, *times),
            ]
        }
        Deed::Fault(Fault::Partition { side, lasts, .. }) => {
            vec![with(Deed::Fault(Fault::Partition { side: *side, one_way: false, lasts: *lasts }))]
        }
        _ => Vec::new(),
    }
}
