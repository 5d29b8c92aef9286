//! The reactor: one thread that waits for all sockets and for the first timer, and wakes who waits for them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Waker;
use std::time::Instant;

use mio::event::Source;
use mio::{Events, Interest, Poll, Registry, Token};

/// Started when it is first needed.
pub(crate) static REACTOR: LazyLock<Arc<Reactor>> = LazyLock::new(Reactor::start);

/// What interrupts the waiting itself: a timer that is due before all others.
const SOONER: Token = Token(0);

/// Who waits until a socket can be read, or written.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) read: Mutex<Option<Waker>>,
    pub(crate) write: Mutex<Option<Waker>>,
}

/// When a timer is due; no two have the same number.
pub(crate) type Alarm = (Instant, usize);

pub(crate) struct Reactor {
    registry: Registry,
    sooner: mio::Waker,
    sockets: Mutex<HashMap<Token, Arc<Waiting>>>,
    alarms: Mutex<BTreeMap<Alarm, Waker>>,
    next: AtomicUsize,
}

impl Reactor {
    fn start() -> Arc<Reactor> {
        let poll = Poll::new().expect("the system has no more descriptors");
        let registry = poll.registry().try_clone().expect("the system has no more descriptors");
        let reactor = Arc::new(Reactor {
            sooner: mio::Waker::new(&registry, SOONER).expect("the system has no more descriptors"),
            registry,
            sockets: Mutex::default(),
            alarms: Mutex::default(),
            next: AtomicUsize::new(SOONER.0 + 1),
        });
        let runs = Arc::clone(&reactor);
        std::thread::spawn(move || runs.run(poll));
        reactor
    }

    fn run(&self, mut poll: Poll) {
        let mut events = Events::with_capacity(1024);
        loop {
            let first = self.alarms.lock().unwrap().first_key_value().map(|((at, _), _)| *at);
            let wait = first.map(|at| at.saturating_duration_since(Instant::now()));
            // A signal may end it early; then there are no events, and it is done again.
            let _ = poll.poll(&mut events, wait);
            let mut woken = Vec::new();
            for event in &events {
                let socket = self.sockets.lock().unwrap().get(&event.token()).cloned();
                let Some(socket) = socket else { continue };
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    woken.extend(socket.read.lock().unwrap().take());
                }
                if event.is_writable() || event.is_write_closed() || event.is_error() {
                    woken.extend(socket.write.lock().unwrap().take());
                }
            }
            let now = Instant::now();
            let mut alarms = self.alarms.lock().unwrap();
            while let Some(first) = alarms.first_entry().filter(|first| first.key().0 <= now) {
                woken.push(first.remove());
            }
            drop(alarms);
            woken.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn number(&self) -> usize {
        self.next.fetch_add(1, Relaxed)
    }

    pub(crate) fn add(&self, socket: &mut impl Source) -> io::Result<(Token, Arc<Waiting>)> {
        let (token, waiting) = (Token(self.number()), Arc::<Waiting>::default());
        self.sockets.lock().unwrap().insert(token, Arc::clone(&waiting));
        match self.registry.register(socket, token, Interest::READABLE | Interest::WRITABLE) {
            Ok(()) => Ok((token, waiting)),
            Err(e) => {
                self.sockets.lock().unwrap().remove(&token);
                Err(e)
            }
        }
    }

    pub(crate) fn remove(&self, socket: &mut impl Source, token: Token) {
        // It is closed next, which the system understands as well.
        let _ = self.registry.deregister(socket);
        self.sockets.lock().unwrap().remove(&token);
    }

    pub(crate) fn wake_at(&self, alarm: Alarm, waker: &Waker) {
        let mut alarms = self.alarms.lock().unwrap();
        alarms.insert(alarm, waker.clone());
        let is_first = alarms.first_key_value().is_some_and(|(first, _)| *first == alarm);
        drop(alarms);
        if is_first {
            self.sooner.wake().expect("the reactor cannot be woken");
        }
    }

    pub(crate) fn forget(&self, alarm: Alarm) {
        self.alarms.lock().unwrap().remove(&alarm);
    }
}
