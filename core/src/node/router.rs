//! Where an address leads: tables only, no bytes. DESIGN's order: the exact instance, else the best
//! instance of the name.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::link::LinkId;
use crate::node::agenda::{ADDRESS_TEXT, tree_memory};
use crate::{Address, PeerId, Reason};

/// One admitted peer: a place at the hub's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seat {
    pub(crate) address: Address,
    pub(crate) link: LinkId,
    pub(crate) key: PeerId,
    pub(crate) priority: i8,
}

/// Who is admitted, by name.
#[derive(Debug, Default)]
pub(crate) struct Router {
    names: BTreeMap<Arc<str>, Seats>,
    len: usize,
}

#[derive(Debug, Default)]
struct Seats {
    seats: Vec<Seat>,
    /// Whose turn it is among the best.
    turn: usize,
}

/// The rule that chose a seat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Exact,
    Best,
}

impl Rule {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Rule::Exact => "the exact instance",
            Rule::Best => "the best instance of the name",
        }
    }
}

impl Router {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Seats a peer; whoever had the same address before is unseated.
    pub(crate) fn seat(&mut self, seat: Seat) -> Option<Seat> {
        let before = self.unseat(&seat.address);
        self.names.entry(seat.address.name().into()).or_default().seats.push(seat);
        self.len += 1;
        before
    }

    pub(crate) fn unseat(&mut self, address: &Address) -> Option<Seat> {
        let seats = self.names.get_mut(address.name())?;
        let at = seats.seats.iter().position(|seat| seat.address == *address)?;
        let seat = seats.seats.remove(at);
        if seats.seats.is_empty() {
            self.names.remove(address.name());
        }
        self.len -= 1;
        Some(seat)
    }

    /// The seat for `name`, or exactly for `instance` of it, and the rule that chose it.
    pub(crate) fn find(&self, name: &str, instance: Option<&str>) -> Result<(&Seat, Rule), Reason> {
        let seats = self.names.get(name).ok_or(Reason::NOT_FOUND)?;
        if instance.is_some() {
            let exact = seats.seats.iter().find(|seat| seat.address.instance() == instance);
            let exact = exact.or(seats.seats.first().filter(|_| planted!(ExactFallsBack)));
            return exact.map(|seat| (seat, Rule::Exact)).ok_or(Reason::NOT_FOUND);
        }
        let best = seats.seats.iter().map(|seat| seat.priority).max().filter(|&best| best >= 0);
        let best = best.ok_or(Reason::NOT_AVAILABLE)?;
        let equals = || seats.seats.iter().filter(|seat| seat.priority == best);
        let turn = seats.turn % equals().count().max(1);
        equals().nth(turn).map(|seat| (seat, Rule::Best)).ok_or(Reason::NOT_FOUND)
    }

    /// The same, and the next of equal instances has its turn next.
    pub(crate) fn take(&mut self, name: &str, instance: Option<&str>) -> Result<LinkId, Reason> {
        let (seat, rule) = self.find(name, instance)?;
        let link = seat.link;
        if rule == Rule::Best
            && let Some(seats) = self.names.get_mut(name)
        {
            seats.turn = seats.turn.wrapping_add(1);
        }
        Ok(link)
    }

    /// Every instance of a name.
    pub(crate) fn instances(&self, name: &str) -> impl Iterator<Item = &Seat> {
        self.names.get(name).into_iter().flat_map(|seats| &seats.seats)
    }

    /// Everybody, in the order of the names.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.names.values().flat_map(|seats| &seats.seats)
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(Arc<str>, Seats)>(self.names.len())
            + (self.names.len() + self.len) * ADDRESS_TEXT
            + self.names.values().map(|seats| seats.seats.capacity() * size_of::<Seat>()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::agenda::{check_memory, mixed};
    use proptest::prelude::*;

    fn seat(address: &str, link: u64, priority: i8) -> Seat {
        Seat {
            address: address.parse().unwrap(),
            link: LinkId::accepted(link),
            key: PeerId::from_bytes([0; 32]),
            priority,
        }
    }

    #[test]
    fn exact_then_best_then_in_turn() {
        let mut router = Router::default();
        router.seat(seat("ada@n/a", 1, 0));
        router.seat(seat("ada@n/b", 2, 5));
        router.seat(seat("ada@n/c", 3, 5));
        router.seat(seat("bob@n/x", 4, -1));
        let take = |router: &mut Router, name, instance| router.take(name, instance);
        assert_eq!(take(&mut router, "ada", Some("a")), Ok(LinkId::accepted(1)));
        let turns: Vec<_> = (0..4).map(|_| take(&mut router, "ada", None).unwrap()).collect();
        assert_eq!(turns, [2, 3, 2, 3].map(LinkId::accepted));
        assert_eq!(take(&mut router, "bob", None), Err(Reason::NOT_AVAILABLE));
        assert_eq!(take(&mut router, "bob", Some("x")), Ok(LinkId::accepted(4)));
        assert_eq!(take(&mut router, "bob", Some("y")), Err(Reason::NOT_FOUND));
        assert_eq!(take(&mut router, "eve", None), Err(Reason::NOT_FOUND));
        assert_eq!(router.seat(seat("ada@n/a", 9, 0)).map(|s| s.link), Some(LinkId::accepted(1)));
        assert_eq!(router.len(), 4);
    }

    #[test]
    fn each_rule_has_a_text_of_its_own() {
        let mut router = Router::default();
        router.seat(seat("ada@n/a", 1, 0));
        let text = |instance| router.find("ada", instance).unwrap().1.text();
        assert_eq!((text(Some("a")), text(None)), ("the exact instance", "the best instance of the name"));
    }

    #[test]
    fn it_says_what_it_holds() {
        // Many names of one instance each; then one name of many.
        for (names, instances) in [(1000, 1), (1, 1000)] {
            let fill = || {
                let mut router = Router::default();
                for (name, instance) in mixed(names).flat_map(|n| mixed(instances).map(move |i| (n, i))) {
                    router.seat(seat(&alloc::format!("{name:020}@network/{instance:020}"), 1, 0));
                }
                router
            };
            check_memory(fill, Router::memory);
        }
    }

    proptest! {
        /// Against a plain list: who is seated is found, who is not is not.
        #[test]
        fn as_a_list_would(steps in proptest::collection::vec((0u8..3, 0u8..4, -1i8..3, any::<bool>()), 0..60)) {
            let mut router = Router::default();
            let mut list: Vec<Seat> = Vec::new();
            for (n, (name, instance, priority, add)) in steps.into_iter().enumerate() {
                let seat = seat(&alloc::format!("n{name}@w/i{instance}"), n as u64, priority);
                list.retain(|other| other.address != seat.address);
                if add {
                    router.seat(seat.clone());
                    list.push(seat);
                } else {
                    router.unseat(&seat.address);
                }
                prop_assert_eq!(router.len(), list.len());
                prop_assert_eq!(router.seats().count(), list.len());
                for seat in &list {
                    let exact = router.find(seat.address.name(), seat.address.instance());
                    prop_assert_eq!(exact.map(|found| found.0), Ok(seat));
                    let same = || list.iter().filter(|other| other.address.name() == seat.address.name());
                    let best = same().map(|other| other.priority).max().unwrap_or(-1);
                    match router.take(seat.address.name(), None) {
                        Ok(link) => prop_assert!(same().any(|s| s.link == link && s.priority == best && best >= 0)),
                        Err(reason) => prop_assert!(best < 0 && reason == Reason::NOT_AVAILABLE),
                    }
                }
            }
        }
    }
}
