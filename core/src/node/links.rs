//! The links of a node: what the driver says of them, and their timers.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use core::ops::Range;

use crate::buffer::Buffer;
use crate::link::LinkId;
use crate::link::{Connection, ConnectionEvent, Origin, Plain, Sent, Step, Went, runs};
use crate::node::agenda::{Agenda, tree_memory};
use crate::node::io::Action;
use crate::node::{Event, Node, UplinkId, with_buffer};
use crate::wire::Kind;
use crate::{Address, CloseReason, Deadline, Instant, Reason};

/// One link.
pub(super) struct Link {
    /// None while it is being dialed.
    pub(super) conn: Option<Box<Connection>>,
    pub(super) neighbour: Neighbour,
    /// Whether [`Action::Write`] was said and the driver has not found everything written since.
    writing: bool,
    /// Under which time it stands in the agenda, and why.
    armed: Option<Deadline>,
    /// What of it the application has not taken.
    pub(super) deliveries: usize,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) enum Neighbour {
    /// Somebody who dialed and is not admitted.
    Newcomer,
    /// A peer that this node has admitted.
    Member { address: Address, snapshot: Option<Instant> },
    /// A peer that was admitted and is leaving, or has left.
    Former(Address),
    /// The hub of a network that this node dialed.
    Hub(UplinkId),
}

/// The table.
#[derive(Default)]
pub(super) struct Links {
    /// Where in `places` each is.
    index: BTreeMap<LinkId, usize>,
    places: Vec<Option<(LinkId, Link)>>,
    /// Which places are free.
    free: Vec<usize>,
    agenda: Agenda<LinkId>,
    next_dialed: u64,
    /// How many are not admitted yet.
    pub(super) newcomers: usize,
}

impl Links {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(super) fn get(&self, link: LinkId) -> Option<&Link> {
        self.places.get(*self.index.get(&link)?)?.as_ref().map(|(_, link)| link)
    }

    pub(super) fn get_mut(&mut self, link: LinkId) -> Option<&mut Link> {
        self.at(*self.index.get(&link)?, link)
    }

    /// Where a link is, for as long as it is there.
    pub(super) fn place(&self, link: LinkId) -> Option<usize> {
        self.index.get(&link).copied()
    }

    /// The link at its place, without a search; nothing, if another one has the place by now.
    pub(super) fn at(&mut self, place: usize, link: LinkId) -> Option<&mut Link> {
        self.places.get_mut(place)?.as_mut().filter(|(id, _)| *id == link).map(|(_, link)| link)
    }

    pub(super) fn conn(&mut self, link: LinkId) -> Option<&mut Connection> {
        self.get_mut(link)?.conn.as_deref_mut()
    }

    /// The connections of two links, if they are two.
    pub(super) fn conns(&mut self, [a, b]: [LinkId; 2]) -> Option<[&mut Connection; 2]> {
        let places = [*self.index.get(&a)?, *self.index.get(&b)?];
        let [a, b] = self.places.get_disjoint_mut(places).ok()?;
        Some([a.as_mut()?.1.conn.as_deref_mut()?, b.as_mut()?.1.conn.as_deref_mut()?])
    }

    /// Who is at the other end of a link.
    pub(super) fn neighbour(&self, link: LinkId) -> Option<&Neighbour> {
        self.get(link).map(|link| &link.neighbour)
    }

    pub(super) fn ids(&self) -> Vec<LinkId> {
        self.index.keys().copied().collect()
    }

    /// A number for a link that this node dials.
    pub(super) fn next_dialed(&mut self) -> LinkId {
        self.next_dialed += 1;
        LinkId::dialed(self.next_dialed)
    }

