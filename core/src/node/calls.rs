//! Calls of ours: to one, a list, or all, gathered with a deadline. Tables only, no bytes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::node::agenda::{ADDRESS_TEXT, Agenda, tree_memory};
use crate::node::by_id::ById;
use crate::node::event::CallOutcome;
use crate::node::message::CallId;
use crate::wire::MessageId;
use crate::{Address, Instant};

/// One call.
#[derive(Debug)]
struct Call {
    until: Instant,
    /// Whom the request that has the call's own id went to, until that is answered.
    first: Option<Address>,
    /// The others that are not answered yet, when each recipient has one of its own.
    open: BTreeSet<MessageId>,
    /// When one request went to everybody: who has answered it.
    from_all: Option<BTreeSet<Address>>,
    answered: u32,
    /// How many were asked; not known before it is dispatched when it is for everybody.
    asked: Option<u32>,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct CallTable {
    calls: ById<Call>,
    /// Which request belongs to which call, and whom it went to, but for the first of each.
    requests: BTreeMap<MessageId, (CallId, Address)>,
    agenda: Agenda<CallId>,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    pub(crate) call: CallId,
    pub(crate) outcome: CallOutcome,
    pub(crate) answered: u32,
    pub(crate) asked: u32,
    /// The requests of which nothing more is of interest.
    pub(crate) requests: Vec<MessageId>,
}

impl CallTable {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn has(&self, request: MessageId) -> bool {
        self.went(request).is_some()
    }

    /// Which call a request belongs to, and whom it went to.
    fn went(&self, request: MessageId) -> Option<(CallId, &Address)> {
        let first = self.calls.get(request).and_then(|call| call.first.as_ref());
        let other = || self.requests.get(&request).map(|(call, to)| (*call, to));
        first.map(|to| (CallId(request), to)).or_else(other)
    }

    /// A call whose requests go to one recipient each; the first has its id.
    pub(crate) fn begin(
        &mut self,
        call: CallId,
        until: Instant,
        requests: impl Iterator<Item = (MessageId, Address)>,
    ) {
        let (mut first, mut open, mut asked) = (None, BTreeSet::new(), 0u32);
        for (id, to) in requests {
            if id == call.0 {
                first = Some(to);
            } else {
                self.requests.insert(id, (call, to));
                open.insert(id);
            }
            asked = asked.saturating_add(1);
        }
        self.insert(call, Call { until, first, open, from_all: None, answered: 0, asked: Some(asked) });
    }

    /// A call with one request, of its own id, for everybody.
    pub(crate) fn begin_for_all(&mut self, call: CallId, until: Instant, everyone: Address) {
        let from_all = Some(BTreeSet::new());
        let open = BTreeSet::new();
        self.insert(call, Call { until, first: Some(everyone), open, from_all, answered: 0, asked: None });
    }

    fn insert(&mut self, id: CallId, call: Call) {
        self.agenda.add(call.until, id);
        self.calls.insert(id.0, call);
    }

    /// An answer to `request` from `from`, or word from a hub that there will be none. When it counts
    /// (from whom was asked, and for the first time): the call that it belongs to, and whose answer
    /// it is, or would have been. `most`: how many can be in a network.
    pub(crate) fn answer(
        &mut self,
        request: MessageId,
        from: &Address,
        from_hub: bool,
        most: usize,
    ) -> Option<(CallId, Address)> {
        let (id, to) = self.went(request)?;
        // A hub has authority over its own network; this node itself, over all that it sent.
        if !from.network().is_empty() && from.network() != to.network() {
            return None;
        }
        // What this node itself says (without a network) is of the whole request: it never got away.
        let of_all = from.network().is_empty();
        let whose = if of_all || from_hub && !to.is_everyone() { to.clone() } else { from.clone() };
        if !from_hub && !to.is_everyone() && to.bare_str() != from.bare_str() {
            return None;
        }
        let Some(call) = self.calls.get_mut(id.0) else {
            return planted!(LateAnswer).then_some((id, whose));
        };
        match &mut call.from_all {
            Some(answered) if !of_all => {
                if answered.len() >= most || !answered.insert(from.clone()) {
                    return None;
                }
            }
            _ => {
                call.from_all = None;
                if request == id.0 {
                    call.first = None;
                } else {
                    call.open.remove(&request);
                    self.requests.remove(&request);
                }
            }
        }
        call.answered += 1;
        Some((id, whose))
    }

