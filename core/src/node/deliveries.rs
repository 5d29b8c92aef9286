//! What waits for the application to take it: messages and requests, in the order in which they came.

use alloc::collections::VecDeque;
use core::iter;
use core::mem;

use crate::link::{LinkId, Origin, envelope_cost};
use crate::node::forward::Envelope;
use crate::node::{Event, Node, RequestId};
use crate::queue::Queue;

/// The events, and beside them what the taking of each means: so all of them can change hands at once.
#[derive(Default)]
pub(super) struct Deliveries {
    events: VecDeque<Event>,
    places: Queue<Place>,
    /// How many of them are requests.
    requests: usize,
}

/// Whose window is credited when an event is taken, and with how much.
struct Place {
    /// The link that it came over; none: this node itself has sent it.
    link: Option<LinkId>,
    sequence: Option<u64>,
    cost: usize,
}

impl Deliveries {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    #[inline]
    fn push(&mut self, event: Event, place: Place) {
        self.requests += usize::from(matches!(event, Event::Request(_)));
        self.events.push_back(event);
        self.places.push_back(place);
    }

    fn pop(&mut self) -> Option<(Event, Place)> {
        let place = self.places.pop_front()?;
        let event = self.events.pop_front()?;
        self.requests -= usize::from(matches!(event, Event::Request(_)));
        Some((event, place))
    }

    /// Takes a request out, wherever it waits.
    fn remove_request(&mut self, request: RequestId) -> Option<Place> {
        if self.requests == 0 {
            return None;
        }
        let is_it = |event: &Event| matches!(event, Event::Request(r) if r.request == request);
        let at = self.events.iter().position(is_it)?;
        self.requests -= 1;
        self.events.remove(at);
        self.places.remove(at)
    }

    /// Moves the messages in front of the first request behind what is in `into`, `most` at most; how many.
    fn take_messages(&mut self, most: usize, into: &mut VecDeque<Event>) -> usize {
        let all = self.events.len();
        let count = match self.requests {
            0 => all.min(most),
            _ => self.events.iter().take(most).take_while(|event| matches!(event, Event::Message(_))).count(),
        };
        if count == all && into.is_empty() {
            mem::swap(&mut self.events, into);
        } else {
            into.extend(self.events.drain(..count));
        }
        count
    }

    pub(super) fn memory(&self) -> usize {
        let costs: usize = self.places.iter().map(|place| place.cost).sum();
        self.events.capacity() * size_of::<Event>() + self.places.memory() + costs
    }
}

impl Node {
    /// Gives the application something; it counts until the application has taken it.
    #[inline]
    pub(super) fn queue_delivery(&mut self, envelope: &Envelope<'_>, event: Event) {
        let cost = envelope_cost(envelope.letter.len() + envelope.to.len() + envelope.from.len());
        let (link, sequence) = match envelope.origin {
            Origin::Link { link, sequence } => (Some(link), sequence),
            Origin::Local => (None, None),
        };
        match link {
            None => self.own_deliveries += cost,
            Some(link) => {
                if let Some(entry) = self.links.get_mut(link) {
                    entry.deliveries += cost;
                }
            }
        }
        self.deliveries.push(event, Place { link, sequence, cost });
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
    pub fn poll_messages(&mut self, most: usize, into: &mut VecDeque<Event>) -> usize {
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
            let run = iter::from_fn(|| {
                places.front().filter(|place| left > 0 && place.link == link)?;
                let Place { sequence, cost, .. } = places.pop_front()?;
                left -= 1;
                Some((sequence, cost))
            });
            self.delivered(link, run);
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
