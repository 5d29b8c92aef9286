//! What waits for the application to take it: messages and requests, in the order in which they came.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::iter;
use core::mem;
use core::num::NonZeroU64;
use core::ops::Range;

use bytes::Bytes;

use crate::link::{LinkId, Origin, envelope_cost};
use crate::node::bodies::Bodies;
use crate::node::event::{Received, ReceivedHead, Request};
use crate::node::forward::Envelope;
use crate::node::{Event, Node, RequestId};
use crate::queue::Queue;
use crate::wire::MessageId;

/// Messages and requests, and beside them what the taking of each means: so all messages can change hands at once.
#[derive(Default)]
pub(super) struct Deliveries {
    messages: VecDeque<Received>,
    /// How many of the messages have been taken, ever.
    taken: usize,
    /// And how many had come before each of these.
    requests: VecDeque<(usize, Box<Request>)>,
    /// Of both, in the order in which they came.
    places: Queue<Place>,
}

/// Whose window is credited when something is taken, and with how much.
pub(super) struct Place {
    /// The link that it came over; none: this node itself has sent it.
    pub(super) link: Option<LinkId>,
    pub(super) sequence: Option<NonZeroU64>,
    pub(super) cost: usize,
}

impl Place {
    fn of(envelope: &Envelope<'_>) -> Place {
        let cost = envelope_cost(envelope.letter.len() + envelope.to.len() + envelope.from.len());
        let (link, sequence) = match envelope.origin {
            Origin::Link { link, sequence } => (Some(link), sequence),
            Origin::Local => (None, None),
        };
        Place { link, sequence, cost }
    }
}

impl Deliveries {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.requests.is_empty()
    }

    /// How many messages come before the first request, or before no other.
    fn in_front(&self) -> usize {
        self.requests.front().map_or(self.messages.len(), |(before, _)| before.wrapping_sub(self.taken))
    }

    /// One more message, which counts at its place already. Its `body` stays on the page where it is, or is copied.
    // The message is made at last: it would else be read while it is being written. And here, not in a call.
    #[allow(clippy::inline_always)] // measured: 20 instructions of 500
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        place: Place,
        (id, head): (MessageId, Arc<ReceivedHead>),
        body: &[u8],
        there: Option<(&Bytes, Range<usize>)>,
        bodies: &mut Bodies,
    ) {
        if let Some((page, part)) = there {
            self.places.push_back(place);
            self.messages.push_back(Received { id, body: page.slice(part), head });
            return;
        }
        let body = bodies.copy(body);
        self.places.push_back(place);
        self.messages.push_back(Received { id, body: body.freeze(), head });
    }

    fn pop(&mut self) -> Option<(Event, Place)> {
        let place = self.places.pop_front()?;
        let event = if self.in_front() > 0 {
            self.taken = self.taken.wrapping_add(1);
            Event::Message(self.messages.pop_front()?)
        } else {
            Event::Request(self.requests.pop_front()?.1)
        };
        Some((event, place))
    }

    /// Takes a request out, wherever it waits.
    fn remove_request(&mut self, request: RequestId) -> Option<Place> {
        let at = self.requests.iter().position(|(_, waiting)| waiting.request == request)?;
        let (before, _) = self.requests.remove(at)?;
        self.places.remove(before.wrapping_sub(self.taken) + at)
    }

    /// Moves the messages in front of the first request behind what is in `into`, `most` at most; how many.
    fn take_messages(&mut self, most: usize, into: &mut VecDeque<Received>) -> usize {
        let count = self.in_front().min(most);
        if count == self.messages.len() && into.is_empty() {
            mem::swap(&mut self.messages, into);
        } else {
            into.extend(self.messages.drain(..count));
        }
        self.taken = self.taken.wrapping_add(count);
        count
    }

    pub(super) fn memory(&self) -> usize {
        let costs: usize = self.places.iter().map(|place| place.cost).sum();
        self.messages.capacity() * size_of::<Received>()
            + self.requests.capacity() * size_of::<(usize, Box<Request>)>()
            + self.requests.len() * size_of::<Request>()
            + self.places.memory()
            + costs
    }
}

impl Node {
    /// Gives the application a message; it counts until the application has taken it.
    #[inline]
    pub(super) fn queue_message(&mut self, envelope: &Envelope<'_>, body: &[u8], head: Arc<ReceivedHead>) {
        let place = self.count_delivery(envelope);
        let there = Bodies::there(body, envelope.record, false);
        self.deliveries.push(place, (envelope.id, head), body, there, &mut self.bodies);
    }

    /// The same, of a request.
    pub(super) fn queue_request(&mut self, envelope: &Envelope<'_>, request: Request) {
        let place = self.count_delivery(envelope);
        self.deliveries.places.push_back(place);
        let before = self.deliveries.taken.wrapping_add(self.deliveries.messages.len());
        self.deliveries.requests.push_back((before, Box::new(request)));
    }

    #[inline]
    fn count_delivery(&mut self, envelope: &Envelope<'_>) -> Place {
        let place = Place::of(envelope);
        match place.link {
            None => self.own_deliveries += place.cost,
            Some(link) => {
                if let Some(entry) = self.links.get_mut(link) {
                    entry.deliveries += place.cost;
                }
            }
        }
        place
    }

    /// The application takes the first.
    pub(super) fn take_delivery(&mut self) -> Option<Event> {
        let (event, place) = self.deliveries.pop()?;
        self.delivered(place.link, iter::once((place.sequence, place.cost)));
        Some(event)
    }

    /// Moves messages that wait for the application behind what is in `into`, up to `most` of them, and says how many:
    /// those that [`poll_action`](Node::poll_action) would give next, at the price of one. None while something else
    /// is to be polled first.
    ///
    /// Give `into` back empty and nothing is copied: the queues change hands.
    pub fn poll_messages(&mut self, most: usize, into: &mut VecDeque<Received>) -> usize {
        if !self.actions.is_empty() || most == 0 {
            return 0;
        }
        let count = self.deliveries.take_messages(most, into);
        if count == 0 {
            return 0;
        }
        let mut places = mem::take(&mut self.deliveries.places);
        let mut left = count;
        while left > 0
            && let Some(&Place { link, .. }) = places.front()
        {
            // Most come over the same link, one behind the other.
            let run = places.iter().take(left).take_while(|place| place.link == link).count();
            self.delivered(link, places.range(..run).map(|place| (place.sequence, place.cost)));
            places.drop_front(run);
            left -= run;
        }
        self.deliveries.places = places;
        self.settle();
        count
    }

    /// A request that nobody waits for any more need not be told of, if the application has not taken it. Whether it
    /// is so.
    pub(super) fn untell(&mut self, request: RequestId) -> bool {
        let Some(place) = self.deliveries.remove_request(request) else { return false };
        let sequence = place.sequence.filter(|_| !planted!(UntakenKeepsPlace));
        self.delivered(place.link, iter::once((sequence, place.cost)));
        true
    }
}
