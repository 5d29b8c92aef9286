//! Who leads: waits at the system's event queue, for all who wait.

use std::collections::VecDeque;
use std::sync::Arc;

use parking::Unparker;

/// Who leads now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Leader {
    Nobody,
    /// The engine's own thread.
    Own,
    /// A thread of the program's that waits for something.
    Other,
}

/// Who leads, who would, and whether somebody has lately.
///
/// A thread that has led comes back in most cases: the engine's own thread does not take its place at once, but
/// looks now and then, and leads again when nobody has been busy since it looked last. It looks soon when something
/// was [left](Lead::leave_it) to be written, and sleeps while another leads for long.
///
/// While somebody waits, there is a leader, or somebody who follows was woken and will [lead](Lead::enter) or
/// [pass it on](Lead::leave). While nobody does, the own thread leads, or looks again.
pub(super) struct Lead {
    leader: Leader,
    /// The own thread is asked to make room.
    wanted: bool,
    /// The own thread sleeps until it is woken.
    asleep: bool,
    own: Arc<Unparker>,
    followers: VecDeque<(u64, Arc<Unparker>)>,
    next: u64,
    /// How often somebody has led, or was to, or has left something.
    busy: u64,
    /// How often somebody has left something.
    left: u64,
    over: bool,
}

/// A place among those who follow. None before it is taken, and after it was given up.
pub(super) type Place = Option<u64>;

/// What a thread that waits is to do.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// It leads.
    Leader,
    /// It sleeps until it is woken. With `ring`, somebody must be told at the event queue.
    Follower { ring: bool },
}

/// What the own thread is to do.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Own {
    /// It leads, until it is to [make room](Lead::wanted).
    Lead,
    /// It leads for as long as it takes to do what others have left undone.
    Help,
    /// It looks again: soon, or when it thinks fit.
    Watch { soon: bool },
    /// It sleeps until it is woken.
    Sleep,
    /// It ends.
    End,
}

impl Lead {
    /// Nobody leads. `own` wakes the engine's own thread.
    pub(super) fn new(own: Arc<Unparker>) -> Lead {
        Lead {
            leader: Leader::Nobody,
            wanted: false,
            asleep: false,
            own,
            followers: VecDeque::new(),
            next: 0,
            busy: 0,
            left: 0,
            over: false,
        }
    }

    /// A thread of the program's waits, which `unparker` wakes.
    pub(super) fn enter(&mut self, place: &mut Place, unparker: &Arc<Unparker>) -> Role {
        if self.over {
            return Role::Follower { ring: false };
        }
        if self.leader == Leader::Nobody {
            self.forget(place);
            self.leader = Leader::Other;
            return Role::Leader;
        }
        if place.is_none_or(|place| !self.followers.iter().any(|(follower, _)| *follower == place)) {
            self.followers.push_back((self.next, Arc::clone(unparker)));
            *place = Some(self.next);
            self.next += 1;
        }
        let ring = self.leader == Leader::Own && !std::mem::replace(&mut self.wanted, true);
        Role::Follower { ring }
    }

    fn forget(&mut self, place: &mut Place) {
        if let Some(place) = place.take() {
            self.followers.retain(|(follower, _)| *follower != place);
        }
    }

    /// A thread follows no more. If it was to lead, another is.
    pub(super) fn leave(&mut self, place: &mut Place) {
        if place.is_some() {
            self.forget(place);
            self.pass_on();
        }
    }

    /// Whoever led does no more.
    pub(super) fn release(&mut self) {
        // The own thread that makes room leaves it to whoever is woken now, and would be faster.
        self.busy += u64::from(self.leader == Leader::Other || !self.followers.is_empty());
        self.leader = Leader::Nobody;
        self.wanted = false;
        self.pass_on();
    }

    fn pass_on(&mut self) {
        if self.leader != Leader::Nobody {
            return;
        }
        match self.followers.pop_front() {
            Some((_, follower)) => drop(follower.unpark()),
            None if std::mem::take(&mut self.asleep) => drop(self.own.unpark()),
            None => {}
        }
    }

    /// Somebody has given the node something to do, and goes on without seeing to it. The bell is rung after it.
    pub(super) fn leave_it(&mut self) {
        self.busy += 1;
        self.left += 1;
        self.wanted |= self.leader == Leader::Own;
    }

    /// The own thread, which leads, is to make room.
    pub(super) fn wanted(&self) -> bool {
        self.wanted
    }

    /// All is over: nobody leads any more.
    pub(super) fn end(&mut self) {
        self.over = true;
        self.own.unpark();
        for (_, follower) in self.followers.drain(..) {
            follower.unpark();
        }
    }

    /// What the own thread is to do, which has found that there is so much to do.
    pub(super) fn own(&mut self, seen: &mut Seen, need: Need) -> Own {
        let before = std::mem::replace(seen, Seen { busy: self.busy, left: self.left });
        let quiet = before.busy == self.busy;
        self.asleep = false;
        match (self.over, self.leader) {
            (true, _) => Own::End,
            (_, Leader::Other) if quiet => {
                self.asleep = true;
                Own::Sleep
            }
            // Whoever has rung may be about to wait, and to see to it then.
            (_, Leader::Nobody | Leader::Own) if need == Need::Undone || quiet && need == Need::None => {
                self.leader = Leader::Own;
                self.wanted = false;
                if quiet { Own::Lead } else { Own::Help }
            }
            (_, leader) => Own::Watch {
                soon: before.left != self.left || leader == Leader::Nobody && need == Need::Rung,
            },
        }
    }
}

