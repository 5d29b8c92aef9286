//! A hub that is recorded, with real peers over TCP: what it was told gives the same bytes again.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{PATIENCE, hub_options, hub_with, join, wait_message, wait_until};
use homing_core::crypto::Pure;
use homing_core::trace::{Trace, Unsealed, redact, replay};
use homing_native::Native;
use homing_std::{Command, Message, Pattern, Receipts, Response};

#[test]
fn a_recorded_hub_replays_to_the_same_bytes() {
    let mut options = hub_options();
    options.record = Some(64 << 20);
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    assert!(Trace::from_bytes(hub.trace().unwrap()).unwrap().is_whole());

    let (ada, _) = join(&hub, &at, "ada", 11);
    let (bob, _) = join(&hub, &at, "bob", 12);
    let (cy, _) = join(&hub, &at, "cy", 13);
    bob.serve("/upper", "in capitals", |request| {
        Ok(Response::new("text/plain", request.body.to_ascii_uppercase()))
    })
    .unwrap();
    hub.serve("/hub", "for the test", |_| Ok(Response::json("{}"))).unwrap();

    let to_bob = "bob@home".parse().unwrap();
    for n in 0..20_usize {
        let message = Message::text("the treasure is under the oak").with_receipts(Receipts::Received);
        ada.send_and_wait(&to_bob, message, Receipts::Received, PATIENCE).unwrap();
        let large = Message::new("application/octet-stream", vec![7; n * 700]);
        cy.send_and_wait(&"hub@home".parse().unwrap(), large, Receipts::Received, PATIENCE).unwrap();
        bob.consume(&wait_message(&bob)).unwrap();
        hub.consume(&wait_message(&hub)).unwrap();
    }
    let command = || Command::get("upper").with_body("text/plain", "under the oak");
    assert_eq!(ada.request(&to_bob, command(), PATIENCE).unwrap().body, b"UNDER THE OAK");
    hub.request(&to_bob, command(), PATIENCE).unwrap();
    ada.request(&"hub@home".parse().unwrap(), Command::get("hub"), PATIENCE).unwrap();
    let all = Pattern::All("home".parse().unwrap());
    assert_eq!(hub.request_many(&all, Command::get("ping"), PATIENCE).unwrap().count(), 3);

    // One is killed, and is gone without a goodbye.
    cy.abort();
    wait_until("the hub notices", || hub.peers("home").unwrap().len() == 3);
    // A copy in the middle is a trace, too.
    let middle = Trace::from_bytes(hub.trace().unwrap()).unwrap();
    replay(&middle, Arc::new(Native)).unwrap();

    ada.close(PATIENCE).unwrap();
    hub.close(PATIENCE).unwrap();
    let trace = Trace::from_bytes(hub.trace().unwrap()).unwrap();
    assert!(trace.is_whole() && trace.len() > middle.len());
    assert_eq!(trace.peer_id(), hub.peer_id());
    let natively = replay(&trace, Arc::new(Native)).unwrap();
    // 140 000 bytes and more went into it, of which 20 times 29 and their receipts left it again.
    assert!(natively.read > 130_000 && natively.written > 20 * 29 && natively.events > 20, "{natively:?}");
    assert_eq!(natively, replay(&trace, Arc::new(Pure)).unwrap(), "whoever computes");

    let redacted = redact(&trace, Arc::new(Native)).unwrap();
    let summary = replay(&redacted, Arc::new(Unsealed)).unwrap();
    assert_eq!((summary.read, summary.written), (natively.read, natively.written));
    let said = b"under the oak";
    assert!(!redacted.as_bytes().windows(said.len()).any(|bytes| bytes.eq_ignore_ascii_case(said)));
}

#[test]
fn who_is_not_asked_keeps_nothing() {
    let (hub, _) = hub_with(hub_options(), "127.0.0.1:0");
    assert_eq!(hub.trace(), None);
}
