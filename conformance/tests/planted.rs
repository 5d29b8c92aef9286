//! Adapters that break a promise on purpose: the case that is there for it must notice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../adapter-std/tests/binding/mod.rs"]
mod binding;
#[allow(unreachable_pub)]
mod faulty;

use std::time::Duration;

use faulty::{Fault, Faulty};
use homing_conformance::{Adapter, Outcome, Report, Settings, run_with};

fn settings(only: &[&str], patience: u64, whole: u64) -> Settings {
    Settings {
        patience: Duration::from_secs(patience),
        whole: Duration::from_secs(whole),
        only: only.iter().map(|name| (*name).into()).collect(),
    }
}

fn run(fault: Option<Fault>, settings: &Settings) -> Report {
    let adapter: &'static dyn Adapter = Box::leak(Box::new(Faulty(fault)));
    run_with(adapter, settings)
}

/// The case must fail, and must have noticed this.
#[track_caller]
fn caught(fault: Fault, case: &str, noticed: &str) {
    caught_by(fault, &settings(&[case], 5, 100), noticed);
}

#[track_caller]
fn caught_by(fault: Fault, settings: &Settings, noticed: &str) {
    let report = run(Some(fault), settings);
    assert_eq!(report.rows.len(), 1, "{report}");
    let outcome = &report.rows[0].outcome;
    assert!(matches!(outcome, Outcome::Failed(why) if why.contains(noticed)), "{fault:?}: {report}");
}

#[test]
fn without_a_fault_the_same_adapter_passes() {
    let cases = [
        "echo",
        "chunking",
        "backpressure",
        "batches",
        "reset",
        "shutdown",
        "dialed",
        "handlers",
        "stores",
        "callers",
    ];
    let report = run(None, &settings(&cases, 60, 120));
    assert_eq!(report.rows.len(), cases.len(), "{report}");
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn a_lost_message() {
    caught(Fault::LosesMessages, "echo", "bytes were sent next");
    caught(Fault::LosesMessages, "backpressure", "was next");
}

#[test]
fn a_batch_that_is_not_whole_or_not_in_order() {
    caught(Fault::LosesMessages, "batches", "was next");
    caught(Fault::SendsOneLess, "batches", "nothing came");
    caught(Fault::MixesBatches, "batches", "was next");
}

#[test]
fn a_message_that_comes_twice() {
    caught(Fault::RepeatsMessages, "backpressure", "was next");
    caught(Fault::RepeatsMessages, "callers", "twice");
}

#[test]
fn messages_out_of_order() {
    caught(Fault::SwapsMessages, "chunking", "is another");
    caught(Fault::SwapsMessages, "backpressure", "was next");
}

#[test]
fn one_byte_that_is_another() {
    caught(Fault::FlipsBytes, "echo", "unlike from byte");
}

#[test]
fn an_answer_to_another_call() {
    caught(Fault::MixesAnswers, "callers", "was answered with");
}

#[test]
fn closing_that_closes_nothing() {
    caught(Fault::NeverCloses, "shutdown", "ada's link is down");
}

#[test]
fn closing_that_does_not_say_goodbye() {
    caught(Fault::CrashesOnClose, "shutdown", "");
}

#[test]
fn closing_that_never_comes_back() {
    caught_by(Fault::HangsOnClose, &settings(&["echo"], 5, 8), "it hangs");
}

#[test]
fn a_crash_that_says_goodbye() {
    caught(Fault::ClosesOnAbort, "shutdown", "not a crash");
}

#[test]
fn wake_ups_that_are_not_counted() {
    caught_by(Fault::HidesWakeups, &settings(&["idle"], 20, 100), "woke nobody");
}

#[test]
fn a_driver_that_never_sleeps() {
    caught(Fault::NeverSleeps, "idle", "no end of it");
}

#[test]
fn heartbeats_that_are_not_sent() {
    caught_by(Fault::NoHeartbeat, &settings(&["idle"], 20, 100), "no wake-up in two heartbeats");
}

#[test]
fn queues_without_end() {
    caught(Fault::NoBackpressure, "backpressure", "there is room");
}

#[test]
fn memory_that_is_not_counted() {
    caught(Fault::HidesMemory, "backpressure", "said to be held");
    caught(Fault::HidesMemory, "1 000 links", "it is not counted");
}

#[test]
fn a_store_that_is_not_used() {
    caught(Fault::ForgetsStore, "stores", "nothing is durable");
}

#[test]
fn a_panic_that_is_hidden() {
    caught(Fault::HidesPanics, "handlers", "COMMAND_FAILED");
}

#[test]
fn a_peer_that_does_not_come_back() {
    caught(Fault::NoRedial, "chunking", "does not come back");
    caught(Fault::NoRedial, "reset", "after byte");
}

#[test]
fn a_neighbour_that_is_waited_for_without_end() {
    caught(Fault::EndlessHandshake, "dialed", "a silent listener");
    caught(Fault::EndlessHandshake, "hostile", "not closed");
}

#[test]
fn a_file_that_is_overwritten() {
    caught(Fault::ReplacesFiles, "dialed", "a file was");
}

#[test]
fn a_panic_of_the_adapter() {
    caught(Fault::Panics, "dialed", "panicked: as planted");
}
