//! The numbers, for people and for programs.

use crate::child::Each;

/// What one message cost each of the three processes, in one round.
pub(crate) struct Sample {
    pub(crate) ada: Each,
    pub(crate) bob: Each,
    pub(crate) hub: Each,
}

/// What one kind of work cost on one adapter.
pub(crate) struct Cost {
    work: &'static str,
    runtime: &'static str,
    pub(crate) samples: Vec<Sample>,
}

/// The middle of all rounds.
struct Middle {
    ada: f64,
    bob: f64,
    both: f64,
    hub: f64,
    ada_turns: f64,
    bob_turns: f64,
}

impl Cost {
    pub(crate) fn new(work: &'static str, runtime: &'static str) -> Cost {
        Cost { work, runtime, samples: Vec::new() }
    }

    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        let mut all: Vec<f64> = self.samples.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    fn middle(&self) -> Middle {
        Middle {
            ada: self.median(|sample| sample.ada.microseconds),
            bob: self.median(|sample| sample.bob.microseconds),
            both: self.median(both),
            hub: self.median(|sample| sample.hub.microseconds),
            ada_turns: self.median(|sample| sample.ada.turns),
            bob_turns: self.median(|sample| sample.bob.turns),
        }
    }

    fn lowest(&self) -> f64 {
        self.samples.iter().map(both).fold(f64::INFINITY, f64::min)
    }

    fn highest(&self) -> f64 {
        self.samples.iter().map(both).fold(0.0, f64::max)
    }
}

fn both(sample: &Sample) -> f64 {
    sample.ada.microseconds + sample.bob.microseconds
}

/// How many times what the same work costs on std, if that was measured.
fn ratio(costs: &[Cost], cost: &Cost) -> Option<f64> {
    let std = costs.iter().find(|other| other.work == cost.work && other.runtime == "std")?;
    Some(cost.middle().both / std.middle().both)
}

/// A table in Markdown.
pub(crate) fn print(costs: &[Cost], rounds: usize) {
    println!("CPU time of a message in µs, medians of {rounds} rounds");
    let mut work = "";
    for cost in costs {
        if cost.work != work {
            work = cost.work;
            println!(
                "\n| {work:22} |   ada |   bob |  both | lowest–highest | to std | ada turns | bob turns |   hub |"
            );
            let rule = |width: usize| format!("{:->width$}:", "");
            let rules = [6, 6, 6, 15, 7, 10, 10, 6].map(rule).join("|");
            println!("|{:-<24}|{rules}|", "");
        }
        let middle = cost.middle();
        let ratio = ratio(costs, cost).map_or("-".to_string(), |ratio| format!("{ratio:.2}"));
        let range = format!("{:.2}–{:.2}", cost.lowest(), cost.highest());
        println!(
            "| {:22} | {:5.2} | {:5.2} | {:5.2} | {range:>14} | {ratio:>6} | {:9.3} | {:9.3} | {:5.2} |",
            cost.runtime, middle.ada, middle.bob, middle.both, middle.ada_turns, middle.bob_turns, middle.hub
        );
    }
}

/// A line of JSON for each work on each adapter.
pub(crate) fn print_json(costs: &[Cost], rounds: usize) {
    for cost in costs {
        let middle = cost.middle();
        // Names have nothing in them that JSON would want escaped.
        println!(
            r#"{{"work":"{}","runtime":"{}","rounds":{rounds},"ada_us":{:.3},"bob_us":{:.3},"both_us":{:.3},"lowest_us":{:.3},"highest_us":{:.3},"to_std":{},"ada_turns":{:.4},"bob_turns":{:.4},"hub_us":{:.3}}}"#,
            cost.work,
            cost.runtime,
            middle.ada,
            middle.bob,
            middle.both,
            cost.lowest(),
            cost.highest(),
            ratio(costs, cost).map_or("null".to_string(), |ratio| format!("{ratio:.3}")),
            middle.ada_turns,
            middle.bob_turns,
            middle.hub
        );
    }
}
