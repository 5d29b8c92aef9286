//! Commands that the application serves, and requests that wait for them.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use homing_core::{Failure, Reason, Request, RequestId, Response, SendError, normal_path};

use crate::error::Error;
use crate::shared::{Shared, State};
use crate::sync::lock;
use crate::wait::Submitting;

/// Requests that wait for their handler.
#[derive(Debug)]
pub(crate) struct Requests {
    jobs: Mutex<Jobs>,
    cap: usize,
}

#[derive(Default, Debug)]
struct Jobs {
    queue: VecDeque<Request>,
    closed: bool,
    /// The one who takes them.
    waiting: Option<Waker>,
}

impl Requests {
    pub(crate) fn new(cap: usize) -> Requests {
        Requests { jobs: Mutex::default(), cap: cap.max(1) }
    }

    /// How many requests more it takes. With `wary`, none before half of the queue is free.
    pub(crate) fn room(&self, wary: bool) -> usize {
        let held = lock(&self.jobs).queue.len();
        if wary && held > self.cap / 2 { 0 } else { self.cap.saturating_sub(held) }
    }

    pub(crate) fn put(&self, request: Request) {
        let woken = {
            let mut jobs = lock(&self.jobs);
            jobs.queue.push_back(request);
            jobs.waiting.take()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&self, request: RequestId) {
        lock(&self.jobs).queue.retain(|waiting| waiting.request != request);
    }

    pub(crate) fn close(&self) {
        let (queue, woken) = {
            let mut jobs = lock(&self.jobs);
            jobs.closed = true;
            (std::mem::take(&mut jobs.queue), jobs.waiting.take())
        };
        woken.into_iter().for_each(Waker::wake);
        drop(queue);
    }
}

impl Shared {
    /// The next request for a handler; none when the driver has ended. For one caller at a time.
    pub fn poll_request(&self, cx: &mut Context<'_>) -> Poll<Option<Request>> {
        let mut jobs = lock(&self.requests.jobs);
        if jobs.closed {
            return Poll::Ready(None);
        }
        let Some(request) = jobs.queue.pop_front() else {
            jobs.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let roomy = jobs.queue.len() <= self.requests.cap / 2;
        drop(jobs);
        if roomy {
            self.made_room();
        }
        Poll::Ready(Some(request))
    }
}

impl Shared {
    /// Ready when no request will come any more. For the same caller.
    pub fn poll_no_requests(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut jobs = lock(&self.requests.jobs);
        if jobs.closed {
            return Poll::Ready(());
        }
        jobs.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Which command is answered by which handler.
#[derive(Debug)]
pub struct Commands<H> {
    handlers: Mutex<HashMap<String, H>>,
}

impl<H> Default for Commands<H> {
    fn default() -> Commands<H> {
        Commands { handlers: Mutex::default() }
    }
}

impl<H: Clone> Commands<H> {
    /// Answers `path` with `handler`, from now on.
    ///
    /// # Errors
    /// [`Error::Send`] when the path is none, or is a built-in one; [`Error::Closed`].
    pub fn serve(&self, shared: &Shared, path: &str, description: &str, handler: H) -> Result<(), Error> {
        let path = normal_path(path);
        // Before the handler is known, nothing may arrive for it: the driver waits for this lock.
        let mut state = shared.lock();
        if state.over {
            return Err(Error::Closed);
        }
        state.node.serve(&path, description)?;
        let before = lock(&self.handlers).insert(path, handler);
        drop(state);
        // Where no lock is held: it may own anything, a handle of this peer too.
        drop(before);
        Ok(())
    }

    /// Answers `path` no more. False when it was not served.
    pub fn unserve(&self, shared: &Shared, path: &str) -> bool {
        let path = normal_path(path);
        let known = shared.lock().node.unserve(&path);
        let handler = lock(&self.handlers).remove(&path);
        handler.is_some() && known
    }

    /// The handler of `request`.
    ///
    /// # Errors
    /// [`RESOURCE_NOT_FOUND`](Reason::RESOURCE_NOT_FOUND) when it was taken back meanwhile.
    pub fn handler(&self, request: &Request) -> Result<H, Failure> {
        let handler = lock(&self.handlers).get(&request.path).cloned();
        handler.ok_or_else(|| Reason::RESOURCE_NOT_FOUND.into())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        let handlers = std::mem::take(&mut *lock(&self.handlers));
        drop(handlers);
    }
}

/// What a panic of a handler is answered with.
pub fn panicked() -> Failure {
    Failure { reason: Reason::COMMAND_FAILED, text: "the handler panicked".into() }
}

/// Answers a request, as soon as there is room for it.
///
/// What can go wrong: the caller has given up, which needs no answer, or the answer itself cannot be
/// sent, and the caller is told that instead.
pub async fn respond(shared: &Shared, id: RequestId, answer: Result<Response, Failure>) {
    let sent = Submitting::new(shared, |state: &mut State, now| state.node.respond(now, id, &answer)).await;
    if let Err(Error::Send(e @ (SendError::TooLarge { .. } | SendError::Invalid(_)))) = sent {
        let why = Err(Failure::from(e));
        let _ = Submitting::new(shared, |state: &mut State, now| state.node.respond(now, id, &why)).await;
    }
}
