//! What the application sends: messages, receipts, calls. Each is all or nothing.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::slice;
use core::time::Duration;

use serde::Serialize;

use crate::link::{AT_ONCE, Draft, LaneKind, LinkId, Origin, Sent, envelope_cost};
use crate::node::admission::network_of;
use crate::node::dial::UplinkId;
use crate::node::event::{CallOutcome, Received};
use crate::node::forward::Envelope;
use crate::node::links::Neighbour;
use crate::node::uplinks::UplinkState;
use crate::node::{CallId, Command, Message, Node, SendError, Stopping, with_buffer};
use crate::wire::letter::{self, Letter, NotificationHead, NotifiedEvent, WrittenHead};
use crate::wire::{Kind, Label, MessageId, Priority, Receipts};
use crate::{Address, Failure, Instant, Pattern};

/// An envelope of this node's own, but for its letter.
#[derive(Clone, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) kind: Kind,
    pub(super) id: MessageId,
    /// None: the neighbour.
    pub(super) to: Option<&'a Address>,
    pub(super) priority: Priority,
    pub(super) receipts: Receipts,
    /// Whose window it is to be credited to, when it is the answer to something.
    pub(super) origin: Origin,
    /// Whether it may use the room that is kept for answers.
    pub(super) is_reply: bool,
}

impl<'a> Outgoing<'a> {
    pub(super) const fn new(kind: Kind, id: MessageId) -> Outgoing<'a> {
        Outgoing {
            kind,
            id,
            to: None,
            priority: Priority::Normal,
            receipts: Receipts::Failure,
            origin: Origin::Local,
            is_reply: false,
        }
    }

    pub(super) const fn to(kind: Kind, id: MessageId, to: &'a Address) -> Outgoing<'a> {
        let mut this = Outgoing::new(kind, id);
        this.to = Some(to);
        this
    }

    /// Whether the application can as well begin with it when less is under way: nobody waits for it more than for what
    /// it sent before.
    const fn waits_its_turn(&self) -> bool {
        matches!(self.kind, Kind::Message | Kind::Request) && !matches!(self.priority, Priority::Urgent)
    }

    /// Its label, and what is remembered of it.
    pub(super) fn envelope<'b>(&'b self, hops: u8, from: &'b str) -> (Label<'b>, Sent) {
        let Outgoing { kind, id, priority, receipts, origin, .. } = *self;
        let to = self.to.map_or("", Address::as_str);
        let label = Label { kind, priority, sealed: false, more: false, receipts, hops, id, to, from };
        (label, Sent { id, kind, receipts, copy: false, origin })
    }
}

/// What the head of a request or an answer takes in most cases.
pub(super) const HEAD: usize = 96;

/// What is not sent yet has no id: a command that is refused has drawn nothing.
const UNNUMBERED: MessageId = MessageId([0; 16]);

/// The way to an address: its network is served here, or leads over an uplink.
pub(super) enum Way {
    Served,
    Uplink(LinkId),
}

impl Node {
    // ---- messages

    /// Sends a message to a peer, or to everybody in a network (`*@network`). Its id comes back in
    /// [`Event::Receipt`](crate::Event::Receipt)s; a failure is reported in any case.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was sent then.
    pub fn send(
        &mut self,
        now: Instant,
        to: &Address,
        message: impl Borrow<Message>,
    ) -> Result<MessageId, SendError> {
        self.begin(now);
        self.check_running()?;
        let message = message.borrow();
        let mut sent = None;
        self.send_again(to, slice::from_ref(message), |id, _| sent = Some(id));
        let id = match sent {
            // No link is to be looked after: it has changed nothing besides.
            Some(id) if self.touched.is_empty() => return Ok(id),
            Some(id) => id,
            None => self.send_message(to, message)?,
        };
        self.finish_turn();
        Ok(id)
    }