    /// A hub says to how many the request for everybody went.
    pub(crate) fn asked(&mut self, request: MessageId, from: &Address, count: u32) -> Option<CallId> {
        let (id, to) = self.went(request)?;
        let elsewhere = !from.network().is_empty() && from.network() != to.network();
        if !to.is_everyone() || elsewhere {
            return None;
        }
        self.calls.get_mut(id.0)?.asked = Some(count);
        Some(id)
    }

    /// Ends the call if nobody's answer is missing.
    pub(crate) fn end_if_complete(&mut self, id: CallId) -> Option<Ended> {
        let call = self.calls.get(id.0)?;
        let complete = match call.from_all {
            Some(_) => call.asked.is_some_and(|asked| call.answered >= asked),
            None => call.first.is_none() && call.open.is_empty() || planted!(FirstAnswerEnds),
        };
        if complete { self.end(id, CallOutcome::Complete) } else { None }
    }

    /// Ends a call.
    pub(crate) fn end(&mut self, id: CallId, outcome: CallOutcome) -> Option<Ended> {
        let call = self.calls.remove(id.0)?;
        self.agenda.remove(call.until, id);
        let mut requests: Vec<MessageId> = call.open.into_iter().collect();
        for request in &requests {
            if !planted!(LateAnswer) {
                self.requests.remove(request);
            }
        }
        if let Some(to) = call.first {
            requests.push(id.0);
            requests.sort_unstable();
            if planted!(LateAnswer) {
                self.requests.insert(id.0, (id, to));
            }
        }
        let asked = call.asked.unwrap_or(call.answered).max(call.answered);
        Some(Ended { call: id, outcome, answered: call.answered, asked, requests })
    }

    /// The requests of a call that not everybody has answered, and whom they went to, in their order.
    pub(crate) fn open(&self, id: CallId) -> Vec<(MessageId, Address)> {
        let Some(call) = self.calls.get(id.0) else { return Vec::new() };
        let first = call.first.iter().map(|_| id.0);
        let of = |request| self.went(request).map(|(_, to)| (request, to.clone()));
        let mut requests: Vec<_> = first.chain(call.open.iter().copied()).filter_map(of).collect();
        requests.sort_unstable_by_key(|(request, _)| *request);
        requests
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.agenda.next()
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.agenda.is_due(now)
    }

    /// Takes off the first whose time is up.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Ended> {
        let id = self.agenda.pop_due(now)?;
        self.end(id, CallOutcome::TimedOut)
    }

