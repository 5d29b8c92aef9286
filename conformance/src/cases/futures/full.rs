//! Dropped while the queue of the link is full: nothing was sent, called or told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use homing_adapter::{Options, Tracking};
use homing_core::{Address, Command, Message, Pattern, Reason, Receipts, Received, Response, Stage};

use super::calls;
use super::steps::{At, Bell, give_up, holds_no_more, moments};
use crate::cases::flood::{fill, numbered, take};
use crate::lab::{Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, ensure};
use crate::{Call, Calls, block_on_for};

const BOB: &str = "bob@home";
const SIZE: usize = 1_000;
const WINDOW: usize = 32 * 1024;
/// The hub has room for what a peer may have on the way: it holds ada back, and refuses her nothing.
const QUEUE: usize = 2 * WINDOW;
/// Far more messages than there can be on the way.
const MOST: u32 = 4_000;
/// The number of those that are never sent.
const NEVER: u32 = u32::MAX;
/// At how many moments each is dropped: it would wait for ever.
const MOMENTS: usize = 7;
/// How many wait at once and go.
const CROWD: u32 = 10_000;

fn small(mut options: Options) -> Options {
    options.queue = 8;
    let limits = &mut options.config.limits;
    (limits.window, limits.queue, limits.deliveries) = (WINDOW, QUEUE, QUEUE);
    // Whoever takes nothing here is slow, and not to be given up.
    limits.stall = Duration::from_secs(600);
    limits.queue_time = Duration::from_secs(600);
    options
}

/// What a call that waits for room is asked for.
struct Asked {
    bob: Address,
    all: Pattern,
    patience: Duration,
}

type Begin = for<'a> fn(&'a dyn Calls, &'a Asked) -> Call<'a, Check>;

/// The calls that wait for room.
const WAITING: [(&str, Begin); 7] = [
    ("send", |calls, asked| done(calls.send(&asked.bob, never()))),
    ("send_many", |calls, asked| {
        Box::pin(async {
            let mut ids = Vec::new();
            let sent = calls.send_many(&asked.bob, &[never(), never()], &mut ids).await;
            sent.map(|()| drop(ids)).saying("it ended")
        })
    }),
    ("send_and_wait", |calls, asked| {
        done(calls.send_and_wait(&asked.bob, never(), Receipts::Received, asked.patience))
    }),
    ("send_and_wait for nothing", |calls, asked| {
        done(calls.send_and_wait(&asked.bob, never(), Receipts::Failure, asked.patience))
    }),
    ("track", |calls, asked| done(calls.track(&asked.bob, never()))),
    ("request", |calls, asked| done(calls.request(&asked.bob, count(), asked.patience))),
    ("request_many", |calls, asked| done(calls.request_many(&asked.all, count(), asked.patience))),
];

fn done<T: Send + 'static>(call: Call<'_, Result<T, homing_adapter::Error>>) -> Call<'_, Check> {
    Box::pin(async { call.await.map(drop).saying("it ended") })
}

fn never() -> Message {
    numbered(NEVER, SIZE)
}

fn count() -> Command {
    Command::get("count").with_body("x/y", vec![0; SIZE])
}

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio_with(TCP, small)?;
    let asked = Asked { bob: address(BOB)?, all: address(BOB)?.into(), patience: lab.long() };
    let called = Arc::new(AtomicU32::new(0));
    let count_it = Arc::clone(&called);
    bob.serve("/count", move |_| {
        count_it.fetch_add(1, SeqCst);
        Ok(Response::json("1"))
    })?;
    let mut letters = Letters::sent(&bob, &ada)?;
    let sent = fill(&ada, BOB, MOST, SIZE)?;

    let mut dropped = 0;
    let holds = ada.memory();
    for (what, begin) in WAITING {
        let begin = || Ok::<_, String>(begin(calls(&ada)?, &asked));
        for at in moments().take(MOMENTS) {
            let came = give_up(begin()?, at, lab.patience, || turn(lab, &ada))?;
            ensure(came.is_none(), || format!("{what}: the queue is full, but {came:?}"))?;
            dropped += 1;
        }
        let bell = Bell::new();
        let mut crowd = (0..CROWD).map(|_| begin()).collect::<Check<Vec<_>>>()?;
        let early = crowd.iter_mut().find_map(|future| match bell.poll(future.as_mut()) {
            Poll::Ready(came) => Some(came),
            Poll::Pending => None,
        });
        ensure(early.is_none(), || format!("{what}: the queue is full, but {early:?}"))?;
        drop(crowd);
        bell.is_forgotten(lab.patience).map_err(|e| format!("{what}: {e}"))?;
        dropped += CROWD;
    }
    holds_no_more(&ada, holds)?;
    dropped += letters.told(lab, &ada)?;

    take(&bob, 0..sent)?;
    ada.send(BOB, numbered(sent, SIZE))?;
    take(&bob, sent..sent + 1)?;
    ada.request(BOB, count())?;
    ensure(called.load(SeqCst) == 1, || format!("one call was not given up, {called:?} were made"))?;
    letters.ended(lab, &ada)?;
    for node in [&ada, &bob] {
        node.close()?;
    }
    Ok(dropped + half_sent(lab)?)
}

