//! What is kept by ids of this node's own: found without a search, and never in an order.

use alloc::vec::Vec;

use crate::wire::MessageId;

/// Room for so many entries is kept when all of them are gone.
const KEPT: usize = 256;

/// Slots that there are at least, if there are any.
const LEAST: usize = 16;

/// At which places of a list the entries with certain ids are: a table of slots, where the next one is taken when one
/// is taken already.
///
/// The ids are drawn by this node, so nobody else decides where they fall; ids that others name are only looked for.
#[derive(Debug, Default)]
struct Places {
    /// Their number is a power of two, and half of them are free.
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    /// Where the entry would be if all were free, and more of its id, so that the list is seldom looked at in vain.
    hash: u32,
    /// One more than the place, or 0.
    entry: u32,
}

impl Slot {
    fn new(id: MessageId, place: usize) -> Slot {
        Slot { hash: hash(id), entry: u32::try_from(place + 1).unwrap_or(u32::MAX) }
    }
}

fn hash(id: MessageId) -> u32 {
    let both = u128::from_be_bytes(id.0);
    let mixed = (both ^ both.rotate_left(41)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    u32::try_from(mixed >> 96).unwrap_or(0)
}

impl Places {
    fn mask(&self) -> usize {
        self.slots.len() - 1
    }

    /// The slot of an id and its place, if `is_at` says so of one of those that it can be at.
    fn find(&self, id: MessageId, is_at: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        if self.len == 0 {
            return None;
        }
        let hash = hash(id);
        let mut at = hash as usize & self.mask();
        loop {
            let slot = self.slots[at];
            let place = (slot.entry as usize).checked_sub(1)?;
            if slot.hash == hash && is_at(place) {
                return Some((at, place));
            }
            at = (at + 1) & self.mask();
        }
    }

    /// `id`, which is nowhere yet, is at `place`.
    fn insert(&mut self, id: MessageId, place: usize) {
        if (self.len + 1) * 2 > self.slots.len() {
            self.resize((self.slots.len() * 2).max(LEAST));
        }
        self.put(Slot::new(id, place));
        self.len += 1;
    }

    fn put(&mut self, slot: Slot) {
        let mut at = slot.hash as usize & self.mask();
        while self.slots[at].entry != 0 {
            at = (at + 1) & self.mask();
        }
        self.slots[at] = slot;
    }

    fn resize(&mut self, slots: usize) {
        let before = core::mem::replace(&mut self.slots, alloc::vec![Slot::default(); slots]);
        before.into_iter().filter(|slot| slot.entry != 0).for_each(|slot| self.put(slot));
    }

    /// Frees a slot. Those behind it that were not at home move up: nobody looks beyond a free one.
    fn free(&mut self, at: usize) {
        let mask = self.mask();
        let (mut hole, mut next) = (at, at);
        loop {
            next = (next + 1) & mask;
            let slot = self.slots[next];
            if slot.entry == 0 {
                break;
            }
            if next.wrapping_sub(slot.hash as usize) & mask >= next.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = next;
            }
        }
        self.slots[hole] = Slot::default();
        self.len -= 1;
        if self.slots.len() > LEAST && self.len * 8 < self.slots.len() {
            self.resize(self.slots.len() / 2);
        }
    }

    fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

/// A map from ids that this node has given.
#[derive(Debug)]
pub(crate) struct ById<V> {
    entries: Vec<Option<(MessageId, V)>>,
    /// Which of them are none.
    free: Vec<usize>,
    places: Places,
}

impl<V> Default for ById<V> {
    fn default() -> ById<V> {
        ById { entries: Vec::new(), free: Vec::new(), places: Places::default() }
    }
}

impl<V> ById<V> {
    pub(crate) fn len(&self) -> usize {
        self.places.len
    }

    fn find(&self, id: MessageId) -> Option<(usize, usize)> {
        self.places.find(id, |place| matches!(&self.entries[place], Some((known, _)) if *known == id))
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<&V> {
        let (_, place) = self.find(id)?;
        self.entries[place].as_ref().map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, id: MessageId) -> Option<&mut V> {
        let (_, place) = self.find(id)?;
        self.entries[place].as_mut().map(|(_, value)| value)
    }

    /// What was there is replaced.
    pub(crate) fn insert(&mut self, id: MessageId, value: V) {
        if let Some(known) = self.get_mut(id) {
            *known = value;
            return;
        }
        let place = self.free.pop().unwrap_or(self.entries.len());
        if place == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[place] = Some((id, value));
        self.places.insert(id, place);
    }

    pub(crate) fn remove(&mut self, id: MessageId) -> Option<V> {
        let (slot, place) = self.find(id)?;
        self.places.free(slot);
        let (_, value) = self.entries[place].take()?;
        self.free.push(place);
        if self.places.len == 0 && self.entries.capacity() > KEPT {
            *self = ById::default();
        }
        Some(value)
    }

    /// All of them, in no order that means anything.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> + Clone {
        self.entries.iter().flatten().map(|(_, value)| value)
    }

    /// What the table itself holds.
    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Option<(MessageId, V)>>()
            + self.free.capacity() * size_of::<usize>()
            + self.places.memory()
    }
}