/// What the own thread finds when it looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// Nothing is left to do.
    None,
    /// Somebody has rung, and nobody has come yet.
    Rung,
    /// Nobody has seen to it since it looked last.
    Undone,
}

/// What the own thread saw when it looked last.
#[derive(Default)]
pub(super) struct Seen {
    busy: u64,
    left: u64,
}

#[cfg(test)]
mod crowd;

#[cfg(test)]
mod tests {
    use super::*;
    use parking::{Parker, pair};

    fn thread() -> (Parker, Arc<Unparker>) {
        let (parker, unparker) = pair();
        (parker, Arc::new(unparker))
    }

    fn is_woken(parker: &Parker) -> bool {
        parker.park_timeout(std::time::Duration::ZERO)
    }

    #[test]
    fn the_own_thread_leads_when_nobody_does_and_makes_room_for_whoever_waits() {
        let ((_own, own), (ada, waker)) = (thread(), thread());
        let (mut lead, mut seen, mut place) = (Lead::new(own), Seen::default(), None);
        assert_eq!(lead.own(&mut seen, Need::None), Own::Lead);
        assert_eq!(lead.enter(&mut place, &waker), Role::Follower { ring: true });
        assert_eq!(lead.enter(&mut place, &waker), Role::Follower { ring: false }, "once is enough");
        assert!(lead.wanted() && !is_woken(&ada));
        lead.release();
        assert!(is_woken(&ada));
        assert_eq!(lead.own(&mut seen, Need::None), Own::Watch { soon: false }, "it is not in the way");
        assert_eq!(lead.enter(&mut place, &waker), Role::Leader);
        assert_eq!(place, None);
    }

    #[test]
    fn the_own_thread_sleeps_while_another_leads_for_long_and_comes_back() {
        let ((own, waker), (_, ada)) = (thread(), thread());
        let (mut lead, mut seen) = (Lead::new(waker), Seen::default());
        assert_eq!(lead.enter(&mut None, &ada), Role::Leader);
        lead.leave_it();
        assert_eq!(lead.own(&mut seen, Need::None), Own::Watch { soon: true });
        assert_eq!(lead.own(&mut seen, Need::None), Own::Sleep);
        lead.release();
        assert!(is_woken(&own));
        assert_eq!(lead.own(&mut seen, Need::None), Own::Watch { soon: false });
        assert_eq!(lead.own(&mut seen, Need::None), Own::Lead);
    }

    #[test]
    fn the_own_thread_helps_whoever_is_busy_with_what_is_left_undone() {
        let ((own, waker), mut seen) = (thread(), Seen::default());
        let mut lead = Lead::new(waker);
        lead.leave_it();
        assert_eq!(lead.own(&mut seen, Need::Undone), Own::Help);
        lead.release();
        lead.leave_it();
        assert_eq!(lead.own(&mut seen, Need::None), Own::Watch { soon: true });
        lead.busy += 1;
        assert_eq!(lead.own(&mut seen, Need::None), Own::Watch { soon: false });
        assert_eq!(lead.own(&mut seen, Need::Rung), Own::Watch { soon: true }, "it may be seen to");
        assert!(!is_woken(&own), "the bell wakes it");
        assert_eq!(lead.own(&mut seen, Need::None), Own::Lead);
        lead.leave_it();
        assert!(lead.wanted());
    }

    #[test]
    fn whoever_leaves_first_makes_room_for_the_next() {
        let ((_own, own), (ada, ada_waker), (bob, bob_waker)) = (thread(), thread(), thread());
        let mut lead = Lead::new(own);
        let (mut a, mut b) = (None, None);
        assert_eq!(lead.enter(&mut None, &ada_waker), Role::Leader);
        assert_eq!(lead.enter(&mut a, &ada_waker), Role::Follower { ring: false });
        assert_eq!(lead.enter(&mut b, &bob_waker), Role::Follower { ring: false });
        lead.release();
        assert!(is_woken(&ada) && !is_woken(&bob));
        lead.leave(&mut a);
        assert!(is_woken(&bob), "ada was to lead, and has what she waited for");
        lead.leave(&mut b);
        assert_eq!(lead.enter(&mut a, &ada_waker), Role::Leader);
    }

    #[test]
    fn in_the_end_all_are_woken() {
        let ((own, own_waker), (ada, waker)) = (thread(), thread());
        let (mut lead, mut place) = (Lead::new(own_waker), None);
        assert_eq!(lead.enter(&mut None, &waker), Role::Leader);
        assert_eq!(lead.enter(&mut place, &waker), Role::Follower { ring: false });
        lead.end();
        assert!(is_woken(&own) && is_woken(&ada));
        assert_eq!(lead.own(&mut Seen::default(), Need::None), Own::End);
        assert_eq!(lead.enter(&mut place, &waker), Role::Follower { ring: false });
    }
}
