//! An envelope for this node: to its application, to one of its tables, or answered at once.

use alloc::string::ToString;
use core::time::Duration;

use crate::link::{LinkId, Origin};
use crate::node::calls::Ended;
use crate::node::event::{ReceivedHead, Request, Stage};
use crate::node::forward::Envelope;
use crate::node::lately::Heard;
use crate::node::links::Neighbour;
use crate::node::receipts::News;
use crate::node::requests::Caller;
use crate::node::submit::{Outgoing, read_letter};
use crate::node::{Event, Node, RequestId, Response, roster};
use crate::wire::letter::{Letter, MessageHead, Method, NotificationHead, NotifiedEvent, Status};
use crate::wire::{Kind, LetterError, MessageId, Receipts};
use crate::{Address, Failure, Reason};

/// How long a caller waits that does not say.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);

impl Node {
    /// An envelope is for this node. `from` was vouched for.
    pub(super) fn deliver(&mut self, envelope: &Envelope<'_>) {
        let Ok(from) = self.recent.address(envelope.from) else {
            return self.done_with(envelope.origin);
        };
        self.deliver_from(envelope, &from, None);
    }

    /// The same, when the sender's address was read already, and perhaps the recipient's.
    pub(super) fn deliver_from(
        &mut self,
        envelope: &Envelope<'_>,
        from: &Address,
        known: Option<(&Address, &mut Heard)>,
    ) {
        if envelope.sealed {
            return self.refuse_delivery(envelope, Reason::UNSUPPORTED.into());
        }
        let result = match envelope.kind {
            Kind::Message => self.deliver_message(envelope, from, known),
            Kind::Request => self.deliver_request(envelope, from),
            Kind::Response => self.deliver_response(envelope, from),
            Kind::Notification => self.deliver_notification(envelope, from),
        };
        if let Err(failure) = result {
            self.refuse_delivery(envelope, failure);
        }
    }

    /// Tells the sender why this node does not take it.
    pub(super) fn refuse_delivery(&mut self, envelope: &Envelope<'_>, failure: Failure) {
        if matches!(envelope.kind, Kind::Message | Kind::Request)
            && let Ok(from) = envelope.from.parse()
        {
            // Who cannot be told any more is not waiting.
            let _ = self.notify(&from, envelope.id, NotifiedEvent::Failed, Some(&failure));
        }
        self.done_with(envelope.origin);
    }

    fn deliver_message(
        &mut self,
        envelope: &Envelope<'_>,
        from: &Address,
        known: Option<(&Address, &mut Heard)>,
    ) -> Result<(), Failure> {
        let letter = read_letter(self, envelope.letter).map_err(malformed)?;
        let head = match known {
            Some((to, heard)) => match heard.again(letter.head, envelope.receipts) {
                Some(head) => head,
                None => heard.learn(letter.head, received_head(&letter, envelope, from, to.clone())?),
            },
            None => received_head(&letter, envelope, from, self.addressed(envelope))?.into(),
        };
        self.queue_message(envelope, letter.body, head);
        if envelope.receipts >= Receipts::Received {
            // Who cannot be told any more is not waiting.
            let _ = self.notify(from, envelope.id, NotifiedEvent::Received, None);
        }
        Ok(())
    }

    /// The address that an envelope was sent to; for the neighbour, that is who this node is on that link.
    fn addressed(&mut self, envelope: &Envelope<'_>) -> Address {
        if let Ok(address) = self.recent.address(envelope.to) {
            return address;
        }
        let on_link = match envelope.origin.link().and_then(|link| self.links.neighbour(link)) {
            Some(Neighbour::Hub(id)) => self.uplinks.membership(*id).map(|member| member.address.clone()),
            _ => None,
        };
        let served = || self.config.serving.as_ref().map(|serving| serving.address.clone());
        // One of the two is there: an envelope comes from a hub, or to one.
        on_link.or_else(served).or_else(|| envelope.from.parse().ok()).unwrap_or_else(Address::nobody)
    }

