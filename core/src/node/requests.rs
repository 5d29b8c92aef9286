//! Requests to us that the application has not answered yet. Tables only, no bytes.

use alloc::collections::BTreeMap;

use crate::node::agenda::{ADDRESS_TEXT, Agenda, tree_memory};
use crate::node::message::RequestId;
use crate::wire::MessageId;
use crate::{Address, Instant};

/// Whom to answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Caller {
    pub(crate) from: Address,
    pub(crate) id: MessageId,
    /// Until when an answer is of use.
    pub(crate) until: Instant,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct RequestTable {
    open: BTreeMap<RequestId, Caller>,
    by_caller: BTreeMap<(MessageId, Address), RequestId>,
    agenda: Agenda<RequestId>,
    next: u64,
}

impl RequestTable {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Numbers a request; nothing, when this caller's request of this id is open already.
    pub(crate) fn begin(&mut self, caller: Caller) -> Option<RequestId> {
        let key = (caller.id, caller.from.clone());
        if self.by_caller.contains_key(&key) {
            return None;
        }
        let request = RequestId(self.next);
        self.next += 1;
        self.by_caller.insert(key, request);
        self.agenda.add(caller.until, request);
        self.open.insert(request, caller);
        Some(request)
    }

    pub(crate) fn get(&self, request: RequestId) -> Option<&Caller> {
        self.open.get(&request)
    }

    /// It is answered, or nobody waits any more.
    pub(crate) fn end(&mut self, request: RequestId) -> Option<Caller> {
        let caller = self.open.remove(&request)?;
        self.by_caller.remove(&(caller.id, caller.from.clone()));
        self.agenda.remove(caller.until, request);
        Some(caller)
    }

    /// The caller gave up.
    pub(crate) fn cancel(&mut self, id: MessageId, from: &Address) -> Option<RequestId> {
        let request = *self.by_caller.get(&(id, from.clone()))?;
        self.end(request).map(|_| request)
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.agenda.next()
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.agenda.is_due(now)
    }

    /// Takes off the first that was not answered in time.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(RequestId, Caller)> {
        let request = self.agenda.pop_due(now)?;
        let caller = self.open.remove(&request)?;
        if !planted!(TimedOutRequestKept) {
            self.by_caller.remove(&(caller.id, caller.from.clone()));
        }
        Some((request, caller))
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(RequestId, Caller)>(self.open.len())
            + self.open.len() * ADDRESS_TEXT
            + tree_memory::<((MessageId, Address), RequestId)>(self.by_caller.len())
            + self.agenda.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::agenda::{check_memory, mixed};

    #[test]
    fn it_says_what_it_holds() {
        let fill = || {
            let mut table = RequestTable::default();
            for n in mixed(1000) {
                let from = alloc::format!("caller@network/{n:020}").parse().unwrap();
                let id = MessageId((u128::from(n) << 64).to_be_bytes());
                table.begin(Caller { from, id, until: Instant::from_micros(n) }).unwrap();
            }
            table
        };
        check_memory(fill, RequestTable::memory);
    }

    #[test]
    fn a_request_is_answered_once_cancelled_or_late() {
        let mut table = RequestTable::default();
        let caller = |n: u8| Caller {
            from: "a@n/x".parse().unwrap(),
            id: MessageId([n; 16]),
            until: Instant::from_micros(u64::from(n)),
        };
        let [one, two, three] = [1, 2, 3].map(|n| table.begin(caller(n)).unwrap());
        assert_eq!(table.begin(caller(2)), None, "a duplicate");
        assert_eq!(table.end(one), Some(caller(1)));
        assert_eq!(table.end(one), None);
        assert_eq!(table.cancel(MessageId([2; 16]), &"e@n/x".parse().unwrap()), None);
        assert_eq!(table.cancel(MessageId([2; 16]), &"a@n/x".parse().unwrap()), Some(two));
        assert_eq!(table.next_deadline(), Some(Instant::from_micros(3)));
        assert_eq!(table.pop_due(Instant::from_micros(3)), Some((three, caller(3))));
        assert_eq!((table.len(), table.by_caller.len(), table.next_deadline()), (0, 0, None));
        assert!(table.get(three).is_none());
    }
}
