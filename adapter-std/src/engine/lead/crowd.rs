//! Any number of threads, interleaved in any way, leave nobody waiting.

use super::*;
use parking::{Parker, pair};
use proptest::prelude::*;

const THREADS: usize = 4;

/// What a thread of the program's does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Does {
    /// Nothing here.
    Else,
    /// It was told to ring, and will; then it sleeps.
    Rings,
    /// It has left something, and will ring.
    Left,
    Sleeps,
    /// It was woken, and will lead, follow again or leave.
    Woken,
    Leads,
}

/// What the own thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OwnDoes {
    Looks,
    Leads,
    Helps,
    /// It looks again after a while; sooner when the bell rings, if it dozes.
    Watches {
        dozes: bool,
    },
    Sleeps,
}

struct Thread {
    does: Does,
    place: Place,
    parker: Parker,
    waker: Arc<Unparker>,
}

impl Thread {
    fn new() -> Thread {
        let (parker, waker) = pair();
        Thread { does: Does::Else, place: None, parker, waker: Arc::new(waker) }
    }

    fn takes_wake(&self) -> bool {
        self.parker.park_timeout(std::time::Duration::ZERO)
    }

    fn is_woken(&self) -> bool {
        let woken = self.takes_wake();
        if woken {
            self.waker.unpark();
        }
        woken
    }
}

/// Threads, and all that an engine has besides the bytes.
struct Crowd {
    lead: Lead,
    threads: Vec<Thread>,
    own: Thread,
    own_does: OwnDoes,
    seen: Seen,
    /// The bell has rung, and nobody has come.
    rung: bool,
    /// Something was left, and nobody has seen to it.
    undone: bool,
    turns: u64,
    turns_seen: u64,
    /// The own thread has looked again after a long while in which nobody has looked at the event queue.
    deaf: bool,
    dozed: bool,
}

impl Crowd {
    fn new() -> Crowd {
        let own = Thread::new();
        Crowd {
            lead: Lead::new(Arc::clone(&own.waker)),
            threads: (0..THREADS).map(|_| Thread::new()).collect(),
            own,
            own_does: OwnDoes::Looks,
            seen: Seen::default(),
            rung: false,
            undone: false,
            turns: 0,
            turns_seen: 0,
            deaf: false,
            dozed: false,
        }
    }

    fn somebody_leads(&self) -> bool {
        self.threads.iter().any(|thread| thread.does == Does::Leads)
            || matches!(self.own_does, OwnDoes::Leads | OwnDoes::Helps)
    }

    fn ring(&mut self) {
        self.rung = true;
        if !self.somebody_leads() && self.own_does == (OwnDoes::Watches { dozes: true }) {
            self.own_does = OwnDoes::Watches { dozes: false };
            self.own.waker.unpark();
        }
    }

    /// A look at the event queue, and a turn.
    fn round(&mut self) {
        (self.rung, self.undone, self.deaf) = (false, false, false);
        self.turns += 1;
    }

    fn enter(&mut self, who: usize) {
        let thread = &mut self.threads[who];
        thread.does = match self.lead.enter(&mut thread.place, &thread.waker) {
            Role::Leader => Does::Leads,
            Role::Follower { ring: true } => Does::Rings,
            Role::Follower { ring: false } => Does::Sleeps,
        };
    }

    /// What `who` may do next, if it does `what`.
    fn step(&mut self, who: usize, what: u8) {
        match (self.threads[who].does, what % 4) {
            (Does::Else, 0 | 1) => self.enter(who),
            (Does::Else, 2) => {
                self.lead.leave_it();
                (self.undone, self.threads[who].does) = (true, Does::Left);
            }
            // It gives the driver a turn without looking at the event queue.
            (Does::Else, _) => (self.undone, self.turns) = (false, self.turns + 1),
            (Does::Rings, _) => {
                self.ring();
                self.threads[who].does = Does::Sleeps;
            }
            (Does::Left, _) => {
                self.ring();
                self.threads[who].does = Does::Else;
            }
            (Does::Sleeps, 0) => drop(self.threads[who].waker.unpark()),
            // Its time is up.
            (Does::Sleeps, 1) => self.leave(who),
            (Does::Sleeps, _) if self.threads[who].takes_wake() => self.threads[who].does = Does::Woken,
            (Does::Sleeps, _) => {}
            (Does::Woken, 0) => self.leave(who),
            (Does::Woken, _) => self.enter(who),
            (Does::Leads, 0 | 1) => self.round(),
            // What comes for it from elsewhere.
            (Does::Leads, 2) => self.rung = true,
            (Does::Leads, _) => {
                self.threads[who].does = Does::Else;
                self.lead.release();
                if what & 4 != 0 {
                    // There is more to do.
                    self.undone = true;
                    self.ring();
                }
            }
        }
    }

