//! `homing sim`: seeds, plans and pages, as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;

use common::{Dir, Running, homing, run, run_json};

#[test]
fn seeds_are_run_and_summed_up() {
    let dir = Dir::new();
    let home = dir.path("home");
    let arguments = ["sim", "--scenario", "calm", "--from", "3", "--seeds", "3", "--jobs", "2"];
    let ended = run_json(&home, &arguments).done();
    let [summary] = &ended.events("simulated")[..] else { panic!("{ended:?}") };
    assert_eq!(
        (&summary["scenario"], &summary["from"], &summary["seeds"]),
        (&"calm".into(), &3.into(), &3.into())
    );
    assert!(summary["failed"].is_null() && summary["real"] == false, "{summary}");
    assert!(summary["facts"].as_u64() > Some(100) && summary["world_ms"].as_f64() > Some(1e5), "{summary}");
    let situations = ended.events("situation");
    let never = situations.iter().filter(|situation| situation["count"] == 0).count();
    assert_eq!(summary["unreached"].as_array().unwrap().len(), never);
    assert!(never > 0 && never < situations.len(), "three calm seeds reach some situations");
    assert!(!ended.err.contains('\r'), "no progress where nobody looks");
    let said = run(&home, &arguments).done();
    assert!(said.out.starts_with("calm: 3 seeds from 3: everything held\n"), "{said:?}");
    assert!(said.out.contains("a clock stood still (never)"), "what was not reached is named: {said:?}");
    assert!(!home.exists(), "no key and no profile is made for this");
}

#[test]
fn real_cryptography_does_the_same() {
    let dir = Dir::new();
    let arguments = ["sim", "--scenario", "calm", "--seeds", "1", "--jobs", "1"];
    let fake = run_json(&dir.path("home"), &arguments).done().events("simulated").remove(0);
    let arguments = [&arguments[..], &["--real"]].concat();
    let real = run_json(&dir.path("home"), &arguments).done().events("simulated").remove(0);
    assert_eq!(real["real"], true);
    assert_eq!(real["world_ms"], fake["world_ms"]);
}

#[test]
fn a_plan_is_saved_run_again_and_drawn() {
    let dir = Dir::new();
    let (home, plan, page) = (dir.path("home"), dir.path("plan.json"), dir.path("page.html"));
    let (plan, page) = (plan.to_str().unwrap(), page.to_str().unwrap());
    let saved = ["sim", "--scenario", "calm", "--seeds", "1", "--from", "7", "--save", plan, "--html", page];
    run_json(&home, &saved).done();
    let drawn = fs::read_to_string(page).unwrap();
    fs::remove_file(page).unwrap();
    let again = ["sim", "--scenario", "calm", "--plan", plan, "--html", page];
    let ended = run_json(&home, &again).done();
    let ran = &ended.events("ran")[0];
    assert_eq!((&ran["seed"], &ran["invariant"]), (&7.into(), &serde_json::Value::Null));
    let happenings = ended.events("happening");
    assert!(happenings.len() > 20 && happenings[0]["at_ms"] == 0.0, "{:?}", happenings[0]);
    assert!(happenings.iter().any(|it| it["text"] == "everything is healed"));
    // The same run: the same page.
    assert!(fs::read_to_string(page).unwrap() == drawn && drawn.contains(ran["hash"].as_str().unwrap()));
    assert!(drawn.starts_with("<!DOCTYPE html>") && drawn.trim_end().ends_with("</html>"));
    for machine in happenings.iter().map(|it| it["machine"].as_str().unwrap()) {
        assert!(drawn.contains(&format!(">{machine}</span>")), "{machine}");
    }
    let told = run(&home, &again).done().out;
    assert_eq!(told.lines().count(), happenings.len() + 1);
    assert!(told.lines().last().unwrap().starts_with("twice the same: "), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_it_with_what_was_done_so_far() {
    let dir = Dir::new();
    let arguments = ["sim", "--scenario", "calm", "--seeds", "100000000", "--json"];
    let running = Running::of(homing(&dir.path("home"), &arguments).spawn().unwrap(), "sim");
    // It says nothing until it ends. Besides the first thread and the one for signals, there are those that run
    // seeds: then it is ready for Ctrl-C.
    let tasks = format!("/proc/{}/task", running.id());
    let until = std::time::Instant::now() + common::PATIENCE;
    while fs::read_dir(&tasks).map_or(0, Iterator::count) < 3 {
        assert!(std::time::Instant::now() < until, "it does not begin");
        std::thread::yield_now();
    }
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let summary = &ended.events("simulated")[0];
    assert!(summary["seeds"].as_u64() < Some(100_000_000), "{summary}");
}

#[test]
fn bad_use_is_told() {
    let dir = Dir::new();
    let home = dir.path("home");
    let listed = run_json(&home, &["sim", "--scenario", "list"]).done().events("scenario");
    assert!(listed.len() >= 6 && listed.iter().all(|it| !it["about"].as_str().unwrap().is_empty()));
    let said = run_json(&home, &["sim", "--scenario", "lynx"]).failed(2);
    for scenario in &listed {
        assert!(said.err.contains(scenario["name"].as_str().unwrap()), "{scenario}: {said:?}");
    }
    let none = dir.path("none.json");
    let none = none.to_str().unwrap();
    assert!(run_json(&home, &["sim", "--plan", none]).failed(1).err.contains("cannot read"));
    fs::write(none, "{}").unwrap();
    assert!(run_json(&home, &["sim", "--plan", none]).failed(2).err.contains("is no plan"));
    assert!(run(&home, &["sim", "--plan", none, "--seeds", "3"]).failed(2).err.contains("--seeds"));
    assert!(run(&home, &["sim", "--seeds", "0"]).failed(2).err.contains("--seeds"));
    let nowhere = dir.path("nowhere/page.html");
    let drawn = ["sim", "--scenario", "calm", "--seeds", "1", "--html", nowhere.to_str().unwrap()];
    assert!(run_json(&home, &drawn).failed(1).err.contains("cannot write"));
}
