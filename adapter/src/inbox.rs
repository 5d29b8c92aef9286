//! What the application has not taken yet.

use std::collections::VecDeque;
use std::mem;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use homing_core::{Event, Received};

use crate::batch::Batch;
use crate::sync::lock;
use crate::wait::watchers::{Place, Watchers};

/// Two queues, taken in the order of arrival: messages, for which the senders wait when the queue
/// is full, and all other events, of which the oldest are dropped then.
pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    cap: usize,
}

/// Events on their way into an [`Inbox`], in the order of arrival.
#[derive(Default)]
pub(crate) struct Arrivals {
    messages: VecDeque<Received>,
    /// All other events, and how many messages of these arrived before each.
    news: Vec<(u64, Event)>,
}

impl Arrivals {
    #[inline]
    pub(crate) fn push(&mut self, event: Event) {
        match event {
            Event::Message(message) => self.messages.push_back(message),
            event => self.news.push((self.messages.len() as u64, event)),
        }
    }

    /// Where messages are put without looking at each.
    pub(crate) const fn messages(&mut self) -> &mut VecDeque<Received> {
        &mut self.messages
    }

    fn len(&self) -> usize {
        self.messages.len() + self.news.len()
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.news.clear();
    }
}

#[derive(Default)]
struct Queues {
    events: Batch,
    /// How many messages have arrived, ever.
    arrived: u64,
    missed: u64,
    /// [`Event::Stopped`] has been put in: nothing comes after it.
    stopped: bool,
    closed: bool,
    waiting: Watchers,
}

impl Queues {
    /// Gives all that is there, in place of a batch that is empty. False when nothing is.
    fn swap(&mut self, batch: &mut Batch) -> bool {
        if self.events.is_empty() {
            return false;
        }
        mem::swap(&mut self.events, batch);
        self.events.taken = self.arrived;
        true
    }
}

impl Inbox {
    pub(crate) fn new(cap: usize) -> Inbox {
        Inbox { queues: Mutex::default(), cap: cap.max(1) }
    }

    /// How many messages more it takes. With `wary`, none before half of the queue is free.
    pub(crate) fn room(&self, wary: bool) -> usize {
        let held = lock(&self.queues).events.messages.len();
        if wary && held > self.cap / 2 { 0 } else { self.cap.saturating_sub(held) }
    }

    /// Puts all that has `come` in, and leaves nothing in there.
    pub(crate) fn put(&self, come: &mut Arrivals) {
        let count = come.len();
        if count == 0 {
            return;
        }
        let mut queues = lock(&self.queues);
        if queues.closed || queues.stopped {
            return come.clear();
        }
        let before = queues.arrived;
        for (after, event) in come.news.drain(..) {
            queues.stopped |= event == Event::Stopped;
            if queues.events.news.len() >= self.cap {
                queues.events.news.pop_front();
                queues.missed += 1;
            }
            queues.events.news.push_back((before + after, event));
        }
        queues.arrived += come.messages.len() as u64;
        if queues.events.messages.is_empty() {
            mem::swap(&mut queues.events.messages, &mut come.messages);
        } else {
            queues.events.messages.append(&mut come.messages);
        }
        let woken = queues.waiting.take(count);
        drop(queues);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The next event, if there is one already; and whether half of the queue or more is free.
    #[inline]
    pub(crate) fn take(&self, roomy: &mut bool) -> Option<Event> {
        let mut queues = lock(&self.queues);
        let event = queues.events.next();
        *roomy = event.is_none() || queues.events.messages.len() <= self.cap / 2;
        event
    }

    /// The same, or none when there will be no more. Until then, waits at `place`.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        place: &mut Place,
        roomy: &mut bool,
    ) -> Poll<Option<Event>> {
        let mut queues = lock(&self.queues);
        let event = queues.events.next();
        if event.is_none() && !queues.closed {
            queues.waiting.watch(place, cx.waker());
            return Poll::Pending;
        }
        *roomy = event.is_none() || queues.events.messages.len() <= self.cap / 2;
        // Nobody who does not wait is to be woken in place of one who does.
        queues.waiting.leave(place);
        Poll::Ready(event)
    }

