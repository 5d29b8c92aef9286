//! The demo, from its first line to its last, and cut short.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::{Dir, Running, finish, homing};

/// Whether a process mentions `path` on its command line.
#[cfg(target_os = "linux")]
fn somebody_uses(path: &Path) -> bool {
    let path = path.to_str().unwrap().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .any(|line| line.windows(path.len()).any(|part| part == path))
}

#[cfg(not(target_os = "linux"))]
fn somebody_uses(_: &Path) -> bool {
    false
}

#[track_caller]
fn nothing_is_left(tmp: &Path) {
    assert_eq!(fs::read_dir(tmp).unwrap().count(), 0);
    assert!(!somebody_uses(tmp));
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
    assert_eq!(counts[..3], [3, 4, 1], "{ended:?}");
    nothing_is_left(&tmp);

    let mut command = homing(&dir.path("home"), &["demo", "--fast"]);
    command.env("TMPDIR", &tmp);
    let ended = finish(command).done();
    for text in ["What happened", "consumed", "no such peer in the network", "Now yourself"] {
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
