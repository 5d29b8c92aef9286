//! What waits to be sent on one link, by priority. Nothing here is encrypted yet: what is urgent
//! overtakes until the last moment.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use crate::Instant;
use crate::link::backlog::Backlog;
use crate::link::flow::{Kept, Origin, Outbound, Sent, Went, envelope_cost};
use crate::queue::Queue;
use crate::wire::{Priority, frame};

/// What makes a record full: as much as the processor's nearest memory holds, and a fraction of what is read at once,
/// so that few records are cut in two.
const FULL: usize = 16 * 1024;

/// The lanes, in the order in which they are emptied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum LaneKind {
    /// Receipts and this node's own answers: space of their own, so that they never wait for room.
    Replies,
    Urgent,
    Normal,
    Bulk,
}

impl From<Priority> for LaneKind {
    fn from(priority: Priority) -> LaneKind {
        match priority {
            Priority::Urgent => LaneKind::Urgent,
            Priority::Normal => LaneKind::Normal,
            Priority::Bulk => LaneKind::Bulk,
        }
    }
}

const LANES: usize = 4;

/// The lanes that the window counts. What waits in them expires. Receipts do not: a failure may be the only word
/// that a sender will ever hear, and nobody would be told of its end. Their room is all that bounds them.
const fn counted() -> Range<usize> {
    LaneKind::Urgent as usize..LANES
}

/// A frame that is the same on many links: written once, whoever it waits for. What many links hold would not fit in
/// the processor's caches if each had its own.
pub(crate) type SharedFrame = Arc<[u8]>;

/// What shares a frame's memory with it: two counts.
const SHARED_HEAD: usize = 2 * size_of::<usize>();

/// What is known of each frame that waits, and the bytes of those that are not shared.
#[derive(Debug, Default)]
struct Lane {
    bytes: Backlog,
    entries: Queue<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// What it costs is what its frame holds, and a little more.
    kept: Kept,
    /// Of what the window counts only.
    expires: Instant,
    /// The frame, when it is not among the lane's bytes.
    shared: Option<SharedFrame>,
}

impl Entry {
    /// Of a frame of `length` bytes.
    fn new(sent: Sent, length: usize, expires: Instant, shared: Option<SharedFrame>) -> Entry {
        Entry { kept: Kept::new(sent, envelope_cost(length - frame::HEADER)), expires, shared }
    }

    /// Of the whole frame.
    const fn len(&self) -> usize {
        self.kept.cost() - envelope_cost(0) + frame::HEADER
    }

    /// How many of the lane's bytes are its.
    const fn own(&self) -> usize {
        if self.shared.is_some() { 0 } else { self.len() }
    }
}

/// The lanes of one link.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: [Lane; LANES],
    /// What the application's and the forwarded envelopes cost.
    queued: usize,
    /// What the replies cost.
    replies: usize,
    /// Since when nothing that the window counts has gone, although something waits.
    still_since: Option<Instant>,
    /// Whether that has been so for too long: nobody else must wait for this link any more.
    stalled: bool,
    /// Whether the last that went was a reply: then the others have their turn, so that no flood of
    /// receipts keeps messages waiting.
    replied: bool,
}

/// What of a lane may go into the next record.
pub(crate) struct Frontier {
    lane: usize,
    frames: Frames,
}

/// Where its bytes are.
enum Frames {
    /// In the lane.
    Own(Range<usize>),
    /// They are one frame, which others have, too.
    Shared(SharedFrame),
    /// Put together of both. It is gone with the record: what a link holds of it would be cold by the next.
    Gathered(Vec<u8>),
}

impl Frames {
    const fn is_empty(&self) -> bool {
        matches!(self, Frames::Own(range) if range.start == range.end)
    }

    /// Those that follow, one behind the other, of which none is shared: their place in `bytes`.
    fn add_own(&mut self, bytes: &Backlog, own: Range<usize>, most: usize) {
        bytes.pieces(own).for_each(|own| self.add(bytes, own, None, most));
    }

