//! Bytes, in and out.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use homing_core::Input;

use crate::driver::buffer::{Lent, READ};
use crate::driver::{Driver, System};
use crate::shared::State;

/// How often a link is read in one turn that fills the buffer each time. What is passed on from several reads is written
/// at once, and wakes its reader once.
const READS: usize = 2;
/// How much is written to a link in one turn.
const WRITE: usize = 256 * 1024;

/// An error as people say it: `connection refused`.
pub(super) fn cause(error: &io::Error) -> String {
    match error.kind() {
        // Words of our own, or an error that has no kind.
        ErrorKind::Other | ErrorKind::InvalidInput | ErrorKind::NotFound => error.to_string(),
        kind if error.raw_os_error().is_none() || is_known(kind) => kind.to_string(),
        _ => error.to_string(),
    }
}

fn is_known(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(
        kind,
        ConnectionRefused
            | ConnectionReset
            | ConnectionAborted
            | HostUnreachable
            | NetworkUnreachable
            | BrokenPipe
            | TimedOut
            | PermissionDenied
            | AddrNotAvailable
    )
}

impl<S: System> Driver<S> {
    /// Reads each link that is ready: once, or until there is less than the buffer holds.
    pub(super) fn read_ready(&mut self) {
        for _ in 0..self.links.reads.len() {
            let Some(place) = self.links.reads.pop_front() else { return };
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            for _ in 0..READS {
                let full = self.read(&mut state, place);
                self.drain(&mut state);
                if !full {
                    break;
                }
            }
            self.links.queue_read(place);
        }
    }

    /// Whether that has filled the buffer.
    fn read(&mut self, state: &mut State, place: usize) -> bool {
        let Some(link) = self.links.live(place) else { return false };
        link.read_queued = false;
        if !link.readable {
            return false;
        }
        let id = link.id;
        let budget = state.node.read_budget(id).min(READ);
        if budget == 0 {
            self.links.park(place);
            return false;
        }
        let mut buffer = Lent::new();
        match link.stream.read(&mut buffer.0[..budget]) {
            Ok(0) => self.gone(state, place, "closed by the other side"),
            Ok(n) => {
                self.moved += n;
                let now = self.shared.now();
                state.node.handle(now, Input::Data { link: id, bytes: &buffer.0[..n] });
                return n == READ;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                link.readable = false;
                if let Some(cause) = link.broken.take() {
                    self.gone(state, place, &cause);
                }
            }
            Err(e) => self.gone(state, place, &cause(&e)),
        }
        false
    }

    /// Writes what is pending, on each link that takes it.
    pub(super) fn write_ready(&mut self) {
        for _ in 0..self.links.writes.len() {
            let Some(place) = self.links.writes.pop_front() else { return };
            let shared = Arc::clone(&self.shared);
            let mut state = shared.lock();
            self.write(&mut state, place);
            self.drain(&mut state);
        }
    }

    fn write(&mut self, state: &mut State, place: usize) {
        let Some(link) = self.links.live(place) else { return };
        link.write_queued = false;
        let mut written = 0;
        while link.wants_write && link.writable && link.broken.is_none() {
            if written >= WRITE {
                return self.links.queue_write(place);
            }
            let pending = state.node.pending(link.id);
            if pending.is_empty() {
                link.wants_write = false;
                break;
            }
            let error = match link.stream.write(pending) {
                Ok(n) if n > 0 => {
                    written += n;
                    self.moved += n;
                    link.wants_flush = true;
                    let now = self.shared.now();
                    state.node.handle(now, Input::Wrote { link: link.id, n });
                    continue;
                }
                Ok(_) => ErrorKind::WriteZero.into(),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    link.writable = false;
                    return;
                }
                Err(e) => e,
            };
            return self.write_failed(place, &error);
        }
        if link.wants_flush && link.writable {
            match link.stream.flush() {
                Ok(()) => link.wants_flush = false,
                Err(e) if e.kind() == ErrorKind::Interrupted => self.links.queue_write(place),
                Err(e) if e.kind() == ErrorKind::WouldBlock => link.writable = false,
                Err(e) => self.write_failed(place, &e),
            }
        }
    }

    /// Nothing more is written; it is read until nothing more has arrived.
    fn write_failed(&mut self, place: usize, error: &io::Error) {
        let Some(link) = self.links.live(place) else { return };
        (link.wants_write, link.wants_flush) = (false, false);
        link.broken = Some(cause(error));
        link.readable = true;
        self.links.queue_read(place);
    }

    /// The stream has ended: it is dropped, and the node told.
    fn gone(&mut self, state: &mut State, place: usize, cause: &str) {
        if let Some(link) = self.links.remove(place, &mut self.system) {
            let now = self.shared.now();
            state.node.handle(now, Input::Gone { link, cause });
        }
    }
}
