//! Which name belongs to which key, and who is let in: the hub's authority. PROTOCOL.md, section 8.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::Serving;
use crate::node::io::StoreId;
use crate::node::journal::Entry;
use crate::{Limits, Name, PeerId, Reason};

/// The names that are bound to keys.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bound: BTreeMap<Name, Binding>,
    /// How many names each key has.
    per_key: BTreeMap<PeerId, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    key: PeerId,
    /// Not durable yet: the store that will make it so.
    storing: Option<StoreId>,
}

/// What a hub says to a newcomer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Come in under this name.
    Admit(Name),
    /// The same, once the name is bound durably.
    Bind(Name),
    /// The same, once the store that is under way has ended.
    Wait(Name, StoreId),
    /// No.
    Refuse(Reason, &'static str),
}

/// What made-up names begin with; nobody may ask for such a one.
const GUEST_PREFIX: &str = "guest-";

impl Names {
    /// Remembers what a former run has stored.
    pub(crate) fn restore(&mut self, entry: Entry) {
        let Entry::Bound { name, key } = entry;
        let storing = if planted!(RestoredNameWaits) { Some(StoreId(u64::MAX)) } else { None };
        self.insert(name, Binding { key, storing });
    }

    fn insert(&mut self, name: Name, binding: Binding) {
        *self.per_key.entry(binding.key).or_default() += 1;
        if let Some(before) = self.bound.insert(name, binding) {
            self.count_down(before.key);
        }
    }

    fn count_down(&mut self, key: PeerId) {
        if let Some(count) = self.per_key.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.per_key.remove(&key);
            }
        }
    }

    /// Whether `key` may come in, and as whom.
    pub(crate) fn judge(&self, serving: &Serving, key: PeerId, name: Name, limits: &Limits) -> Verdict {
        if name.as_str() == serving.address.name() {
            return Verdict::Refuse(Reason::NAME_RESERVED, "it is the hub's own name");
        }
        if name.as_str().starts_with(GUEST_PREFIX) {
            return Verdict::Refuse(Reason::NAME_RESERVED, "names of guests are made up by the hub");
        }
        match self.bound.get(&name) {
            Some(binding) if binding.key == key => match binding.storing {
                None => Verdict::Admit(name),
                Some(id) => Verdict::Wait(name, id),
            },
            Some(_) => Verdict::Refuse(Reason::NAME_TAKEN, "choose another name"),
            None if !serving.open && !serving.allow.contains(&key) => {
                Verdict::Refuse(Reason::NOT_ADMITTED, "ask who runs the hub to allow it")
            }
            None if self.bound.len() >= limits.names => {
                Verdict::Refuse(Reason::BUSY, "the hub knows too many names")
            }
            None if self.per_key.get(&key).is_some_and(|count| *count >= limits.names_per_key) => {
                Verdict::Refuse(Reason::FORBIDDEN, "this key has as many names as one may have")
            }
            None => Verdict::Bind(name),
        }
    }

    /// A name for a guest; `word` is random.
    pub(crate) fn guest(word: &str) -> Option<Name> {
        let mut name = String::from(GUEST_PREFIX);
        name.push_str(word);
        name.parse().ok()
    }

    /// Binds `name` to `key`, as soon as `id` is stored.
    pub(crate) fn bind(&mut self, name: Name, key: PeerId, id: StoreId) -> Entry {
        self.insert(name.clone(), Binding { key, storing: Some(id) });
        Entry::Bound { name, key }
    }

    /// The store of `name` has ended. One that failed binds nothing.
    pub(crate) fn stored(&mut self, name: &Name, id: StoreId, ok: bool) {
        if let Some(binding) = self.bound.get_mut(name)
            && binding.storing == Some(id)
        {
            binding.storing = None;
            let key = binding.key;
            if !ok {
                self.bound.remove(name);
                self.count_down(key);
            }
        }
    }

    pub(crate) fn memory(&self) -> usize {
        // The text of a name stands behind it: 64 bytes and two counters at most.
        super::agenda::tree_memory::<(Name, Binding)>(self.bound.len())
            + self.bound.len() * 80
            + super::agenda::tree_memory::<(PeerId, usize)>(self.per_key.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    fn key(n: u8) -> PeerId {
        PeerId::from_bytes([n; 32])
    }

    fn limits(names: usize, names_per_key: usize) -> Limits {
        Limits { names, names_per_key, ..Limits::DEFAULT }
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_belongs_to_the_first_key_that_is_let_in() {
        let mut serving = Serving { address: "hub@n".parse().unwrap(), open: true, allow: BTreeSet::new() };
        let mut names = Names::default();
        assert_eq!(names.judge(&serving, key(1), name("ada"), &limits(2, 9)), Verdict::Bind(name("ada")));
        names.bind(name("ada"), key(1), StoreId(1));
        assert_eq!(
            names.judge(&serving, key(1), name("ada"), &limits(2, 9)),
            Verdict::Wait(name("ada"), StoreId(1))
        );
        assert!(matches!(
            names.judge(&serving, key(2), name("ada"), &limits(2, 9)),
            Verdict::Refuse(Reason::NAME_TAKEN, _)
        ));
        names.stored(&name("ada"), StoreId(1), true);
        assert_eq!(names.judge(&serving, key(1), name("ada"), &limits(2, 9)), Verdict::Admit(name("ada")));

        names.bind(name("bob"), key(2), StoreId(2));
        names.stored(&name("bob"), StoreId(2), false);
        assert_eq!(names.judge(&serving, key(3), name("bob"), &limits(2, 9)), Verdict::Bind(name("bob")));

        let greedy = names.judge(&serving, key(1), name("eve"), &limits(9, 1));
        assert!(matches!(greedy, Verdict::Refuse(Reason::FORBIDDEN, _)));
        serving.open = false;
        let refused = |key, text| match names.judge(&serving, key, name(text), &limits(2, 9)) {
            Verdict::Refuse(reason, _) => reason,
            verdict => panic!("{verdict:?}"),
        };
        assert_eq!(refused(key(3), "bob"), Reason::NOT_ADMITTED);
        assert_eq!(refused(key(3), "hub"), Reason::NAME_RESERVED);
        assert_eq!(refused(key(3), "guest-x"), Reason::NAME_RESERVED);
        serving.allow.insert(key(3));
        assert_eq!(names.judge(&serving, key(3), name("bob"), &limits(2, 9)), Verdict::Bind(name("bob")));
        assert!(matches!(
            names.judge(&serving, key(3), name("bob"), &limits(1, 9)),
            Verdict::Refuse(Reason::BUSY, _)
        ));
    }
}
