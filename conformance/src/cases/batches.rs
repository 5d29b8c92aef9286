//! Many at once.

use std::collections::BTreeSet;
use std::thread::scope;
use std::time::Duration;

use homing_adapter::{Error, Options};
use homing_core::{Event, Message, MessageId, SendError};

use super::flood::{number, numbered};
use crate::Case;
use crate::case::Verdict;
use crate::lab::{Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, Until, ensure, joined};

pub(super) const CASE: Case = Case {
    name: "batches",
    promise: "What is sent many at once, or one by one between them, and is taken many at once, or one by one, arrives once \
              and in order, however often the queue is full meanwhile; what cannot be sent stops those behind it, and is \
              not among the ids.",
    check,
};

const BOB: &str = "bob@home";
/// So many at once, in turns: some are one, and some more than the queue takes.
const CHUNKS: [u32; 5] = [1, 7, 500, 0, 92];
const ROUNDS: u32 = 10;
const SIZE: usize = 300;

fn small(mut options: Options) -> Options {
    options.queue = 50;
    let limits = &mut options.config.limits;
    (limits.window, limits.queue) = (16 * 1024, 32 * 1024);
    options
}

fn check(lab: &Lab) -> Verdict {
    let mut batches = 0;
    for on in [TCP.to_owned(), lab.memory()] {
        let Trio { hub: _hub, at: _, ada, bob } = lab.trio_with(&on, small)?;
        let (ids, (came, count)) = scope(|scope| {
            let sends = scope.spawn(|| send(&ada));
            let taken = take(&bob);
            if taken.is_err() {
                // Who waits for room must not wait for ever.
                ada.abort();
            }
            let sent = joined(sends);
            taken.and_then(|taken| Ok((sent?, taken)))
        })?;
        ensure(ids == came, || "the ids are not those of the messages that came".into())?;
        let different: BTreeSet<_> = ids.iter().collect();
        ensure(different.len() == ids.len(), || "an id was given twice".into())?;
        batches += count;
        stopped(&ada, &bob)?;
    }
    Ok(format!("{} messages in {batches} batches", 2 * ROUNDS * CHUNKS.iter().sum::<u32>()))
}

/// Sends numbered messages.
fn send(ada: &Node) -> Check<Vec<MessageId>> {
    let (to, mut next, mut ids) = (address(BOB)?, 0, Vec::new());
    for chunk in (0..ROUNDS).flat_map(|_| CHUNKS) {
        let many: Vec<_> = (next..next + chunk).map(|n| numbered(n, SIZE)).collect();
        let failed = |e: Error| format!("{ada:?}: sending {chunk} messages: {e:?}");
        match &many[..] {
            [one] => ids.push(ada.send(BOB, one.clone())?),
            many => ada.subject().send_many(&to, many, &mut ids).map_err(failed)?,
        }
        next += chunk;
        let sent = ids.len();
        ensure(sent == next as usize, || format!("{next} messages were sent, but there are {sent} ids"))?;
    }
    Ok(ids)
}

/// Takes them: their ids, and in how many batches they came.
fn take(bob: &Node) -> Check<(Vec<MessageId>, u32)> {
    let (mut ids, mut batches, all) = (Vec::new(), 0, ROUNDS * CHUNKS.iter().sum::<u32>());
    let end = Until::after(bob.patience);
    while ids.len() < all as usize {
        let events = match batches % 3 {
            0 => bob.next_event(end.left()).into_iter().collect(),
            _ => bob.next_events(end.left()),
        };
        let so_far = ids.len();
        ensure(!events.is_empty(), || format!("{bob:?}: message {so_far} was next, and nothing came"))?;
        batches += 1;
        for event in events {
            if let Event::Message(message) = event {
                let (next, came) = (ids.len(), number(&message)?);
                ensure(came as usize == next, || format!("{bob:?}: message {next} was next, {came} came"))?;
                ids.push(message.id);
            }
        }
    }
    Ok((ids, batches))
}

/// Of many, one cannot be sent.
fn stopped(ada: &Node, bob: &Node) -> Check {
    let (to, mut ids) = (address(BOB)?, Vec::new());
    let many = [numbered(0, SIZE), numbered(1, 1 << 20), numbered(2, SIZE)];
    match ada.subject().send_many(&to, &many, &mut ids) {
        Err(Error::Send(SendError::TooLarge { .. })) => {}
        other => return Err(format!("{ada:?}: a message that is too large among others: {other:?}")),
    }
    ensure(ids.len() == 1, || format!("one was sent before it, and there are {} ids", ids.len()))?;
    let came = bob.message()?;
    ensure(number(&came)? == 0 && came.id == ids[0], || "another message came".into())?;
    let none = bob.next_events(Duration::from_millis(20)).into_iter();
    ensure(none.filter(|event| matches!(event, Event::Message(_))).count() == 0, || {
        "what is behind one that cannot be sent has come".into()
    })?;
    bob.close()?;
    ensure(bob.next_events(bob.patience).iter().all(|event| !matches!(event, Event::Message(_))), || {
        "a message after all".into()
    })?;
    ada.close()?;
    match ada.subject().send_many(&to, &[Message::text("late")], &mut ids) {
        Err(Error::Closed | Error::Send(SendError::Stopped)) => Ok(()),
        other => Err(format!("{ada:?} is closed, and sends: {other:?}")),
    }
}
