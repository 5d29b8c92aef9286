//! Futures that break a promise on purpose: the suite must notice.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(unreachable_pub)]
mod careless;
#[path = "own_executor/executor.rs"]
mod executor;
#[path = "own_executor/net.rs"]
mod net;
#[path = "own_executor/reactor.rs"]
mod reactor;
#[path = "own_executor/timer.rs"]
mod timer;

use std::time::Duration;

use careless::Fault;
use homing_conformance::{Awaiting, Outcome, Report, Settings, run_with};

const DROPPED: &str = "dropped futures";

fn run(fault: Option<Fault>, case: &str, patience: u64) -> Report {
    let settings = Settings {
        patience: Duration::from_secs(patience),
        // A fault may hold a case up for good; without one it is only slow.
        whole: Duration::from_secs(if fault.is_some() { 60 } else { 600 }),
        only: vec![case.into()],
    };
    let adapter = Awaiting::new("careless", move |options| careless::start(fault, options));
    let report = run_with(Box::leak(Box::new(adapter)), &settings);
    assert_eq!(report.rows.len(), 1, "{report}");
    report
}

/// The case must fail, and must have noticed this.
#[track_caller]
fn caught(fault: Fault, case: &str, noticed: &str) {
    caught_within(fault, case, 5, noticed);
}

#[track_caller]
fn caught_within(fault: Fault, case: &str, patience: u64, noticed: &str) {
    let report = run(Some(fault), case, patience);
    let outcome = &report.rows[0].outcome;
    assert!(matches!(outcome, Outcome::Failed(why) if why.contains(noticed)), "{fault:?}: {report}");
}

#[test]
fn without_a_fault_the_same_futures_pass() {
    let report = run(None, DROPPED, 60);
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn a_driver_that_is_not_always_woken() {
    // Which step waits in vain depends on which wake-up is lost.
    caught(Fault::LosesWakes, "echo", "");
}

#[test]
fn a_timer_that_is_armed_once() {
    // The hub tells who is there a moment later than it lets them in.
    caught_within(Fault::NeverRearms, "idle", 20, "knows 101 peers");
}

#[test]
fn a_message_that_is_sent_although_its_future_was_dropped() {
    caught(Fault::SendsEarly, DROPPED, "send, dropped after 1 polls, asleep: \"after it\" was next");
}

#[test]
fn receipts_that_go_with_the_future() {
    // Whether one has come when the future is dropped is chance, and seldom against it.
    let noticed =
        |outcome: &Outcome| matches!(outcome, Outcome::Failed(why) if why.contains("a receipt after"));
    let mut runs = (0..10).map(|_| run(Some(Fault::LosesReceipts), DROPPED, 5));
    assert!(runs.any(|report| noticed(&report.rows[0].outcome)), "never noticed");
}

#[test]
fn an_event_that_goes_with_the_future() {
    caught(Fault::LosesEvents, DROPPED, "no event in 5s: a message");
}

#[test]
fn wakers_that_are_kept() {
    caught(Fault::KeepsWakers, DROPPED, "keeps the waker");
}

#[test]
fn a_call_that_is_left_behind() {
    caught(Fault::ForgetsCalls, DROPPED, "keeps the waker");
}

#[test]
fn a_dial_that_goes_on() {
    caught(Fault::DialsOn, DROPPED, "the link is gone");
}

#[test]
fn a_listener_that_nobody_waited_for() {
    caught(Fault::ListensOn, DROPPED, "listen on ");
}

#[test]
fn closing_that_has_not_begun() {
    caught(Fault::ClosesLate, DROPPED, "the hub is alone");
}
