//! Letting streams in.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use homing_core::{Input, LinkId};

use crate::driver::either::AnyListener;
use crate::driver::{Driver, Listener, System};
use crate::mailbox::Mailbox;

/// How many are let in at one door in one turn.
const AT_ONCE: usize = 64;
/// How long a door stays shut when the system has no descriptors left: until others were closed,
/// nothing can be done, and trying at once again would be all that is done.
const PAUSE: Duration = Duration::from_millis(100);

/// The listeners of a driver.
pub(super) struct Doors<L> {
    doors: Vec<Door<L>>,
    /// Numbers who comes in.
    next: u64,
}

struct Door<L> {
    listener: AnyListener<L>,
    /// The system has said that somebody waits, and no `WouldBlock` has taken it back.
    ready: bool,
    paused: Option<Clock>,
}

impl<L: Listener> Doors<L> {
    pub(super) fn new() -> Doors<L> {
        Doors { doors: Vec::new(), next: 0 }
    }

    pub(super) fn open<Y>(&mut self, mut listener: AnyListener<L>, system: &mut Y, mailbox: &Arc<Mailbox>)
    where
        Y: System<Stream = L::Stream, Listener = L>,
    {
        // Out of memory is all that can go wrong. Looking into a listener that nobody reports on
        // still finds who waited until now.
        let _ = listener.add(system, self.doors.len(), mailbox);
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
    pub(super) fn paused_until(&self) -> Option<Clock> {
        self.doors.iter().filter_map(|door| door.paused).min()
    }

    pub(super) fn shut(&mut self) {
        self.doors.clear();
    }
}

impl<S: System> Driver<S> {
    pub(super) fn accept(&mut self) {
        for door in 0..self.doors.doors.len() {
            self.accept_at(door);
        }
    }

    fn accept_at(&mut self, door: usize) {
        let Some(door) = self.doors.doors.get_mut(door) else { return };
        if door.paused.is_some_and(|until| until <= self.shared.clock()) {
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
                    door.paused = Some(self.shared.clock() + PAUSE);
                    break;
                }
            }
        }
        for stream in newcomers {
            let link = LinkId::accepted(self.doors.next);
            self.doors.next += 1;
            if self.links.add(link, stream, &mut self.system, &self.shared.mailbox).is_err() {
                continue;
            }
            self.with_node(|driver, state| {
                let now = driver.shared.now();
                state.node.handle(now, Input::Accepted { link });
            });
        }
    }
}
