//! Commands that the application serves, and the thread that carries them out.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use homing_core::{Failure, Reason, Request, RequestId, Response, SendError};

use crate::mailbox::lock;
use crate::shared::Shared;
use homing_adapter::Error;

pub(crate) type Handler = Arc<dyn Fn(&Request) -> Result<Response, Failure> + Send + Sync>;

/// Requests that wait for their handler.
pub(crate) struct Work {
    jobs: Mutex<Jobs>,
    more: Condvar,
    cap: usize,
}

#[derive(Default)]
struct Jobs {
    handlers: HashMap<String, Handler>,
    queue: VecDeque<Request>,
    running: bool,
    closed: bool,
}

impl Work {
    pub(crate) fn new(cap: usize) -> Work {
        Work { jobs: Mutex::default(), more: Condvar::new(), cap: cap.max(1) }
    }

    /// How many requests more it takes. With `wary`, none before half of the queue is free.
    pub(crate) fn room(&self, wary: bool) -> usize {
        let held = lock(&self.jobs).queue.len();
        if wary && held > self.cap / 2 { 0 } else { self.cap.saturating_sub(held) }
    }

    pub(crate) fn put(&self, request: Request) {
        lock(&self.jobs).queue.push_back(request);
        self.more.notify_one();
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&self, request: RequestId) {
        lock(&self.jobs).queue.retain(|waiting| waiting.request != request);
    }

    /// Has `handler` answer what comes for `path`; starts the thread if it is the first. Returns the
    /// handler before it, to be dropped where no lock is held: it may own anything.
    pub(crate) fn serve(
        &self,
        shared: &Arc<Shared>,
        path: String,
        handler: Handler,
    ) -> Result<Option<Handler>, Error> {
        let mut jobs = lock(&self.jobs);
        if jobs.closed {
            return Err(Error::Closed);
        }
        if !jobs.running {
            let shared = Arc::clone(shared);
            let thread = std::thread::Builder::new().name("homing-serve".into());
            thread.spawn(move || shared.work.run(&shared))?;
            jobs.running = true;
        }
        Ok(jobs.handlers.insert(path, handler))
    }

    pub(crate) fn unserve(&self, path: &str) -> bool {
        // Dropped outside of the lock.
        let handler = lock(&self.jobs).handlers.remove(path);
        handler.is_some()
    }

    pub(crate) fn close(&self) {
        let (handlers, queue) = {
            let mut jobs = lock(&self.jobs);
            jobs.closed = true;
            (std::mem::take(&mut jobs.handlers), std::mem::take(&mut jobs.queue))
        };
        self.more.notify_all();
        drop((handlers, queue));
    }

    fn run(&self, shared: &Shared) {
        while let Some((request, handler)) = self.take(shared) {
            let id = request.request;
            let answer = match handler {
                None => Err(Reason::RESOURCE_NOT_FOUND.into()),
                Some(handler) => catch_unwind(AssertUnwindSafe(|| handler(&request))).unwrap_or_else(|_| {
                    Err(Failure { reason: Reason::COMMAND_FAILED, text: "the handler panicked".into() })
                }),
            };
            answer_request(shared, id, answer);
        }
    }

    fn take(&self, shared: &Shared) -> Option<(Request, Option<Handler>)> {
        let mut jobs = lock(&self.jobs);
        loop {
            if jobs.closed {
                return None;
            }
            if let Some(request) = jobs.queue.pop_front() {
                if jobs.queue.len() <= self.cap / 2 {
                    shared.made_room();
                }
                let handler = jobs.handlers.get(&request.path).cloned();
                return Some((request, handler));
            }
            jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn answer_request(shared: &Shared, id: RequestId, answer: Result<Response, Failure>) {
    // An answer waits for its turn as a message does. What else can go wrong: the caller has given
    // up, which needs no answer, or the answer itself cannot be sent, which does.
    let sent = shared.command_when_free(None, |state, now| state.node.respond(now, id, answer.clone()));
    if let Err(Error::Send(e @ (SendError::TooLarge { .. } | SendError::Invalid(_)))) = sent {
        let _ =
            shared.command_when_free(None, |state, now| state.node.respond(now, id, Err(e.clone().into())));
    }
}
