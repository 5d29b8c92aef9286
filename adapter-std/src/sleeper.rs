//! A thread that waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread::{ThreadId, current};
use std::time::Instant;

use parking::{Parker, Unparker};

use crate::engine::Bell;

thread_local! {
    /// Of this crate's own, so that no unpark of the program's is taken.
    static SLEEPER: Sleeper = Sleeper::new();
}

/// The calling thread, when it waits: asleep, or at the event queue of an engine.
pub(crate) struct Sleeper {
    parker: Parker,
    unparker: Arc<Unparker>,
    reach: Arc<Reach>,
    waker: Waker,
}

/// How a thread that waits is reached.
struct Reach {
    thread: ThreadId,
    unparker: Arc<Unparker>,
    /// What ends its waiting at an event queue.
    bell: Mutex<Option<Arc<Bell>>>,
}

impl Reach {
    fn set(&self, bell: Option<Arc<Bell>>) {
        *self.bell.lock().unwrap_or_else(PoisonError::into_inner) = bell;
    }
}

impl Wake for Reach {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unparker.unpark();
        // What it does itself it looks at before it waits.
        if current().id() != self.thread {
            let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
            bell.iter().for_each(|bell| bell.ring());
        }
    }
}

impl Sleeper {
    fn new() -> Sleeper {
        let (parker, unparker) = parking::pair();
        let unparker = Arc::new(unparker);
        let reach = Arc::new(Reach {
            thread: current().id(),
            unparker: Arc::clone(&unparker),
            bell: Mutex::default(),
        });
        Sleeper { parker, unparker, waker: Waker::from(Arc::clone(&reach)), reach }
    }

    /// The one of the calling thread; one of its own for what a thread does at its very end.
    pub(crate) fn with<T>(mut act: impl FnMut(&Sleeper) -> T) -> T {
        SLEEPER.try_with(&mut act).unwrap_or_else(|_| act(&Sleeper::new()))
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    pub(crate) fn unparker(&self) -> &Arc<Unparker> {
        &self.unparker
    }

    /// Sleeps until it is woken, `until` at the most. Whether it was woken.
    pub(crate) fn sleep(&self, until: Option<Instant>) -> bool {
        match until {
            None => {
                self.parker.park();
                true
            }
            Some(until) => self.parker.park_deadline(until),
        }
    }

    /// Until what this returns is dropped, the thread waits where `bell` is heard.
    pub(crate) fn reachable_by(&self, bell: &Arc<Bell>) -> impl Drop + use<'_> {
        self.reach.set(Some(Arc::clone(bell)));
        Reachable(&self.reach)
    }
}

struct Reachable<'a>(&'a Reach);

impl Drop for Reachable<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
