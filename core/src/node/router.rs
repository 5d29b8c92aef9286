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
    /// Where in the table each name's seats are.
    names: BTreeMap<Arc<str>, usize>,
    table: Vec<Seats>,
    /// Which places in it are free.
    free: Vec<usize>,
    len: usize,
    /// How often anybody was seated or unseated.
    changes: u64,
}

/// Which seat was taken: it can be [taken again](Router::take_again) until there are changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    pub(crate) link: LinkId,
    /// Where the name's seats are.
    at: usize,
    rule: Rule,
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

    /// How often anybody was seated or unseated: while it is the same, an address leads where it did.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Seats a peer; whoever had the same address before is unseated.
    pub(crate) fn seat(&mut self, seat: Seat) -> Option<Seat> {
        let before = self.unseat(&seat.address);
        let at = match self.names.get(seat.address.name()) {
            Some(at) => *at,
            None => {
                let at = self.free.pop().unwrap_or(self.table.len());
                if at == self.table.len() {
                    self.table.push(Seats::default());
                }
                self.names.insert(seat.address.name().into(), at);
                at
            }
        };
        self.table[at].seats.push(seat);
        self.len += 1;
        self.changes += 1;
        before
    }

    pub(crate) fn unseat(&mut self, address: &Address) -> Option<Seat> {
        let at = *self.names.get(address.name())?;
        let seats = &mut self.table[at].seats;
        let seat = seats.remove(seats.iter().position(|seat| seat.address == *address)?);
        if seats.is_empty() {
            self.table[at] = Seats::default();
            self.names.remove(address.name());
            self.free.push(at);
            if self.names.is_empty() {
                // Nobody is left: nothing is held.
                (self.table, self.free) = (Vec::new(), Vec::new());
            }
        }
        self.len -= 1;
        self.changes += 1;
        Some(seat)
    }

    fn seats_of(&self, name: &str) -> Option<(usize, &Seats)> {
        self.names.get(name).map(|at| (*at, &self.table[*at]))
    }

    /// The seat for `name`, or exactly for `instance` of it, and the rule that chose it.
    pub(crate) fn find(&self, name: &str, instance: Option<&str>) -> Result<(&Seat, Rule), Reason> {
        let (_, seats) = self.seats_of(name).ok_or(Reason::NOT_FOUND)?;
        match instance {
            Some(_) => seats.exact(instance).map(|seat| (seat, Rule::Exact)),
            None => seats.best().map(|seat| (seat, Rule::Best)),
        }
    }

    /// The same, and the next of equal instances has its turn next.
    pub(crate) fn take(&mut self, name: &str, instance: Option<&str>) -> Result<Taken, Reason> {
        let (at, seats) = self.seats_of(name).ok_or(Reason::NOT_FOUND)?;
        if instance.is_some() {
            let link = seats.exact(instance)?.link;
            return Ok(Taken { link, at, rule: Rule::Exact });
        }
        self.table[at].take_best().map(|link| Taken { link, at, rule: Rule::Best })
    }

    /// What [`take`](Router::take) would say once more to what it gave `taken` for. There were no changes since.
    pub(crate) fn take_again(&mut self, taken: Taken) -> Result<LinkId, Reason> {
        match taken.rule {
            Rule::Exact => Ok(taken.link),
            Rule::Best => self.table.get_mut(taken.at).ok_or(Reason::NOT_FOUND)?.take_best(),
        }
    }

    /// What [`take_again`](Router::take_again) will say each time, if it will always say the same.
    pub(crate) fn stays(&self, taken: Taken) -> Option<LinkId> {
        match (taken.rule, self.table.get(taken.at).map(|seats| &seats.seats[..])) {
            (Rule::Exact, _) => Some(taken.link),
            (Rule::Best, Some([only])) if only.priority >= 0 => Some(only.link),
            _ => None,
        }
    }

    /// It was taken so many times more.
    pub(crate) fn took(&mut self, taken: Taken, count: usize) {
        if let (Rule::Best, Some(seats)) = (taken.rule, self.table.get_mut(taken.at)) {
            seats.turn = seats.turn.wrapping_add(count);
        }
    }

    /// Whether `seat`, or that there is none, is what `taken` stands for now.
    pub(crate) fn is_of(&self, taken: Taken, seat: Option<&Seat>) -> bool {
        match taken.rule {
            Rule::Exact => seat.is_some_and(|seat| seat.link == taken.link),
            Rule::Best => self.table.get(taken.at).and_then(|seats| seats.best().ok()) == seat,
        }
    }

    /// Every instance of a name.
    pub(crate) fn instances(&self, name: &str) -> impl Iterator<Item = &Seat> {
        self.seats_of(name).into_iter().flat_map(|(_, seats)| &seats.seats)
    }

    /// Everybody, in the order of the names.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.names.values().flat_map(|at| &self.table[*at].seats)
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(Arc<str>, usize)>(self.names.len())
            + (self.names.len() + self.len) * ADDRESS_TEXT
            + self.table.capacity() * size_of::<Seats>()
            + self.free.capacity() * size_of::<usize>()
            + self.table.iter().map(|seats| seats.seats.capacity() * size_of::<Seat>()).sum::<usize>()
    }
}