    fn deliver_request(&mut self, envelope: &Envelope<'_>, from: &Address) -> Result<(), Failure> {
        let letter = read_letter(self, envelope.letter).map_err(malformed)?;
        let head = letter.request_head().map_err(malformed)?;
        if head.uri == roster::PATH && envelope.to.is_empty() {
            self.roster_request(envelope.origin.link(), head.method, letter.body);
            self.done_with(envelope.origin);
            return Ok(());
        }
        if head.method == Method::Observe {
            // It tells of a change of something, and nobody here has subscribed to anything.
            self.done_with(envelope.origin);
            return Ok(());
        }
        if !self.commands.contains_key(&head.uri) {
            let answer = self.builtin(&head, from, letter.body);
            self.answer_at_once(envelope, from, &answer);
            return Ok(());
        }
        let limit = self.config.limits.requests;
        if self.requests.len() >= limit {
            let busy = Failure { reason: Reason::BUSY, text: "too many requests at once".to_string() };
            self.answer_at_once(envelope, from, &Err(busy));
            return Ok(());
        }
        let patience = head.patience.map_or(DEFAULT_PATIENCE, Duration::from_millis);
        let patience = patience.min(self.config.limits.patience);
        let caller = Caller { from: from.clone(), id: envelope.id, until: self.after(patience) };
        match self.requests.begin(caller) {
            Some(request) => {
                let request = Request {
                    request,
                    from: from.clone(),
                    path: head.uri,
                    method: head.method,
                    content_type: head.content_type,
                    body: letter.body.into(),
                    patience,
                };
                self.queue_request(envelope, request);
            }
            // The same caller's same request again: it is answered once.
            None => self.done_with(envelope.origin),
        }
        Ok(())
    }

    /// What this node answers itself. The request's place in its sender's window is free once the
    /// answer has gone: who does not read its answers cannot ask for more.
    fn answer_at_once(
        &mut self,
        envelope: &Envelope<'_>,
        from: &Address,
        answer: &Result<Response, Failure>,
    ) {
        let mut outgoing = Outgoing::to(Kind::Response, envelope.id, from);
        outgoing.priority = envelope.priority;
        outgoing.origin = envelope.origin;
        outgoing.is_reply = true;
        let done = self.answer(&outgoing, answer).or_else(|e| {
            // Too large, or no room for it: say at least so.
            self.answer(&outgoing, &Err(e.into()))
        });
        if done.is_err() {
            self.done_with(envelope.origin);
        }
    }

    fn roster_request(&mut self, source: Option<LinkId>, method: Method, body: &[u8]) {
        let Some(link) = source else { return };
        match (self.links.neighbour(link), method) {
            (Some(Neighbour::Hub(_)), Method::Observe) => self.roster_told(link, body),
            (Some(Neighbour::Member { .. }), Method::Get) => self.snapshot_wanted(link),
            _ => {}
        }
    }

    fn deliver_response(&mut self, envelope: &Envelope<'_>, from: &Address) -> Result<(), Failure> {
        self.done_with(envelope.origin);
        if !self.calls.has(envelope.id) {
            return Ok(());
        }
        let response = read_letter(self, envelope.letter)
            .and_then(|letter| {
                let head = letter.response_head()?;
                Ok(match (head.status, head.reason) {
                    (Status::Success, _) => Ok(Response::new(head.content_type, letter.body)),
                    (Status::Failure, Some(reason)) => Err(reason.into()),
                    (Status::Failure, None) => Err(Reason::COMMAND_FAILED.into()),
                })
            })
            .unwrap_or_else(|e| Err(malformed(e)));
        self.answered(envelope.id, from, false, response);
        Ok(())
    }

    /// Somebody answered, or a hub says that somebody will not.
    fn answered(
        &mut self,
        id: MessageId,
        from: &Address,
        from_hub: bool,
        response: Result<Response, Failure>,
    ) {
        if let Some((call, from)) = self.calls.answer(id, from, from_hub, self.config.limits.roster) {
            if !self.calls.has(id) {
                self.receipts.settle(id);
            }
            self.event(Event::Answer { call, from, response });
            if let Some(ended) = self.calls.end_if_complete(call) {
                self.call_ended(ended);
            }
        }
    }

