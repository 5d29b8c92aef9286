//! What other threads tell the driver, and how they wake it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use homing_core::{LinkId, StoreId};
use mio::{Token, Waker};

use crate::listener::Listener;
use crate::stream::Stream;

/// A panic elsewhere must not spread: what the lock guards is valid between any two statements.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) enum Mail {
    /// Accept from this one too.
    Listen(Listener),
    /// A dial has ended.
    Dialed { link: LinkId, result: io::Result<Stream> },
    /// Something in memory may be read or written again.
    Ready(Token),
    /// The store has answered.
    Stored { id: StoreId, ok: bool },
}

pub(crate) struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    waker: Waker,
    /// True while the driver waits or is about to: only then a wake-up costs a system call.
    asleep: AtomicBool,
}

impl Mailbox {
    pub(crate) fn new(waker: Waker) -> Mailbox {
        Mailbox { mail: Mutex::new(Vec::new()), waker, asleep: AtomicBool::new(false) }
    }

    pub(crate) fn post(&self, mail: Mail) {
        lock(&self.mail).push(mail);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, SeqCst) {
            // It fails only when the driver is gone, and then there is nobody to wake.
            let _ = self.waker.wake();
        }
    }

    /// The driver lies down: whoever comes after this must wake it.
    pub(crate) fn lie_down(&self) {
        self.asleep.store(true, SeqCst);
    }

    pub(crate) fn rise(&self) {
        self.asleep.store(false, SeqCst);
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.mail).is_empty()
    }

    /// Everything that has come, in exchange for an empty `spare`.
    pub(crate) fn take(&self, spare: &mut Vec<Mail>) {
        std::mem::swap(&mut *lock(&self.mail), spare);
    }
}
