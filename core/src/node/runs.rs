//! Envelopes that follow one another in a record and are alike: most are, where there is much to do. What all of them
//! have in common is looked at once.

use alloc::sync::Arc;

use crate::link::{Came, Draft, Origin, Plain, Sent, envelope_cost};
use crate::node::Node;
use crate::node::bodies::Bodies;
use crate::node::deliveries::Place;
use crate::node::lately::{Known, Led};
use crate::node::router::Taken;
use crate::wire::label::Packed;
use crate::wire::{Kind, Label, Receipts};

impl Node {
    /// An envelope with this `label` was dealt with as one that is `known`. So are those that follow it, as far as they
    /// are like it and nobody is told of them: the first of which that is not so stays where it is.
    pub(super) fn those_alike(&mut self, known: &Known, label: &Label<'_>, plain: &mut Plain) {
        match (known.led, label.kind) {
            (_, Kind::Notification) => {}
            (Led::On { .. }, Kind::Message) if label.receipts >= Receipts::Route => {}
            (Led::On { seat, .. }, _) => self.pass_on_alike(known, seat, label, plain),
            (Led::Here { .. }, Kind::Message) if label.receipts < Receipts::Received && !label.sealed => {
                self.deliver_alike(known, label, plain);
            }
            (Led::Here { .. }, _) => {}
        }
    }

    /// Passes on as many as there is room for.
    fn pass_on_alike(&mut self, known: &Known, seat: Taken, label: &Label<'_>, plain: &mut Plain) {
        let Some(to) = self.router.stays(seat) else { return };
        let (now, expires, limits) = (self.now, self.queue_deadline(), &self.config.limits);
        let (lane, room) = self.lane(label, 0, false);
        let Some([from, on]) = self.links.conns([known.link, to]) else { return };
        if !on.is_open() || on.is_stalled() || planted!(SmallOnesFirst) {
            return;
        }
        let (most, flags) = (limits.letter.min(on.letter_limit()), label.flags());
        let mut onward = Packed { flags, hops: 0, id: label.id, texts: &known.onward };
        let length = onward.len();
        let (mut hops, mut count, mut changed) = (label.hops, 0, false);
        // Those that are pushed by their frames, where they came.
        let mut alike = usize::MAX..usize::MAX;
        loop {
            let goes = |came: Came<'_>| {
                known.letter_if_alike(flags, &came).is_some_and(|(_, letter, its)| {
                    letter.len() <= most
                        && its.unwrap_or(hops) > 0
                        && on.queued(lane) + envelope_cost(length + letter.len()) <= room
                })
            };
            if !from.next_envelope(plain, goes) {
                break;
            }
            let Some((id, letter, its)) = known.letter_if_alike(flags, &plain.came()) else { break };
            hops = its.unwrap_or(hops);
            (onward.id, onward.hops) = (id, hops.saturating_sub(1));
            let origin = Origin::Link { link: known.link, sequence: plain.sequence() };
            let sent = Sent { id, kind: label.kind, receipts: label.receipts, copy: false, origin };
            let frame = plain.frame();
            if its.is_none() && frame.start == alike.end {
                // Without its label it goes on as it came.
                on.push_alike(lane, sent, now..expires, &onward, letter.len());
                alike.end = frame.end;
            } else {
                on.add_frames(lane, plain.frames(alike));
                changed |= on.push(lane, sent, now..expires, &onward, Draft::new(&[], letter));
                let start = if on.can_be_followed(lane) { frame.end } else { usize::MAX };
                alike = start..start;
            }
            count += 1;
        }
        on.add_frames(lane, plain.frames(alike));
        self.router.took(seat, count);
        self.touch_if(changed, to);
    }

    /// Gives the application those whose heads say the same, too.
    fn deliver_alike(&mut self, known: &Known, label: &Label<'_>, plain: &mut Plain) {
        let Some((opening, head)) = known.heard.opening(label.receipts) else { return };
        let Some(link) = self.links.get_mut(known.link) else { return };
        let Some(conn) = link.conn.as_deref_mut() else { return };
        let (most, flags) = (self.config.limits.letter, label.flags());
        let addresses = known.to.as_str().len() + known.from.as_str().len();
        loop {
            let is_alike = |came: Came<'_>| {
                known
                    .letter_if_alike(flags, &came)
                    .is_some_and(|(_, letter, _)| letter.len() <= most && known.heard.begins(letter))
            };
            if !conn.next_envelope(plain, is_alike) {
                break;
            }
            let Some((id, letter, _)) = known.letter_if_alike(flags, &plain.came()) else { break };
            let body = letter.get(opening..).unwrap_or_default();
            let cost = envelope_cost(letter.len() + addresses);
            link.deliveries += cost;
            let place = Place { link: Some(known.link), sequence: plain.sequence(), cost };
            let there = Bodies::there(body, Some(plain), true);
            self.deliveries.push(place, (id, Arc::clone(head)), body, there, &mut self.bodies);
        }
    }
}
