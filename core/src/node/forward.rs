//! The hub's job: an envelope comes from a link or from this node, and goes on to whom it is for,
//! without a look at its letter. PROTOCOL.md, section 11.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::iter;
use core::num::NonZeroU64;

use crate::link::{Connection, Draft, LaneKind, LinkId, Origin, Plain, Sent, envelope_cost};
use crate::node::Node;
use crate::node::event::Stage;
use crate::node::lately::{Known, Led};
use crate::node::links::Neighbour;
use crate::node::router::Taken;
use crate::wire::label::TEXTS;
use crate::wire::letter::{MAX_NOTIFICATION, NotificationHead, NotifiedEvent, ReasonJson};
use crate::wire::{Kind, Label, MessageId, Priority, Receipts};
use crate::{Address, Failure, Reason};

/// An envelope on its way, with the sender's address as this node vouches for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    pub(super) sealed: bool,
    pub(super) receipts: Receipts,
    pub(super) hops: u8,
    pub(super) id: MessageId,
    /// Empty: this node.
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) letter: &'a [u8],
    /// Where the letter is the end of the last envelope, if it came in a record.
    pub(super) record: Option<&'a Plain>,
    pub(super) origin: Origin,
    pub(super) is_reply: bool,
}

impl<'a> Envelope<'a> {
    /// One that came with this label.
    const fn new(label: &Label<'a>, letter: &'a [u8], origin: Origin) -> Envelope<'a> {
        let Label { kind, priority, sealed, receipts, hops, id, to, from, .. } = *label;
        let (record, is_reply) = (None, false);
        Envelope { kind, priority, sealed, receipts, hops, id, to, from, letter, record, origin, is_reply }
    }

    /// What it goes on with.
    pub(super) fn label(&self, copy: bool) -> Label<'a> {
        Label {
            kind: self.kind,
            priority: self.priority,
            sealed: self.sealed,
            more: false,
            receipts: self.receipts,
            hops: self.hops.saturating_sub(1),
            id: self.id,
            to: self.to,
            from: if planted!(CopiesWithoutSender) && copy { "" } else { self.from },
        }
    }

    pub(super) const fn sent(&self, copy: bool) -> Sent {
        Sent { id: self.id, kind: self.kind, receipts: self.receipts, copy, origin: self.origin }
    }
}

impl Node {
    /// An envelope came over a link.
    pub(super) fn envelope(&mut self, link: LinkId, plain: &mut Plain) {
        let (seats, networks) = (self.router.changes(), self.uplinks.changes);
        let is_current = |led: Led| led.is_current(seats, networks);
        let Some((at, mut known)) = self.lately.take(link, plain.envelope(), is_current) else {
            return self.any_envelope(link, plain.sequence(), plain.envelope());
        };
        let done = self.known_envelope(&mut known, plain);
        self.lately.put_back(at, known);
        if !done {
            self.any_envelope(link, plain.sequence(), plain.envelope());
        }
    }

    /// One whose like came lately, and those that follow it and are alike: the same checks, without looking up again
    /// what cannot have changed. False when it is unlike in something else; nothing has happened then.
    fn known_envelope(&mut self, known: &mut Known, plain: &mut Plain) -> bool {
        let bytes = plain.envelope();
        let Some(fixed) = bytes.first_chunk() else { return false };
        let Ok(label) = Label::new(fixed, known.to.as_str(), known.from.as_str()) else { return false };
        let letter = known.letter(bytes);
        if label.more || label.kind == Kind::Notification || letter.len() > self.config.limits.letter {
            return false;
        }
        let origin = Origin::Link { link: known.link, sequence: plain.sequence() };
        // Where receipts are wanted, those behind it that are alike are dealt with one by one, each with its label written
        // over what has come: nothing of that is to be kept.
        let record = (label.receipts < Receipts::Received).then_some(&*plain);
        let envelope = Envelope { record, ..Envelope::new(&label, letter, origin) };
        debug_assert!(self.is_so(known));
        match known.led {
            Led::On { seat, .. } => match self.router.take_again(seat) {
                Ok(link) => self.route_to(link, &envelope),
                Err(reason) => self.report_failure(&envelope.sent(false), None, reason.into()),
            },
            Led::Here { .. } => {
                self.deliver_from(&envelope, &known.from, Some((&known.to, &mut known.heard)));
            }
        }
        if known.led.is_current(self.router.changes(), self.uplinks.changes) {
            self.those_alike(known, &label, plain);
        }
        true
    }

