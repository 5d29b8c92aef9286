//! What goes out: lanes, control frames and farewells, sealed when they are written.

use alloc::vec::Vec;
use core::ops::Range;

use crate::buffer::Buffer;
use crate::link::connection::{Connection, Phase, Volume};
use crate::link::draft::Draft;
use crate::link::flow::{Sent, Went};
use crate::link::goodbye::Goodbye;
use crate::link::lanes::LaneKind;
use crate::link::output::ENOUGH;
use crate::link::record::Record;
use crate::link::session::SessionMessage;
use crate::noise::Transport;
use crate::wire::frame::{self, types};
use crate::wire::label::Packed;
use crate::wire::record::MAX_PLAINTEXT;
use crate::{CloseReason, ClosedBy, Instant, Reason};

impl Connection {
    /// What waits to be sent, in bytes of cost.
    pub(crate) const fn queued(&self, lane: LaneKind) -> usize {
        self.lanes.queued(lane)
    }

    /// Whether nothing has gone for so long that nobody should wait for what is queued here.
    pub(crate) const fn is_stalled(&self) -> bool {
        self.lanes.is_stalled()
    }

    /// Queues an envelope, which must fit in a frame. It goes out in its turn, or comes back when it has waited from now
    /// until it expires; a notification waits for as long as the link lives. Whether that changes what this connection has
    /// to say now, or when: behind another one it does not.
    #[inline]
    pub(crate) fn push(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        draft: Draft<'_>,
    ) -> bool {
        self.lanes.push(lane, sent, waits, label, draft)
    }

    /// Whether one that is alike to the one that was pushed last, to this lane, can be pushed behind it without being asked
    /// whether it is.
    pub(crate) const fn can_be_followed(&self, lane: LaneKind) -> bool {
        self.lanes.can_be_followed(lane)
    }

    /// The same as [`push`](Connection::push), of one that is alike to the last one, which can be followed.
    #[inline]
    pub(crate) fn push_behind(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        draft: Draft<'_>,
    ) {
        self.lanes.push_behind(lane, sent, waits, label, draft);
    }

    /// The same, of one that has this label and a letter of so many bytes. Its frame must be
    /// [added](Connection::add_frames) before anything else is asked of this, with those of others that are pushed so.
    #[inline]
    pub(crate) fn push_alike(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        label: &Packed<'_>,
        letter: usize,
    ) {
        self.lanes.push_alike(lane, sent, waits, label, letter);
    }

    /// Adds the frames, without labels, of those that were [pushed](Connection::push_alike) last.
    pub(crate) fn add_frames(&mut self, lane: LaneKind, frames: &[u8]) {
        self.lanes.add_frames(lane, frames);
    }

    pub(super) fn say(&mut self, message: &SessionMessage) {
        frame::write(&mut self.control.session, types::SESSION, &message.to_bytes());
    }

    /// Whether [`pending`](Connection::pending) would give anything.
    pub fn has_output(&self) -> bool {
        if !self.output.is_empty() {
            return true;
        }
        if !matches!(self.phase, Phase::Records { .. }) {
            return false;
        }
        !self.control.is_empty()
            || (self.state.was_admitted() && self.lanes.is_ready(&self.outbound))
            || self.is_farewell_due()
    }

    /// Whether the time has come to say that nothing more will be sent. Who agrees to the end first
    /// hears what became of all that it has sent.
    fn is_farewell_due(&self) -> bool {
        (self.lanes.is_empty() || planted!(FinishingTooSoon))
            && match self.goodbye {
                Goodbye::Asking { said, .. } => !said,
                Goodbye::Agreeing { .. } => self.outbound.is_settled(),
                Goodbye::No | Goodbye::Over { .. } => false,
            }
    }

    /// The bytes to write next. Seals what waits, so that as much as is worth it goes at once; each
    /// envelope that goes is told to `went`, if anybody has to hear of it. `scratch` is the caller's, for any use.
    pub fn pending(&mut self, now: Instant, scratch: &mut Vec<u8>, went: &mut Vec<Went>) -> &[u8] {
        while self.output.pending().len() < ENOUGH && self.seal_next(now, scratch, went) {}
        self.output.pending()
    }

    /// Seals one more record, if there is anything to say.
    fn seal_next(&mut self, now: Instant, scratch: &mut Vec<u8>, went: &mut Vec<Went>) -> bool {
        let farewell = self.is_farewell_due();
        let Phase::Records { transport, .. } = &mut self.phase else { return false };
        let limits = &self.config.limits;
        if self.sent_under_key.records >= limits.rekey_records
            || self.sent_under_key.bytes >= limits.rekey_bytes
        {
            scratch.clear();
            frame::write(scratch, types::REKEY, &[]);
            seal(transport, scratch, self.output.bytes());
            transport.rekey_outgoing();
            self.sent_under_key = Volume::default();
        }
        scratch.clear();
        let control = &mut self.control;
        scratch.append(&mut control.session);
        if let Some(number) = control.pong.take_if(|_| self.lanes.is_empty() || !planted!(PongWaitsItsTurn)) {
            frame::write(scratch, types::PONG, &number.to_be_bytes());
        }
        if let Some(number) = control.ping.take() {
            frame::write(scratch, types::PING, &number.to_be_bytes());
        }
        let goes = self.state.was_admitted() && self.lanes.is_ready(&self.outbound);
        // Acknowledgements travel with anything that goes anyway.
        let company = !scratch.is_empty() || goes;
        if control.ack_now || (company && self.inbound.owes()) {
            control.ack_now = false;
            self.ack_by = None;
            let count = self.inbound.settle();
            if count > 0 {
                frame::write(scratch, types::ACK, &count.to_be_bytes());
            }
        }
        let room = MAX_PLAINTEXT.saturating_sub(scratch.len());
        if scratch.is_empty() && !goes && !farewell {
            return false;
        }
        let mut record = Record::begin(self.output.bytes(), scratch);
        if goes && let Some(frontier) = self.lanes.take(now, room, &mut self.outbound, went, &mut record) {
            // Straight from the lane when nothing else goes along: the common case under load.
            let length = record.seal(transport, self.lanes.bytes(&frontier));
            self.lanes.done(&frontier);
            self.sealed_one(now, length);
            return true;
        }
        let mut over = None;
        if farewell {
            let message = if let Goodbye::Asking { said, .. } = &mut self.goodbye {
                *said = true;
                SessionMessage::Finishing
            } else {
                over = Some(CloseReason::new(ClosedBy::Them, Reason::FINISHED, ""));
                SessionMessage::Finished
            };
            scratch.clear();
            frame::write(scratch, types::SESSION, &message.to_bytes());
            record.add(scratch);
        }
        let length = record.seal(transport, &[]);
        if length == 0 {
            return false;
        }
        self.sealed_one(now, length);
        if let Some(why) = over {
            self.over(now, why);
        }
        true
    }

    const fn sealed_one(&mut self, now: Instant, length: usize) {
        self.sent_under_key.add(length);
        self.pulse.spoke(now);
    }

    /// What [`pending`](Connection::pending) gave, without sealing more.
    pub fn sealed(&self) -> &[u8] {
        self.output.pending()
    }

    /// The first `n` of [`pending`](Connection::pending) were written.
    pub fn wrote(&mut self, n: usize) {
        self.output.wrote(n);
    }
}

/// Appends a record of these frames; the bytes that it has.
pub(super) fn seal(transport: &mut Transport, frames: &[u8], out: &mut Buffer) -> usize {
    Record::begin(out, &[]).seal(transport, frames)
}
