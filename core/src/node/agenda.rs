//! Things that are due at a time: the tables of the node keep theirs in one of these each.

use alloc::collections::BTreeSet;

use crate::Instant;

/// Later than any time that a node is told.
const NEVER: Instant = Instant::from_micros(u64::MAX);

/// Keys in the order of their time.
#[derive(Debug)]
pub(crate) struct Agenda<K> {
    entries: BTreeSet<(Instant, K)>,
    /// The time of the first entry, which every call of the node asks for; without one, a time that never comes.
    next: Instant,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Agenda { entries: BTreeSet::new(), next: NEVER }
    }
}

impl<K: Ord + Copy> Agenda<K> {
    pub(crate) fn add(&mut self, at: Instant, key: K) {
        self.entries.insert((at, key));
        self.look();
    }

    pub(crate) fn remove(&mut self, at: Instant, key: K) {
        self.entries.remove(&(at, key));
        self.look();
    }

    fn look(&mut self) {
        self.next = self.next().unwrap_or(NEVER);
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|entry| entry.0)
    }

    /// Whether anything is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// The first, whenever it is due.
    pub(crate) fn first(&self) -> Option<(Instant, K)> {
        self.entries.first().copied()
    }

    /// Takes off the first that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if !self.is_due(now) {
            return None;
        }
        let first = self.entries.pop_first();
        self.look();
        first.map(|entry| entry.1)
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(Instant, K)>(self.entries.len())
    }
}

/// What a B-tree of `len` entries holds, about: its nodes have 11 places and are at least half full, but
/// for the only one of a small tree.
pub(crate) const fn tree_memory<T>(len: usize) -> usize {
    let places = if matches!(len, 1..=7) { 11 } else { len * 3 / 2 };
    places * size_of::<T>()
}

/// What the text of an address takes, about. It stands behind it, wherever the address is kept.
pub(crate) const ADDRESS_TEXT: usize = 64;

/// That what a table says that it holds is what it does, within a quarter.
#[cfg(test)]
#[track_caller]
pub(crate) fn check_memory<T>(make: impl FnOnce() -> T, memory: impl FnOnce(&T) -> usize) {
    let mut table = None;
    let mut make = Some(make);
    let held = allocation_counter::measure(|| table = make.take().map(|make| make())).bytes_current;
    let (held, told) = (usize::try_from(held).unwrap(), table.as_ref().map_or(0, memory));
    assert!(held.abs_diff(told) < held / 4, "holds {held}, says {told}");
}

/// Numbers in no order: ids are random, and anybody may be the first to come.
#[cfg(test)]
pub(crate) fn mixed(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
