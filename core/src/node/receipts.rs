//! Messages of ours whose receipts are awaited. Tables only, no bytes.

use alloc::collections::BTreeMap;

use crate::node::agenda::{ADDRESS_TEXT, Agenda, tree_memory};
use crate::node::by_id::{ById, Latest};
use crate::node::event::Stage;
use crate::wire::{MessageId, Receipts};
use crate::{Address, Instant};

/// What is awaited for one message.
#[derive(Debug)]
struct Awaited {
    to: Address,
    wanted: Receipts,
    until: Instant,
    /// How many must confirm; not known before it is dispatched when it is for everybody.
    expected: Option<u32>,
    /// How far it has come, as was told: nothing is told twice, and nothing of before.
    rank: u8,
    /// The same for each recipient, when it is for everybody.
    ranks: BTreeMap<Address, u8>,
    /// How many of them have nothing more to say.
    confirmed: u32,
}

/// The order of the stages. A failure is the end whatever came before.
const fn rank(stage: &Stage) -> u8 {
    match stage {
        Stage::Accepted => 1,
        Stage::Dispatched { .. } => 2,
        Stage::Received => 3,
        Stage::Consumed => 4,
        Stage::Failed(_) => 5,
    }
}

/// The stage that is the last of those wanted.
const fn last_rank(wanted: Receipts) -> u8 {
    match wanted {
        Receipts::Failure => 5,
        Receipts::Route => 2,
        Receipts::Received => 3,
        Receipts::Consumed => 4,
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct ReceiptTable {
    awaited: ById<Awaited>,
    agenda: Agenda<MessageId>,
    /// The latest of which the last word was told: no other word is told of them after it.
    settled: Latest,
}

/// How many are remembered. A hub can still report the loss of an envelope while it is in the
/// recipient's window; so many fit in one of the default size.
const SETTLED: usize = 16 * 1024;

/// What a piece of news means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// It is to be told; more may come.
    Told,
    /// It is to be told, and it was the last.
    Last,
    /// Nobody waits for it, or whoever says so has no say in it.
    Ignored,
}

impl Default for ReceiptTable {
    fn default() -> ReceiptTable {
        ReceiptTable { awaited: ById::default(), agenda: Agenda::default(), settled: Latest::new(SETTLED) }
    }
}

impl ReceiptTable {
    pub(crate) fn len(&self) -> usize {
        self.awaited.len()
    }

    /// Awaits the receipts of a message to `to` until `until`: of one that wants more than to hear of failures.
    pub(crate) fn expect(&mut self, id: MessageId, to: &Address, wanted: Receipts, until: Instant) {
        debug_assert!(wanted != Receipts::Failure);
        let expected = if to.is_everyone() { None } else { Some(1) };
        self.awaited.insert(
            id,
            Awaited {
                to: to.clone(),
                wanted,
                until,
                expected,
                rank: 0,
                ranks: BTreeMap::new(),
                confirmed: 0,
            },
        );
        self.agenda.add(until, id);
    }

    /// News of `id` from `from`, or from a hub, which speaks for everybody. `is_ours`: the id is one
    /// that this node has given. `most`: how many can be in a network.
    pub(crate) fn news(
        &mut self,
        id: MessageId,
        most: usize,
        is_ours: bool,
        from: &Address,
        from_hub: bool,
        stage: &Stage,
    ) -> News {
        let Some(awaited) = self.awaited.get_mut(id) else {
            // A failure is always of interest: who knows the id of an envelope of ours is a hub on its
            // way, or has received it. Unless something else was the last word: a link that is lost
            // after the recipient had the message says nothing new.
            let failed = matches!(stage, Stage::Failed(_));
            let of_interest =
                failed && is_ours && (!self.settled.contains(id) || planted!(FailureAfterReceived));
            if of_interest {
                self.settle(id);
                return News::Last;
            }
            return News::Ignored;
        };
        let everyone = awaited.to.is_everyone();
        // A hub has a say in its own network only. (This node itself speaks without a network.)
        let elsewhere = !from.network().is_empty() && from.network() != awaited.to.network();
        let stranger = !from_hub && !everyone && from.bare_str() != awaited.to.bare_str();
        let only_for_hubs = rank(stage) <= 2 && !from_hub;
        if elsewhere || stranger || only_for_hubs {
            return News::Ignored;
        }
        let of_one = everyone && rank(stage) > 2;
        if of_one && awaited.ranks.len() >= most && !awaited.ranks.contains_key(from) {
            return News::Ignored;
        }
        let before = if of_one { awaited.ranks.entry(from.clone()).or_default() } else { &mut awaited.rank };
        // Whoever has said its last word, or this one before, is not heard again.
        if *before >= rank(stage) || *before >= last_rank(awaited.wanted) && of_one {
            return News::Ignored;
        }
        *before = rank(stage);
        if let Stage::Dispatched { count } = stage
            && everyone
        {
            awaited.expected = Some(*count);
        }
        let reached = rank(stage) >= last_rank(awaited.wanted);
        let last = if everyone {
            awaited.confirmed += u32::from(of_one && reached);
            let all = awaited.expected.is_some_and(|expected| awaited.confirmed >= expected);
            // This node itself speaks of the whole: it has not left, or was lost on the way to the hub.
            let lost = from.network().is_empty() && matches!(stage, Stage::Failed(_));
            all || lost || (rank(stage) == 2 && reached)
        } else {
            reached
        };
        if !last {
            return News::Told;
        }
        self.settle(id);
        News::Last
    }

    /// Nothing more is told of `id`, which may be a message or a request.
    pub(crate) fn settle(&mut self, id: MessageId) {
        self.forget(id);
        self.settled.insert(id);
    }

    fn forget(&mut self, id: MessageId) {
        if let Some(awaited) = self.awaited.remove(id) {
            self.agenda.remove(awaited.until, id);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.agenda.next()
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.agenda.is_due(now)
    }

    /// Takes off the first that has waited for too long.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<MessageId> {
        let id = self.agenda.pop_due(now)?;
        if !planted!(LateReceipt) {
            self.settle(id);
        }
        Some(id)
    }

    pub(crate) fn memory(&self) -> usize {
        let ranks = self.awaited.values().map(|awaited| awaited.ranks.len());
        self.awaited.memory()
            + ranks.clone().map(tree_memory::<(Address, u8)>).sum::<usize>()
            + (self.awaited.len() + ranks.sum::<usize>()) * ADDRESS_TEXT
            + self.agenda.memory()
            + self.settled.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;
    use crate::node::agenda::{check_memory, mixed};
    use alloc::format;

    const ID: MessageId = MessageId([1; 16]);

    fn table(to: &str, wanted: Receipts) -> ReceiptTable {
        let mut table = ReceiptTable::default();
        table.expect(ID, &to.parse().unwrap(), wanted, Instant::from_micros(10));
        table
    }

    #[test]
    fn stages_up_to_the_last_that_is_wanted() {
        let (hub, bob, eve): (Address, Address, Address) =
            ("h@n".parse().unwrap(), "b@n/x".parse().unwrap(), "e@n/x".parse().unwrap());
        let mut t = table("b@n", Receipts::Received);
        assert_eq!(t.news(ID, 9, true, &hub, true, &Stage::Accepted), News::Told);
        assert_eq!(t.news(ID, 9, true, &eve, false, &Stage::Received), News::Ignored);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Accepted), News::Ignored);
        assert_eq!(t.news(ID, 9, true, &hub, true, &Stage::Dispatched { count: 1 }), News::Told);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Received), News::Last);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Received), News::Ignored);
        assert_eq!((t.len(), t.next_deadline()), (0, None));
    }

    #[test]
    fn everybody_is_counted() {
        let hub: Address = "h@n".parse().unwrap();
        let bob: Address = "b@n/x".parse().unwrap();
        let mut t = table("*@n", Receipts::Consumed);
        assert_eq!(t.news(ID, 9, true, &hub, true, &Stage::Dispatched { count: 2 }), News::Told);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Received), News::Told);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Consumed), News::Told);
        assert_eq!(t.news(ID, 9, true, &bob, false, &Stage::Consumed), News::Ignored, "twice");
        let eve: Address = "e@n/x".parse().unwrap();
        assert_eq!(t.news(ID, 9, true, &eve, true, &Stage::Failed(Reason::QUEUE_FULL.into())), News::Last);
        let mut t = table("*@n", Receipts::Received);
        assert_eq!(t.news(ID, 9, true, &hub, true, &Stage::Dispatched { count: 0 }), News::Last);
    }

    fn address(text: &str) -> Address {
        if text.is_empty() { Address::nobody() } else { text.parse().unwrap() }
    }

    /// Every word there is, in its order.
    fn words() -> [Stage; 5] {
        let failed = Stage::Failed(Reason::REFUSED.into());
        [Stage::Accepted, Stage::Dispatched { count: 9 }, Stage::Received, Stage::Consumed, failed]
    }

    #[test]
    fn who_is_believed() {
        // To whom, who speaks, whether as a hub; whether it is believed on the way, and on the arrival.
        let cases = [
            ("b@n", "h@n", true, true, true),
            ("b@n", "", true, true, true),
            ("b@n", "b@n/x", false, false, true),
            ("b@n", "b@n/y", false, false, true),
            ("b@n/x", "b@n/x", false, false, true),
            ("b@n", "e@n/x", false, false, false),
            ("b@n", "b@m/x", false, false, false),
            ("b@n", "h@m", true, false, false),
            ("b@n", "b@m", true, false, false),
            ("*@n", "h@n", true, true, true),
            ("*@n", "", true, true, true),
            ("*@n", "b@n/x", false, false, true),
            ("*@n", "b@m/x", false, false, false),
            ("*@n", "h@m", true, false, false),
        ];
        for (to, from, as_hub, on_the_way, on_arrival) in cases {
            for (at, stage) in words().iter().enumerate() {
                let mut t = table(to, Receipts::Consumed);
                let believed = t.news(ID, 9, true, &address(from), as_hub, stage) != News::Ignored;
                let expected = if at < 2 { on_the_way } else { on_arrival };
                assert_eq!(believed, expected, "{stage:?} of {to} from {from:?}");
            }
        }
    }

    #[test]
    fn what_is_behind_is_told_and_nothing_of_before() {
        for (at, first) in words().iter().enumerate() {
            for (then, second) in words().iter().enumerate() {
                let mut t = table("b@n", Receipts::Consumed);
                let last = t.news(ID, 9, true, &address("h@n"), true, first);
                assert_eq!(last, if at < 3 { News::Told } else { News::Last }, "{first:?}");
                let told = t.news(ID, 9, true, &address("h@n"), true, second) != News::Ignored;
                assert_eq!(told, last == News::Told && then > at, "{second:?} after {first:?}");
            }
        }
        // To everybody: the hub's words have one order, and each recipient's have their own.
        let (hub, bob, eve) = (address("h@n"), address("b@n/x"), address("e@n/x"));
        let mut t = table("*@n", Receipts::Consumed);
        let mut news = |from: &Address, at: usize| t.news(ID, 9, true, from, *from == hub, &words()[at]);
        assert_eq!(news(&bob, 2), News::Told);
        assert_eq!(news(&hub, 1), News::Told);
        assert_eq!(news(&hub, 0), News::Ignored);
        assert_eq!(news(&hub, 1), News::Ignored);
        assert_eq!(news(&bob, 2), News::Ignored);
        assert_eq!(news(&eve, 2), News::Told);
        assert_eq!(news(&bob, 3), News::Told);
        assert_eq!(news(&bob, 4), News::Ignored, "its last word was heard");
    }

    #[test]
    fn one_that_fails_of_many_is_not_all_of_them() {
        let failed = Stage::Failed(Reason::QUEUE_FULL.into());
        let mut t = table("*@n", Receipts::Received);
        let mut news = |from: &str, as_hub, stage: &Stage| t.news(ID, 9, true, &address(from), as_hub, stage);
        assert_eq!(news("h@n", true, &Stage::Dispatched { count: 3 }), News::Told);
        assert_eq!(news("b@n/x", true, &failed), News::Told);
        assert_eq!(news("e@n/x", false, &Stage::Received), News::Told);
        assert_eq!(news("f@n/x", false, &Stage::Received), News::Last);
        // This node itself speaks of the whole.
        let mut t = table("*@n", Receipts::Received);
        assert_eq!(t.news(ID, 9, true, &address(""), true, &failed), News::Last);
    }

    #[test]
    fn no_more_are_heard_than_can_be_there() {
        let mut t = table("*@n", Receipts::Consumed);
        let mut news = |from: &str, stage: usize| t.news(ID, 2, true, &address(from), false, &words()[stage]);
        assert_eq!(news("a@n/x", 2), News::Told);
        assert_eq!(news("b@n/x", 2), News::Told);
        assert_eq!(news("c@n/x", 2), News::Ignored, "only two can be there");
        assert_eq!(news("a@n/x", 3), News::Told, "it is one of the two");
        assert_eq!(
            t.news(ID, 2, true, &address("h@n"), true, &words()[1]),
            News::Told,
            "it speaks for itself"
        );
    }

    #[test]
    fn the_last_word_is_remembered_for_as_many_as_the_document_says() {
        let id = |n: u128| MessageId(n.to_be_bytes());
        let (hub, failed) = (address("h@n"), Stage::Failed(Reason::LINK_LOST.into()));
        let mut t = ReceiptTable::default();
        t.settle(id(0));
        for n in 1..16_384 {
            t.settle(id(n));
            t.settle(id(n)); // twice is once
        }
        assert_eq!(t.news(id(0), 9, true, &hub, true, &failed), News::Ignored);
        t.settle(id(16_384));
        assert_eq!(t.news(id(1), 9, true, &hub, true, &failed), News::Ignored);
        assert_eq!(t.news(id(0), 9, true, &hub, true, &failed), News::Last, "it was forgotten");
    }

    #[test]
    fn it_says_what_it_holds() {
        let ids = |count| mixed(count).map(|n| MessageId((u128::from(n) << 64).to_be_bytes()));
        let await_one = |t: &mut ReceiptTable, id, to: &str| {
            t.expect(id, &address(to), Receipts::Received, Instant::from_micros(10));
        };
        let awaits_each = || {
            let mut t = ReceiptTable::default();
            ids(2000).for_each(|id| await_one(&mut t, id, "name-of-a-recipient@name-of-the-network"));
            t
        };
        check_memory(awaits_each, ReceiptTable::memory);
        let awaits_all = || {
            let mut t = ReceiptTable::default();
            for id in ids(50) {
                await_one(&mut t, id, "*@network");
                for n in mixed(40) {
                    let from = address(&format!("recipient@network/{n:020}"));
                    assert_eq!(t.news(id, 9999, true, &from, false, &Stage::Received), News::Told);
                }
            }
            t
        };
        check_memory(awaits_all, ReceiptTable::memory);
        let awaits_none = || {
            let mut t = ReceiptTable::default();
            ids(2000).for_each(|id| t.settle(id));
            t
        };
        check_memory(awaits_none, ReceiptTable::memory);
    }

    #[test]
    fn what_never_got_away_to_everybody_has_failed_as_a_whole() {
        let mut t = table("*@n", Receipts::Consumed);
        let lost = Stage::Failed(Reason::LINK_LOST.into());
        assert_eq!(t.news(ID, 9, true, &Address::nobody(), true, &lost), News::Last);
        assert_eq!((t.len(), t.next_deadline()), (0, None));
    }

    #[test]
    fn who_waits_too_long_is_told() {
        let mut t = table("b@n", Receipts::Route);
        assert_eq!(t.next_deadline(), Some(Instant::from_micros(10)));
        assert_eq!(t.pop_due(Instant::from_micros(9)), None);
        assert_eq!(t.pop_due(Instant::from_micros(10)), Some(ID));
        assert_eq!(t.pop_due(Instant::from_micros(10)), None);
        let hub: Address = "h@n".parse().unwrap();
        let lost = Stage::Failed(Reason::LINK_LOST.into());
        assert_eq!(t.news(ID, 9, true, &hub, true, &lost), News::Ignored, "the last word was told");
        let other = MessageId([2; 16]);
        assert_eq!(t.news(other, 9, false, &hub, true, &lost), News::Ignored, "never sent");
        assert_eq!(t.news(other, 9, true, &hub, true, &lost), News::Last, "nothing was awaited of it");
        assert_eq!(t.news(other, 9, true, &hub, true, &lost), News::Ignored, "once");
    }
}