    pub(super) fn insert(&mut self, id: LinkId, conn: Option<Connection>, neighbour: Neighbour) {
        let conn = conn.map(Box::new);
        let link = Link { conn, neighbour, writing: false, armed: None, deliveries: 0 };
        let known = self.index.get(&id).copied().or_else(|| self.free.pop());
        let at = known.unwrap_or(self.places.len());
        if at == self.places.len() {
            self.places.push(None);
        }
        self.places[at] = Some((id, link));
        self.index.insert(id, at);
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let at = self.index.remove(&id)?;
        let (_, link) = self.places.get_mut(at)?.take()?;
        self.free.push(at);
        if self.index.is_empty() {
            // Nobody is left: nothing is held.
            (self.places, self.free) = (Vec::new(), Vec::new());
        }
        if let Some(armed) = link.armed.filter(|_| !planted!(AgendaKeepsGone)) {
            self.agenda.remove(armed.at, id);
        }
        Some(link)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.agenda.is_due(now) && !(planted!(AgendaKeepsGone) && self.next_deadline().is_none())
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<LinkId> {
        let id = self.agenda.pop_due(now)?;
        if let Some(link) = self.get_mut(id) {
            link.armed = None;
        }
        Some(id)
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let (at, id) = self.agenda.first()?;
        self.get(id)?.armed.map(|armed| Deadline { at, ..armed })
    }

    pub(super) fn memory(&self) -> usize {
        let conns = self.places.iter().flatten().filter_map(|(_, link)| link.conn.as_ref());
        let buffers: usize = conns.map(|conn| conn.memory()).sum();
        buffers
            + self.len() * size_of::<Connection>()
            + tree_memory::<(LinkId, usize)>(self.len())
            + self.places.capacity() * size_of::<Option<(LinkId, Link)>>()
            + self.free.capacity() * size_of::<usize>()
            + self.agenda.memory()
    }
}

impl Link {
    fn is_parked(&self, most: usize) -> bool {
        self.deliveries >= most
    }

    /// Makes sure that the link is looked at when it must be. A time that was put off stays in the
    /// agenda: it costs one look too many, where moving it would cost one move for each byte.
    fn arm(&mut self, id: LinkId, most: usize, agenda: &mut Agenda<LinkId>) {
        let parked = self.is_parked(most);
        let Some(deadline) = self.conn.as_ref().and_then(|conn| conn.deadline(parked)) else { return };
        if self.armed.is_none_or(|armed| deadline.at < armed.at) {
            if let Some(armed) = self.armed.replace(deadline) {
                agenda.remove(armed.at, id);
            }
            agenda.add(deadline.at, id);
        }
    }
}

impl Node {
    /// How many bytes the driver may read from `link` now. Zero: nothing, until something that the
    /// application has not taken was [polled](Node::poll_action).
    pub fn read_budget(&self, link: LinkId) -> usize {
        match self.links.get(link) {
            Some(link) if !link.is_parked(self.config.limits.deliveries) => 64 * 1024,
            _ => 0,
        }
    }

    /// The bytes to write to `link` next. They stay until [`Input::Wrote`](crate::Input::Wrote) says that
    /// they were written. Asking encrypts what waits: until then, what is urgent still overtakes.
    /// Other links may have something to do after it: poll again.
    pub fn pending(&mut self, link: LinkId) -> &[u8] {
        with_buffer(
            self,
            |node| &mut node.went,
            |node, went| {
                with_buffer(node, |node| &mut node.scratch, |node, scratch| node.seal(link, scratch, went));
                node.all_went(link, went);
                went.clear();
            },
        );
        self.touch(link);
        self.settle();
        self.links.get(link).and_then(|link| link.conn.as_ref()).map_or(&[], |conn| conn.sealed())
    }

    fn seal(&mut self, link: LinkId, scratch: &mut Vec<u8>, went: &mut Vec<Went>) {
        let now = self.now;
        if let Some(entry) = self.links.get_mut(link)
            && let Some(conn) = &mut entry.conn
        {
            conn.lend(&mut self.spare);
            if conn.pending(now, scratch, went).is_empty() {
                conn.give_back(&mut self.spare);
                entry.writing = false;
            }
        }
    }

    pub(super) fn wrote(&mut self, link: LinkId, n: usize) {
        if let Some(conn) = self.links.conn(link) {
            conn.wrote(n);
            conn.give_back(&mut self.spare);
            self.touch(link);
        }
    }

