//! Dropped, a call is given up: nobody hears of its answer, and later calls are answered.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use futures_util::StreamExt;
use homing_core::{Address, Command, Event, Pattern, Response};

use super::calls;
use super::steps::{At, Bell, at_each, give_up, holds_no_more};
use crate::block_on_for;
use crate::lab::{Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, ensure};

const BOB: &str = "bob@home";
/// How often four call at once and go.
const ROUNDS: u32 = 250;
/// More calls than are made, with those that are not dropped.
const MADE: usize = 1_500;
/// What a node keeps of one that is settled: its id, in two tables.
const REMEMBERED: usize = 56;

/// A command of bob's that is held until it is let go.
struct Held {
    entered: Receiver<()>,
    go: Sender<()>,
}

impl Held {
    fn serve(bob: &Node) -> Check<Held> {
        let (enter, entered) = channel();
        let (go, let_go) = channel::<()>();
        let let_go = Mutex::new(let_go);
        bob.serve("/held", move |_| {
            let _ = enter.send(());
            if let Ok(let_go) = let_go.lock() {
                let _ = let_go.recv();
            }
            Ok(Response::json("1"))
        })?;
        Ok(Held { entered, go })
    }

    /// Waits until it is called.
    fn is_entered(&self, lab: &Lab) -> Check {
        self.entered.recv_timeout(lab.patience).saying("the handler is called")
    }

    fn let_go(&self) -> Check {
        self.go.send(()).saying("letting the handler go")
    }
}

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio(TCP)?;
    let (to, many) = (address(BOB)?, Pattern::from(address(BOB)?));
    let held = Held::serve(&bob)?;
    ada.echo(BOB, b"before")?;
    let (holds, bob_holds) = (ada.memory(), bob.memory());
    let command = || Command::get("held");

    let mut dropped = at_each("request", |at| {
        let request = calls(&ada)?.request(&to, command(), lab.long());
        let answer = given_up(lab, &held, false, request, at)?;
        nothing_more(lab, &ada, &held)?;
        answer.map(|answer| answer.saying("calling")).transpose().map(|answer| answer.is_some())
    })?;
    dropped += at_each("request_many", |at| {
        let called =
            give_up(calls(&ada)?.request_many(&many, command(), lab.long()), at, lab.patience, || Ok(()))?;
        if let Some(called) = &called {
            called.as_ref().map_err(|e| format!("calling: {e}"))?;
            held.is_entered(lab)?;
            held.let_go()?;
        }
        let ready = called.is_some();
        drop(called);
        nothing_more(lab, &ada, &held)?;
        Ok(ready)
    })?;
    dropped += at_each("answers", |at| {
        let called = block_on_for(calls(&ada)?.request_many(&many, command(), lab.long()), lab.patience);
        let answers = called.saying("calling")?.saying("calling")?;
        // Given up sooner, it may never have been sent.
        held.is_entered(lab)?;
        let all = given_up(lab, &held, true, answers.collect::<Vec<_>>(), at)?;
        nothing_more(lab, &ada, &held)?;
        ensure(all.as_ref().is_none_or(|all| all.len() == 1), || format!("the answers are {all:?}"))?;
        Ok(all.is_some())
    })?;
    dropped += crowd(lab, &ada, &to)?;
    for (node, holds) in [(&ada, holds), (&bob, bob_holds)] {
        // Of those that are settled the ids are remembered for a while.
        holds_no_more(node, holds + REMEMBERED * MADE)?;
        node.close()?;
    }
    Ok(dropped)
}

/// Gives a call up, whose handler was `entered` or is to be. One that is to be woken is answered; any other only after it
/// was dropped.
fn given_up<F: Future>(
    lab: &Lab,
    held: &Held,
    mut entered: bool,
    call: F,
    at: At,
) -> Check<Option<F::Output>> {
    let mut gone = false;
    let came = give_up(call, at, lab.patience, || {
        if !std::mem::replace(&mut entered, true) {
            held.is_entered(lab)?;
        }
        if !gone && (at.woken || at.polls > 1) {
            gone = true;
            held.let_go()?;
        }
        Ok(())
    })?;
    if entered && !gone {
        held.let_go()?;
    }
    Ok(came)
}

/// Again and again some call at once, and go away before they are answered.
fn crowd(lab: &Lab, ada: &Node, to: &Address) -> Check<u32> {
    let (bell, calls) = (Bell::new(), calls(ada)?);
    for _ in 0..ROUNDS {
        let mut some = [(); 4].map(|()| calls.request(to, Command::get("echo"), lab.long()));
        for call in &mut some {
            // Bob may be quick.
            let _ = bell.poll(call.as_mut());
        }
        drop(some);
        ada.echo(BOB, b"after them")?;
    }
    bell.is_forgotten(lab.patience)?;
    Ok(ROUNDS * 4)
}

/// The handler was not called again, nobody is told of the answer, and the next call has its own.
fn nothing_more(lab: &Lab, ada: &Node, held: &Held) -> Check {
    ada.echo(BOB, b"after it")?;
    ensure(held.entered.try_recv().is_err(), || "the command was called once too often".into())?;
    while let Some(event) = ada.next_event(std::time::Duration::ZERO) {
        ensure(!matches!(event, Event::Answer { .. }), || {
            format!("nobody waits for it any more: {event:?}")
        })?;
    }
    ensure(ada.peers(crate::lab::NETWORK).is_some(), || format!("ada has left, in {:?}", lab.patience))
}
