//! Peers on every executor, side by side: they understand each other, and none can be told from the
//! others by what it sees or by what it writes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod company;
mod runtime;
mod script;
mod wire;

use homing_std::Endpoint;

use runtime::Runtime;
use script::Run;

const WHOLE: usize = usize::MAX;

/// Where two runs part, and how, if they do.
#[track_caller]
fn assert_same(one: &Run, other: &Run, who: &str) {
    for (n, (one, other)) in one.ada.iter().zip(&other.ada).enumerate() {
        assert_eq!(one, other, "{who}: what ada saw, {n}");
    }
    for (n, (one, other)) in one.hub.iter().zip(&other.hub).enumerate() {
        assert_eq!(one, other, "{who}: what the hub saw, {n}");
    }
    let ways = [("ada", &one.bytes.up, &other.bytes.up), ("the hub", &one.bytes.down, &other.bytes.down)];
    for (writer, one, other) in ways {
        let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        let lengths = (one.len(), other.len());
        assert_eq!(lengths, (same, same), "{who}: the bytes of {writer} part after {same}");
    }
    assert!(one == other, "{who}: one of them saw more");
}

#[test]
fn the_same_script_gives_the_same_bytes_and_events_on_every_runtime() {
    let first = script::run(Runtime::Std, Runtime::Std, WHOLE);
    assert!(first.bytes.up.len() > 20_000 && first.bytes.down.len() > 20_000);
    assert!(first.ada.len() > 50 && first.hub.len() > 50);
    for hub_on in Runtime::ALL {
        for ada_on in Runtime::ALL {
            let run = script::run(ada_on, hub_on, WHOLE);
            assert_same(&first, &run, &format!("ada on {}, hub on {}", ada_on.name(), hub_on.name()));
        }
    }
}

#[test]
fn so_it_does_however_the_bytes_are_cut_on_the_way() {
    let whole = script::run(Runtime::Std, Runtime::Std, WHOLE);
    for (runtime, most) in Runtime::ALL.into_iter().zip([1, 2, 7, 100, 1]) {
        let run = script::run(runtime, runtime, most);
        assert_same(&whole, &run, &format!("both on {}, {most} bytes at a time", runtime.name()));
    }
}

#[track_caller]
fn all_saw_the_same(on: &str) {
    let stories = company::play(&on.parse::<Endpoint>().unwrap());
    let (first, others) = stories.split_first().unwrap();
    assert!(first.events.len() > 8 && first.outcomes.len() == 10 && first.calls.len() >= 8, "{first:#?}");
    for (runtime, story) in Runtime::ALL[1..].iter().zip(others) {
        assert_eq!(first, story, "std and {}, on {on}", runtime.name());
    }
}

#[test]
fn a_company_of_all_runtimes_over_tcp() {
    all_saw_the_same("127.0.0.1:0");
}

#[test]
fn a_company_of_all_runtimes_within_the_process() {
    all_saw_the_same("memory:together");
}

#[cfg(unix)]
#[test]
fn a_company_of_all_runtimes_over_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    all_saw_the_same(&format!("unix:{}", dir.path().join("hub").display()));
}
