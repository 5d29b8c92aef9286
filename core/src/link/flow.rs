//! Who may send how much: windows, acknowledgements in order, and what is under way.
//! PROTOCOL.md, section 9.

use alloc::vec::Vec;
use core::iter;
use core::num::NonZeroU64;
use core::ops::Range;

use crate::link::id::LinkId;
use crate::queue::Queue;
use crate::wire::{Kind, MessageId, Receipts};

/// What an envelope costs its sender's window besides its bytes: empty ones are not free.
pub(crate) const OVERHEAD: usize = 64;

/// What an envelope of `len` bytes (label and letter) costs.
pub(crate) const fn envelope_cost(len: usize) -> usize {
    len + OVERHEAD
}

/// Where an envelope that is to be sent came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// This node.
    Local,
    /// Another link: the `sequence`-th envelope of its window, to be acknowledged there.
    Link {
        /// Which.
        link: LinkId,
        /// Which of its envelopes, the first being 1; none for copies of one that is acknowledged already.
        sequence: Option<NonZeroU64>,
    },
}

/// What is remembered of an envelope while nobody has confirmed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// What it is.
    pub kind: Kind,
    /// Which receipts its sender wants.
    pub receipts: Receipts,
    /// Whether it is one of the copies for everybody.
    pub copy: bool,
    /// Where it came from.
    pub origin: Origin,
}

impl Origin {
    /// The link that it came over, if it came over one.
    pub(crate) const fn link(self) -> Option<LinkId> {
        match self {
            Origin::Link { link, .. } => Some(link),
            Origin::Local => None,
        }
    }

    /// Its number in its sender's window, if it has a place there.
    pub(crate) const fn sequence(self) -> Option<NonZeroU64> {
        match self {
            Origin::Link { sequence, .. } => sequence,
            Origin::Local => None,
        }
    }

    /// The same, once its sender's window was credited; and the place there that was free then.
    pub(crate) const fn credited(self) -> (Origin, Option<Origin>) {
        match self {
            Origin::Link { link, sequence: Some(_) } => (Origin::Link { link, sequence: None }, Some(self)),
            Origin::Link { .. } | Origin::Local => (self, None),
        }
    }
}

impl Sent {
    /// Whether its sender wants to hear that it went.
    pub(crate) fn is_reported(&self) -> bool {
        is_reported(self.kind, self.receipts, self.copy)
    }
}

fn is_reported(kind: Kind, receipts: Receipts, copy: bool) -> bool {
    kind == Kind::Message && receipts >= Receipts::Route && !copy
}

/// A [`Sent`] and what it costs, as small as it gets: many thousands of them may wait, on thousands of links.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    id: MessageId,
    /// The link that it came over, unless it is this node's own.
    link: LinkId,
    sequence: Option<NonZeroU64>,
    cost: u32,
    kind: Kind,
    receipts: Receipts,
    copy: bool,
    is_own: bool,
}

// Side by side, a `Sent` and its cost would take 56.
const _: () = assert!(size_of::<Kept>() == 40);

impl Kept {
    pub(crate) fn new(sent: Sent, cost: usize) -> Kept {
        let Sent { id, kind, receipts, copy, origin } = sent;
        let (link, sequence, is_own) = match origin {
            Origin::Local => (LinkId::dialed(0), None, true),
            Origin::Link { link, sequence } => (link, sequence, false),
        };
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        Kept { id, link, sequence, cost, kind, receipts, copy, is_own }
    }

    pub(crate) fn sent(&self) -> Sent {
        let (link, sequence) = (self.link, self.sequence);
        let origin = if self.is_own { Origin::Local } else { Origin::Link { link, sequence } };
        Sent { id: self.id, kind: self.kind, receipts: self.receipts, copy: self.copy, origin }
    }

    pub(crate) const fn cost(&self) -> usize {
        self.cost as usize
    }

    /// Notifications are not counted in windows: they must get through when nothing else does.
    pub(crate) fn is_counted(&self) -> bool {
        self.kind != Kind::Notification
    }
}

/// Envelopes that went one behind the other, as far as others than their own connection have to hear of it.
#[derive(Clone, Copy, Debug)]
pub struct Went {
    /// The first.
    pub sent: Sent,
    /// How many: what came over one link, with the numbers that follow there. One, when its sender wants to hear of it.
    pub count: u64,
}

impl Went {
    /// Their numbers in the window of the link that they came over, if they have places there.
    pub(crate) fn places(&self) -> Option<Range<u64>> {
        self.sent.origin.sequence().map(|first| first.get()..first.get() + self.count)
    }

