//! Calling commands, and waiting for answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant as Clock;

use futures_core::Stream;
use homing_core::{Address, CallId, CallOutcome, Command, Failure, Pattern, Reason, Response, SendError};

use crate::error::Error;
use crate::handle::Handle;
use crate::wait::Patient;
use crate::wait::answered::{self, Told};
use crate::wait::watchers::Place;

/// Calls a command, as soon as there is room for it.
///
/// Dropped before it is ready, nothing was called.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Calling {
    handle: Arc<Handle>,
    to: Pattern,
    command: Command,
    until: Clock,
    place: Place,
}

impl Calling {
    /// Calls `command` on `to`, with patience until `until`.
    pub fn new(handle: &Arc<Handle>, to: Pattern, command: Command, until: Clock) -> Calling {
        Calling { handle: Arc::clone(handle), to, command, until, place: None }
    }
}

impl Future for Calling {
    type Output = Result<Answers, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Calling { handle, to, command, until, place } = &mut *self;
        let shared = &handle.shared;
        let until = shared.instant(*until);
        let (call, news) = ready!(shared.poll_command(cx, place, |state, now| {
            let call = state.node.request(now, to, &*command, until.saturating_since(now))?;
            let (teller, news) = answered::pair();
            state.pending.calls.insert(call, teller);
            Ok((call, news))
        }))?;
        Poll::Ready(Ok(Answers { handle: Arc::clone(handle), call, news, ended: None }))
    }
}

impl Patient for Calling {
    fn time_is_up(&mut self) -> Self::Output {
        Err(Error::Timeout(None))
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.handle.shared.leave_turn(&mut self.place);
    }
}

/// The answers to one call, as they come: who answered, and what.
///
/// It ends when everybody has answered or the call's time is up. Dropping it before gives the call
/// up.
pub struct Answers {
    handle: Arc<Handle>,
    call: CallId,
    news: Told,
    ended: Option<Summary>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// How.
    pub outcome: CallOutcome,
    /// How many answered.
    pub answered: u32,
    /// How many were asked, as far as it is known.
    pub asked: u32,
}

impl Answers {
    /// How the call ended; `None` before the last was given.
    pub fn summary(&self) -> Option<Summary> {
        self.ended
    }
}

impl Stream for Answers {
    type Item = (Address, Result<Response, Failure>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended.is_some() {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.news.poll_next(cx)) {
            Ok(answer) => Some(answer),
            Err(ended) => {
                self.ended = Some(ended);
                None
            }
        })
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        if self.ended.is_none() && !self.news.has_ended() {
            // It may have ended just now; then there is nothing to give up.
            let _ = self.handle.shared.command(|state, now| {
                state.pending.calls.remove(&self.call);
                state.node.cancel(now, self.call)
            });
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("call", &self.call)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Calls a command on one peer and is ready when it has answered.
///
/// Dropped before it is ready, the call is given up.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Requesting {
    step: Step,
}

#[derive(Debug)]
enum Step {
    Calling(Calling),
    Waiting(Answers),
}

impl Requesting {
    /// Calls `command` on `to`, with patience until `until`.
    ///
    /// # Errors
    /// [`Error::Send`] when `to` is everybody.
    pub fn new(
        handle: &Arc<Handle>,
        to: &Address,
        command: Command,
        until: Clock,
    ) -> Result<Requesting, Error> {
        if to.is_everyone() {
            let text = "this calls one peer: call everybody with request_many";
            return Err(Error::Send(SendError::Invalid(text.into())));
        }
        let calling = Calling::new(handle, Pattern::One(to.clone()), command, until);
        Ok(Requesting { step: Step::Calling(calling) })
    }
}

impl Future for Requesting {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let answers = match &mut self.step {
                Step::Calling(calling) => {
                    self.step = Step::Waiting(ready!(Pin::new(calling).poll(cx))?);
                    continue;
                }
                Step::Waiting(answers) => answers,
            };
            let result = match ready!(Pin::new(&mut *answers).poll_next(cx)) {
                Some((_, Ok(response))) => Ok(response),
                // A call that nobody answered comes as an answer that says so.
                Some((_, Err(failure))) if failure.reason == Reason::TIMEOUT => Err(Error::Timeout(None)),
                Some((_, Err(failure))) => Err(Error::Command(failure)),
                None if answers.ended.is_some_and(|end| end.outcome == CallOutcome::Cancelled) => {
                    Err(Error::Closed)
                }
                None => Err(Error::Timeout(None)),
            };
            // The one answer has come: nothing is left to be given up.
            answers.ended = Some(Summary { outcome: CallOutcome::Complete, answered: 1, asked: 1 });
            return Poll::Ready(result);
        }
    }
}

impl Patient for Requesting {
    fn time_is_up(&mut self) -> Self::Output {
        Err(Error::Timeout(None))
    }
}