impl Seats {
    fn exact(&self, instance: Option<&str>) -> Result<&Seat, Reason> {
        let exact = self.seats.iter().find(|seat| seat.address.instance() == instance);
        exact.or(self.seats.first().filter(|_| planted!(ExactFallsBack))).ok_or(Reason::NOT_FOUND)
    }

    fn best(&self) -> Result<&Seat, Reason> {
        if let [only] = &self.seats[..] {
            return if only.priority >= 0 { Ok(only) } else { Err(Reason::NOT_AVAILABLE) };
        }
        let best = self.seats.iter().map(|seat| seat.priority).max().filter(|&best| best >= 0);
        let best = best.ok_or(Reason::NOT_AVAILABLE)?;
        let equals = || self.seats.iter().filter(|seat| seat.priority == best);
        let turn = self.turn % equals().count().max(1);
        equals().nth(turn).ok_or(Reason::NOT_FOUND)
    }

    fn take_best(&mut self) -> Result<LinkId, Reason> {
        let link = self.best()?.link;
        self.turn = self.turn.wrapping_add(1);
        Ok(link)
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
        let take = |router: &mut Router, name, instance| router.take(name, instance).map(|taken| taken.link);
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
        /// Until there are changes, taking again is taking once more: each of two tables that are changed alike has the
        /// same turn, however it was asked.
        #[test]
        fn again_is_once_more(steps in proptest::collection::vec((0u8..8, 0u8..3, 0u8..3, -1i8..2), 0..80)) {
            let (mut router, mut other) = (Router::default(), Router::default());
            let mut known: BTreeMap<(u8, u8), (u64, Taken)> = BTreeMap::new();
            for (n, (what, name, instance, priority)) in steps.into_iter().enumerate() {
                let seat = seat(&alloc::format!("n{name}@w/i{instance}"), n as u64, priority);
                match what {
                    0 => prop_assert_eq!(router.unseat(&seat.address), other.unseat(&seat.address)),
                    1 | 2 => prop_assert_eq!(router.seat(seat.clone()), other.seat(seat)),
                    _ => {
                        let key = (name, if what < 6 { instance } else { 9 });
                        let (name, text) = (alloc::format!("n{name}"), alloc::format!("i{instance}"));
                        let exactly = (what < 6).then_some(&*text);
                        let plain = other.take(&name, exactly);
                        let taken = match known.get(&key) {
                            Some((changes, taken)) if *changes == router.changes() => {
                                // Where it stays the same, it can be taken by the number.
                                if let Some(link) = router.stays(*taken) {
                                    router.took(*taken, n % 4);
                                    for _ in 0..n % 4 {
                                        let again = other.take(&name, exactly).map(|taken| taken.link);
                                        prop_assert_eq!(again, Ok(link));
                                    }
                                }
                                router.take_again(*taken)
                            }
                            _ => router.take(&name, exactly).map(|taken| {
                                known.insert(key, (router.changes(), taken));
                                taken.link
                            }),
                        };
                        prop_assert_eq!(taken, plain.map(|taken| taken.link));
                    }
                }
            }
        }

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
                        Ok(Taken { link, .. }) => prop_assert!(same().any(|s| s.link == link && s.priority == best && best >= 0)),
                        Err(reason) => prop_assert!(best < 0 && reason == Reason::NOT_AVAILABLE),
                    }
                }
            }
        }
    }
}
