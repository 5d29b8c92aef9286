//! Commands that are badly behaved.

use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::thread::scope;
use std::time::Duration;

use homing_adapter::Error;
use homing_core::{Command, Failure, Message, Reason, Response};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "handlers that panic or block",
    promise: "A handler that panics is answered with COMMAND_FAILED and ends nothing; while one blocks, its \
              node goes on, and everybody else is served.",
    check,
};

const ROUNDS: u32 = 50;

fn check(lab: &Lab) -> Verdict {
    let Trio { hub, at: _, ada, bob } = lab.trio(TCP)?;
    bob.serve("/panic", |request| match &*request.body {
        b"panic" => std::panic::resume_unwind(Box::new("as asked")),
        _ => Ok(Response::json("1")),
    })?;
    bob.serve("/fail", |_| Err(Failure { reason: Reason::ARGUMENT, text: "no number".into() }))?;
    hub.serve("/quick", |_| Ok(Response::json("2")))?;

    for _ in 0..3 {
        fails(&ada, Command::get("panic").with_body("text/plain", "panic"), Reason::COMMAND_FAILED)?;
        ada.request("bob@home", Command::get("panic"))?;
    }
    fails(&ada, Command::get("fail"), Reason::ARGUMENT)?;
    fails(&ada, Command::get("none"), Reason::RESOURCE_NOT_FOUND)?;

    let (entered, enters) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    bob.serve("/slow", move |_| {
        let _ = entered.send(());
        // Ends when the other end is dropped, however the case ends.
        let _ = released.lock().unwrap_or_else(PoisonError::into_inner).recv();
        Ok(Response::json("3"))
    })?;
    scope(|scope| {
        let slow = scope.spawn(|| ada.request("bob@home", Command::get("slow")));
        let around = around_the_slow_one(&hub, &ada, &bob, || enters.try_recv().is_ok());
        drop(release);
        around.and(joined(slow).map(drop))
    })?;
    ada.request("bob@home", Command::get("panic"))?;
    Ok(format!("3 panics, and {ROUNDS} rounds of others while one blocked"))
}

fn fails(ada: &Node, command: Command, reason: Reason) -> Check {
    let path = command.path.clone();
    let answer = ada.subject().request(&address("bob@home")?, command, ada.patience);
    ensure(matches!(&answer, Err(Error::Command(failure)) if failure.reason == reason), || {
        format!("{path} should be answered with {}, not {answer:?}", reason.name())
    })
}

fn around_the_slow_one(hub: &Node, ada: &Node, bob: &Node, mut entered: impl FnMut() -> bool) -> Check {
    until("the slow handler is called", ada.patience, &mut entered)?;
    for n in 0..ROUNDS {
        // Bob's node itself, bob's application, ada while she waits, and the hub.
        hub.ping("bob@home")?;
        ada.deliver("bob@home", Message::text(n.to_string()))?;
        let text = bob.message()?.body;
        ensure(text == n.to_string().into_bytes(), || format!("message {n} was next"))?;
        bob.request(HUB, Command::get("quick"))?;
        ada.request(HUB, Command::get("quick"))?;
    }
    // Another call of the slow one ends when its time is over, not when the handler does.
    let patience = Duration::from_millis(200);
    let late = hub.subject().request(&address("bob@home")?, Command::get("slow"), patience);
    ensure(matches!(late, Err(Error::Timeout(_))), || format!("a call in vain ended with {late:?}"))
}
