//! How whoever moves the bytes is woken, and when nobody needs to be.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::task::Wake;

use mio::{Registry, Token};
use parking::Unparker;

/// Even tokens are streams, odd ones listeners; this is neither, as nobody has so many.
pub(super) const BELL: Token = Token(usize::MAX);

/// Something else, or there is none.
const AWAY: u8 = 0;
/// It looks again and again, and hears the bell by itself.
const LOOKS: u8 = 1;
/// It waits at the system's event queue, or is about to.
const WAITS: u8 = 2;

thread_local! {
    /// The bell that this thread answers itself just now, and whether it has rung. There is none of number 0.
    static ANSWERED: Cell<(u64, bool)> = const { Cell::new((0, false)) };
}

/// Rings when there is something to do.
///
/// A thread that is about to look itself [answers](Bell::answer) it: what rings on that thread is noted, and costs
/// no system call.
pub(crate) struct Bell {
    number: u64,
    waker: mio::Waker,
    /// What whoever leads does: one of the three above.
    leader: AtomicU8,
    rung: AtomicBool,
    /// The engine's own thread looks again after a while, and would look sooner.
    dozes: AtomicBool,
    own: Arc<Unparker>,
}

impl Bell {
    /// One that ends the waiting at the event queue of `registry`. `own` wakes the engine's own thread.
    pub(super) fn new(registry: &Registry, own: Arc<Unparker>) -> io::Result<Bell> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Ok(Bell {
            number: NEXT.fetch_add(1, Relaxed),
            waker: mio::Waker::new(registry, BELL)?,
            leader: AtomicU8::new(AWAY),
            rung: AtomicBool::new(false),
            dozes: AtomicBool::new(false),
            own,
        })
    }

    /// There is something to do: whoever waits at the event queue wakes, or the next one does not wait, and the
    /// engine's own thread looks whether there is one.
    pub(crate) fn ring(&self) {
        if !self.ring_softly() && self.dozes.load(SeqCst) && self.dozes.swap(false, SeqCst) {
            self.own.unpark();
        }
    }

    /// The same, but whoever has done the work until now comes back for it in most cases: the engine's own thread finds
    /// it when it looks next. Whether somebody leads, who hears it.
    pub(super) fn ring_softly(&self) -> bool {
        self.rung.store(true, SeqCst);
        match self.leader.load(SeqCst) {
            AWAY => return false,
            // It fails only when the queue is gone, and then there is nobody to wake.
            WAITS => drop(self.waker.wake()),
            _ => {}
        }
        true
    }

    pub(super) fn has_rung(&self) -> bool {
        self.rung.load(SeqCst)
    }

    /// This thread looks for what there is to do, and hears the bell, until what this returns is dropped: then it sees
    /// to what has rung.
    pub(super) fn heard(&self) -> Heard<'_> {
        self.leader.store(LOOKS, SeqCst);
        Heard(self)
    }

    /// The engine's own thread rests by `rest`, which is told whether it has rung already, and ends when it does.
    pub(super) fn while_dozing<T>(&self, rest: impl FnOnce(bool) -> T) -> T {
        self.dozes.store(true, SeqCst);
        let done = rest(self.has_rung());
        self.dozes.store(false, SeqCst);
        done
    }

    /// This thread sees itself to whatever rings on it, until what this returns is dropped.
    pub(super) fn answer(&self) -> Answering<'_> {
        Answering { bell: self, before: ANSWERED.replace((self.number, false)) }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if ANSWERED.get().0 == self.number {
            ANSWERED.set((self.number, true));
        } else {
            self.ring();
        }
    }
}

/// While this lives, whoever leads hears the bell.
pub(super) struct Heard<'a>(&'a Bell);

impl Heard<'_> {
    /// From now on, the bell ends the waiting at the event queue. What has rung before does not: whether it has.
    pub(super) fn waits(&self) -> bool {
        self.0.leader.store(WAITS, SeqCst);
        self.0.has_rung()
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.0.leader.store(AWAY, SeqCst);
        self.0.rung.store(false, SeqCst);
    }
}

/// While this lives, its thread sees to what rings on it.
pub(super) struct Answering<'a> {
    bell: &'a Bell,
    before: (u64, bool),
}

impl Answering<'_> {
    /// Whether it has rung since it was asked last.
    pub(super) fn take(&self) -> bool {
        ANSWERED.replace((self.bell.number, false)).1
    }
}

impl Drop for Answering<'_> {
    /// What was not seen to is for others.
    fn drop(&mut self) {
        let (_, rung) = ANSWERED.replace(self.before);
        if rung {
            self.bell.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn bell() -> (mio::Poll, Arc<Bell>) {
        let poll = mio::Poll::new().unwrap();
        let bell = Bell::new(poll.registry(), Arc::new(parking::pair().1)).unwrap();
        (poll, Arc::new(bell))
    }

    #[test]
    fn who_answers_is_not_rung_for() {
        let ((_poll, own), (_other_poll, other)) = (bell(), bell());
        let [own_waker, other_waker] = [&own, &other].map(|bell| Waker::from(Arc::clone(bell)));
        let answering = own.answer();
        own_waker.wake_by_ref();
        other_waker.wake_by_ref();
        assert!(!own.has_rung() && other.has_rung());
        assert!(answering.take() && !answering.take());
        own_waker.wake_by_ref();
        drop(answering);
        assert!(own.has_rung(), "it was not seen to");
    }

    #[test]
    fn on_another_thread_it_rings() {
        let (_poll, own) = bell();
        let answering = own.answer();
        let waker = Waker::from(Arc::clone(&own));
        std::thread::spawn(move || waker.wake()).join().unwrap();
        assert!(own.has_rung() && !answering.take());
    }

    #[test]
    fn what_rings_before_or_while_somebody_waits_ends_the_waiting() {
        let (mut poll, bell) = bell();
        bell.ring();
        assert!(bell.heard().waits());
        assert!(!bell.has_rung());
        let mut events = mio::Events::with_capacity(4);
        let heard = bell.heard();
        assert!(!heard.waits());
        let other = Arc::clone(&bell);
        std::thread::spawn(move || other.ring()).join().unwrap();
        poll.poll(&mut events, None).unwrap();
        assert!(!events.is_empty());
    }

    #[test]
    fn whoever_looks_is_not_woken_and_hears_it_before_it_waits() {
        let (mut poll, bell) = bell();
        let mut events = mio::Events::with_capacity(4);
        let heard = bell.heard();
        bell.ring();
        assert!(bell.has_rung() && heard.waits());
        drop(heard);
        poll.poll(&mut events, Some(std::time::Duration::ZERO)).unwrap();
        assert!(events.is_empty() && !bell.has_rung());
    }

    #[test]
    fn while_nobody_waits_the_own_thread_is_woken_once() {
        let poll = mio::Poll::new().unwrap();
        let (parker, own) = parking::pair();
        let bell = Bell::new(poll.registry(), Arc::new(own)).unwrap();
        let is_woken = || parker.park_timeout(std::time::Duration::ZERO);
        bell.ring();
        assert!(!is_woken(), "it does not doze");
        bell.while_dozing(|rung| {
            assert!(rung);
            bell.ring();
            assert!(is_woken());
            bell.ring();
            assert!(!is_woken());
        });
        bell.while_dozing(|_| {
            let _heard = bell.heard();
            bell.ring();
        });
        assert!(!is_woken(), "somebody waits, and sees to it");
        bell.while_dozing(|_| bell.ring_softly());
        assert!(!is_woken() && bell.has_rung(), "it looks by itself");
    }
}