/// Of many that are sent at once those are sent for which there was room, and no others: as the ids say.
fn half_sent(lab: &Lab) -> Check<u32> {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio_with(TCP, small)?;
    let (to, mut next) = (address(BOB)?, 0);
    for at in moments().take(MOMENTS) {
        let many: Vec<_> = (next..next + MOST).map(|n| numbered(n, SIZE)).collect();
        let mut ids = Vec::new();
        let came =
            give_up(calls(&ada)?.send_many(&to, &many, &mut ids), at, lab.patience, || turn(lab, &ada))?;
        ensure(came.is_none(), || format!("send_many: the queue is full, but {came:?}"))?;
        let end = next + u32::try_from(ids.len()).unwrap_or(MOST);
        ensure((at.polls > 0) == (end > next), || {
            format!("send_many, dropped {at}: {} were sent", end - next)
        })?;
        take(&bob, next..end)?;
        next = end;
    }
    ada.send(BOB, numbered(next, SIZE))?;
    take(&bob, next..next + 1)?;
    for node in [&ada, &bob] {
        node.close()?;
    }
    Ok(u32::try_from(MOMENTS).unwrap_or(0))
}

/// Has the driver take a turn, after which those who wait for room look again.
fn turn(lab: &Lab, node: &Node) -> Check {
    node.listen(&lab.memory()).map(drop)
}

/// Messages that bob has sent to ada and follows, to be consumed and refused: one for each moment.
struct Letters(Vec<Letter>);

struct Letter {
    message: Received,
    tracking: Tracking,
    /// It is to be refused, not consumed.
    refuse: bool,
    /// When that is given up.
    at: At,
    /// It was done before it could be given up.
    told: bool,
}

impl Letters {
    fn sent(bob: &Node, ada: &Node) -> Check<Letters> {
        let to = address("ada@home")?;
        let mut letters = Vec::new();
        for refuse in [false, true] {
            for at in moments().take(3) {
                let mut message = Message::text("to be consumed");
                message.receipts = Receipts::Consumed;
                let tracking = block_on_for(calls(bob)?.track(&to, message), bob.patience);
                let tracking = tracking.saying("tracking")?.saying("tracking")?;
                letters.push(Letter { message: ada.message()?, tracking, refuse, at, told: false });
            }
        }
        Ok(Letters(letters))
    }

    /// Ada begins to consume or to refuse each, and gives it up. It may need no room, and then it is done.
    fn told(&mut self, lab: &Lab, ada: &Node) -> Check<u32> {
        let mut dropped = 0;
        for letter in &mut self.0 {
            let calls = calls(ada)?;
            let telling = if letter.refuse {
                calls.refuse(&letter.message, Reason::REFUSED.into())
            } else {
                calls.consume(&letter.message)
            };
            let told = give_up(telling, letter.at, lab.patience, || turn(lab, ada))?;
            letter.told = told.is_some();
            dropped += u32::from(told.is_none());
            told.transpose().saying("telling")?;
        }
        Ok(dropped)
    }

    /// Ada consumes those that she has told nothing of. Of each bob has heard one end.
    fn ended(self, lab: &Lab, ada: &Node) -> Check {
        for Letter { message, tracking, refuse, at, told } in self.0 {
            if !told {
                let told = block_on_for(calls(ada)?.consume(&message), lab.patience);
                told.saying("consuming")?.saying("consuming")?;
            }
            let stages = tracking.map(|(_, stage)| stage).collect::<Vec<_>>();
            let stages = block_on_for(stages, lab.patience).saying("receipts")?;
            let refused = refuse && told;
            let fits = match stages.last() {
                Some(Stage::Consumed) => !refused,
                Some(Stage::Failed(_)) => refused,
                _ => false,
            };
            ensure(fits && stages.len() == 4, || {
                format!("a message whose refusal was {refused}, given up {at}, has the receipts {stages:?}")
            })?;
        }
        Ok(())
    }
}
