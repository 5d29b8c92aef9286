//! Who waits for an event and goes away has taken none.

use std::task::Poll;
use std::time::Duration;

use homing_adapter::Batch;
use homing_core::{Event, Message};

use super::calls;
use super::steps::{Bell, at_each, give_up};
use crate::cases::flood::{number, numbered};
use crate::lab::{HUB, Lab, TCP, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, ensure, until};

const ADA: &str = "ada@home";
/// How many wait at once and go.
const CROWD: u32 = 10_000;

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let (hub, at) = lab.hub(hub_options(), TCP)?;
    let ada = lab.join(options(2), &hub, &at, "ada")?;
    hub.wait_peers(2)?;
    ada.wait_peers(2)?;
    ada.ping(HUB)?;
    // What is news is over; from now on only messages come.
    while ada.next_event(Duration::ZERO).is_some() {}

    let mut sent = 0;
    let mut send = || -> Check<u32> {
        sent += 1;
        hub.send(ADA, numbered(sent, 8)).map(|_| sent)
    };
    let mut dropped = at_each("next_event", |at| {
        let mut next = None;
        let came = give_up(calls(&ada)?.next_event(), at, lab.patience, || {
            if next.is_none() {
                next = Some(send()?);
            }
            Ok(())
        })?;
        let next = next.map_or_else(&mut send, Ok)?;
        match &came {
            None => takes(&ada, next)?,
            Some(Some(Event::Message(message))) => {
                ensure(number(message)? == next, || format!("message {next} was next, {message:?} came"))?;
            }
            Some(other) => return Err(format!("message {next} was next, {other:?} came")),
        }
        Ok(came.is_some())
    })?;
    dropped += at_each("next_batch", |at| {
        let (mut next, mut batch) = (None, Batch::default());
        let came = give_up(calls(&ada)?.next_batch(&mut batch), at, lab.patience, || {
            if next.is_none() {
                next = Some(send()?);
            }
            Ok(())
        })?;
        let next = next.map_or_else(&mut send, Ok)?;
        match (came, batch.next()) {
            (None, None) => takes(&ada, next)?,
            (Some(true), Some(Event::Message(message))) => {
                ensure(number(&message)? == next, || format!("message {next} was next, {message:?} came"))?;
            }
            other => return Err(format!("message {next} was next, {other:?} came")),
        }
        Ok(came.is_some())
    })?;
    dropped += two_wait(lab, &ada, &mut send)?;
    dropped += crowd(lab, &ada)?;
    hub.send(ADA, Message::text("the last"))?;
    let last = ada.message()?;
    ensure(last.body == "the last", || format!("one more message came: {last:?}"))?;
    ada.close()?;
    Ok(dropped)
}

fn takes(ada: &Node, n: u32) -> Check {
    let came = number(&ada.message()?)?;
    ensure(came == n, || format!("message {n} was next, {came} came"))
}

/// Two wait for one event; the one that is woken goes away, and the other is given it.
fn two_wait(lab: &Lab, ada: &Node, send: impl FnOnce() -> Check<u32>) -> Check<u32> {
    let bells = [Bell::new(), Bell::new()];
    let [mut one, mut other] = [calls(ada)?.next_event(), calls(ada)?.next_event()];
    let asleep = bells[0].poll(one.as_mut()).is_pending() && bells[1].poll(other.as_mut()).is_pending();
    ensure(asleep, || "an event came that nobody has caused".into())?;
    let next = send()?;
    until("one of two is woken", lab.patience, || bells.iter().any(|bell| bell.has_rung()))?;
    let (gone, mut stays, bell) =
        if bells[0].has_rung() { (one, other, &bells[1]) } else { (other, one, &bells[0]) };
    drop(gone);
    bell.wait(lab.patience).map_err(|e| format!("the one that was woken has gone, and the other: {e}"))?;
    match bell.poll(stays.as_mut()) {
        Poll::Ready(Some(Event::Message(message))) if number(&message)? == next => Ok(1),
        other => Err(format!("message {next} was next, {other:?} came")),
    }
}

/// Many wait at once, and all go away.
fn crowd(lab: &Lab, ada: &Node) -> Check<u32> {
    let bell = Bell::new();
    let calls = calls(ada)?;
    let mut all: Vec<_> = (0..CROWD).map(|_| calls.next_event()).collect();
    for future in &mut all {
        if let Poll::Ready(event) = bell.poll(future.as_mut()) {
            return Err(format!("an event came that nobody has caused: {event:?}"));
        }
    }
    drop(all);
    bell.is_forgotten(lab.patience)?;
    Ok(CROWD)
}