    /// One more piece. `most`: what there may be in all, in bytes; `own`: its place in `bytes`, unless it is shared.
    fn add(&mut self, bytes: &Backlog, own: Range<usize>, shared: Option<SharedFrame>, most: usize) {
        let before: &[u8] = match self {
            Frames::Own(range) if range.start == range.end => {
                *self = shared.map_or(Frames::Own(own), Frames::Shared);
                return;
            }
            Frames::Own(range) => bytes.get(range),
            Frames::Shared(frame) => frame,
            Frames::Gathered(gathered) => {
                gathered.extend_from_slice(shared.as_deref().unwrap_or_else(|| bytes.get(&own)));
                return;
            }
        };
        let mut gathered = Vec::with_capacity(most);
        gathered.extend_from_slice(before);
        gathered.extend_from_slice(shared.as_deref().unwrap_or_else(|| bytes.get(&own)));
        *self = Frames::Gathered(gathered);
    }
}

impl Lanes {
    /// What waits in the application's lanes, or in the replies', in bytes of cost.
    pub(crate) const fn queued(&self, lane: LaneKind) -> usize {
        match lane {
            LaneKind::Replies => self.replies,
            _ => self.queued,
        }
    }

    const fn queued_mut(&mut self, lane: usize) -> &mut usize {
        if lane == LaneKind::Replies as usize { &mut self.replies } else { &mut self.queued }
    }

    /// Appends an envelope of `length` bytes that `write` writes. It must not be larger than a frame's payload. Whether
    /// it is the first in its lane: one behind another changes neither what may go next nor a deadline.
    pub(crate) fn push(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        now: Instant,
        expires: Instant,
        length: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        // Made before the bytes are copied, and entered after that: it would else be read while it is being written.
        let entry = Entry::new(sent, frame::HEADER + length, expires, None);
        let bytes = self.lanes[lane as usize].bytes.end();
        let start = bytes.len();
        bytes.reserve(frame::HEADER + length);
        frame::write_header(bytes, frame::types::ENVELOPE, length);
        write(bytes);
        debug_assert!(bytes.len() == start + frame::HEADER + length);
        self.enter(lane, now, entry)
    }

    /// The same, with a whole frame that other links have, too.
    pub(crate) fn push_shared(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        now: Instant,
        expires: Instant,
        frame: &SharedFrame,
    ) -> bool {
        self.enter(lane, now, Entry::new(sent, frame.len(), expires, Some(frame.clone())))
    }

    fn enter(&mut self, lane: LaneKind, now: Instant, entry: Entry) -> bool {
        // Receipts hold nobody's place in a window: whether they go says nothing.
        if lane != LaneKind::Replies {
            self.still_since.get_or_insert(now);
        }
        let at = lane as usize;
        *self.queued_mut(at) += entry.kept.cost();
        let entries = &mut self.lanes[at].entries;
        entries.push_back(entry);
        entries.len() == 1 || planted!(FullestLaneFirst)
    }

    /// Whether anything may go now.
    pub(crate) fn is_ready(&self, window: &Outbound) -> bool {
        let front = |at: usize| self.lanes[at].entries.front();
        let counted = self.first_counted().and_then(front);
        front(LaneKind::Replies as usize).is_some()
            || counted.is_some_and(|entry| window.allows(entry.kept.cost()))
    }

