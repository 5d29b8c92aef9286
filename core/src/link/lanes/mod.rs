//! What waits to be sent on one link, by priority. Nothing here is encrypted yet: what is urgent
//! overtakes until the last moment.

mod entry;
mod frontier;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;

use crate::Instant;
use crate::buffer::append;
use crate::link::backlog::{Backlog, ID};
use crate::link::draft::{Body, Draft};
use crate::link::flow::{Kept, Origin, Outbound, Sent, Went};
use crate::link::record::Record;
use crate::queue::Queue;
use crate::wire::label::Packed;
use crate::wire::{Priority, frame};
use entry::{Ended, Entry, Held, SHARED_HEAD};
use frontier::Frames;

pub(crate) use entry::SharedFrame;
pub(crate) use frontier::Frontier;

/// What makes a record full: as much as the processor's nearest memory holds, and a fraction of what is read at once,
/// so that few records are cut in two.
pub(super) const FULL: usize = 16 * 1024;

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

/// What is known of each frame that waits, and their bytes, but for what is shared or kept.
#[derive(Debug, Default)]
struct Lane {
    bytes: Backlog,
    entries: Queue<Entry>,
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

    /// Appends an envelope: its label and its letter, which together must not be larger than a frame's payload. It waits
    /// from now until it expires. Whether it is the first in its lane: one behind another changes neither what may go
    /// next nor a deadline.
    // In the three places that push: what it is given would else pass through memory.
    #[allow(clippy::inline_always)] // measured: 80 instructions of 660
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        draft: Draft<'_>,
    ) -> bool {
        let body = match draft.body {
            Body::Copied(body) => body,
            Body::Kept(end) => return self.push_ended(lane, sent, waits, label, (draft.opening, end)),
        };
        let length = draft.len();
        let (saved, bytes) = self.lanes[lane as usize].bytes.begin(label, length, length);
        // Made before the letter is copied, and entered after that: it would else be read while it is being written.
        let own = Held::Own { saved: u32::try_from(saved).unwrap_or(0) };
        let entry = Entry::new(sent, frame::HEADER + label.len() + length, waits.end, own);
        bytes.extend_from_slice(draft.opening);
        append(bytes, body);
        self.enter(lane, waits.start, entry)
    }

    /// The same, of an envelope that is alike to the one that was pushed last, to this lane, which can be followed.
    // Measured: with a flag of `push` in its place it takes 33 instructions more, of 278.
    #[inline]
    pub(crate) fn push_behind(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        draft: Draft<'_>,
    ) {
        let body = match draft.body {
            Body::Copied(body) => body,
            Body::Kept(end) => {
                self.push_ended(lane, sent, waits, label, (draft.opening, end));
                return;
            }
        };
        let length = draft.len();
        let bytes = self.lanes[lane as usize].bytes.begin_behind(label.id, length, length);
        bytes.extend_from_slice(draft.opening);
        append(bytes, body);
        self.push_alike(lane, sent, waits, label, length);
    }

    /// Whether an envelope that is alike to the one that was pushed last, to this lane, can be pushed behind it without being
    /// asked whether it is.
    pub(crate) const fn can_be_followed(&self, lane: LaneKind) -> bool {
        self.lanes[lane as usize].bytes.can_be_followed()
    }

    /// The same, of an envelope that is alike to the last one, and has this label and a letter of so many bytes. Its frame must
    /// be [added](Lanes::add_frames) before anything else is asked of this, with those of others that are pushed so.
    #[inline]
    pub(crate) fn push_alike(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        letter: usize,
    ) {
        let own = Held::Own { saved: u32::try_from(label.len() - ID).unwrap_or(0) };
        self.enter(lane, waits.start, Entry::new(sent, frame::HEADER + label.len() + letter, waits.end, own));
    }

    /// Adds the frames, without labels, of the envelopes that were [pushed](Lanes::push_alike) last.
    pub(crate) fn add_frames(&mut self, lane: LaneKind, frames: &[u8]) {
        self.lanes[lane as usize].bytes.add(frames);
    }

    /// The same, of a letter whose end is kept.
    #[inline(never)]
    fn push_ended(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        (opening, end): (&[u8], &Bytes),
    ) -> bool {
        let length = opening.len() + end.len();
        let (saved, bytes) = self.lanes[lane as usize].bytes.begin(label, length, opening.len());
        bytes.extend_from_slice(opening);
        let ended = Ended { saved: u32::try_from(saved).unwrap_or(0), end: end.clone() };
        let length = frame::HEADER + label.len() + length;
        self.enter(lane, waits.start, Entry::new(sent, length, waits.end, Held::Ended(Box::new(ended))))
    }

    /// The same, with a whole frame that other links have, too.
    pub(crate) fn push_shared(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        frame: &SharedFrame,
    ) -> bool {
        if !planted!(AlikeToAnother) {
            self.lanes[lane as usize].bytes.interrupt();
        }
        self.enter(lane, waits.start, Entry::new(sent, frame.len(), waits.end, Held::Shared(frame.clone())))
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
    /// full record. Each that goes is counted in the window, and told to `went` if anybody has to hear of it. What is not
    /// in one piece is added to the record.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        room: usize,
        window: &mut Outbound,
        went: &mut Vec<Went>,
        record: &mut Record<'_>,
    ) -> Option<Frontier> {
        let (replies, counted) = (Some(LaneKind::Replies as usize), self.first_counted());
        let order = if self.replied { [counted, replies] } else { [replies, counted] };
        for at in order.into_iter().flatten() {
            let start = self.lanes[at].bytes.start();
            let (mut frames, mut length) = (Frames::Own(start..start), 0);
            let Lane { bytes, entries } = &mut self.lanes[at];
            // How many go, what they cost, and what those cost of them that the window counts.
            let (mut count, mut gone, mut gone_counted) = (0, 0, 0);
            // Before this place, all are among the frames.
            let mut passed = start;
            for entry in entries.iter_mut() {
                let (cost, counted) = (entry.kept.cost(), entry.kept.is_counted());
                // The first of a record has none before it.
                let saved = if count == 0 && !planted!(AlikeToTheLastRecord) { 0 } else { entry.saved() };
                let len = entry.len() - saved;
                let fits = length + len <= if length == 0 { room } else { room.min(FULL) };
                if !fits || (counted && !window.allows_behind(gone_counted, cost)) {
                    break;
                }
                if entry.saved() > saved {
                    bytes.write_out();
                    passed = bytes.start();
                }
                length += len;
                count += 1;
                gone += cost;
                gone_counted += if counted { cost } else { 0 };
                Went::add(went, &entry.kept);
                match &entry.held {
                    Held::Own { .. } => _ = bytes.pass(len, saved),
                    Held::Ended(ended) => {
                        bytes.pass(len - ended.end.len(), saved);
                        frames.add_own(bytes, passed..bytes.start(), record);
                        passed = bytes.start();
                        frames.add(bytes, &ended.end, record);
                    }
                    Held::Shared(frame) => {
                        frames.add_own(bytes, passed..bytes.start(), record);
                        passed = bytes.start();
                        frames.add_shared(bytes, frame, record);
                    }
                }
            }
            frames.add_own(bytes, passed..bytes.start(), record);
            if gone_counted > 0 {
                let kept = entries.range(..count).map(|entry| entry.kept);
                // Most often it is all of them.
                if gone_counted == gone {
                    window.push(kept, gone_counted);
                } else {
                    window.push(kept.filter(Kept::is_counted), gone_counted);
                }
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

    /// The bytes of a frontier that are not in the record yet, until the next change.
    pub(crate) fn bytes<'a>(&'a self, frontier: &'a Frontier) -> &'a [u8] {
        match &frontier.frames {
            Frames::Own(range) => self.lanes[frontier.lane].bytes.get(range),
            Frames::Shared(frame) => frame,
            Frames::Added => &[],
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
                let own = match &entry.held {
                    Held::Own { .. } => Some(entry.len() - entry.saved()),
                    Held::Ended(ended) => Some(entry.len() - entry.saved() - ended.end.len()),
                    Held::Shared(_) => None,
                };
                if let Some(own) = own.filter(|_| !planted!(ExpiredBytesStay)) {
                    lane.bytes.pass(own, entry.saved());
                }
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
        let lanes = mem::take(self).lanes;
        lanes.into_iter().flat_map(|lane| lane.entries.into_iter().map(|entry| entry.kept.sent()))
    }

    /// What is held here; of a frame that others have, too, this link's share.
    pub(crate) fn memory(&self) -> usize {
        let share = |frame: &SharedFrame| (SHARED_HEAD + frame.len()).div_ceil(Arc::strong_count(frame));
        let of_entry = |entry: &Entry| match &entry.held {
            Held::Shared(frame) => share(frame),
            Held::Ended(ended) => size_of::<Ended>() + ended.end.len(),
            Held::Own { .. } => 0,
        };
        let of_lane = |lane: &Lane| {
            let besides: usize = lane.entries.iter().map(of_entry).sum();
            lane.bytes.memory() + lane.entries.memory() + besides
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
    use crate::buffer::Buffer;
    use crate::link::envelope_cost;
    use crate::wire::label::TEXTS;
    use crate::wire::label::tests::{all_in, of, whole};
    use crate::wire::{Kind, MessageId, Receipts};
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    fn sent() -> Sent {
        let id = MessageId([0; 16]);
        Sent { id, kind: Kind::Message, receipts: Receipts::Failure, copy: true, origin: Origin::Local }
    }

    fn shared(body: &[u8]) -> SharedFrame {
        let mut frame = Vec::new();
        frame::write(&mut frame, frame::types::ENVELOPE, body);
        SharedFrame::new(frame.into())
    }

    proptest! {
        /// Shared or not, copied or kept, alike or not: the same envelopes go, in the same order, and a record is no larger
        /// than it may be.
        #[test]
        fn nobody_can_tell_what_is_shared_or_kept(
            steps in proptest::collection::vec((0u8..4, 0u8..3, 0usize..60, 0usize..300), 1..60),
        ) {
            let (mut lanes, mut window) = (Lanes::default(), Outbound::new(4000));
            let now = Instant::ZERO;
            let mut model: [VecDeque<(Vec<u8>, Instant)>; 2] = Default::default();
            for (n, (how, which, length, room)) in (0u8..).zip(steps) {
                let (label, letter) = (of(which, n), Bytes::from(alloc::vec![n; length]));
                let whole = whole(&label, &letter);
                let is_urgent = n % 5 == 0;
                let lane = if is_urgent { LaneKind::Urgent } else { LaneKind::Normal };
                let (opening, body) = (letter.slice(..length / 3), letter.slice(length / 3..));
                let body = if how % 2 == 1 { Body::Kept(&body) } else { Body::Copied(&body) };
                let draft = Draft { opening: &opening, body };
                let expires = Instant::from_micros(u64::from(n));
                let first = if how >= 2 && n % 3 == 0 {
                    lanes.push_shared(lane, sent(), now..expires, &shared(&whole))
                } else {
                    lanes.push(lane, sent(), now..expires, &label.pack(&mut [0; TEXTS]), draft)
                };
                let waiting = &mut model[usize::from(is_urgent)];
                prop_assert_eq!(first, waiting.is_empty());
                waiting.push_back((whole, expires));
                if n % 16 == 15 {
                    let until = Instant::from_micros(u64::from(n) - room as u64 % 16);
                    lanes.expire(until, |_| ());
                    for waiting in &mut model {
                        while waiting.pop_front_if(|(_, expires)| *expires <= until).is_some() {}
                    }
                }
                if n % 3 == 0 {
                    continue;
                }
                let (mut out, control) = (Buffer::default(), &b"control"[..usize::from(which) * 3]);
                let mut record = Record::begin(&mut out, control);
                if let Some(taken) = lanes.take(now, room, &mut window, &mut Vec::new(), &mut record) {
                    record.add(lanes.bytes(&taken));
                    let read = record.unsealed().strip_prefix(control).unwrap();
                    prop_assert!(!read.is_empty() && read.len() <= room);
                    let of_urgent = taken.lane == LaneKind::Urgent as usize;
                    for envelope in all_in(read) {
                        let next = model[usize::from(of_urgent)].pop_front();
                        prop_assert_eq!(Some(envelope), next.map(|(whole, _)| whole));
                    }
                    lanes.done(&taken);
                } else if let Some((next, _)) = model.iter().rev().find_map(VecDeque::front) {
                    // There was no room for the first, or it may not go.
                    prop_assert!(frame::HEADER + next.len() > room || !lanes.is_ready(&window));
                }
                drop(record);
                prop_assert!(out.is_empty(), "what is not sealed is not written");
                let cost = model.iter().flatten().map(|(whole, _)| envelope_cost(whole.len())).sum::<usize>();
                prop_assert_eq!(lanes.queued(lane), cost);
            }
        }
    }

    #[test]
    fn a_shared_frame_is_counted_once() {
        let frame = shared(&[7; 1000]);
        let mut links: [Lanes; 7] = Default::default();
        for lanes in &mut links {
            lanes.push_shared(LaneKind::Normal, sent(), Instant::ZERO..Instant::ZERO, &frame);
        }
        let held = SHARED_HEAD + frame.len();
        drop(frame);
        let entries = |lanes: &Lanes| lanes.lanes.iter().map(|lane| lane.entries.memory()).sum::<usize>();
        let told: usize = links.iter().map(|l| l.memory() - entries(l)).sum();
        assert!(told.abs_diff(held) < links.len(), "{told} instead of {held}");
    }

    /// What is kept is held by nobody any more when it went, was given up or waited for too long.
    #[test]
    fn what_is_kept_is_let_go() {
        let body = Bytes::from(alloc::vec![7; 5000]);
        let (now, expires) = (Instant::ZERO, Instant::from_micros(9));
        let push = |lanes: &mut Lanes| {
            let (label, draft) = (of(0, 1), Draft::ending_in(b"head", &body));
            lanes.push(LaneKind::Normal, sent(), now..expires, &label.pack(&mut [0; TEXTS]), draft);
            assert!(!body.is_unique() && lanes.memory() >= body.len());
        };
        let mut lanes = Lanes::default();
        push(&mut lanes);
        let (mut out, mut window) = (Buffer::default(), Outbound::new(usize::MAX));
        let mut record = Record::begin(&mut out, &[]);
        let taken = lanes.take(now, 9000, &mut window, &mut Vec::new(), &mut record).unwrap();
        assert!(lanes.bytes(&taken).is_empty() && body.is_unique());
        assert!(record.unsealed().ends_with(&body));
        lanes.done(&taken);
        push(&mut lanes);
        lanes.expire(expires, |_| ());
        assert!(body.is_unique() && lanes.is_empty());
        push(&mut lanes);
        assert_eq!(lanes.clear().count(), 1);
        assert!(body.is_unique());
    }
}
