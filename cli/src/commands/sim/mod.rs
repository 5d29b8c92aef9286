//! `homing sim`: many seeds of a simulated world, or one plan again.

mod progress;
mod quiet;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use homing_sim::{Failed, Outcome, Plan, Report, Simulation, Story, html, scenarios};

use crate::Context;
use crate::args::Sim;
use crate::commands::replay::quickest;
use crate::exit::{End, Exit, Fault};
use crate::json::Line;
use crate::out::{Look, Out};
use crate::text::{harmless, millis};

use progress::Progress;
use quiet::Quiet;

/// So many seeds of `mixed` reach every situation; fewer need not.
const ENOUGH: u64 = 1_000;
/// How many of the last things that happened are told of a seed that failed.
const LAST: usize = 30;

/// Runs seeds, or a plan.
pub(crate) fn run(context: &Context, args: &Sim) -> Result<(), End> {
    if args.scenario == "list" {
        return list(context);
    }
    let simulation = scenarios::named(&args.scenario).ok_or_else(|| {
        let names = scenarios::NAMES.join(", ");
        let advice = format!("there are {names}: homing sim --scenario list says more");
        Fault::usage(format!("there is no scenario {}", args.scenario), advice)
    })?;
    let simulation = if args.real { simulation.provider(quickest()) } else { simulation };
    // From here on Ctrl-C does not end the program: it is looked at after each seed.
    context.interrupt.on(|| {});
    let quiet = Quiet::begin();
    let result = match &args.plan {
        Some(file) => again(context, args, &simulation, file),
        None => seeds(context, args, &simulation),
    };
    drop(quiet);
    result
}

fn list(context: &Context) -> Result<(), End> {
    for name in scenarios::NAMES {
        let about = scenarios::about(name).unwrap_or_default();
        let line = Line::Scenario { name: (*name).into(), about: about.into() };
        let shown = context.out.paint(Look::Name, format_args!("{name:<10}"));
        context.out.data(&line, format_args!("{shown} {about}"))?;
    }
    Ok(())
}

// ---- many seeds

fn seeds(context: &Context, args: &Sim, simulation: &Simulation) -> Result<(), End> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = args.jobs.map_or_else(cores, usize::from);
    let progress = Progress::of(args.seeds);
    let begin = Instant::now();
    let report = simulation.run_on(threads, args.from..args.from.saturating_add(args.seeds), |outcome| {
        progress.seed(outcome.violation.is_some());
        !context.interrupt.hit()
    });
    let took = progress.took().unwrap_or_else(|| begin.elapsed());
    progress.clear();

    if let Some(failed) = &report.failed {
        let (line, text) = failure(&context.out, &args.scenario, simulation, failed);
        context.out.data(&line, text)?;
    }
    summary(context, args, &report, took, threads)?;
    let plan =
        report.failed.as_ref().map_or_else(|| simulation.plan(args.from), |failed| failed.plan.clone());
    if let Some(file) = &args.save {
        write(file, &serde_json::to_string(&plan).unwrap_or_default())?;
    }
    if let Some(file) = &args.html {
        let (outcome, story, names) = simulation.tell(&plan);
        write(file, &html::page(&outcome, &story, &names, &plan))?;
    }
    if let Some(failed) = &report.failed {
        let what = format!("seed {} violates {}", failed.seed, failed.violation.invariant);
        let again = format!("homing sim --scenario {} --from {} --seeds 1", args.scenario, failed.seed);
        let advice = format!("{again} --save bad.json --html bad.html shows it");
        return Err(Fault::new(Exit::Protocol, what, advice).into());
    }
    context.interrupt.check()?;
    let unreached = report.sometimes.missing().len();
    if unreached > 0 && must_reach_all(&args.scenario, report.seeds) {
        let what = format!("{unreached} situations were never reached");
        return Err(
            Fault::new(Exit::Protocol, what, "run other seeds with --from; if it stays, report it").into()
        );
    }
    Ok(())
}

/// Whether so many seeds of a scenario prove nothing, when they do not reach every situation.
fn must_reach_all(scenario: &str, seeds: u64) -> bool {
    scenario == "mixed" && seeds >= ENOUGH
}