    /// Sends messages to a peer, or to everybody in a network, one behind the other, and says how many: as many as there is
    /// room for now, and no more than are worth being written, some 60 KiB. Each goes as with [`send`](Node::send), at less
    /// than the price of one; their ids are put behind what is in `ids`.
    ///
    /// # Errors
    /// See [`SendError`]: why the first cannot be sent. Nothing was then.
    pub fn send_many<M: Borrow<Message>>(
        &mut self,
        now: Instant,
        to: &Address,
        messages: &[M],
        ids: &mut Vec<MessageId>,
    ) -> Result<usize, SendError> {
        self.begin(now);
        self.check_running()?;
        let (mut sent, mut bytes) = (0, 0);
        let mut result = Ok(());
        while bytes < AT_ONCE
            && let Some(rest @ [first, ..]) = messages.get(sent..)
        {
            let before = sent;
            self.send_again(to, rest, |id, length| {
                ids.push(id);
                (sent, bytes) = (sent + 1, bytes + length);
            });
            if sent > before {
                continue;
            }
            let first = first.borrow();
            match self.send_message(to, first) {
                Ok(id) => ids.push(id),
                Err(e) => {
                    result = Err(e);
                    break;
                }
            }
            (sent, bytes) = (sent + 1, bytes + first.body.len());
        }
        self.finish_turn();
        if sent > 0 { Ok(sent) } else { result.map(|()| 0) }
    }

    fn send_message(&mut self, to: &Address, message: &Message) -> Result<MessageId, SendError> {
        let limits = &self.config.limits;
        let limit = limits.receipts;
        if message.receipts != Receipts::Failure && self.receipts.len() >= limit {
            return Err(SendError::TooMany { what: "messages that await receipts", limit });
        }
        let Message { content_type, metadata, body, receipts, priority, patience } = message;
        let head = WrittenHead::new(content_type, metadata, limits.head)
            .map_err(|e| SendError::Invalid(e.to_string()))?;
        let length = head.len() + body.len();
        self.check_letter(length)?;
        let mut outgoing = Outgoing::to(Kind::Message, UNNUMBERED, to);
        (outgoing.priority, outgoing.receipts) = (*priority, *receipts);
        let way = self.way_with_room(&outgoing, to, length)?;
        outgoing.id = self.next_id();
        if *receipts != Receipts::Failure {
            let until = self.after((*patience).min(self.config.limits.patience));
            self.receipts.expect(outgoing.id, to, *receipts, until);
        }
        let link = if let Way::Uplink(link) = way { Some(link) } else { None };
        with_buffer(
            self,
            |node| &mut node.opening,
            |node, opening| {
                opening.clear();
                head.write(opening);
                node.submit_draft(way, &outgoing, Draft::ending_in(opening, body))?;
                if let Some(link) = link {
                    let (label, _) = outgoing.envelope(node.config.limits.hops, "");
                    node.remember_written(link, &label, to, message, opening);
                }
                Ok(outgoing.id)
            },
        )
    }

    /// Says that a message was dealt with, if its sender wants to know.
    ///
    /// # Errors
    /// When there is no way to the sender now.
    pub fn consume(&mut self, now: Instant, message: &Received) -> Result<(), SendError> {
        if message.receipts < Receipts::Consumed {
            return Ok(());
        }
        self.say_of(now, message, NotifiedEvent::Consumed, None)
    }

    /// Says that a message will not be dealt with. Its sender is told so in any case.
    ///
    /// # Errors
    /// When there is no way to the sender now.
    pub fn refuse(&mut self, now: Instant, message: &Received, failure: Failure) -> Result<(), SendError> {
        self.say_of(now, message, NotifiedEvent::Failed, Some(&failure))
    }

    fn say_of(
        &mut self,
        now: Instant,
        message: &Received,
        event: NotifiedEvent,
        failure: Option<&Failure>,
    ) -> Result<(), SendError> {
        self.begin(now);
        self.check_running()?;
        self.notify(&message.from, message.id, event, failure)?;
        self.finish_turn();
        Ok(())
    }

    // ---- calls

    /// Calls a command of one peer, of each in a list, or of all. Answers come as
    /// [`Event::Answer`](crate::Event::Answer), as they arrive; [`Event::CallEnded`](crate::Event::CallEnded)
    /// when all have come, or when `patience` is over.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was sent then, to nobody.
    pub fn request(
        &mut self,
        now: Instant,
        to: &Pattern,
        command: impl Borrow<Command>,
        patience: Duration,
    ) -> Result<CallId, SendError> {
        self.begin(now);
        self.check_running()?;
        let call = self.call(to, command.borrow(), patience)?;
        self.finish_turn();
        Ok(call)
    }