    /// Adds what went to those that went before it.
    pub(crate) fn add(all: &mut Vec<Went>, kept: &Kept) {
        let is_reported = is_reported(kept.kind, kept.receipts, kept.copy);
        if let (Some(sequence), false, Some(last)) = (kept.sequence, is_reported, all.last_mut())
            && !last.sent.is_reported()
            && last.sent.origin.link() == Some(kept.link)
            && last.places().is_some_and(|places| places.end == sequence.get())
        {
            last.count += 1;
        } else if is_reported || kept.sequence.is_some() {
            all.push(Went { sent: kept.sent(), count: 1 });
        }
    }
}

/// Numbers as the runs that they make, each of those that follow one another.
pub(crate) fn runs(numbers: impl Iterator<Item = u64>) -> impl Iterator<Item = Range<u64>> {
    let mut numbers = numbers.peekable();
    iter::from_fn(move || {
        let first = numbers.next()?;
        let mut end = first + 1;
        while numbers.next_if_eq(&end).is_some() {
            end += 1;
        }
        Some(first..end)
    })
}

/// What we have sent and the neighbour has not acknowledged.
#[derive(Debug)]
pub(crate) struct Outbound {
    window: usize,
    bytes: usize,
    sent: Queue<Kept>,
}

impl Outbound {
    pub(crate) fn new(window: usize) -> Outbound {
        Outbound { window, bytes: 0, sent: Queue::default() }
    }

    /// Whether one of this cost may go now. One may always go when nothing is under way: a window
    /// smaller than an envelope must not stop everything.
    pub(crate) fn allows(&self, cost: usize) -> bool {
        self.sent.is_empty() || self.allows_more(cost)
    }

    fn allows_more(&self, cost: usize) -> bool {
        let cost = if planted!(WindowWithoutOverhead) { cost - OVERHEAD } else { cost };
        self.bytes + cost <= self.window
    }

    /// Whether all that was sent is acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.sent.is_empty()
    }

    /// The same behind others that cost `before` in all, and go with it.
    pub(crate) fn allows_behind(&self, before: usize, cost: usize) -> bool {
        if before == 0 { self.allows(cost) } else { self.allows_more(before + cost) }
    }

    /// These go, which cost `cost` in all.
    pub(crate) fn push(&mut self, sent: impl Iterator<Item = Kept>, cost: usize) {
        self.bytes += cost;
        self.sent.extend(sent);
    }

    /// Takes an acknowledgement of the first `count`; false when so many are not under way.
    pub(crate) fn ack(&mut self, count: u32) -> bool {
        let count = count as usize;
        self.bytes -= self.sent.iter().take(count).map(Kept::cost).sum::<usize>();
        let are_there = count <= self.sent.len();
        self.sent.drop_front(count);
        are_there
    }

    pub(crate) fn take(&mut self) -> impl Iterator<Item = Sent> + use<> {
        self.bytes = 0;
        core::mem::take(&mut self.sent).into_iter().map(|sent| sent.sent())
    }

    pub(crate) fn memory(&self) -> usize {
        self.sent.memory()
    }

    pub(crate) fn shrink(&mut self) {
        self.sent.shrink();
    }
}

/// What the neighbour has sent and we have not acknowledged.
#[derive(Debug)]
pub(crate) struct Inbound {
    window: usize,
    bytes: usize,
    /// The sequence number of the first in `open`.
    first: u64,
    /// The cost of each, and whether it was taken.
    open: Queue<(u32, bool)>,
    /// Taken, in order, and not yet said.
    owed: u32,
    owed_bytes: usize,
}

impl Inbound {
    pub(crate) fn new(window: usize) -> Inbound {
        Inbound { window, bytes: 0, first: 1, open: Queue::default(), owed: 0, owed_bytes: 0 }
    }

    /// Counts one that came; its sequence number, or nothing when it went past the window.
    pub(crate) fn receive(&mut self, cost: usize) -> Option<NonZeroU64> {
        let outstanding = self.bytes + self.owed_bytes;
        if outstanding > 0 && outstanding + cost > self.window {
            return None;
        }
        self.bytes += cost;
        self.open.push_back((u32::try_from(cost).unwrap_or(u32::MAX), false));
        // Nobody sends 2^64 envelopes.
        NonZeroU64::new(self.first + self.open.len() as u64 - 1)
    }