/// What went wrong, and all that is needed to see it again: as a line and as text.
fn failure(out: &Out, scenario: &str, simulation: &Simulation, failed: &Failed) -> (Line, String) {
    let (outcome, story, names) = simulation.tell(&failed.plan);
    let told: Vec<String> = told(&outcome, &story, &names, &failed.plan)
        .map(|(at, name, text)| format!("{:.6} {name}: {text}", at.as_secs_f64()))
        .collect();
    let last = told[told.len().saturating_sub(LAST)..].to_vec();
    let test = failed.regression(&format!("homing_sim::scenarios::named({scenario:?}).unwrap()"));
    let violation = &failed.violation;

    let head = out.paint(Look::Bad, format_args!("seed {} violates {}", failed.seed, violation.invariant));
    let mut text = vec![format!("{head}: {}", harmless(&violation.why)), String::new()];
    let steps = failed.plan.steps.len();
    text.push(format!("made smaller, from {} steps to {steps}; the last that happens then:", failed.steps));
    text.extend(last.iter().map(|line| format!("  {}", harmless(line))));
    if let Some(violation) = &outcome.violation {
        let why = harmless(&format!("{}: {}", violation.invariant, violation.why));
        text.push(format!("  {}", out.paint(Look::Bad, why)));
    }
    let plan = serde_json::to_string(&failed.plan).unwrap_or_default();
    text.push(format!("\n{}\n{plan}", out.paint(Look::Bold, "the plan:")));
    text.push(format!("\n{}\n{test}", out.paint(Look::Bold, "a test for it:")));

    let line = Line::Violation {
        scenario: scenario.into(),
        seed: failed.seed,
        invariant: violation.invariant.clone(),
        why: violation.why.clone(),
        steps: failed.steps,
        last,
        plan: serde_json::to_value(&failed.plan).unwrap_or_default(),
        test,
    };
    (line, text.join("\n"))
}

fn summary(
    context: &Context,
    args: &Sim,
    report: &Report,
    took: Duration,
    threads: usize,
) -> Result<(), End> {
    let out = &context.out;
    let unreached: Vec<String> =
        report.sometimes.missing().iter().map(|situation| situation.name().to_string()).collect();
    #[allow(clippy::cast_precision_loss)]
    let per_second = report.seeds as f64 / took.as_secs_f64().max(1e-6);
    let per_hour = u128::from(report.seeds) * 3_600_000_000 / took.as_micros().max(1);
    let per_hour = u64::try_from(per_hour).unwrap_or(u64::MAX);
    let held = match &report.failed {
        None => out.paint(Look::Good, "everything held"),
        Some(failed) => out.paint(Look::Bad, format_args!("seed {} did not hold", failed.seed)),
    };
    let (seeds, real) = (grouped(report.seeds), if args.real { ", with real cryptography" } else { "" });
    out.text(format_args!("{}: {seeds} seeds from {}{real}: {held}", args.scenario, args.from))?;
    let threads = if threads == 1 { "1 thread".to_string() } else { format!("{threads} threads") };
    let faster = report.age.as_secs_f64() / took.as_secs_f64().max(1e-6);
    for (name, text) in [
        ("here", format!("{} on {threads}", long(took))),
        ("speed", format!("{per_second:.1} seeds a second, {} an hour", grouped(per_hour))),
        ("their time", format!("{}, {faster:.0} times as fast", long(report.age))),
        ("facts", grouped(report.facts)),
    ] {
        out.text(format_args!("  {name:<12}{text}"))?;
    }
    let all = report.sometimes.iter().count();
    out.text(format_args!("  {:<12}{} of {all} were reached", "situations", all - unreached.len()))?;
    for (situation, count) in report.sometimes.iter() {
        let text = format!("{:>14}  {}", grouped(count), situation.name());
        let text = if count == 0 { out.paint(Look::Bad, text + " (never)") } else { text };
        out.data(&Line::Situation { name: situation.name().into(), count }, text)?;
    }
    out.line(&Line::Simulated {
        scenario: args.scenario.clone(),
        real: args.real,
        from: args.from,
        seeds: report.seeds,
        facts: report.facts,
        world_ms: millis(report.age),
        after_ms: millis(took),
        per_second: (per_second * 10.0).round() / 10.0,
        failed: report.failed.as_ref().map(|failed| failed.seed),
        unreached,
    })
}

// ---- one plan

