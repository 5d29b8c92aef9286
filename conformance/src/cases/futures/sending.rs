//! Dropped before it was sent, nothing is; after that it goes its way, and no receipt is lost.

use futures_util::StreamExt;
use homing_core::{Event, Message, MessageId, Receipts, Received, Stage};

use super::calls;
use super::steps::{at_each, give_up};
use crate::block_on_for;
use crate::lab::{Lab, TCP, Trio};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, ensure};

const BOB: &str = "bob@home";
/// All that can be said of a message that arrives and is dealt with.
const WAY: [Stage; 4] = [Stage::Accepted, Stage::Dispatched { count: 1 }, Stage::Received, Stage::Consumed];

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio(TCP)?;
    let to = address(BOB)?;
    let mut dropped = 0;
    dropped += at_each("send", |at| {
        let sent = give_up(calls(&ada)?.send(&to, Message::text("plain")), at, lab.patience, || Ok(()))?;
        arrived(&ada, &bob, sent.as_ref().map(|_| "plain"))?;
        sent.map(|sent| sent.saying("sending")).transpose().map(|sent| sent.is_some())
    })?;
    dropped += at_each("send_and_wait", |at| {
        let mut consumed = None;
        let message = Message::text("awaited");
        let delivering = calls(&ada)?.send_and_wait(&to, message, Receipts::Consumed, lab.long());
        let delivery = give_up(delivering, at, lab.patience, || {
            if consumed.is_none() {
                consumed = Some(consume(&bob)?.id);
            }
            Ok(())
        })?;
        arrived(&ada, &bob, None)?;
        match (consumed, delivery) {
            (Some(id), None) => receipts(&ada, id, Vec::new())?,
            (Some(id), Some(delivery)) => {
                let delivery = delivery.saying("delivering")?;
                let stages: Vec<_> = delivery.receipts.into_iter().map(|(_, _, stage)| stage).collect();
                ensure(delivery.id == id && stages == WAY, || format!("its receipts are {stages:?}"))?;
                return Ok(true);
            }
            (None, delivery) => ensure(at.polls == 0, || format!("not sent, but {delivery:?}"))?,
        }
        Ok(false)
    })?;
    dropped += at_each("track", |at| {
        let tracking = give_up(calls(&ada)?.track(&to, consumable()), at, lab.patience, || Ok(()))?;
        if let Some(tracking) = &tracking {
            let tracking = tracking.as_ref().map_err(|e| format!("tracking: {e}"))?;
            let id = tracking.id();
            ensure(consume(&bob)?.id == id, || "another message came".into())?;
        }
        arrived(&ada, &bob, None)?;
        Ok(tracking.is_some())
    })?;
    dropped += at_each("receipts of what is tracked", |at| {
        let tracked = block_on_for(calls(&ada)?.track(&to, consumable()), lab.patience);
        let mut tracking = tracked.saying("tracking")?.saying("tracking")?;
        let (id, mut seen) = (tracking.id(), Vec::new());
        let all = async {
            while let Some((_, stage)) = tracking.next().await {
                seen.push(stage);
            }
        };
        let mut consumed = false;
        let done = give_up(all, at, lab.patience, || {
            if !std::mem::replace(&mut consumed, true) {
                consume(&bob)?;
            }
            Ok(())
        })?;
        if !consumed {
            consume(&bob)?;
        }
        drop(tracking);
        receipts(&ada, id, seen)?;
        Ok(done.is_some())
    })?;
    for node in [&ada, &bob] {
        node.close()?;
    }
    Ok(dropped)
}

fn consumable() -> Message {
    let mut message = Message::text("tracked");
    message.receipts = Receipts::Consumed;
    message
}

/// Bob takes the next message and says that he has dealt with it.
fn consume(bob: &Node) -> Check<Received> {
    let message = bob.message()?;
    let said = block_on_for(calls(bob)?.consume(&message), bob.patience);
    said.saying("consuming")?.saying("consuming")?;
    Ok(message)
}

/// What bob is given now is this, if anything was sent, and nothing besides.
fn arrived(ada: &Node, bob: &Node, text: Option<&str>) -> Check {
    ada.send(BOB, Message::text("after it"))?;
    for expected in text.into_iter().chain(["after it"]) {
        let came = bob.message()?.body;
        ensure(came == expected.as_bytes(), || {
            format!("{expected:?} was next, {:?} came", String::from_utf8_lossy(&came))
        })?;
    }
    Ok(())
}

/// The receipts of message `id`: those that were seen, and the rest among ada's events.
fn receipts(ada: &Node, id: MessageId, mut stages: Vec<Stage>) -> Check {
    while stages.len() < WAY.len() {
        let seen = format!("a receipt after {stages:?}");
        stages.push(ada.event(&seen, |event| match event {
            Event::Receipt { id: of, stage, .. } if of == id => Some(stage),
            _ => None,
        })?);
    }
    ensure(stages == WAY, || format!("its receipts are {stages:?}"))
}
