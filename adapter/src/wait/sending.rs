//! Sending, and waiting for what becomes of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_channel::mpsc::unbounded;
use homing_core::{Address, Message, MessageId, Receipts, Stage};

use crate::error::Error;
use crate::handle::Handle;
use crate::wait::watchers::Place;
use crate::wait::{Patient, Tracking};

/// Sends a message that is followed, as soon as there is room for it.
///
/// Dropped before it is ready, nothing was sent.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Sending {
    handle: Arc<Handle>,
    to: Address,
    message: Message,
    until: Receipts,
    place: Place,
}

impl Sending {
    /// A message to `to`, which is followed as far as it asks for receipts, and to the hub at least.
    pub fn new(handle: &Arc<Handle>, to: &Address, mut message: Message) -> Sending {
        let until = message.receipts.max(Receipts::Route);
        message.receipts = until;
        Sending { handle: Arc::clone(handle), to: to.clone(), message, until, place: None }
    }
}

impl Future for Sending {
    type Output = Result<Tracking, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Sending { handle, to, message, until, place } = &mut *self;
        let (waiter, notes) = unbounded();
        let sent = handle.shared.clock();
        let id = ready!(handle.shared.poll_command(cx, place, |state, now| {
            let id = state.node.send(now, to, message.clone())?;
            state.pending.tracked.insert(id, waiter.clone());
            Ok(id)
        }))?;
        Poll::Ready(Ok(Tracking::new(handle, (id, sent), notes, to, *until)))
    }
}

impl Patient for Sending {
    fn time_is_up(&mut self) -> Self::Output {
        Err(Error::Timeout(None))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.handle.shared.leave_turn(&mut self.place);
    }
}

/// What became of a message that was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// Every receipt in the order of arrival: how long after sending it came, who gave it (this node
    /// itself, when nobody is named), and what it says.
    pub receipts: Vec<(Duration, Option<Address>, Stage)>,
}

/// Sends a message and is ready when it has come as far as was asked, for everybody it is for.
///
/// Dropped before it is sent, nothing was; after that the message goes its way, and what becomes of
/// it is among the events, what this had heard already included.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Delivering {
    everyone: bool,
    step: Step,
    receipts: Vec<(Duration, Option<Address>, Stage)>,
}

#[derive(Debug)]
enum Step {
    Sending(Sending),
    Tracking(Tracking),
}

impl Delivering {
    /// A message to `to`, followed as far as `until`; at least to the hub.
    pub fn new(handle: &Arc<Handle>, to: &Address, mut message: Message, until: Receipts) -> Delivering {
        message.receipts = message.receipts.max(until);
        let mut sending = Sending::new(handle, to, message);
        sending.until = until;
        Delivering { everyone: to.is_everyone(), step: Step::Sending(sending), receipts: Vec::new() }
    }
}

impl Future for Delivering {
    type Output = Result<Delivery, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Delivering { everyone, step, receipts } = &mut *self;
        loop {
            let tracking = match step {
                Step::Sending(sending) => {
                    *step = Step::Tracking(ready!(Pin::new(sending).poll(cx))?);
                    continue;
                }
                Step::Tracking(tracking) => tracking,
            };
            match ready!(tracking.poll_note(cx)) {
                Some((_, from, Stage::Failed(failure))) if from.is_none() || !*everyone => {
                    receipts.clear();
                    return Poll::Ready(Err(Error::NotDelivered(failure)));
                }
                Some(receipt) => receipts.push(receipt),
                None if tracking.cut_off => return Poll::Ready(Err(Error::Closed)),
                None => {
                    let receipts = std::mem::take(receipts);
                    return Poll::Ready(Ok(Delivery { id: tracking.id(), receipts }));
                }
            }
        }
    }
}

impl Patient for Delivering {
    fn time_is_up(&mut self) -> Self::Output {
        Err(Error::Timeout(None))
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        if let Step::Tracking(tracking) = &mut self.step {
            tracking.give_back(std::mem::take(&mut self.receipts));
        }
    }
}