    /// Puts all events that there are into `batch`, which is empty. False when there are none.
    pub(crate) fn take_all(&self, batch: &mut Batch) -> bool {
        lock(&self.queues).swap(batch)
    }

    /// The same; when there will be no more, false. Until then, waits at `place`.
    pub(crate) fn poll_take_all(
        &self,
        cx: &mut Context<'_>,
        place: &mut Place,
        batch: &mut Batch,
    ) -> Poll<bool> {
        let mut queues = lock(&self.queues);
        let any = queues.swap(batch);
        if !any && !queues.closed {
            queues.waiting.watch(place, cx.waker());
            return Poll::Pending;
        }
        queues.waiting.leave(place);
        Poll::Ready(any)
    }

    /// Whoever waited at `place` does not any more. If it was woken and takes nothing, the next is.
    pub(crate) fn leave(&self, place: &mut Place) {
        if place.is_none() {
            return;
        }
        let mut queues = lock(&self.queues);
        if queues.waiting.leave(place) || queues.events.is_empty() {
            return;
        }
        let next = queues.waiting.take(1);
        drop(queues);
        next.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn missed(&self) -> u64 {
        lock(&self.queues).missed
    }

    /// Nothing more comes; what is there can still be taken.
    pub(crate) fn close(&self) {
        let mut queues = lock(&self.queues);
        queues.closed = true;
        let woken = queues.waiting.take_all();
        drop(queues);
        woken.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::{Address, CallId, CallOutcome, MessageId, Receipts, ReceivedHead};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::Wake;

    fn put<const N: usize>(inbox: &Inbox, events: [Event; N]) {
        let mut come = Arrivals::default();
        events.into_iter().for_each(|event| come.push(event));
        inbox.put(&mut come);
        assert_eq!(come.len(), 0);
    }

    fn message(n: u8) -> Event {
        let ada: Address = "ada@home".parse().unwrap();
        let head = ReceivedHead {
            from: ada.clone(),
            to: ada,
            content_type: Default::default(),
            metadata: Default::default(),
            receipts: Receipts::Failure,
        };
        Event::Message(Received { id: MessageId([n; 16]), body: Default::default(), head: head.into() })
    }

    /// An event that is no message.
    fn ended(n: u8) -> Event {
        let (call, outcome) = (CallId(MessageId([n; 16])), CallOutcome::Complete);
        Event::CallEnded { call, outcome, answered: 0, asked: 0 }
    }

    #[test]
    fn order_is_kept_and_the_oldest_news_are_dropped_and_counted() {
        let inbox = Inbox::new(2);
        put(&inbox, [message(1), Event::Stopped, message(2), Event::Stopped, Event::Stopped]);
        assert_eq!((inbox.room(false), inbox.missed()), (0, 1));
        let all: Vec<_> = std::iter::from_fn(|| inbox.take(&mut false)).collect();
        assert_eq!(all, [message(1), message(2), Event::Stopped, Event::Stopped]);
    }

    /// Taken at once or one by one, or first so and then so.
    #[test]
    fn a_batch_is_what_would_have_been_taken_one_by_one() {
        for first in 0..4 {
            let inbox = Inbox::new(9);
            let (mut batch, mut all) = (Batch::default(), Vec::new());
            assert!(!inbox.take_all(&mut batch));
            for round in [0, 10, 20] {
                put(&inbox, [message(round + 1), ended(round), message(round + 2)]);
                all.extend(std::iter::from_fn(|| inbox.take(&mut false)).take(first));
                assert_eq!(inbox.take_all(&mut batch), first < 3);
                assert_eq!(batch.len(), 3_usize.saturating_sub(first));
                assert_eq!(inbox.room(false), 9, "what was taken is in nobody's way");
                // What comes meanwhile waits for the next.
                put(&inbox, [message(round + 3)]);
                all.extend(batch.by_ref());
                assert!(batch.is_empty() && inbox.take_all(&mut batch));
                all.extend(batch.by_ref());
            }
            let expected = [0, 10, 20].map(|n| [message(n + 1), ended(n), message(n + 2), message(n + 3)]);
            assert_eq!(all, expected.concat(), "{first}");
        }
    }

    #[test]
    fn whoever_waits_for_a_batch_is_woken_and_hears_of_the_end() {
        let inbox = Inbox::new(4);
        let (count, mut place, mut batch) = (Arc::new(Count::default()), None, Batch::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut poll =
            |batch: &mut Batch| inbox.poll_take_all(&mut Context::from_waker(&waker), &mut place, batch);
        assert!(poll(&mut batch).is_pending());
        put(&inbox, [message(1), message(2)]);
        assert_eq!((count.0.load(SeqCst), poll(&mut batch), batch.len()), (1, Poll::Ready(true), 2));
        batch.by_ref().for_each(drop);
        assert!(poll(&mut batch).is_pending());
        inbox.close();
        assert_eq!((count.0.load(SeqCst), poll(&mut batch)), (2, Poll::Ready(false)));
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let inbox = Inbox::new(2);
        put(&inbox, [message(1), Event::Stopped]);
        put(&inbox, [message(2)]);
        let all: Vec<_> = std::iter::from_fn(|| inbox.take(&mut false)).collect();
        assert_eq!(all, [message(1), Event::Stopped]);
    }

    #[test]
    fn room_comes_back_by_halves_for_the_wary() {
        let inbox = Inbox::new(4);
        put(&inbox, [1, 2, 3, 4].map(message));
        let is_roomy = || {
            let mut roomy = false;
            assert!(inbox.take(&mut roomy).is_some());
            roomy
        };
        assert!(!is_roomy());
        assert_eq!((inbox.room(true), inbox.room(false)), (0, 1));
        assert!(is_roomy());
        assert_eq!((inbox.room(true), inbox.room(false)), (2, 2));
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn wait(inbox: &Inbox, place: &mut Place) -> (Arc<Count>, bool) {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let ready = inbox.poll_take(&mut Context::from_waker(&waker), place, &mut false).is_ready();
        (count, ready)
    }

    #[test]
    fn one_event_wakes_one_and_the_next_when_it_was_not_wanted() {
        let inbox = Inbox::new(4);
        let (mut a, mut b) = (None, None);
        let (first, _) = wait(&inbox, &mut a);
        let (second, _) = wait(&inbox, &mut b);
        let woken = || (first.0.load(SeqCst), second.0.load(SeqCst));
        put(&inbox, [message(1)]);
        assert_eq!(woken(), (1, 0));
        inbox.leave(&mut a);
        assert_eq!(woken(), (1, 1), "the first was woken and went away");
        assert!(wait(&inbox, &mut b).1);
        inbox.leave(&mut b);
    }

    #[test]
    fn whoever_takes_an_event_that_another_was_woken_for_waits_no_more() {
        let inbox = Inbox::new(4);
        let (mut a, mut b) = (None, None);
        wait(&inbox, &mut a);
        wait(&inbox, &mut b);
        put(&inbox, [message(1)]);
        assert!(wait(&inbox, &mut b).1, "it comes first, although the other was woken");
        let (again, ready) = wait(&inbox, &mut a);
        assert!(!ready);
        put(&inbox, [message(2)]);
        assert_eq!(again.0.load(SeqCst), 1, "the one who waits is woken");
    }

    #[test]
    fn closing_wakes_who_waits() {
        let inbox = Inbox::new(1);
        let mut place = None;
        let (woken, ready) = wait(&inbox, &mut place);
        assert!(!ready);
        inbox.close();
        assert_eq!(woken.0.load(SeqCst), 1);
        assert!(wait(&inbox, &mut place).1);
    }
}
