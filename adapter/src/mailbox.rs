//! What others tell the driver, and how they wake it.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use homing_core::StoreId;

use crate::memory::MemoryListener;
use crate::sync::lock;

pub(crate) enum Mail {
    /// Accept from this one too.
    Listen(MemoryListener),
    /// A stream or a listener may go on.
    Ready(Arc<Seat>),
    /// The store has answered.
    Stored { id: StoreId, ok: bool },
}

/// The driver's letters, and the bell beside them.
///
/// Whoever puts something where the driver looks before it lies down rings with [`wake`](Mailbox::wake)
/// after it; that costs a system call only when the driver is asleep.
pub struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    waker: Mutex<Waker>,
    /// True while the driver waits or is about to.
    asleep: AtomicBool,
}

impl Mailbox {
    /// One whose driver is woken by `waker`.
    pub fn new(waker: Waker) -> Mailbox {
        Mailbox { mail: Mutex::default(), waker: Mutex::new(waker), asleep: AtomicBool::new(false) }
    }

    /// From now on the driver is woken by `waker`.
    pub fn set_waker(&self, waker: &Waker) {
        lock(&self.waker).clone_from(waker);
    }

    pub(crate) fn post(&self, mail: Mail) {
        lock(&self.mail).push(mail);
        self.wake();
    }

    /// Wakes the driver, if it sleeps.
    pub fn wake(&self) {
        // Most often it is awake, and to read that costs less than to write it.
        if self.asleep.load(SeqCst) && self.asleep.swap(false, SeqCst) {
            lock(&self.waker).wake_by_ref();
        }
    }

    /// The driver lies down: whoever comes after this must wake it.
    pub(crate) fn lie_down(&self) {
        self.asleep.store(true, SeqCst);
    }

    /// The driver is awake, whatever has woken it.
    pub fn rise(&self) {
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

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").field("asleep", &self.asleep).finish_non_exhaustive()
    }
}

/// What a place of the driver's may do again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Accept.
    In,
    /// Read.
    Read,
    /// Write, flush or close.
    Write,
    /// Read or write.
    Both,
}

/// One place of a driver: as a waker, it says that its stream or its listener may go on.
pub(crate) struct Seat {
    mailbox: Arc<Mailbox>,
    pub(crate) place: usize,
    pub(crate) way: Way,
    /// It is in the mailbox already. However often it is woken, it is there once.
    posted: AtomicBool,
}

impl Seat {
    pub(crate) fn waker(mailbox: &Arc<Mailbox>, place: usize, way: Way) -> Waker {
        let posted = AtomicBool::new(false);
        Waker::from(Arc::new(Seat { mailbox: Arc::clone(mailbox), place, way, posted }))
    }

    /// It was taken out: from now on it may come again.
    pub(crate) fn taken(&self) {
        self.posted.store(false, SeqCst);
    }
}

impl Wake for Seat {
    fn wake(self: Arc<Self>) {
        if !self.posted.swap(true, SeqCst) {
            let mailbox = Arc::clone(&self.mailbox);
            mailbox.post(Mail::Ready(self));
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Arc::clone(self).wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_in_the_mailbox_once() {
        let mailbox = Arc::new(Mailbox::new(Waker::noop().clone()));
        let waker = Seat::waker(&mailbox, 3, Way::Read);
        for _ in 0..3 {
            for _ in 0..5 {
                waker.wake_by_ref();
            }
            let mut mail = Vec::new();
            mailbox.take(&mut mail);
            let [Mail::Ready(seat)] = &mail[..] else { panic!("{} letters", mail.len()) };
            assert_eq!((seat.place, seat.way), (3, Way::Read));
            seat.taken();
        }
        assert!(mailbox.is_empty());
    }
}