    fn call(&mut self, to: &Pattern, command: &Command, patience: Duration) -> Result<CallId, SendError> {
        let limits = &self.config.limits;
        let everyone;
        let recipients = match to {
            Pattern::One(address) => slice::from_ref(address),
            Pattern::Many(list) => list,
            Pattern::All(network) => {
                everyone = Address::everyone(network);
                slice::from_ref(&everyone)
            }
        };
        let for_all = matches!(to, Pattern::All(_));
        let wrong_everyone = !for_all && recipients.iter().any(Address::is_everyone);
        let (Some(first), false) = (recipients.first(), wrong_everyone) else {
            return Err(SendError::Invalid("a call goes to peers, or to all of one network".to_string()));
        };
        if self.calls.len() >= limits.calls {
            return Err(SendError::TooMany { what: "calls", limit: limits.calls });
        }
        if recipients.len() > limits.recipients {
            let most = limits.recipients;
            return Err(SendError::Invalid(alloc::format!("one call goes to {most} peers at most")));
        }
        let patience = patience.min(limits.patience);
        let Command { method, path, content_type, body } = command;
        let milliseconds = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let mut head = Vec::with_capacity(HEAD);
        letter::begin_request(&mut head, (*method, path), content_type, milliseconds, limits.head)
            .map_err(|e| SendError::Invalid(e.to_string()))?;
        let length = head.len() + body.len();
        self.check_letter(length)?;
        let until = self.after(patience);
        if recipients.len() == 1 {
            let mut outgoing = Outgoing::to(Kind::Request, UNNUMBERED, first);
            let way = self.way_with_room(&outgoing, first, length)?;
            outgoing.id = self.next_id();
            let call = CallId(outgoing.id);
            if for_all {
                self.calls.begin_for_all(call, until, first.clone());
            } else {
                self.calls.begin(call, until, core::iter::once((outgoing.id, first.clone())));
            }
            self.submit_draft(way, &outgoing, Draft::new(&head, body))?;
            return Ok(call);
        }
        head.extend_from_slice(body);
        let mut sending: Vec<Outgoing<'_>> =
            recipients.iter().map(|to| Outgoing::to(Kind::Request, UNNUMBERED, to)).collect();
        let most = if planted!(HalfAList) { 1 } else { sending.len() };
        self.check_ways(&sending[..most], length)?;
        for one in &mut sending {
            one.id = self.next_id();
        }
        let call = CallId(sending[0].id);
        let each = sending.iter().filter_map(|one| one.to.map(|to| (one.id, to.clone())));
        self.calls.begin(call, until, each);
        for outgoing in &sending {
            self.submit(outgoing, &head)?;
        }
        Ok(call)
    }

    /// The way for an envelope to `to`, if there is one and room on it for this one.
    pub(super) fn way_with_room(
        &mut self,
        outgoing: &Outgoing<'_>,
        to: &Address,
        letter: usize,
    ) -> Result<Way, SendError> {
        let way = self.way_again(to)?;
        match way {
            Way::Uplink(link) => drop(self.check_room(link, outgoing, to, "", letter, 0)?),
            Way::Served => self.check_way(outgoing, letter)?,
        }
        Ok(way)
    }

    /// Sends what there is a way for.
    pub(super) fn submit_draft(
        &mut self,
        way: Way,
        outgoing: &Outgoing<'_>,
        draft: Draft<'_>,
    ) -> Result<(), SendError> {
        let Way::Uplink(link) = way else {
            return with_buffer(
                self,
                |node| &mut node.letter,
                |node, letter| {
                    letter.clear();
                    letter.extend_from_slice(draft.opening);
                    letter.extend_from_slice(draft.body.bytes());
                    node.submit(outgoing, letter)
                },
            );
        };
        let (label, sent) = outgoing.envelope(self.config.limits.hops, "");
        self.push_draft(link, &label, draft, sent, outgoing.is_reply).map_err(|_| SendError::Full)
    }

    /// Gives a call up. Those who have not answered are told.
    ///
    /// # Errors
    /// When there is no such call, or it has ended.
    pub fn cancel(&mut self, now: Instant, call: CallId) -> Result<(), SendError> {
        self.begin(now);
        let open = self.calls.open(call);
        let ended = self.calls.end(call, CallOutcome::Cancelled).ok_or(SendError::Unknown)?;
        for (id, to) in open {
            // Who cannot be told finds out at its deadline.
            let _ = self.notify(&to, id, NotifiedEvent::Cancelled, None);
        }
        self.call_ended(ended);
        self.finish_turn();
        Ok(())
    }