    /// The lane whose turn it is among those that the window counts: while something urgent does not
    /// fit, nothing smaller overtakes it and eats the room that becomes free.
    fn first_counted(&self) -> Option<usize> {
        if planted!(FullestLaneFirst) {
            let lanes = counted().filter(|at| !self.lanes[*at].entries.is_empty());
            return lanes.max_by_key(|at| self.lanes[*at].entries.len());
        }
        counted().find(|at| !self.lanes[*at].entries.is_empty())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.entries.is_empty())
    }

    /// Takes as much off the lane whose turn it is as fits in `room` bytes and the window, and no more than makes a
    /// full record. Each that goes is counted in the window, and told to `went` if anybody has to hear of it.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        room: usize,
        window: &mut Outbound,
        went: &mut Vec<Went>,
    ) -> Option<Frontier> {
        let (replies, counted) = (Some(LaneKind::Replies as usize), self.first_counted());
        let order = if self.replied { [counted, replies] } else { [replies, counted] };
        for at in order.into_iter().flatten() {
            let start = self.lanes[at].bytes.start();
            let (mut frames, mut length) = (Frames::Own(start..start), 0);
            // What an entry costs is more than its bytes.
            let most = room.min(FULL).min(*self.queued_mut(at));
            let Lane { bytes, entries } = &mut self.lanes[at];
            // How many go, what they cost, and what those cost of them that the window counts.
            let (mut count, mut gone, mut gone_counted) = (0, 0, 0);
            // Before this place, all are among the frames.
            let mut passed = start;
            for entry in entries.iter_mut() {
                let (cost, counted) = (entry.kept.cost(), entry.kept.is_counted());
                let fits = length + entry.len() <= if length == 0 { room } else { room.min(FULL) };
                if !fits || (counted && !window.allows_behind(gone_counted, cost)) {
                    break;
                }
                length += entry.len();
                count += 1;
                gone += cost;
                gone_counted += if counted { cost } else { 0 };
                Went::add(went, &entry.kept);
                if let Some(shared) = entry.shared.take() {
                    frames.add_own(bytes, passed..bytes.start(), most);
                    passed = bytes.start();
                    frames.add(bytes, passed..passed, Some(shared), most);
                } else {
                    bytes.pass(entry.len());
                }
            }
            frames.add_own(bytes, passed..bytes.start(), most);
            if gone_counted > 0 {
                let counted = entries.range(..count).map(|entry| entry.kept).filter(Kept::is_counted);
                window.push(counted, gone_counted);
            }
            entries.drop_front(count);
            *self.queued_mut(at) -= gone;
            if !frames.is_empty() {
                self.replied = at == LaneKind::Replies as usize;
                if !self.replied {
                    self.moved(now);
                }
                return Some(Frontier { lane: at, frames });
            }
        }
        None
    }

    /// Something that the window counts has gone.
    fn moved(&mut self, now: Instant) {
        self.stalled = false;
        let now = self.still_since.filter(|_| planted!(StillSinceKept)).unwrap_or(now);
        self.still_since = self.first_counted().map(|_| now);
    }

    /// Whether nobody should wait for what is queued here.
    pub(crate) const fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Gives up waiting for a link on which nothing has gone for `limit`: the senders of what is queued
    /// get their places in the window back, so that they can write to others.
    pub(crate) fn give_up(&mut self, now: Instant, limit: Duration, mut released: impl FnMut(Origin)) {
        if self.stalled || self.still_since.is_none_or(|since| since + limit > now) {
            return;
        }
        self.stalled = true;
        for entry in self.lanes.iter_mut().flat_map(|lane| lane.entries.iter_mut()) {
            if planted!(StalledKeepsPlaces) {
                break;
            }
            let sent = entry.kept.sent();
            let (origin, place) = sent.origin.credited();
            entry.kept = Kept::new(Sent { origin, ..sent }, entry.kept.cost());
            place.into_iter().for_each(&mut released);
        }
    }

    /// The bytes of a frontier, until the next change.
    pub(crate) fn bytes<'a>(&'a self, frontier: &'a Frontier) -> &'a [u8] {
        match &frontier.frames {
            Frames::Own(range) => self.lanes[frontier.lane].bytes.get(range),
            Frames::Shared(frame) => frame,
            Frames::Gathered(gathered) => gathered,
        }
    }

    /// The frontier's bytes were used.
    pub(crate) fn done(&mut self, frontier: &Frontier) {
        self.lanes[frontier.lane].bytes.settle();
    }

    /// When the first of them has waited for as long as it may, or the link is to be given up waiting for.
    pub(crate) fn deadline(&self, limit: Duration) -> Option<Instant> {
        let expires = counted().filter_map(|at| self.lanes[at].entries.front()).map(|entry| entry.expires);
        let give_up = self.still_since.filter(|_| !self.stalled).map(|since| since + limit);
        expires.chain(give_up).min()
    }

    /// Takes off what has waited for too long.
    pub(crate) fn expire(&mut self, now: Instant, mut expired: impl FnMut(Sent)) {
        for at in counted() {
            while self.lanes[at].entries.front().is_some_and(|entry| entry.expires <= now) {
                let lane = &mut self.lanes[at];
                let Some(entry) = lane.entries.pop_front() else { break };
                lane.bytes.pass(if planted!(ExpiredBytesStay) { 0 } else { entry.own() });
                *self.queued_mut(at) -= if planted!(ExpiredStillQueued) { 0 } else { entry.kept.cost() };
                expired(entry.kept.sent());
            }
            self.lanes[at].bytes.settle();
        }
        if self.first_counted().is_none() {
            self.moved(now);
        }
    }

    /// Takes off everything.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = Sent> + use<> {
        let lanes = core::mem::take(self).lanes;
        lanes.into_iter().flat_map(|lane| lane.entries.into_iter().map(|entry| entry.kept.sent()))
    }

    /// What is held here; of a frame that others have, too, this link's share.
    pub(crate) fn memory(&self) -> usize {
        let share = |frame: &SharedFrame| (SHARED_HEAD + frame.len()).div_ceil(Arc::strong_count(frame));
        let of_lane = |lane: &Lane| {
            let shared: usize =
                lane.entries.iter().filter_map(|entry| entry.shared.as_ref()).map(share).sum();
            lane.bytes.memory() + lane.entries.memory() + shared
        };
        self.lanes.iter().map(of_lane).sum()
    }

    /// Gives memory back that an idle link does not need.
    pub(crate) fn shrink(&mut self) {
        for lane in &mut self.lanes {
            if lane.entries.is_empty() {
                *lane = Lane::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Kind, MessageId, Receipts};
    use proptest::prelude::*;

    fn sent() -> Sent {
        let id = MessageId([0; 16]);
        Sent { id, kind: Kind::Message, receipts: Receipts::Failure, copy: true, origin: Origin::Local }
    }

    fn shared(body: &[u8]) -> SharedFrame {
        let mut frame = Vec::new();
        frame::write(&mut frame, frame::types::ENVELOPE, body);
        frame.into()
    }

    proptest! {
        /// Shared or not: the same bytes go, in the same order, in records of the same size.
        #[test]
        fn nobody_can_tell_what_is_shared(
            steps in proptest::collection::vec((any::<bool>(), 0usize..60, 0usize..200), 1..60),
        ) {
            let (mut mixed, mut own) = (Lanes::default(), Lanes::default());
            let mut windows = [Outbound::new(2000), Outbound::new(2000)];
            let (now, expires) = (Instant::ZERO, Instant::from_micros(9));
            for (n, (is_shared, length, room)) in steps.into_iter().enumerate() {
                let body = alloc::vec![u8::try_from(n).unwrap(); length];
                let lane = if n % 5 == 0 { LaneKind::Urgent } else { LaneKind::Normal };
                let write = |out: &mut Vec<u8>| out.extend_from_slice(&body);
                let first = own.push(lane, sent(), now, expires, length, write);
                let as_first = if is_shared {
                    mixed.push_shared(lane, sent(), now, expires, &shared(&body))
                } else {
                    mixed.push(lane, sent(), now, expires, length, write)
                };
                prop_assert_eq!(as_first, first);
                if n % 3 == 0 {
                    continue;
                }
                let mut went = [Vec::new(), Vec::new()];
                let [a, b] = &mut windows;
                let [heard_a, heard_b] = &mut went;
                let taken = (mixed.take(now, room, a, heard_a), own.take(now, room, b, heard_b));
                prop_assert_eq!(taken.0.is_some(), taken.1.is_some());
                if let (Some(of_mixed), Some(of_own)) = taken {
                    prop_assert_eq!(mixed.bytes(&of_mixed), own.bytes(&of_own));
                    mixed.done(&of_mixed);
                    own.done(&of_own);
                }
                prop_assert_eq!(mixed.queued(lane), own.queued(lane));
            }
        }
    }

    #[test]
    fn a_shared_frame_is_counted_once() {
        let frame = shared(&[7; 1000]);
        let mut links: [Lanes; 7] = Default::default();
        for lanes in &mut links {
            lanes.push_shared(LaneKind::Normal, sent(), Instant::ZERO, Instant::ZERO, &frame);
        }
        let held = SHARED_HEAD + frame.len();
        drop(frame);
        let entries = |lanes: &Lanes| lanes.lanes.iter().map(|lane| lane.entries.memory()).sum::<usize>();
        let told: usize = links.iter().map(|l| l.memory() - entries(l)).sum();
        assert!(told.abs_diff(held) < links.len(), "{told} instead of {held}");
    }
}