    pub(super) fn data(&mut self, link: LinkId, bytes: &[u8]) {
        with_buffer(self, |node| &mut node.plain, |node, plain| node.read(link, bytes, plain));
        self.touch(link);
    }

    fn read(&mut self, link: LinkId, mut bytes: &[u8], plain: &mut Plain) {
        // Nothing of one link's is ever read as another's.
        plain.clear();
        while let Some(conn) = self.links.conn(link) {
            match conn.step(self.now, &mut bytes, plain) {
                Step::Idle => break,
                Step::Envelope => self.envelope(link, plain),
                Step::Event(ConnectionEvent::Asked(asked)) => self.asked(link, asked),
                Step::Event(ConnectionEvent::Joined(joined)) => self.joined(link, joined),
                Step::Event(ConnectionEvent::Leaving) => self.leaving(link),
            }
        }
    }

    pub(super) fn gone(&mut self, link: LinkId, cause: &str) {
        let now = self.now;
        if let Some(conn) = self.links.conn(link) {
            conn.gone(now, cause);
            self.look_after(link, false);
        } else if self.links.get(link).is_some() {
            self.dial_failed(link, cause);
        }
    }

    /// Looks after every link that something was done to.
    pub(super) fn settle(&mut self) {
        while let Some(link) = self.touched.pop() {
            self.crowd.is_touched = None;
            self.look_after(link, true);
        }
    }

    /// Says what follows from a link's state: that it has ended, that it wants to write, that it can be
    /// closed (unless the stream is gone), when it is due next.
    fn look_after(&mut self, id: LinkId, has_stream: bool) {
        let Links { index, places, agenda, .. } = &mut self.links;
        let Some((_, link)) = index.get(&id).and_then(|at| places.get_mut(*at)?.as_mut()) else { return };
        let Some(conn) = &mut link.conn else { return };
        if let Some(why) = conn.take_end() {
            self.ended(id, why);
            // It is said once.
            return self.look_after(id, has_stream);
        }
        if conn.is_done() {
            self.links.remove(id);
            if has_stream {
                self.actions.push_back(Action::Close { link: id });
            }
            return;
        }
        if !link.writing && conn.has_output() {
            link.writing = true;
            self.actions.push_back(Action::Write { link: id });
        }
        link.arm(id, self.config.limits.deliveries, agenda);
    }

    /// A link's time has come.
    pub(super) fn link_due(&mut self, id: LinkId) {
        // A busy node has few timers: what an idle one does not need is given back.
        self.spare = Buffer::default();
        self.bodies.shrink();
        self.plain.shrink();
        let (now, most) = (self.now, self.config.limits.deliveries);
        let (mut expired, mut released) = (Vec::new(), Vec::new());
        if let Some(link) = self.links.get_mut(id) {
            let parked = link.is_parked(most);
            if let Some(conn) = &mut link.conn {
                conn.timeout(now, parked, |sent| expired.push(sent), |origin| released.push(origin));
            }
        }
        for sent in expired {
            if planted!(ExpiredInSilence) {
                self.done_with(sent.origin);
                continue;
            }
            self.undelivered(id, &sent, Reason::EXPIRED);
        }
        for origin in released {
            self.done_with(origin);
        }
        self.touch(id);
    }

    /// A connection is over: whoever had it is told, and everybody who had something on it.
    fn ended(&mut self, id: LinkId, why: CloseReason) {
        let Some(link) = self.links.get_mut(id) else { return };
        let mut lost = Vec::new();
        if let Some(conn) = &mut link.conn {
            conn.take_undelivered(|sent, may_have_arrived| lost.push((sent, may_have_arrived)));
        }
        let neighbour = link.neighbour.clone();
        match neighbour {
            Neighbour::Newcomer => {
                self.links.newcomers -= usize::from(!planted!(NewcomerNeverLeaves));
                self.event(Event::LinkDown { link: id, address: None, why });
            }
            Neighbour::Member { address, .. } => {
                self.unseat(id, &address);
                self.event(Event::LinkDown { link: id, address: Some(address), why });
            }
            Neighbour::Former(address) => {
                self.event(Event::LinkDown { link: id, address: Some(address), why });
            }
            Neighbour::Hub(uplink) => self.uplink_ended(uplink, why),
        }
        // What was still queued for a peer finds nobody; without a hub, the way to all of them is lost.
        let unsent = if self.is_seat(id) { Reason::NOT_FOUND } else { Reason::LINK_LOST };
        for (mut sent, may_have_arrived) in lost {
            if planted!(CreditOfTheGone) {
                sent.origin = sent.origin.credited().0;
            }
            self.undelivered(id, &sent, if may_have_arrived { Reason::LINK_LOST } else { unsent });
        }
    }