    /// Leaves every network and closes every link, as one should.
    /// [`Event::Stopped`](crate::Event::Stopped) says when it is done.
    pub fn shutdown(&mut self, now: Instant) {
        self.begin(now);
        if self.stopping == Stopping::No {
            self.stopping = Stopping::Asked;
            let uplinks: Vec<UplinkId> = self.uplinks.all.keys().copied().collect();
            for uplink in uplinks {
                // Every one of them exists: it was just listed.
                let _ = self.leave(uplink);
            }
            for link in self.links.ids() {
                self.finish_link(link);
            }
        }
        self.finish_turn();
    }

    // ---- what all of these share

    fn check_running(&self) -> Result<(), SendError> {
        if self.stopping == Stopping::No { Ok(()) } else { Err(SendError::Stopped) }
    }

    /// Puts a letter together.
    pub(super) fn letter<T: Serialize>(&self, head: &T, body: &[u8]) -> Result<Vec<u8>, SendError> {
        let limits = &self.config.limits;
        let mut letter = Vec::with_capacity(body.len() + 64);
        letter::write(&mut letter, head, body, limits.head).map_err(|e| SendError::Invalid(e.to_string()))?;
        self.check_letter(letter.len())?;
        Ok(letter)
    }

    pub(super) fn check_letter(&self, size: usize) -> Result<(), SendError> {
        let limit = self.config.limits.letter;
        if size > limit { Err(SendError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// The way to an address.
    pub(super) fn way(&self, to: &Address) -> Result<Way, SendError> {
        if self.config.serving.as_ref().is_some_and(|serving| serving.address.network() == to.network()) {
            return Ok(Way::Served);
        }
        if let Some((_, member)) = self.uplinks.member(to.network()) {
            return Ok(Way::Uplink(member.link));
        }
        let known = self.uplinks.all.values().any(|uplink| {
            !matches!(uplink.state, UplinkState::Up(_)) && uplink.dial.network.as_str() == to.network()
        });
        match network_of(to) {
            Some(network) if known => Err(SendError::NotConnected(network)),
            _ => Err(SendError::NoRoute),
        }
    }

    /// The same, for one message after the other.
    #[inline]
    fn way_again(&mut self, to: &Address) -> Result<Way, SendError> {
        if let Some(link) = self.uplinks.remembered(to.network()) {
            debug_assert!(matches!(self.way(to), Ok(Way::Uplink(same)) if same == link));
            return Ok(Way::Uplink(link));
        }
        let way = self.way(to)?;
        if let (&Way::Uplink(link), Some(network)) = (&way, network_of(to)) {
            self.uplinks.remember(network, link);
        }
        Ok(way)
    }

    fn check_way(&self, outgoing: &Outgoing<'_>, letter: usize) -> Result<(), SendError> {
        self.check_ways(slice::from_ref(outgoing), letter)
    }

    /// Whether there is a way and room for all of these, each with a letter of this size.
    fn check_ways(&self, all: &[Outgoing<'_>], letter: usize) -> Result<(), SendError> {
        let limits = &self.config.limits;
        let mut more: alloc::collections::BTreeMap<LinkId, usize> = alloc::collections::BTreeMap::new();
        let hub = self.config.serving.as_ref().map(|serving| &serving.address);
        let mut to_itself = 0;
        for outgoing in all {
            let Some(to) = outgoing.to else { continue };
            let (link, from) = match self.way(to)? {
                Way::Uplink(link) => (link, ""),
                Way::Served => match self.router.find(to.name(), to.instance()) {
                    Ok((seat, _)) => (seat.link, hub.map_or("", Address::as_str)),
                    Err(_) => {
                        // Who is not there is reported as failed, like anybody's message to nobody. What is
                        // for this node itself is its application's to take.
                        if matches!(outgoing.kind, Kind::Message | Kind::Request)
                            && hub.is_some_and(|hub| hub.name() == to.name())
                        {
                            to_itself += envelope_cost(2 * to.as_str().len() + letter);
                            if self.own_deliveries + to_itself > limits.deliveries {
                                return Err(SendError::Full);
                            }
                        }
                        continue;
                    }
                },
            };
            let before = more.get(&link).copied().unwrap_or_default();
            let cost = self.check_room(link, outgoing, to, from, letter, before)?;
            if all.len() > 1 {
                more.insert(link, before + cost);
            }
        }
        Ok(())
    }

    /// Whether there is room on a link behind others that cost `before`; what this one costs.
    #[inline]
    fn check_room(
        &self,
        link: LinkId,
        outgoing: &Outgoing<'_>,
        to: &Address,
        from: &str,
        letter: usize,
        before: usize,
    ) -> Result<usize, SendError> {
        let limits = &self.config.limits;
        let not_connected = || match network_of(to) {
            Some(network) => SendError::NotConnected(network),
            None => SendError::NoRoute,
        };
        let conn = self.links.get(link).and_then(|link| link.conn.as_ref()).ok_or_else(not_connected)?;
        if !conn.is_open() {
            return Err(not_connected());
        }
        if letter > conn.letter_limit() {
            return Err(SendError::TooLarge { size: letter, limit: conn.letter_limit() });
        }
        let cost = envelope_cost(Label::len_with(to.as_str().len(), from.len()) + letter);
        let room = if outgoing.is_reply { limits.queue + limits.replies } else { limits.queue };
        let waits = conn.queued(LaneKind::Normal);
        let is_full = outgoing.kind != Kind::Notification && waits + before + cost > room;
        // Where no sender is named, the neighbour is a hub.
        let is_ahead = from.is_empty() && waits >= limits.ahead && outgoing.waits_its_turn();
        if is_full || is_ahead { Err(SendError::Full) } else { Ok(cost) }
    }

    /// Sends what was checked.
    pub(super) fn submit(&mut self, outgoing: &Outgoing<'_>, letter: &[u8]) -> Result<(), SendError> {
        let Some(to) = outgoing.to else { return Err(SendError::NoRoute) };
        match self.way(to)? {
            Way::Uplink(link) => {
                if self.push_to_neighbour(link, outgoing, letter) {
                    Ok(())
                } else {
                    Err(SendError::Full)
                }
            }
            Way::Served => {
                let Some(serving) = &self.config.serving else { return Err(SendError::NoRoute) };
                let from = serving.address.clone();
                self.route_served(&Envelope {
                    kind: outgoing.kind,
                    priority: outgoing.priority,
                    sealed: false,
                    receipts: outgoing.receipts,
                    hops: self.config.limits.hops,
                    id: outgoing.id,
                    to: to.as_str(),
                    from: from.as_str(),
                    letter,
                    record: None,
                    origin: outgoing.origin,
                    is_reply: outgoing.is_reply,
                });
                Ok(())
            }
        }
    }

    /// Queues an envelope of this node's own on a link; false when there is no room, or nobody.
    pub(super) fn push_to_neighbour(&mut self, link: LinkId, outgoing: &Outgoing<'_>, letter: &[u8]) -> bool {
        let hub = match self.links.neighbour(link) {
            Some(Neighbour::Member { .. }) => self.config.serving.as_ref().map(|s| s.address.clone()),
            _ => None,
        };
        let from = hub.as_ref().map_or("", Address::as_str);
        let (label, sent) = outgoing.envelope(self.config.limits.hops, from);
        self.push(link, &label, letter, sent, outgoing.is_reply).is_ok()
    }

    /// Tells a peer what became of its envelope.
    pub(super) fn notify(
        &mut self,
        to: &Address,
        id: MessageId,
        event: NotifiedEvent,
        failure: Option<&Failure>,
    ) -> Result<(), SendError> {
        let head = NotificationHead { event, reason: failure.map(Into::into), count: None };
        let letter = self.letter(&head, &[])?;
        let outgoing = Outgoing::to(Kind::Notification, id, to);
        self.check_way(&outgoing, letter.len())?;
        self.submit(&outgoing, &letter)
    }

    /// An empty head, for what this node says itself, always fits in a letter.
    pub(super) fn notification(&self, head: &NotificationHead) -> Vec<u8> {
        let mut letter = Vec::with_capacity(64);
        // Only a text of somebody else's could be too long, and those were cut.
        let _ = letter::write(&mut letter, head, &[], letter::MAX_HEAD);
        letter
    }
}

/// Reads a letter, whose head may be as long as the limits say.
pub(super) fn read_letter<'a>(node: &Node, letter: &'a [u8]) -> Result<Letter<'a>, letter::LetterError> {
    Letter::read(letter, node.config.limits.head)
}