    /// Those of these numbers were taken. Those in front of them must be, too, before they count.
    pub(crate) fn taken(&mut self, sequences: Range<u64>) {
        let place =
            |sequence: u64| usize::try_from(sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let (start, end) = (place(sequences.start), place(sequences.end).min(self.open.len()));
        if start >= end {
            return;
        }
        if start > 0 {
            self.open.range_mut(start..end).for_each(|entry| entry.1 = true);
            return;
        }
        // And those behind them that were taken already.
        let count = end + self.open.range(end..).take_while(|entry| entry.1).count();
        let cost = self.open.range(..count).map(|entry| entry.0 as usize).sum::<usize>();
        self.open.drop_front(count);
        self.first += count as u64;
        self.owed += u32::try_from(count).unwrap_or(u32::MAX);
        self.bytes -= cost;
        self.owed_bytes += cost;
    }

    /// All of them count as taken: the neighbour is leaving and will send no more.
    pub(crate) fn take_all(&mut self) {
        for (cost, _) in core::mem::take(&mut self.open) {
            self.first += 1;
            self.owed += 1;
            self.owed_bytes += cost as usize;
        }
        self.bytes = 0;
    }

    /// What is owed, which is said from now on.
    pub(crate) const fn settle(&mut self) -> u32 {
        self.owed_bytes = 0;
        core::mem::replace(&mut self.owed, 0)
    }

    pub(crate) const fn owes(&self) -> bool {
        self.owed > 0
    }

    /// Whether the neighbour should be told now, lest it stop for want of a word. That is when half of its window would be
    /// free: it goes on for as long as it can with the other half, and is seldom woken.
    pub(crate) const fn is_urgent(&self) -> bool {
        self.owed_bytes >= self.window / 2
    }

    pub(crate) fn memory(&self) -> usize {
        self.open.memory()
    }

    pub(crate) fn shrink(&mut self) {
        self.open.shrink();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn acknowledged_in_order_only() {
        let mut inbound = Inbound::new(1000);
        let numbers: [NonZeroU64; 3] = core::array::from_fn(|_| inbound.receive(100).unwrap());
        inbound.taken(one(numbers[1]));
        assert_eq!(inbound.settle(), 0);
        inbound.taken(one(numbers[0]));
        assert_eq!(inbound.settle(), 2);
        inbound.taken(one(numbers[0]));
        inbound.taken(u64::MAX - 1..u64::MAX);
        assert_eq!(inbound.settle(), 0);
        inbound.take_all();
        assert_eq!((inbound.settle(), inbound.bytes), (1, 0));
    }

    #[test]
    fn past_the_window_is_noticed_but_one_always_fits() {
        let mut inbound = Inbound::new(100);
        let first = inbound.receive(5000).unwrap();
        assert_eq!(inbound.receive(1), None);
        inbound.taken(one(first));
        assert_eq!(inbound.receive(1), None, "what was not said yet still counts");
        inbound.settle();
        assert!(inbound.receive(100).is_some());
    }

    fn sent(cost: usize) -> Kept {
        let (id, kind, receipts) = (MessageId([0; 16]), Kind::Message, Receipts::Failure);
        Kept::new(Sent { id, kind, receipts, copy: false, origin: Origin::Local }, cost)
    }

    #[test]
    fn numbers_that_follow_one_another_are_a_run() {
        let all: Vec<_> = runs([3, 4, 5, 7, 6, 7].into_iter()).collect();
        assert_eq!(all, [3..6, 7..8, 6..8]);
    }

    fn push(out: &mut Outbound, cost: usize) {
        out.push(core::iter::once(sent(cost)), cost);
    }

    fn one(sequence: NonZeroU64) -> Range<u64> {
        sequence.get()..sequence.get() + 1
    }

    proptest! {
        /// However small it is kept, nothing of it is lost.
        #[test]
        fn what_is_kept_is_what_was_sent(
            id in any::<[u8; 16]>(),
            kind in prop::sample::select(&[Kind::Message, Kind::Notification, Kind::Request, Kind::Response][..]),
            receipts in prop::sample::select(&[Receipts::Failure, Receipts::Route, Receipts::Consumed][..]),
            copy in any::<bool>(),
            link in prop::option::of((0..u64::MAX >> 1, prop::option::of(any::<NonZeroU64>()))),
            cost in 0..1usize << 20,
        ) {
            let origin = link.map_or(Origin::Local, |(n, sequence)| {
                Origin::Link { link: LinkId::accepted(n), sequence }
            });
            let sent = Sent { id: MessageId(id), kind, receipts, copy, origin };
            let kept = Kept::new(sent, cost);
            prop_assert_eq!((kept.sent(), kept.cost()), (sent, cost));
        }
    }

    #[test]
    fn an_empty_envelope_costs_as_the_document_says() {
        assert_eq!((envelope_cost(0), envelope_cost(100)), (64, 164));
    }

    #[test]
    fn the_window_may_be_filled_and_one_may_always_go() {
        let mut out = Outbound::new(100);
        assert!(out.is_settled() && out.allows(5000));
        push(&mut out, 60);
        assert!(out.allows(40) && !out.allows(41) && !out.is_settled());
        push(&mut out, 40);
        assert!(!out.allows(1));
        assert!(out.ack(1) && out.allows(60) && !out.allows(61));
        assert_eq!(out.take().count(), 1);
        assert!(out.is_settled() && out.allows(5000));
        push(&mut out, 60);
        assert!(out.allows(40), "what was taken counts no more");
    }

    #[test]
    fn an_ack_is_owed_once_something_is_taken_and_urgent_at_half_of_the_window() {
        let mut inbound = Inbound::new(1000);
        let numbers: [NonZeroU64; 3] = core::array::from_fn(|_| inbound.receive(250).unwrap());
        assert!(!inbound.owes() && !inbound.is_urgent());
        inbound.taken(one(numbers[0]));
        assert!(inbound.owes() && !inbound.is_urgent());
        inbound.taken(one(numbers[1]));
        assert!(inbound.is_urgent());
        assert_eq!(inbound.settle(), 2);
        assert!(!inbound.owes() && !inbound.is_urgent());
        // A neighbour that is leaving is told of everything; what it still sends is numbered on.
        inbound.receive(250).unwrap();
        inbound.take_all();
        assert!(inbound.owes() && inbound.is_urgent());
        assert_eq!(inbound.receive(501), None, "what was not said yet still counts");
        assert_eq!(inbound.receive(500), NonZeroU64::new(5));
        assert_eq!(inbound.settle(), 2);
    }

    #[test]
    fn they_say_what_they_hold_and_hold_nothing_when_idle() {
        let (mut out, mut inbound) = (Outbound::new(usize::MAX), Inbound::new(usize::MAX));
        let held = |work: &mut dyn FnMut()| usize::try_from(allocation_counter::measure(work).bytes_current);
        assert_eq!(held(&mut || (0..100).for_each(|_| push(&mut out, 1))), Ok(out.memory()));
        let mut receive = || (0..100).for_each(|_| assert!(inbound.receive(1).is_some()));
        assert_eq!(held(&mut receive), Ok(inbound.memory()));
        out.shrink();
        inbound.shrink();
        assert!(out.ack(100), "what is under way is kept");
        inbound.taken(1..101);
        assert_eq!(inbound.settle(), 100);
        out.shrink();
        inbound.shrink();
        assert_eq!((out.memory(), inbound.memory()), (0, 0));
    }

    proptest! {
        /// A sender that keeps to its window never goes past the receiver's, whatever the order
        /// in which things are taken, and both come to rest at nothing.
        #[test]
        fn both_sides_agree(steps in proptest::collection::vec((0u8..3, 1usize..400), 0..300)) {
            let (mut out, mut inb) = (Outbound::new(1000), Inbound::new(1000));
            let mut untaken = alloc::vec::Vec::new();
            for (what, n) in steps {
                match what {
                    0 if out.allows(n) => {
                        push(&mut out, n);
                        let number = inb.receive(n);
                        prop_assert!(number.is_some());
                        untaken.extend(number);
                    }
                    1 if !untaken.is_empty() => {
                        let number = untaken[n % untaken.len()];
                        // Sometimes with others behind it, which may be taken already.
                        let numbers = number.get()..number.get() + (n % 5) as u64;
                        untaken.retain(|untaken: &NonZeroU64| !numbers.contains(&untaken.get()));
                        inb.taken(numbers);
                    }
                    _ => {
                        let count = inb.settle();
                        prop_assert!(out.ack(count));
                    }
                }
            }
            untaken.into_iter().for_each(|number| inb.taken(one(number)));
            prop_assert!(out.ack(inb.settle()));
            prop_assert_eq!((out.bytes, inb.bytes, out.sent.len()), (0, 0, 0));
            prop_assert!(!out.ack(1));
        }
    }
}