    /// Whether what is known is what a look at the tables would say.
    fn is_so(&self, known: &Known) -> bool {
        match (known.led, self.links.neighbour(known.link)) {
            (Led::On { seat, .. }, Some(Neighbour::Member { address, .. } | Neighbour::Former(address))) => {
                let again = self.router.find(known.to.name(), known.to.instance());
                known.from == *address && self.router.is_of(seat, again.ok().map(|(seat, _)| seat))
            }
            (Led::Here { .. }, Some(Neighbour::Hub(uplink))) => {
                self.uplinks.membership(*uplink).is_some_and(|member| {
                    let (me, to) = (&member.address, known.to.as_str());
                    let mine = [me.as_str(), me.bare_str()].contains(&to) || known.to.is_everyone();
                    mine && [known.to.network(), known.from.network()] == [me.network(); 2]
                })
            }
            _ => false,
        }
    }

    /// One of which nothing is known.
    fn any_envelope(&mut self, link: LinkId, sequence: Option<NonZeroU64>, bytes: &[u8]) {
        let (label, letter) = match Label::read(bytes) {
            Ok(read) => read,
            Err(e) => return self.close_link(link, Reason::MALFORMED, &e.to_string()),
        };
        if letter.len() > self.config.limits.letter {
            return self.close_link(link, Reason::LIMIT, "a letter larger than this side said it takes");
        }
        if label.kind == Kind::Notification && letter.len() > MAX_NOTIFICATION {
            return self.close_link(link, Reason::LIMIT, "a notification that is no short one");
        }
        let mut envelope = Envelope::new(&label, letter, Origin::Link { link, sequence });
        let refuse = |node: &mut Node, envelope: &Envelope<'_>, reason: Reason| {
            node.report_failure(&envelope.sent(false), None, reason.into());
        };
        match self.links.neighbour(link).cloned() {
            Some(Neighbour::Member { address, .. } | Neighbour::Former(address)) => {
                if !label.from.is_empty() && label.from != address.as_str() {
                    return refuse(self, &envelope, Reason::FORGED_SENDER);
                }
                envelope.from = address.as_str();
                if label.more {
                    return refuse(self, &envelope, Reason::UNSUPPORTED);
                }
                if label.to.is_empty() {
                    self.deliver(&envelope);
                } else if let Some(seat) = self.route_served(&envelope)
                    && label.from.is_empty()
                    && let Ok(to) = self.recent.address(label.to)
                {
                    let led = Led::On { seat, changes: self.router.changes() };
                    self.lately.put(Known::new(link, to, address, led));
                }
            }
            Some(Neighbour::Hub(uplink)) => {
                let Some(member) = self.uplinks.membership(uplink) else { return };
                let me = member.address.clone();
                let hub = member.hub.clone();
                if label.from.is_empty() {
                    envelope.from = hub.as_str();
                }
                // A hub has authority over its own network, and no other.
                if !in_network(envelope.from, me.network()) {
                    return refuse(self, &envelope, Reason::FORGED_SENDER);
                }
                let everyone = label.to.strip_prefix("*@") == Some(me.network());
                let mine = [me.as_str(), me.bare_str(), ""].contains(&label.to);
                if label.more {
                    self.refuse_delivery(&envelope, Reason::UNSUPPORTED.into());
                } else if mine || everyone {
                    self.deliver(&envelope);
                    if let (Ok(to), Ok(from)) =
                        (self.recent.address(label.to), self.recent.address(label.from))
                    {
                        let led = Led::Here { changes: self.uplinks.changes };
                        self.lately.put(Known::new(link, to, from, led));
                    }
                } else {
                    self.refuse_delivery(&envelope, Reason::NOT_FOUND.into());
                }
            }
            Some(Neighbour::Newcomer) | None => {}
        }
    }

    /// Sends an envelope on its way in the network that this node serves: on which seat, when it is for one peer
    /// that is there.
    pub(super) fn route_served(&mut self, envelope: &Envelope<'_>) -> Option<Taken> {
        let hub = self.config.serving.as_ref()?.address.clone();
        let refuse = |node: &mut Node, reason: Reason| {
            node.report_failure(&envelope.sent(false), None, reason.into());
            None
        };
        let Some((name, network, instance)) = split(envelope.to) else {
            return refuse(self, Reason::NOT_FOUND);
        };
        if network != hub.network() {
            return refuse(self, Reason::NO_ROUTE);
        }
        if name == "*" && instance.is_none() {
            self.broadcast(envelope);
            return None;
        }
        if name == hub.name() && (instance.is_none() || instance == hub.instance()) {
            self.report_accepted(envelope);
            if envelope.kind == Kind::Message && envelope.receipts >= Receipts::Route {
                self.report_dispatched(envelope.id, envelope.origin, 1);
            }
            self.deliver(envelope);
            return None;
        }
        let is_for_each = planted!(EveryInstance) && self.router.instances(name).count() > 1;
        if (envelope.kind == Kind::Notification || is_for_each) && instance.is_none() {
            // Which instance has what it speaks of is not known here: that one will know.
            let links: Vec<LinkId> = self.router.instances(name).map(|seat| seat.link).collect();
            for link in links {
                // Without room, whoever waits for it has a deadline.
                let _ = self.pass_on(link, envelope, true);
            }
            return None;
        }
        match self.router.take(name, instance) {
            Ok(seat) => {
                self.route_to(seat.link, envelope);
                Some(seat)
            }
            Err(reason) => refuse(self, reason),
        }
    }

    /// Passes an envelope on to the one that it is for.
    fn route_to(&mut self, link: LinkId, envelope: &Envelope<'_>) {
        let passed = if envelope.hops == 0 { Err(Reason::HOPS) } else { self.pass_on(link, envelope, false) };
        match passed {
            Ok(()) => self.report_accepted(envelope),
            Err(reason) if envelope.kind == Kind::Response && envelope.hops > 0 => {
                self.miss_response(link, envelope, reason);
            }
            Err(reason) => self.report_failure(&envelope.sent(false), None, reason.into()),
        }
    }

    /// The caller waits for an answer that cannot be passed on: it is told why there will be none.
    fn miss_response(&mut self, link: LinkId, envelope: &Envelope<'_>, reason: Reason) {
        let failure = ReasonJson { code: reason.code(), description: String::new() };
        let head = NotificationHead { event: NotifiedEvent::Failed, reason: Some(failure), count: None };
        let letter = self.notification(&head);
        let notice = Envelope {
            kind: Kind::Notification,
            receipts: Receipts::Failure,
            letter: &letter,
            record: None,
            origin: Origin::Local,
            ..*envelope
        };
        // Without room even for that, the caller has a deadline.
        let _ = self.pass_on(link, &notice, false);
        self.done_with(envelope.origin);
    }

    /// Queues an envelope on the recipient's link.
    fn pass_on(&mut self, link: LinkId, envelope: &Envelope<'_>, copy: bool) -> Result<(), Reason> {
        let label = envelope.label(copy);
        self.push(link, &label, envelope.letter, envelope.sent(copy), envelope.is_reply)
    }

    /// Queues any envelope on any link, if there is somebody and there is room.
    pub(super) fn push(
        &mut self,
        link: LinkId,
        label: &Label<'_>,
        letter: &[u8],
        sent: Sent,
        is_reply: bool,
    ) -> Result<(), Reason> {
        self.push_draft(link, label, Draft::new(&[], letter), sent, is_reply)
    }

    /// The same, with a letter that is still in pieces.
    pub(super) fn push_draft(
        &mut self,
        link: LinkId,
        label: &Label<'_>,
        draft: Draft<'_>,
        sent: Sent,
        is_reply: bool,
    ) -> Result<(), Reason> {
        let length = draft.len();
        let (now, expires) = (self.now, self.queue_deadline());
        let (lane, room) = self.lane(label, length, is_reply);
        let conn = self.links.conn(link).ok_or(Reason::NOT_FOUND)?;
        let all = label.len() + length;
        has_room(conn, lane, room, length, all)?;
        // Nobody waits for a link on which nothing goes: its queue is what there is, and then it is full.
        let (origin, place) = if conn.is_stalled() { sent.origin.credited() } else { (sent.origin, None) };
        let mut texts = [0; TEXTS];
        let label = label.pack(&mut texts);
        let changed = conn.push(lane, Sent { origin, ..sent }, now..expires, &label, draft);
        if let Some(place) = place {
            self.done_with(place);
        }
        self.touch_if(changed, link);
        Ok(())
    }

    /// Where an envelope waits, and how much may wait there.
    pub(super) fn lane(&self, label: &Label<'_>, length: usize, is_reply: bool) -> (LaneKind, usize) {
        let limits = &self.config.limits;
        match label.kind {
            Kind::Notification => (LaneKind::Replies, limits.replies),
            _ if is_reply => (label.priority.into(), limits.queue + limits.replies),
            _ if planted!(SmallOnesFirst) && length < 256 => (LaneKind::Urgent, limits.queue),
            _ => (label.priority.into(), limits.queue),
        }
    }

    // ---- what the sender is told

    pub(super) fn report_accepted(&mut self, envelope: &Envelope<'_>) {
        if envelope.kind == Kind::Message && envelope.receipts >= Receipts::Route {
            let head = NotificationHead { event: NotifiedEvent::Accepted, reason: None, count: None };
            self.report(envelope.origin, envelope.id, None, &head, Stage::Accepted);
        }
    }

    pub(super) fn report_dispatched(&mut self, id: MessageId, origin: Origin, count: u32) {
        let shown = if count == 1 { None } else { Some(count) };
        let head = NotificationHead { event: NotifiedEvent::Dispatched, reason: None, count: shown };
        self.report(origin, id, None, &head, Stage::Dispatched { count });
    }

    /// An envelope will not arrive, or may not have; `about` names which recipient's copy it was.
    /// What nobody waits for is only counted as done.
    pub(super) fn report_failure(&mut self, sent: &Sent, about: Option<&Address>, failure: Failure) {
        if matches!(sent.kind, Kind::Message | Kind::Request) {
            let reason = Some((&failure).into());
            let head = NotificationHead { event: NotifiedEvent::Failed, reason, count: None };
            self.report(sent.origin, sent.id, about, &head, Stage::Failed(failure));
        }
        self.done_with(sent.origin);
    }

    /// Nothing of it is held any more: its sender's window is credited.
    pub(super) fn done_with(&mut self, origin: Origin) {
        if let Origin::Link { link, sequence: Some(sequence) } = origin {
            self.taken(link, iter::once(sequence.get()..sequence.get() + 1));
        }
    }

    /// Says something of an envelope to where it came from.
    fn report(
        &mut self,
        origin: Origin,
        id: MessageId,
        about: Option<&Address>,
        head: &NotificationHead,
        stage: Stage,
    ) {
        let hub = self.config.serving.as_ref().map(|serving| serving.address.clone());
        let from = about.or(hub.as_ref());
        match origin {
            // What this node says to itself is not said in the name of the network that it serves: it may be
            // of another one.
            Origin::Local => self.news(id, about, true, stage),
            Origin::Link { link, .. } => {
                let letter = self.notification(head);
                let label = Label {
                    kind: Kind::Notification,
                    priority: Priority::Normal,
                    sealed: false,
                    more: false,
                    receipts: Receipts::Failure,
                    hops: self.config.limits.hops,
                    id,
                    to: "",
                    from: match self.links.neighbour(link) {
                        Some(Neighbour::Member { .. } | Neighbour::Former(_)) => {
                            from.map_or("", Address::as_str)
                        }
                        // To a hub, this node is who it is there.
                        _ => "",
                    },
                };
                let sent = Sent {
                    id,
                    kind: Kind::Notification,
                    receipts: Receipts::Failure,
                    copy: false,
                    origin: Origin::Local,
                };
                // Without room its sender learns of it at its own deadline, if it wanted receipts.
                let _ = self.push(link, &label, &letter, sent, true);
            }
        }
    }
}

/// Whether a connection takes an envelope of `all` bytes, with a letter of `length` of them; `room` is what may wait in
/// that lane.
pub(super) fn has_room(
    conn: &Connection,
    lane: LaneKind,
    room: usize,
    length: usize,
    all: usize,
) -> Result<(), Reason> {
    if !conn.is_open() {
        return Err(Reason::NOT_FOUND);
    }
    if length > conn.letter_limit() {
        return Err(Reason::TOO_LARGE);
    }
    if conn.queued(lane) + envelope_cost(all) > room {
        return Err(Reason::QUEUE_FULL);
    }
    Ok(())
}

/// The parts of an address's text, without a copy; nothing, when it is none.
fn split(address: &str) -> Option<(&str, &str, Option<&str>)> {
    let (name, rest) = split_at(address, b'@')?;
    match split_at(rest, b'/') {
        Some((network, instance)) => Some((name, network, Some(instance))),
        None => Some((name, rest, None)),
    }
}

/// `split_once` for texts that are so short that its way of searching costs more than it saves.
fn split_at(text: &str, sign: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == sign)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn in_network(address: &str, network: &str) -> bool {
    split(address).is_some_and(|(_, its, _)| its == network)
}
