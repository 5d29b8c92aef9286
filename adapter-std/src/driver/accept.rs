//! Letting streams in.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use homing_core::{Input, LinkId};
use mio::{Poll, Token};

use crate::driver::Driver;
use crate::listener::Listener;
use crate::mailbox::Mailbox;

/// How many are let in at one door in one turn.
const AT_ONCE: usize = 64;
/// How long a door stays shut when the system has no descriptors left: until others were closed,
/// nothing can be done, and trying at once again would be all that is done.
const PAUSE: Duration = Duration::from_millis(100);

/// The listeners of a driver.
#[derive(Default)]
pub(super) struct Doors {
    doors: Vec<Door>,
    /// Numbers who comes in.
    next: u64,
}

struct Door {
    listener: Listener,
    /// The system has said that somebody waits, and no `WouldBlock` has taken it back.
    ready: bool,
    paused: Option<Instant>,
}

impl Doors {
    pub(super) fn open(&mut self, mut listener: Listener, poll: &Poll, mailbox: &Arc<Mailbox>) {
        let token = Token(self.doors.len() << 1 | 1);
        // Out of memory is all that can go wrong. Looking into a listener that nobody reports on
        // still finds who waited until now.
        let _ = listener.register(poll.registry(), token, mailbox);
        self.doors.push(Door { listener, ready: true, paused: None });
    }

    pub(super) fn ready(&mut self, door: usize) {
        if let Some(door) = self.doors.get_mut(door) {
            door.ready = true;
        }
    }

    /// Somebody waits at a door that is not shut.
    pub(super) fn has_work(&self) -> bool {
        self.doors.iter().any(|door| door.ready && door.paused.is_none())
    }

    /// When the first of the shut doors opens again.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.doors.iter().filter_map(|door| door.paused).min()
    }
}

impl Driver {
    pub(super) fn accept(&mut self) {
        for door in 0..self.doors.doors.len() {
            self.accept_at(door);
        }
    }

    fn accept_at(&mut self, door: usize) {
        let Some(door) = self.doors.doors.get_mut(door) else { return };
        if door.paused.is_some_and(|until| until <= Instant::now()) {
            door.paused = None;
        }
        if !door.ready || door.paused.is_some() {
            return;
        }
        let mut newcomers = Vec::new();
        while newcomers.len() < AT_ONCE {
            match door.listener.accept() {
                Ok(stream) => newcomers.push(stream),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    door.ready = false;
                    break;
                }
                // Whoever waited has given up already; the next may not have.
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                    ) => {}
                Err(_) => {
                    door.paused = Some(Instant::now() + PAUSE);
                    break;
                }
            }
        }
        for stream in newcomers {
            let link = LinkId::accepted(self.doors.next);
            self.doors.next += 1;
            if self.links.add(link, stream, self.poll.registry(), &self.shared.mailbox).is_err() {
                continue;
            }
            self.with_node(|driver, state| {
                let now = driver.shared.now();
                state.node.handle(now, Input::Accepted { link });
            });
        }
    }
}