/// Runs a plan twice, and tells what happens in it.
fn again(context: &Context, args: &Sim, simulation: &Simulation, file: &Path) -> Result<(), End> {
    let shown = file.display();
    let text = fs::read_to_string(file)
        .map_err(|e| Fault::machine(format!("cannot read {shown}: {e}"), "check the file's name"))?;
    let plan: Plan = text.parse().map_err(|e| {
        Fault::usage(format!("{shown} is no plan: {e}"), "name a file that homing sim --save wrote")
    })?;
    let (outcome, story, names) = simulation.tell(&plan);
    if simulation.run_plan(&plan).hash != outcome.hash {
        let what = "the plan does not repeat itself: a second run came to another hash";
        return Err(Fault::new(Exit::Protocol, what, "report it, with the plan").into());
    }
    let out = &context.out;
    for (at, name, text) in told(&outcome, &story, &names, &plan) {
        context.interrupt.check()?;
        let (name, text) = (harmless(name), harmless(&text));
        let painted = out.paint(Look::Name, &name);
        let shown = if text.starts_with("FAULT") { out.paint(Look::Bad, &text) } else { text.clone() };
        let words = format!("{:>11.6} {painted}: {shown}", at.as_secs_f64());
        out.data(&Line::Happening { at_ms: millis(at), machine: name, text }, words)?;
    }
    if let Some(file) = &args.html {
        write(file, &html::page(&outcome, &story, &names, &plan))?;
    }
    let line = Line::Ran {
        scenario: args.scenario.clone(),
        real: args.real,
        seed: plan.seed,
        facts: outcome.facts,
        world_ms: millis(outcome.age),
        hash: format!("{:016x}", outcome.hash),
        invariant: outcome.violation.as_ref().map(|violation| violation.invariant.clone()),
        why: outcome.violation.as_ref().map(|violation| violation.why.clone()),
    };
    let facts = grouped(outcome.facts);
    let text = format!(
        "twice the same: {facts} facts in {} of their time, hash {:016x}",
        long(outcome.age),
        outcome.hash
    );
    out.data(&line, text)?;
    match &outcome.violation {
        None => Ok(()),
        Some(violation) => {
            let what = format!("it violates {}: {}", violation.invariant, violation.why);
            Err(Fault::new(Exit::Protocol, what, "--html FILE draws what happens").into())
        }
    }
}

/// Each fact of a run: when, since the world began; on which machine; what.
fn told<'a>(
    outcome: &Outcome,
    story: &'a Story,
    names: &'a [String],
    plan: &Plan,
) -> impl Iterator<Item = (Duration, &'a str, String)> {
    let begin = story.begin(outcome, plan);
    story.facts().map(move |fact| {
        let name = names.get(fact.host).map_or("nobody", String::as_str);
        (fact.at.saturating_since(begin), name, fact.what.to_string())
    })
}

// ---- words and files

fn write(file: &Path, text: &str) -> Result<(), Fault> {
    fs::write(file, text).map_err(|e| {
        Fault::machine(format!("cannot write {}: {e}", file.display()), "choose a folder that is yours")
    })
}

/// `1'234'567`: numbers that can be read.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\'');
        }
        out.push(digit);
    }
    out
}

/// `840 ms`, `12.3 s`, `4 min 10 s`, `7 h 3 min`, `12 days 4 h`.
fn long(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => crate::text::human(time),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_can_be_read() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1'000"), (1_234_567, "1'234'567")] {
            assert_eq!(grouped(n), text);
        }
        for (seconds, text) in
            [(3, "3.0 s"), (250, "4 min 10 s"), (25_380, "7 h 3 min"), (1_051_200, "12 days 4 h")]
        {
            assert_eq!(long(Duration::from_secs(seconds)), text);
        }
    }

    /// Holds until a message arrives.
    struct Nothing;

    impl homing_sim::Invariant for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }

        fn observe(&mut self, _: &homing_sim::Scene<'_>, fact: &homing_sim::Fact) -> Result<(), String> {
            match &fact.what {
                homing_sim::What::Told(homing_core::Event::Message(_)) => Err("something came".into()),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_seed_that_fails_is_told_with_all_that_is_needed_to_see_it_again() {
        let idle: homing_sim::Maker = std::sync::Arc::new(|_| Box::new(homing_sim::Idle));
        let two = move |_| {
            vec![homing_sim::hub("hub@home", idle.clone()), homing_sim::member("ada@home", 1, idle.clone())]
        };
        let simulation = Simulation::new("two", two).faults(&[]).invariant(|| Box::new(Nothing)).steps(1, 3);
        let plan = Plan { steps: Vec::new(), ..simulation.plan(5) };
        let violation = simulation.run_plan(&plan).violation.unwrap();
        let failed =
            Failed { simulation: "two".into(), seed: 5, violation, plan, steps: 3, last: Vec::new() };
        let (line, text) = failure(&Out::new(false), "two", &simulation, &failed);
        assert!(text.starts_with("seed 5 violates nothing: something came\n"), "{text}");
        for part in ["from 3 steps to 0;", ": gets ", "  nothing: something came\n", "fn seed_5_nothing()"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let Line::Violation { seed: 5, last, plan, test, .. } = line else { panic!("{line:?}") };
        assert!(last.last().unwrap().contains("gets ") && last.len() <= LAST, "{last:?}");
        let plan: Plan = serde_json::from_value(plan).unwrap();
        assert!(plan == failed.plan && text.contains(&serde_json::to_string(&plan).unwrap()));
        assert!(test.contains("named(\"two\").unwrap().run_plan"), "{test}");
    }

    #[test]
    fn a_thousand_seeds_of_all_faults_must_reach_everything() {
        assert!(must_reach_all("mixed", 1_000) && !must_reach_all("mixed", 999));
        assert!(!must_reach_all("calm", 100_000));
    }
}
