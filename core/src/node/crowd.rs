//! From one to everybody. Whatever can be is done once for each message, not once for each recipient: the frame is
//! written once, and who takes it is looked up when somebody has come or gone.

use alloc::vec::Vec;
use core::mem;

use crate::link::{Connection, LaneKind, LinkId, Origin, Sent, SharedFrame};
use crate::node::Node;
use crate::node::forward::{Envelope, has_room};
use crate::node::links::Neighbour;
use crate::wire::frame::{self, types};
use crate::wire::{Kind, Label, Receipts};
use crate::{Address, Instant, Reason};

/// Who takes what is for everybody.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// Their links, in the order of their names, and where each is in the table.
    links: Vec<(LinkId, usize)>,
    /// For how many changes of the router that holds.
    changes: Option<u64>,
    /// The last that were touched, if nobody was looked after since.
    pub(super) is_touched: Option<Run>,
}

/// All but one of the crowd, one behind the other among the links that are to be looked after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    start: usize,
    but: Option<LinkId>,
    /// Of which crowd.
    changes: u64,
    len: usize,
}

/// An envelope that many get, each the same.
pub(super) struct Copies {
    frame: SharedFrame,
    /// Of its letter, in bytes.
    length: usize,
    sent: Sent,
    lane: LaneKind,
    /// What may wait in that lane.
    room: usize,
    expires: Instant,
}

impl Copies {
    /// Queues one, if there is room. Whether that changes what the connection has to say now, or when.
    pub(super) fn push(&self, conn: &mut Connection, now: Instant) -> Result<bool, Reason> {
        has_room(conn, self.lane, self.room, self.length, self.frame.len() - frame::HEADER)?;
        Ok(conn.push_shared(self.lane, self.sent, now..self.expires, &self.frame))
    }
}

impl Crowd {
    pub(super) fn memory(&self) -> usize {
        self.links.capacity() * size_of::<(LinkId, usize)>()
    }
}

impl Node {
    /// To everybody who takes what is for its name, but the sender.
    pub(super) fn broadcast(&mut self, envelope: &Envelope<'_>) {
        if envelope.kind == Kind::Response {
            return self.done_with(envelope.origin);
        }
        if envelope.hops == 0 {
            return self.report_failure(&envelope.sent(false), None, Reason::HOPS.into());
        }
        self.report_accepted(envelope);
        let source = envelope.origin.link();
        let links = self.take_crowd();
        let is_for = |link: LinkId| Some(link) != source || planted!(BroadcastToSender);
        // The sender knows how many to expect before the first of them can speak.
        let wanted = envelope.kind == Kind::Message && envelope.receipts >= Receipts::Route;
        if envelope.kind == Kind::Request || wanted {
            let count = links.iter().filter(|(link, _)| is_for(*link)).count()
                + usize::from(source.is_some() && !planted!(HubNotCounted));
            self.report_dispatched(envelope.id, envelope.origin, u32::try_from(count).unwrap_or(u32::MAX));
        }
        let copy = Envelope {
            origin: match envelope.origin {
                Origin::Link { link, .. } => Origin::Link { link, sequence: None },
                Origin::Local => Origin::Local,
            },
            ..*envelope
        };
        self.copy_to(&links, source, &copy);
        self.crowd.links = links;
        if source.is_some() {
            self.deliver(&copy);
        }
        self.done_with(envelope.origin);
    }

    /// Who takes what is for everybody now. It is to be put back.
    fn take_crowd(&mut self) -> Vec<(LinkId, usize)> {
        let mut links = mem::take(&mut self.crowd.links);
        let changes = Some(self.router.changes());
        if self.crowd.changes != changes {
            let seats = self.router.seats().filter(|seat| seat.priority >= 0);
            // A seat's link is there until it is unseated.
            let place = |link| self.links.place(link).unwrap_or(usize::MAX);
            links.clear();
            links.extend(seats.map(|seat| (seat.link, place(seat.link))));
            links.shrink_to(links.len() * 2);
            self.crowd.changes = changes;
        }
        #[cfg(homing_planted)]
        let links = crate::planted::in_hash_order(links);
        links
    }

    /// Writes what many are to get.
    pub(super) fn copies(&mut self, label: &Label<'_>, letter: &[u8], sent: Sent, is_reply: bool) -> Copies {
        let length = letter.len();
        let (lane, room) = self.lane(label, length, is_reply);
        let out = &mut self.scratch;
        out.clear();
        frame::write_header(out, types::ENVELOPE, label.len() + length);
        label.write(out);
        out.extend_from_slice(letter);
        Copies {
            frame: SharedFrame::new(out.as_slice().into()),
            length,
            sent,
            lane,
            room,
            expires: self.queue_deadline(),
        }
    }

    /// Queues a copy for each.
    fn copy_to(&mut self, links: &[(LinkId, usize)], source: Option<LinkId>, copy: &Envelope<'_>) {
        let copies = self.copies(&copy.label(true), copy.letter, copy.sent(true), copy.is_reply);
        let now = self.now;
        let start = self.touched.len();
        let mut again = self.touch_again(source);
        let mut failed = false;
        let mut done = 0;
        for &(link, place) in links {
            if Some(link) == source && !planted!(BroadcastToSender) {
                continue;
            }
            let conn = self.links.at(place, link).and_then(|link| link.conn.as_deref_mut());
            let pushed = conn.ok_or(Reason::NOT_FOUND).and_then(|conn| copies.push(conn, now));
            match pushed {
                Ok(changed) if again.is_none() => self.touch_if(changed, link),
                Ok(_) => done += 1,
                Err(reason) => {
                    failed = true;
                    if let Some(run) = again.take() {
                        self.touch_only(run, done);
                    }
                    let address = self.address_at(link);
                    self.report_failure(&copy.sent(true), address.as_ref(), reason.into());
                }
            }
        }
        let touched = self.touched.len() - start;
        let changes = self.router.changes();
        let is_run = !failed && again.is_none() && touched > 1 && !cfg!(homing_planted);
        let whole = || links.iter().filter(|(link, _)| Some(*link) != source).count() == touched;
        if is_run && whole() {
            self.crowd.is_touched = Some(Run { start, but: source, changes, len: touched });
        }
    }

    /// If the same were touched before: they are the last now that are, as if each were touched once more. To be
    /// looked after twice is to be looked after once, when it is the last time that counts.
    fn touch_again(&mut self, but: Option<LinkId>) -> Option<Run> {
        let run = self.crowd.is_touched?;
        if run.but != but || run.changes != self.router.changes() {
            self.crowd.is_touched = None;
            return None;
        }
        self.touched[run.start..].rotate_left(run.len);
        self.crowd.is_touched = Some(Run { start: self.touched.len() - run.len, ..run });
        Some(run)
    }

    /// The same, but only the first `count` were: takes back what is too much.
    fn touch_only(&mut self, before: Run, count: usize) {
        self.crowd.is_touched = None;
        self.touched[before.start..].rotate_right(before.len);
        self.touched.extend_from_within(before.start..before.start + count);
    }

    /// Who was admitted on a link.
    fn address_at(&self, link: LinkId) -> Option<Address> {
        match self.links.neighbour(link)? {
            Neighbour::Member { address, .. } | Neighbour::Former(address) => Some(address.clone()),
            Neighbour::Newcomer | Neighbour::Hub(_) => None,
        }
    }
}
