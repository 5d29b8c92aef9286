//! A TCP proxy between a peer and its hub that cuts, delays, stalls, half-closes and breaks the
//! streams it carries: the same in every run, as far as a network can be.

mod carrier;
mod plan;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{JoinHandle, scope};
use std::time::Duration;

use homing_adapter::Endpoint;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_linger;

pub(crate) use plan::{Direction, End, Plan, Way};

use crate::lab::TCP;
use crate::wait::{Check, Saying};

/// How long an order may wait until it is seen.
const LOOK: Duration = Duration::from_millis(10);

/// Listens, and carries each stream on to another place, until it is dropped.
pub(crate) struct Proxy {
    at: Endpoint,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    halves: [AtomicU64; 2],
    holds: [AtomicBool; 2],
    bytes: [AtomicU64; 2],
    streams: AtomicU64,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    /// How often each direction was told to end: a stream obeys the orders that came after it.
    fn halves(&self) -> [u64; 2] {
        [0, 1].map(|n| self.halves[n].load(SeqCst))
    }

    fn held(&self, direction: Direction) -> bool {
        self.holds[direction.index()].load(SeqCst)
    }

    fn carried(&self, direction: Direction, count: usize) {
        self.bytes[direction.index()].fetch_add(count as u64, SeqCst);
    }
}

impl Proxy {
    /// Carries what comes to `upstream`; `plan` says what becomes of each stream, by its number from 0.
    pub(crate) fn start(
        upstream: &Endpoint,
        plan: impl Fn(u64) -> Plan + Send + Sync + 'static,
    ) -> Check<Proxy> {
        let listener = TcpListener::bind(TCP).saying("a proxy's port")?;
        listener.set_nonblocking(true).saying("a proxy's port")?;
        let at = Endpoint::Tcp(listener.local_addr().saying("a proxy's address")?.to_string());
        let shared = Arc::new(Shared::default());
        let (upstream, inner) = (upstream.to_string(), Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("proxy".into());
        let thread = thread.spawn(move || accept(&listener, &upstream, &inner, &plan)).saying("a proxy")?;
        Ok(Proxy { at, shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn at(&self) -> &Endpoint {
        &self.at
    }

    /// How many bytes went that way, on all streams.
    pub(crate) fn bytes(&self, direction: Direction) -> u64 {
        self.shared.bytes[direction.index()].load(SeqCst)
    }

    /// How many streams have come.
    pub(crate) fn streams(&self) -> u64 {
        self.shared.streams.load(SeqCst)
    }

    /// Ends that direction of the streams that there are, and leaves the other.
    pub(crate) fn half_close(&self, direction: Direction) {
        self.shared.halves[direction.index()].fetch_add(1, SeqCst);
    }

    /// Carries nothing that way any more, or goes on.
    pub(crate) fn hold(&self, direction: Direction, held: bool) {
        self.shared.holds[direction.index()].store(held, SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere; and if it did, whoever drops this could not help it.
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, upstream: &str, shared: &Shared, plan: &(impl Fn(u64) -> Plan + Sync)) {
    scope(|scope| {
        while !shared.is_over() {
            match listener.accept() {
                Ok((near, _)) => {
                    let plan = plan(shared.streams.fetch_add(1, SeqCst));
                    scope.spawn(move || match TcpStream::connect(upstream) {
                        Ok(far) => carrier::carry(shared, &plan, near, far),
                        // As if the proxy were not there.
                        Err(_) => drop(set_socket_linger(&near, Some(Duration::ZERO))),
                    });
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let timeout = Timespec::try_from(LOOK).ok();
                    let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], timeout.as_ref());
                }
                // Whoever waited has given up, or there are no descriptors: somebody else may come.
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    });
}

#[cfg(test)]
mod tests;