    pub(crate) fn memory(&self) -> usize {
        let answered = self.calls.values().filter_map(|call| call.from_all.as_ref()).map(BTreeSet::len);
        let open = self.calls.values().map(|call| tree_memory::<MessageId>(call.open.len()));
        let first = self.calls.values().filter(|call| call.first.is_some()).count();
        self.calls.memory()
            + open.sum::<usize>()
            + answered.clone().map(tree_memory::<Address>).sum::<usize>()
            + (first + self.requests.len() + answered.sum::<usize>()) * ADDRESS_TEXT
            + tree_memory::<(MessageId, (CallId, Address))>(self.requests.len())
            + self.agenda.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::agenda::{check_memory, mixed};

    fn id(n: u8) -> MessageId {
        MessageId([n; 16])
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn it_says_what_it_holds() {
        let id = |n: u64| MessageId((u128::from(n) << 64).to_be_bytes());
        let to = |n: u64| address(&alloc::format!("recipient@network/{n:020}"));
        let asks_each = || {
            let mut calls = CallTable::default();
            for n in mixed(1000) {
                calls.begin(CallId(id(n)), Instant::from_micros(n), core::iter::once((id(n), to(n))));
            }
            calls
        };
        check_memory(asks_each, CallTable::memory);
        let asks_all = || {
            let mut calls = CallTable::default();
            calls.begin_for_all(CallId(id(1)), Instant::ZERO, address("*@network"));
            mixed(1000).for_each(|n| assert!(calls.answer(id(1), &to(n), false, 9999).is_some()));
            calls
        };
        check_memory(asks_all, CallTable::memory);
    }

    #[test]
    fn a_list_is_complete_when_each_has_answered_once() {
        let mut calls = CallTable::default();
        let call = CallId(id(1));
        let to = [(id(1), address("a@n")), (id(2), address("b@n"))];
        calls.begin(call, Instant::from_micros(5), to.into_iter());
        assert_eq!(calls.answer(id(1), &address("b@n/x"), false, 9), None, "not who was asked");
        assert_eq!(calls.answer(id(1), &address("a@n/x"), false, 9), Some((call, address("a@n/x"))));
        assert_eq!(calls.answer(id(1), &address("a@n/x"), false, 9), None, "twice");
        assert_eq!(calls.end_if_complete(call), None);
        assert_eq!(calls.answer(id(2), &address("hub@n"), true, 9), Some((call, address("b@n"))));
        let ended = calls.end_if_complete(call).unwrap();
        assert_eq!((ended.outcome, ended.answered, ended.asked), (CallOutcome::Complete, 2, 2));
        assert_eq!((calls.len(), calls.requests.len(), calls.next_deadline()), (0, 0, None));
    }

    #[test]
    fn all_are_complete_when_as_many_as_were_asked_have_answered() {
        let mut calls = CallTable::default();
        let call = CallId(id(1));
        calls.begin_for_all(call, Instant::from_micros(5), address("*@n"));
        assert_eq!(calls.answer(id(1), &address("a@n/x"), false, 9), Some((call, address("a@n/x"))));
        assert_eq!(calls.answer(id(1), &address("a@n/x"), false, 9), None);
        assert_eq!(calls.end_if_complete(call), None);
        assert_eq!(calls.asked(id(1), &address("hub@m"), 1), None);
        assert_eq!(calls.asked(id(1), &address("hub@n"), 2), Some(call));
        assert_eq!(calls.end_if_complete(call), None);
        assert_eq!(calls.answer(id(1), &address("a@n/y"), false, 9), Some((call, address("a@n/y"))));
        assert_eq!(calls.end_if_complete(call).map(|e| e.answered), Some(2));
        assert_eq!(calls.requests.len(), 0);
    }

    #[test]
    fn a_call_to_all_that_never_left_has_ended() {
        let mut calls = CallTable::default();
        let call = CallId(id(1));
        calls.begin_for_all(call, Instant::from_micros(5), address("*@n"));
        assert_eq!(calls.answer(id(1), &Address::nobody(), true, 9), Some((call, address("*@n"))));
        let ended = calls.end_if_complete(call).unwrap();
        assert_eq!((ended.outcome, ended.answered, ended.asked), (CallOutcome::Complete, 1, 1));
    }

    #[test]
    fn a_call_that_is_late_ends_and_is_forgotten() {
        let mut calls = CallTable::default();
        let call = CallId(id(1));
        calls.begin(call, Instant::from_micros(5), [(id(1), address("a@n"))].into_iter());
        assert_eq!(calls.pop_due(Instant::from_micros(4)), None);
        let ended = calls.pop_due(Instant::from_micros(5)).unwrap();
        assert_eq!((ended.outcome, ended.answered, ended.asked), (CallOutcome::TimedOut, 0, 1));
        assert!(!calls.has(id(1)));
    }
}