    /// What was queued on or sent over `via` is not, or perhaps not, delivered.
    fn undelivered(&mut self, via: LinkId, sent: &Sent, reason: Reason) {
        let about = match self.links.neighbour(via) {
            Some(Neighbour::Member { address, .. } | Neighbour::Former(address)) if sent.copy => {
                Some(address.clone())
            }
            _ => None,
        };
        // A request of this node's own that is no call is word of the roster: the member has missed it.
        if sent.kind == Kind::Request && sent.origin == Origin::Local && !self.calls.has(sent.id) {
            if !planted!(ExpiredRosterForgotten) {
                self.snapshot_wanted(via);
            }
            return;
        }
        self.report_failure(sent, about.as_ref(), reason.into());
    }

    fn is_seat(&self, via: LinkId) -> bool {
        matches!(self.links.neighbour(via), Some(Neighbour::Member { .. } | Neighbour::Former(_)))
    }

    /// These left for `via`, in this order: the places that they had in their senders' windows are free, and who wants
    /// to know is told.
    fn all_went(&mut self, via: LinkId, went: &[Went]) {
        for run in went.chunk_by(|a, b| a.sent.origin.link() == b.sent.origin.link()) {
            // Most came over the same link, one behind the other.
            if let Some(Origin::Link { link, .. }) = run.first().map(|went| went.sent.origin) {
                self.taken(link, run.iter().filter_map(Went::places));
            }
            for sent in run.iter().map(|went| &went.sent).filter(|sent| sent.is_reported()) {
                if self.is_seat(via) {
                    self.report_dispatched(sent.id, sent.origin, 1);
                }
            }
        }
    }

    /// The envelopes of these numbers on `link` were dealt with.
    pub(super) fn taken(&mut self, link: LinkId, sequences: impl Iterator<Item = Range<u64>>) {
        let now = self.now;
        if let Some(conn) = self.links.conn(link) {
            let changed = conn.taken(now, sequences);
            self.touch_if(changed, link);
        }
    }

    /// The application has taken, or need not take, what came over a link, or from this node: the number and the
    /// cost of each.
    pub(super) fn delivered(
        &mut self,
        link: Option<LinkId>,
        all: impl Iterator<Item = (Option<NonZeroU64>, usize)>,
    ) {
        let (now, most) = (self.now, self.config.limits.deliveries);
        let mut cost = 0;
        let numbers = all.filter_map(|(sequence, its)| {
            cost += its;
            sequence.map(NonZeroU64::get)
        });
        let Some(id) = link else {
            numbers.for_each(drop);
            self.own_deliveries = self.own_deliveries.saturating_sub(cost);
            return;
        };
        let Some(link) = self.links.get_mut(id) else { return numbers.for_each(drop) };
        let was_parked = link.is_parked(most);
        let Some(conn) = &mut link.conn else { return numbers.for_each(drop) };
        let owes = conn.taken(now, runs(numbers));
        link.deliveries = link.deliveries.saturating_sub(cost);
        let unparked = was_parked && link.deliveries < most;
        if unparked {
            conn.read_again(now);
        }
        self.touch_if(unparked || owes, id);
    }

    /// Closes a link for a reason, which its neighbour is told.
    pub(super) fn close_link(&mut self, link: LinkId, reason: Reason, text: &str) {
        let now = self.now;
        if let Some(conn) = self.links.conn(link) {
            conn.close(now, reason, text.to_string());
            self.touch(link);
        }
    }
}