    fn leave(&mut self, who: usize) {
        let thread = &mut self.threads[who];
        thread.does = Does::Else;
        self.lead.leave(&mut thread.place);
    }

    /// What the own thread does next, if there is anything. With `late`, it has waited for long enough.
    fn own_step(&mut self, late: bool) -> bool {
        match self.own_does {
            OwnDoes::Looks => {
                let before = std::mem::replace(&mut self.turns_seen, self.turns);
                let need = match self.rung {
                    _ if self.deaf => Need::Undone,
                    true if before == self.turns && !self.dozed => Need::Undone,
                    true => Need::Rung,
                    false => Need::None,
                };
                self.own_does = match self.lead.own(&mut self.seen, need) {
                    Own::Lead => OwnDoes::Leads,
                    Own::Help => OwnDoes::Helps,
                    Own::Watch { soon } => OwnDoes::Watches { dozes: !soon },
                    Own::Sleep => OwnDoes::Sleeps,
                    Own::End => unreachable!("nothing ends it"),
                };
                self.dozed = self.own_does == (OwnDoes::Watches { dozes: true });
                true
            }
            OwnDoes::Leads | OwnDoes::Helps => {
                if self.own_does == OwnDoes::Leads && !self.rung {
                    return false;
                }
                self.round();
                if self.own_does == OwnDoes::Helps || self.lead.wanted() {
                    self.own_does = OwnDoes::Looks;
                    self.lead.release();
                }
                true
            }
            OwnDoes::Watches { dozes } => {
                let woken = self.own.takes_wake();
                if woken || late {
                    self.own_does = OwnDoes::Looks;
                    self.deaf = !woken && dozes;
                }
                woken || late
            }
            OwnDoes::Sleeps => {
                let woken = self.own.takes_wake();
                if woken {
                    self.own_does = OwnDoes::Looks;
                }
                woken
            }
        }
    }

    /// Somebody sees to everything, or will.
    fn check(&self) {
        let does = |what| self.threads.iter().any(|thread| thread.does == what);
        let leads = does(Does::Leads);
        let will = does(Does::Woken)
            || self.threads.iter().any(|thread| thread.does == Does::Sleeps && thread.is_woken());
        let own = self.own_does != OwnDoes::Sleeps || self.own.is_woken();
        let waits = does(Does::Rings) || does(Does::Sleeps);
        assert!(leads || will || own || !(waits || self.undone || self.rung), "nobody comes");
        assert!(leads || will || own, "the own thread sleeps, and nobody leads");
        let both = leads && matches!(self.own_does, OwnDoes::Leads | OwnDoes::Helps);
        let count = self.threads.iter().filter(|thread| thread.does == Does::Leads).count();
        assert!(!both && count < 2, "two lead");
        let rings = self.rung || does(Does::Rings) || does(Does::Left);
        if self.own_does == OwnDoes::Leads {
            assert!(rings || !self.lead.wanted(), "the own thread does not hear that it is wanted");
        }
        if self.somebody_leads() {
            assert!(rings || !self.undone, "whoever leads does not hear what was left");
        }
    }

    /// Nothing new happens, and the own thread is faster than anybody else: all come to rest.
    fn settle(&mut self) {
        for _ in 0..100 {
            self.check();
            let moves = |thread: &Thread| match thread.does {
                Does::Rings | Does::Left | Does::Woken => true,
                Does::Sleeps => thread.is_woken(),
                Does::Else | Does::Leads => false,
            };
            if self.own_step(false) {
                continue;
            }
            if let Some(who) = self.threads.iter().position(moves) {
                self.step(who, 3);
            } else if let Some(who) = self.threads.iter().position(|thread| thread.does == Does::Leads)
                && self.rung
            {
                self.step(who, 0);
            } else if !self.own_step(true) {
                assert!(!self.rung && !self.undone, "something is left");
                assert!(self.somebody_leads(), "nobody leads");
                return;
            }
        }
        panic!("they never come to rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whoever_waits_is_seen_to(steps in prop::collection::vec((0..=THREADS, any::<u8>()), 0..120)) {
        let mut crowd = Crowd::new();
        for (who, what) in steps {
            if who == THREADS {
                crowd.own_step(what % 2 == 0);
            } else {
                crowd.step(who, what);
            }
            crowd.check();
        }
        crowd.settle();
    }
}
