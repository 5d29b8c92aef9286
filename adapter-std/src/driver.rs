//! The loop: waits for readiness, lets the driver turn.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use homing_adapter::{Driver, Endpoint, Made, Mailbox, Rest, Shared, Slot, System};
use homing_core::LinkId;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::dial;
use crate::listener::Listener;
use crate::stream::Stream;

/// Even tokens are streams, odd ones listeners; this is neither, as nobody has so many.
pub(crate) const WAKER: Token = Token(usize::MAX);
/// How many readiness events are taken from the system at once.
const EVENTS: usize = 1024;

/// Things that other threads give the loop. The mailbox is rung after it.
pub(crate) enum Post {
    /// Accept from this one too.
    Listen(Listener),
    /// A dial has ended.
    Dialed { link: LinkId, result: io::Result<Stream> },
}

/// None when the loop has ended: what comes too late is dropped.
#[derive(Clone)]
pub(crate) struct Posts(Arc<Mutex<Option<Vec<Post>>>>);

impl Posts {
    pub(crate) fn new() -> Posts {
        Posts(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// False when the loop has ended.
    pub(crate) fn put(&self, post: Post, mailbox: &Mailbox) -> bool {
        let taken =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(|posts| posts.push(post));
        mailbox.wake();
        taken.is_some()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(Vec::is_empty)
    }

    fn take(&self) -> Vec<Post> {
        let mut posts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        posts.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn close(&self) {
        let posts = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(posts);
    }
}

/// Registers with the system's event queue; dials on threads of their own.
pub(crate) struct Sockets {
    registry: Registry,
    posts: Posts,
    mailbox: Arc<Mailbox>,
    dial_time: Duration,
}

impl System for Sockets {
    type Stream = Stream;
    type Listener = Listener;

    fn dial(&mut self, link: LinkId, to: &Endpoint) -> Option<io::Result<Stream>> {
        dial::dial(link, to, self.dial_time, &self.posts, &self.mailbox)
    }

    /// Its thread ends by itself, and what it brings is dropped.
    fn forget(&mut self, _: LinkId) {}

    fn add_stream(&mut self, stream: &mut Stream, slot: Slot<'_>) -> io::Result<()> {
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        self.registry.register(stream.source(), Token(slot.place() << 1), interest)
    }

    fn remove_stream(&mut self, stream: &mut Stream) {
        // It fails when it was never registered.
        let _ = self.registry.deregister(stream.source());
    }

    fn add_listener(&mut self, listener: &mut Listener, slot: Slot<'_>) -> io::Result<()> {
        self.registry.register(listener.source(), Token(slot.place() << 1 | 1), Interest::READABLE)
    }
}

/// The driver of one peer and what wakes it.
pub(crate) struct Loop {
    driver: Driver<Sockets>,
    poll: Poll,
    posts: Posts,
}

impl Loop {
    pub(crate) fn new(made: Made, poll: Poll, posts: Posts) -> io::Result<Loop> {
        let mailbox = Arc::clone(Shared::of(&made.handle).mailbox());
        let (registry, dial_time) = (poll.registry().try_clone()?, made.dial_time);
        let sockets = Sockets { registry, posts: posts.clone(), mailbox, dial_time };
        Ok(Loop { driver: Driver::new(made, sockets), poll, posts })
    }

    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        // Whatever the node wants before anything has happened.
        let mut wait = Some(Duration::ZERO);
        loop {
            self.wait(&mut events, wait);
            for post in self.posts.take() {
                match post {
                    Post::Listen(listener) => self.driver.listen(listener),
                    Post::Dialed { link, result } => self.driver.dialed(link, result),
                }
            }
            wait = match self.driver.turn() {
                Rest::No => Some(Duration::ZERO),
                // What was put before the driver lay down has woken nobody.
                Rest::Until(_) if !self.posts.is_empty() => Some(Duration::ZERO),
                Rest::Until(until) => until.map(|until| until.saturating_duration_since(Instant::now())),
                Rest::Over => return,
            };
        }
    }

    /// Waits for readiness, and reports all of it.
    fn wait(&mut self, events: &mut Events, mut wait: Option<Duration>) {
        loop {
            if let Err(e) = self.poll.poll(events, wait) {
                events.clear();
                if e.kind() != ErrorKind::Interrupted {
                    // The system is out of something. A loop that spins would not give it back.
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            self.driver.shared().mailbox().rise();
            let mut seen = 0;
            for event in events.iter() {
                seen += 1;
                let Token(token) = event.token();
                if event.token() == WAKER {
                    // It only ends the wait.
                } else if token & 1 == 1 {
                    self.driver.listener_ready(token >> 1);
                } else {
                    let read = event.is_readable() || event.is_read_closed() || event.is_error();
                    let write = event.is_writable() || event.is_write_closed() || event.is_error();
                    self.driver.ready(token >> 1, read, write);
                }
            }
            // There may be more, and time is told only when everything that has arrived is read: a
            // link whose bytes wait here must not be called dead.
            if seen < EVENTS {
                return;
            }
            wait = Some(Duration::ZERO);
        }
    }
}

impl Drop for Loop {
    /// Even if it panics: a listener that was posted meanwhile would hold its address.
    fn drop(&mut self) {
        self.posts.close();
    }
}
