//! The application of docs/GUIDE.md, as the guide says that it behaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

#[path = "../examples/job_queue.rs"]
#[allow(unreachable_pub)] // the same code is a program by itself
mod job_queue;

use job_queue::{Memory, shop};

#[test]
fn a_worker_that_remembers_nothing_is_found_out() {
    let report = shop(Memory::Nothing).run(0..100);
    let failed = report.failed.expect("a job runs twice in one of the first hundred seeds");
    assert_eq!((&*failed.violation.invariant, failed.plan.seed), ("runs-once", failed.seed));
    assert!(failed.plan.steps.len() < failed.steps, "it was made smaller");
}

#[test]
fn a_worker_that_remembers_until_it_crashes_is_found_out() {
    let report = shop(Memory::UntilCrash).run(0..1000);
    let failed = report.failed.expect("a job runs twice in one of the first thousand seeds");
    assert_eq!(failed.violation.invariant, "runs-once");
}

#[test]
fn a_worker_with_a_disk_is_clean() {
    shop(Memory::OnDisk).run(0..60).assert_clean();
}

/// Seed 6: job 3 ran twice
#[test]
fn seed_6_runs_once() {
    let plan = r#"{"seed":6,"weather":false,"conditions":{"latency":0,"jitter":0,"bandwidth":0,"capacity":1048576,"write_most":0,"read_most":0},"shape":11285384103112802857,"faults":[],"steps":[{"at":36870102,"host":2,"deed":{"Fault":{"Pause":{"lasts":36600008}}}},{"at":60000000,"host":1,"deed":{"Poke":0}}],"heal":120000000}"#;
    let violation = shop(Memory::Nothing).run_plan(&plan.parse().unwrap()).violation;
    assert!(violation.is_some_and(|it| it.invariant == "runs-once"), "the plan shows nothing any more");
    let outcome = shop(Memory::OnDisk).run_plan(&plan.parse().unwrap());
    assert_eq!(outcome.violation, None);
}

/// What the guide shows of the program is what the program is.
#[test]
fn the_guide_shows_this_code() {
    let source = concat!(include_str!("../examples/job_queue.rs"), include_str!("guide.rs"));
    let blocks: Vec<&str> = include_str!("../../docs/GUIDE.md")
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        for part in block.split("    // ..\n") {
            assert!(source.contains(part), "this is in the guide and not in the program:\n{part}");
        }
    }
}
