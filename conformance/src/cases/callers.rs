//! Many threads, one handle.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread::scope;
use std::time::Duration;

use homing_core::{Command, Event, Message, Pattern, Response, Stage};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, Until, ensure, joined};

pub(super) const CASE: Case = Case {
    name: "many callers",
    promise: "Many threads use one handle at once: every call gets its own answer, every message its own \
              receipts, and of several that take events each event goes to one.",
    check,
};

const THREADS: u32 = 8;
const EACH: u32 = 60;
const KINDS: u32 = 4;

fn check(lab: &Lab) -> Verdict {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio(TCP)?;
    bob.serve("/shout", |request| Ok(Response::new("x/y", request.body.to_ascii_uppercase())))?;
    let expected: BTreeSet<Vec<u8>> = (0..THREADS)
        .flat_map(|thread| (0..EACH).filter(|n| n % KINDS < 2).map(move |n| text(thread, n).into()))
        .collect();
    let taken = Mutex::new(BTreeSet::new());
    scope(|scope| {
        let calls: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn({
                    let ada = &ada;
                    move || call(ada, thread)
                })
            })
            .collect();
        let takers: Vec<_> = (0..2).map(|_| scope.spawn(|| share(&bob, &taken, expected.len()))).collect();
        calls.into_iter().chain(takers).try_for_each(joined)
    })?;
    let taken = taken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    ensure(taken == expected, || "other messages came than were sent".into())?;
    Ok(format!("{} calls by {THREADS} threads, {} messages to two takers", THREADS * EACH, expected.len()))
}

fn text(thread: u32, n: u32) -> String {
    format!("thread {thread}, call {n}")
}

fn call(ada: &Node, thread: u32) -> Check {
    let to = "bob@home";
    for n in 0..EACH {
        let text = text(thread, n);
        let shout = || Command::get("shout").with_body("text/plain", text.clone());
        let own = |answer: &Response| {
            ensure(answer.body == text.to_uppercase().as_bytes(), || {
                format!("{text:?} was answered with {:?}", String::from_utf8_lossy(&answer.body))
            })
        };
        match n % KINDS {
            0 => drop(ada.send(to, Message::text(text))?),
            1 => {
                let stages = ada.deliver(to, Message::text(text.clone()))?;
                let way = [Stage::Accepted, Stage::Dispatched { count: 1 }, Stage::Received];
                ensure(stages == way, || format!("{text:?} has the receipts {stages:?}"))?;
            }
            2 => own(&ada.request(to, shout())?)?,
            _ => {
                let bob = Pattern::from(address(to)?);
                let answers = ada.request_many(&bob, shout(), ada.patience).saying("calling")?;
                match &*answers {
                    [(_, Ok(answer))] => own(answer)?,
                    other => return Err(format!("{text:?} was answered with {other:?}")),
                }
            }
        }
    }
    Ok(())
}

/// Takes messages, as another thread does, until all are there.
fn share(bob: &Node, taken: &Mutex<BTreeSet<Vec<u8>>>, all: usize) -> Check {
    let lock = || taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let end = Until::after(bob.patience);
    while lock().len() < all {
        ensure(!end.is_over(), || format!("{} of {all} messages came", lock().len()))?;
        if let Some(Event::Message(message)) = bob.next_event(Duration::from_millis(20)) {
            let text = String::from_utf8_lossy(&message.body).into_owned();
            ensure(lock().insert(message.body.to_vec()), || format!("{text:?} came twice"))?;
        }
    }
    Ok(())
}
