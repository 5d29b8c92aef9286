//! What the application has not taken yet.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use homing_core::Event;

use crate::mailbox::lock;

/// Two queues, taken in the order of arrival: messages, for which the senders wait when the queue
/// is full, and all other events, of which the oldest are dropped then.
pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    more: Condvar,
    cap: usize,
}

#[derive(Default)]
struct Queues {
    messages: VecDeque<(u64, Event)>,
    news: VecDeque<(u64, Event)>,
    /// Numbers what arrives.
    next: u64,
    missed: u64,
    closed: bool,
    waiting: usize,
}

impl Queues {
    fn pop(&mut self) -> Option<Event> {
        let message = self.messages.front().map(|(n, _)| *n);
        let news = self.news.front().map(|(n, _)| *n);
        let first = match (message, news) {
            (Some(m), Some(n)) if m < n => &mut self.messages,
            (Some(_), None) => &mut self.messages,
            _ => &mut self.news,
        };
        first.pop_front().map(|(_, event)| event)
    }
}

/// What came of waiting for an event.
pub(crate) struct Taken {
    pub(crate) event: Option<Event>,
    /// Half of the queue or more is free.
    pub(crate) roomy: bool,
}

impl Inbox {
    pub(crate) fn new(cap: usize) -> Inbox {
        Inbox { queues: Mutex::default(), more: Condvar::new(), cap: cap.max(1) }
    }

    /// How many messages more it takes. With `wary`, none before half of the queue is free.
    pub(crate) fn room(&self, wary: bool) -> usize {
        let held = lock(&self.queues).messages.len();
        if wary && held > self.cap / 2 { 0 } else { self.cap.saturating_sub(held) }
    }

    /// Puts `events` in, and leaves nothing in there.
    pub(crate) fn put(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut queues = lock(&self.queues);
        if queues.closed {
            events.clear();
            return;
        }
        for event in events.drain(..) {
            let n = queues.next;
            queues.next += 1;
            if matches!(event, Event::Message(_) | Event::Request(_)) {
                queues.messages.push_back((n, event));
            } else {
                if queues.news.len() >= self.cap {
                    queues.news.pop_front();
                    queues.missed += 1;
                }
                queues.news.push_back((n, event));
            }
        }
        match queues.waiting {
            0 => {}
            1 => self.more.notify_one(),
            _ => self.more.notify_all(),
        }
    }

    /// The next event; waits for one until `until`, or for as long as it takes.
    pub(crate) fn take(&self, until: Option<Instant>) -> Taken {
        let mut queues = lock(&self.queues);
        loop {
            if let Some(event) = queues.pop() {
                return Taken { event: Some(event), roomy: queues.messages.len() <= self.cap / 2 };
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if queues.closed || left.is_some_and(|left| left.is_zero()) {
                return Taken { event: None, roomy: true };
            }
            queues.waiting += 1;
            queues = match left {
                None => self.more.wait(queues).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.more.wait_timeout(queues, left).unwrap_or_else(PoisonError::into_inner).0,
            };
            queues.waiting -= 1;
        }
    }

    pub(crate) fn missed(&self) -> u64 {
        lock(&self.queues).missed
    }

    /// Nothing more comes; what is there can still be taken.
    pub(crate) fn close(&self) {
        lock(&self.queues).closed = true;
        self.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::{Address, MessageId, Receipts, Received};
    use std::time::Duration;

    fn message(n: u8) -> Event {
        let ada: Address = "ada@home".parse().unwrap();
        Event::Message(Received {
            id: MessageId([n; 16]),
            from: ada.clone(),
            to: ada,
            content_type: String::new(),
            metadata: Default::default(),
            body: Vec::new(),
            receipts: Receipts::Failure,
        })
    }

    #[test]
    fn order_is_kept_and_the_oldest_news_are_dropped_and_counted() {
        let inbox = Inbox::new(2);
        inbox.put(&mut vec![message(1), Event::Stopped, message(2), Event::Stopped, Event::Stopped]);
        assert_eq!((inbox.room(false), inbox.missed()), (0, 1));
        let mut all = Vec::new();
        while let Some(event) = inbox.take(Some(Instant::now())).event {
            all.push(event);
        }
        assert_eq!(all, [message(1), message(2), Event::Stopped, Event::Stopped]);
    }

    #[test]
    fn room_comes_back_by_halves_for_the_wary() {
        let inbox = Inbox::new(4);
        inbox.put(&mut (1..5).map(message).collect());
        assert!(!inbox.take(None).roomy);
        assert_eq!((inbox.room(true), inbox.room(false)), (0, 1));
        assert!(inbox.take(None).roomy);
        assert_eq!((inbox.room(true), inbox.room(false)), (2, 2));
    }

    #[test]
    fn closing_wakes_who_waits() {
        let inbox = Inbox::new(1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| inbox.take(None).event);
            inbox.close();
            assert_eq!(waiter.join().unwrap(), None);
        });
        assert!(inbox.take(Some(Instant::now() + Duration::from_secs(9))).event.is_none());
    }
}
