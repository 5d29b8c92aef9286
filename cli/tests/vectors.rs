//! `homing vectors`: what a porter runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Dir, run, run_json};

const FROZEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vectors");

#[test]
fn the_frozen_files_are_written_and_hold() {
    let dir = Dir::new();
    let folder = dir.path("out");
    run(&dir.path("home"), &["vectors", "write", folder.to_str().unwrap()]).done();
    let mut arguments = vec!["vectors".to_string(), "check".to_string()];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let frozen = std::path::Path::new(FROZEN).join(path.file_name().unwrap());
        assert!(std::fs::read(&path).unwrap() == std::fs::read(frozen).unwrap(), "{}", path.display());
        arguments.push(path.to_str().unwrap().into());
    }
    assert!(arguments.len() > 10);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let checked = run_json(&dir.path("home"), &words).done();
    assert_eq!(checked.events("vectors").len(), arguments.len() - 2);
    assert!(checked.events("vectors").iter().all(|file| file["failed"] == 0 && file["missing"] == 0));
    assert!(!dir.path("home").exists(), "no key and no profile is made for this");
}

#[test]
fn a_case_that_does_not_hold_is_named() {
    let dir = Dir::new();
    let (mine, home) = (dir.path("mine.json"), dir.path("home"));
    let frames = std::fs::read_to_string(format!("{FROZEN}/frames.json")).unwrap();
    std::fs::write(&mine, frames.replacen("0400080000000000000007", "0400080000000000000008", 1)).unwrap();
    let arguments = ["vectors", "check", mine.to_str().unwrap()];
    let failed = run_json(&home, &arguments).failed(8);
    assert_eq!(failed.events("case")[0]["name"], "ping");
    assert_eq!(failed.events("vectors")[0]["failed"], 1);
    let said = run(&home, &arguments).failed(8);
    let lines: Vec<&str> = said.out.lines().collect();
    let [case, summary] = lines[..] else { panic!("{said:?}") };
    assert!(case.contains("mine.json: fails: ping: reads as"), "{case}");
    assert!(summary.contains(" cases hold"), "{summary}");
    assert!(said.err.contains("1 case does not hold"), "{said:?}");
    // What cannot be read is told as such.
    let none = dir.path("none.json");
    let said = run(&home, &["vectors", "check", none.to_str().unwrap()]).failed(1);
    assert!(said.err.contains("cannot read"), "{said:?}");
    let said = run(&home, &["vectors", "check"]).failed(2);
    assert!(said.err.contains("<FILE>"), "{said:?}");
}
