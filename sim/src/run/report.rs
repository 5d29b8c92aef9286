//! What came of many seeds.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::invariant::Violation;
use crate::plan::Plan;
use crate::sometimes::Sometimes;

use super::{Outcome, Simulation};

/// What came of running many seeds.
#[derive(Clone, Default, Debug)]
pub struct Report {
    /// How many were run.
    pub seeds: u64,
    /// How much happened in them.
    pub facts: u64,
    /// How long they took, in their worlds.
    pub age: Duration,
    /// Which rare situations were reached.
    pub sometimes: Sometimes,
    /// The seed that failed, the lowest of those that were run, made as small as it could be.
    pub failed: Option<Box<Failed>>,
}

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Which simulation it is of.
    pub simulation: String,
    /// Its seed.
    pub seed: u64,
    /// What was wrong at first.
    pub violation: Violation,
    /// The smallest plan that was found to go wrong in the same way.
    pub plan: Plan,
    /// How many steps the first plan had.
    pub steps: usize,
    /// The last that happened, a line each.
    pub last: Vec<String>,
}

/// Each so many-th seed is run again, and its nodes are replayed.
const VERIFIED: u64 = 20;
/// How many of the last things that happened are reported.
const LAST: usize = 30;
/// How long a failing run is made smaller, at most.
const SHRINKING: Duration = Duration::from_secs(60);

impl Simulation {
    /// Runs seeds one after the other, until one fails.
    pub fn run(&self, seeds: Range<u64>) -> Report {
        self.run_on(1, seeds, |_| true)
    }

    /// Runs seeds on several threads, until one fails or `more` says no. `more` is told each outcome, from any of the
    /// threads.
    pub fn run_on(
        &self,
        threads: usize,
        seeds: Range<u64>,
        more: impl Fn(&Outcome) -> bool + Sync,
    ) -> Report {
        let next = AtomicU64::new(seeds.start);
        let stop = AtomicBool::new(false);
        let shared = Mutex::new((Report::default(), None::<(u64, Violation)>));
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return;
                }
                let plan = self.plan(seed);
                // Every so often it is also seen that a run can be repeated, as a whole and node by node.
                let outcome =
                    if seed.is_multiple_of(VERIFIED) { self.verify(&plan) } else { self.run_plan(&plan) };
                let goes_on = more(&outcome);
                let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let (report, failed) = &mut *shared;
                report.add(&outcome);
                if let Some(violation) = outcome.violation
                    && failed.as_ref().is_none_or(|(first, _)| seed < *first)
                {
                    *failed = Some((seed, violation));
                }
                if failed.is_some() || !goes_on {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(work);
            }
        });
        let (mut report, failed) = shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        report.failed = failed.map(|(seed, violation)| Box::new(self.explain(self.plan(seed), violation)));
        report
    }

    /// Makes a failing plan smaller, and says what happens in it.
    pub fn explain(&self, plan: Plan, violation: Violation) -> Failed {
        let (seed, steps) = (plan.seed, plan.steps.len());
        let plan = self.shrink(plan, &violation.invariant, SHRINKING);
        let (_, story, names) = self.tell(&plan);
        let mut last: Vec<String> = story
            .facts()
            .rev()
            .take(LAST)
            .map(|fact| format!("{:?} {}: {}", fact.at, names[fact.host], fact.what))
            .collect();
        last.reverse();
        Failed { simulation: self.name().into(), seed, violation, plan, steps, last }
    }
}

impl Report {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.facts += outcome.facts;
        self.age += outcome.age;
        self.sometimes.add(&outcome.sometimes);
    }

    /// Ends a test when a seed has failed, with all that is needed to repeat it.
    ///
    /// # Panics
    /// When a seed has failed: that is its purpose.
    #[allow(clippy::panic)]
    pub fn assert_clean(&self) {
        if let Some(failed) = &self.failed {
            panic!("{failed}");
        }
    }
}

impl Failed {
    /// A test that fails as this run did until its cause is mended: paste it beside the simulation. `simulation` is
    /// the expression that gives the [`Simulation`].
    pub fn regression(&self, simulation: &str) -> String {
        let plan = serde_json::to_string(&self.plan).unwrap_or_default();
        format!(
            "/// Seed {}: {}\n#[test]\nfn seed_{}_{}() {{\n    let plan = r#\"{plan}\"#;\n    let outcome = \
             {simulation}.run_plan(&plan.parse().unwrap());\n    assert_eq!(outcome.violation, None);\n}}\n",
            self.seed,
            self.violation.why,
            self.seed,
            self.violation.invariant.replace('-', "_"),
        )
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} of the simulation {:?} violates {}",
            self.seed, self.simulation, self.violation
        )?;
        writeln!(f, "the last that happened:")?;
        for line in &self.last {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "made smaller from {} steps to {}; a test for it:\n", self.steps, self.plan.steps.len())?;
        f.write_str(&self.regression("simulation()"))
    }
}
