//! The demo, from its first line to its last, and cut short.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::{Dir, Running, finish, homing};

#[track_caller]
fn nothing_is_left(tmp: &Path) {
    assert_eq!(fs::read_dir(tmp).unwrap().count(), 0);
}

fn tmp(dir: &Dir) -> std::path::PathBuf {
    let tmp = dir.path("tmp");
    fs::create_dir(&tmp).unwrap();
    tmp
}

#[test]
fn all_is_seen() {
    let dir = Dir::new();
    let tmp = tmp(&dir);
    let mut command = homing(&dir.path("home"), &["demo", "--fast", "--json"]);
    command.env("TMPDIR", &tmp);
    let ended = finish(command).done();
    assert_eq!(ended.events("step").last().unwrap()["step"], 6);
    let counts: Vec<_> = ended.events("result").iter().map(|row| row["count"].as_u64().unwrap()).collect();
    assert_eq!(counts[..5], [3, 4, 1, 3, 1], "{ended:?}");
    let steps = ended.events("step");
    for (peer, runtime) in [("hub", "std"), ("ada", "tokio"), ("bob", "smol"), ("carol", "std")] {
        let mut seen = steps.iter().filter(|step| step["peer"] == peer).peekable();
        assert!(seen.peek().is_some(), "nothing was seen of {peer}: {ended:?}");
        assert!(seen.all(|step| step["runtime"] == runtime), "{peer}: {ended:?}");
    }
    nothing_is_left(&tmp);

    let mut command = homing(&dir.path("home"), &["demo", "--fast"]);
    command.env("TMPDIR", &tmp);
    let ended = finish(command).done();
    for text in
        ["What happened", "consumed", "✓ smol ", "✓ tokio ", "no such peer in the network", "Now yourself"]
    {
        assert!(ended.out.contains(text), "{ended:?}");
    }
    assert!(!dir.path("home").exists(), "it must not touch the user's home");
    nothing_is_left(&tmp);
}

#[test]
fn nothing_is_left_when_it_is_cut_short() {
    for (step, signal) in [(1, "INT"), (3, "INT"), (5, "TERM")] {
        let dir = Dir::new();
        let tmp = tmp(&dir);
        let mut command = homing(&dir.path("home"), &["demo", "--json"]);
        command.env("TMPDIR", &tmp);
        let mut demo = Running::of(command.spawn().unwrap(), "demo");
        demo.line(|line| line["step"] == step);
        demo.signal(signal);
        assert_eq!(demo.end().code, Some(130), "step {step}");
        nothing_is_left(&tmp);
    }
}