/// The latest of so many ids of this node's own.
#[derive(Debug)]
pub(crate) struct Latest {
    most: usize,
    ids: Vec<MessageId>,
    /// Where the oldest is, when there are as many as there may be.
    oldest: usize,
    places: Places,
}

impl Latest {
    /// Of `most` ids, the latest will be known.
    pub(crate) fn new(most: usize) -> Latest {
        Latest { most: most.max(1), ids: Vec::new(), oldest: 0, places: Places::default() }
    }

    pub(crate) fn contains(&self, id: MessageId) -> bool {
        self.places.find(id, |place| self.ids[place] == id).is_some()
    }

    /// Twice is once, and as late as the first time.
    pub(crate) fn insert(&mut self, id: MessageId) {
        if self.contains(id) {
            return;
        }
        let place = if self.ids.len() < self.most {
            self.ids.push(id);
            self.ids.len() - 1
        } else {
            let oldest = self.oldest;
            self.oldest = (oldest + 1) % self.most;
            if let Some((slot, _)) = self.places.find(self.ids[oldest], |place| place == oldest) {
                self.places.free(slot);
            }
            self.ids[oldest] = id;
            oldest
        };
        self.places.insert(id, place);
    }

    pub(crate) fn memory(&self) -> usize {
        self.ids.capacity() * size_of::<MessageId>() + self.places.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::{BTreeMap, VecDeque};
    use proptest::prelude::*;

    /// Ids of which many fall on the same slot, and some are all but alike.
    fn id(n: u8) -> MessageId {
        let mut id = [0; 16];
        id[usize::from(n % 16)] = n / 16 + 1;
        MessageId(id)
    }

    /// The same slot for all of them, as far as there is one.
    fn crowded(n: u8) -> MessageId {
        let mut all =
            (0u128..).map(|n| MessageId((n << 64).to_be_bytes())).filter(|id| hash(*id) % 1024 >= 1016);
        all.nth(usize::from(n)).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0u8..3, any::<u8>(), any::<u16>()), 0..600)) {
            let (mut map, mut model) = (ById::default(), BTreeMap::new());
            for (step, n, value) in steps {
                match step {
                    0 => {
                        map.insert(id(n), value);
                        model.insert(id(n), value);
                    }
                    1 => prop_assert_eq!(map.remove(id(n)), model.remove(&id(n))),
                    _ => prop_assert_eq!(map.get(id(n)), model.get(&id(n))),
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.get_mut(id(n)), model.get_mut(&id(n)));
            }
            let mut values: Vec<u16> = map.values().copied().collect();
            let mut expected: Vec<u16> = model.values().copied().collect();
            values.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(values, expected);
            for n in 0..=255 {
                prop_assert_eq!(map.remove(id(n)), model.remove(&id(n)));
            }
            prop_assert_eq!(map.len(), 0);
        }

        #[test]
        fn it_knows_the_latest(most in 1usize..40, ids in proptest::collection::vec(any::<u8>(), 0..400)) {
            let (mut latest, mut model) = (Latest::new(most), VecDeque::new());
            for n in ids {
                latest.insert(id(n));
                if !model.contains(&n) {
                    model.push_back(n);
                }
                if model.len() > most {
                    model.pop_front();
                }
                for n in 0..=255 {
                    prop_assert_eq!(latest.contains(id(n)), model.contains(&n), "{}", n);
                }
            }
        }
    }

    #[test]
    fn those_that_fall_on_the_same_slots_are_all_found() {
        let ids: Vec<MessageId> = (0..20).map(crowded).collect();
        for gone in 0..ids.len() {
            let mut map = ById::default();
            ids.iter().for_each(|id| map.insert(*id, id.0));
            assert_eq!(map.remove(ids[gone]), Some(ids[gone].0));
            for (at, id) in ids.iter().enumerate() {
                assert_eq!(map.get(*id), (at != gone).then_some(&id.0));
            }
        }
    }

    #[test]
    fn what_was_needed_once_is_given_back() {
        let mut map = ById::default();
        let id = |n: u128| MessageId(n.to_be_bytes());
        for n in 0..10_000 {
            map.insert(id(n), n);
        }
        let most = map.memory();
        for n in 0..10_000 {
            assert_eq!(map.remove(id(n)), Some(n));
        }
        assert!(most > 10_000 * 32 && map.memory() == 0, "{most}");
        for n in 0..100_000 {
            map.insert(id(n), n);
            assert!(n < 64 || map.remove(id(n - 64)).is_some());
        }
        assert!(map.memory() < 128 * 100, "{}", map.memory());
    }
}
