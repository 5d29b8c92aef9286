//! Things that are due at a time: the tables of the node keep theirs in one of these each.

use alloc::collections::BTreeSet;

use crate::Instant;

/// Keys in the order of their time.
#[derive(Debug)]
pub(crate) struct Agenda<K> {
    entries: BTreeSet<(Instant, K)>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Agenda { entries: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Agenda<K> {
    pub(crate) fn add(&mut self, at: Instant, key: K) {
        self.entries.insert((at, key));
    }

    pub(crate) fn remove(&mut self, at: Instant, key: K) {
        self.entries.remove(&(at, key));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|entry| entry.0)
    }

    /// The first, whenever it is due.
    pub(crate) fn first(&self) -> Option<(Instant, K)> {
        self.entries.first().copied()
    }

    /// Takes off the first that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop_first().map(|entry| entry.1)
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(Instant, K)>(self.entries.len())
    }
}

/// What a B-tree of `len` entries holds, about: its nodes have 11 places and are at least half full.
pub(crate) const fn tree_memory<T>(len: usize) -> usize {
    len * size_of::<T>() * 3 / 2
}