    pub(super) fn call_ended(&mut self, ended: Ended) {
        let Ended { call, outcome, answered, asked, requests } = ended;
        requests.into_iter().for_each(|request| self.receipts.settle(request));
        self.event(Event::CallEnded { call, outcome, answered, asked });
    }

    fn deliver_notification(&mut self, envelope: &Envelope<'_>, from: &Address) -> Result<(), Failure> {
        self.done_with(envelope.origin);
        let letter = read_letter(self, envelope.letter).map_err(malformed)?;
        let head: NotificationHead = letter.head().map_err(malformed)?;
        let failure = || head.reason.clone().map_or(Reason::REFUSED.into(), Failure::from);
        let stage = match head.event {
            NotifiedEvent::Accepted => Stage::Accepted,
            NotifiedEvent::Dispatched => Stage::Dispatched { count: head.count.unwrap_or(1) },
            NotifiedEvent::Received => Stage::Received,
            NotifiedEvent::Consumed => Stage::Consumed,
            NotifiedEvent::Failed => Stage::Failed(failure()),
            NotifiedEvent::Cancelled => {
                if let Some(request) = self.requests.cancel(envelope.id, from) {
                    self.request_ended(request);
                }
                return Ok(());
            }
        };
        // A hub speaks for its network; it says `to` the neighbour, where a peer names it.
        let by_hub = match envelope.origin {
            Origin::Link { link, .. } => match self.links.neighbour(link) {
                Some(Neighbour::Hub(id)) => {
                    let hub = self.uplinks.membership(*id).map(|member| &member.hub);
                    envelope.to.is_empty() || hub == Some(from)
                }
                _ => false,
            },
            Origin::Local => true,
        };
        self.news(envelope.id, Some(from), by_hub, stage);
        Ok(())
    }

    /// News of an envelope of ours.
    pub(super) fn news(&mut self, id: MessageId, from: Option<&Address>, by_hub: bool, stage: Stage) {
        let me = Address::nobody();
        let who = from.unwrap_or(&me);
        if self.calls.has(id) {
            match stage {
                Stage::Dispatched { count } if by_hub => {
                    if let Some(call) = self.calls.asked(id, who, count)
                        && let Some(ended) = self.calls.end_if_complete(call)
                    {
                        self.call_ended(ended);
                    }
                }
                Stage::Failed(failure) => self.answered(id, who, by_hub, Err(failure)),
                _ => {}
            }
            return;
        }
        let is_ours = self.random.ids.is_ours(id);
        if self.receipts.news(id, self.config.limits.roster, is_ours, who, by_hub, &stage) != News::Ignored {
            self.event(Event::Receipt { id, from: from.cloned(), stage });
        }
    }

    // ---- what was not answered in time

    pub(super) fn request_timed_out(&mut self, request: RequestId, caller: &Caller) {
        let outgoing = Outgoing::to(Kind::Response, caller.id, &caller.from);
        // Who cannot be told any more is not waiting.
        let _ = self.answer(&outgoing, &Err(Reason::TIMEOUT.into()));
        self.request_ended(request);
    }

    fn request_ended(&mut self, request: RequestId) {
        // Not taken yet: then the application need not hear of it at all.
        if planted!(EndedBeforeTaken) || !self.untell(request) {
            self.event(Event::RequestEnded { request });
        }
    }

    pub(super) fn receipt_timed_out(&mut self, id: MessageId) {
        self.event(Event::Receipt { id, from: None, stage: Stage::Failed(Reason::NO_RECEIPT.into()) });
    }
}

/// What a message's head, its label and who vouches for it say together.
fn received_head(
    letter: &Letter<'_>,
    envelope: &Envelope<'_>,
    from: &Address,
    to: Address,
) -> Result<ReceivedHead, Failure> {
    let MessageHead { content_type, metadata } = letter.message_head().map_err(malformed)?;
    Ok(ReceivedHead { from: from.clone(), to, content_type, metadata, receipts: envelope.receipts })
}

fn malformed(error: LetterError) -> Failure {
    let reason = match error {
        LetterError::HeadTooLarge => Reason::TOO_LARGE,
        LetterError::Truncated | LetterError::Head(_) => Reason::MALFORMED,
    };
    Failure { reason, text: error.to_string() }
}
