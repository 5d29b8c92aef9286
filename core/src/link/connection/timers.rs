//! What a connection does when its time comes, and what it holds meanwhile.

use alloc::vec::Vec;

use crate::link::connection::Connection;
use crate::link::flow::{Origin, Sent};
use crate::link::goodbye::Goodbye;
use crate::link::handshake::Refusal;
use crate::link::output::Output;
use crate::link::pulse::Due;
use crate::link::session::{Role, State};
use crate::{ClosedBy, Deadline, Instant, Reason, Timer};

/// The earlier of the two that are there.
fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Connection {
    /// When [`timeout`](Connection::timeout) is to be called, and why. `parked`: nothing is read from
    /// this link at the moment, so that its silence means nothing.
    pub fn deadline(&self, parked: bool) -> Option<Deadline> {
        let parked = parked && !planted!(ParkedIsSilence);
        let one = |at, timer| Some(Deadline { at, timer });
        if let Some(by) = self.goodbye.deadline() {
            let goodbye = one(by, Timer::Goodbye);
            return if self.is_done() || planted!(GoodbyeForEver) { None } else { goodbye };
        }
        if self.state != State::Established {
            if planted!(HandshakeForEver) && self.role == Role::Responder {
                return None;
            }
            return one(self.handshake_by, Timer::Handshake);
        }
        let pulse = if parked { None } else { one(self.pulse.deadline(), Timer::Heartbeat) };
        let ack = self.ack_by.map(|at| Deadline { at, timer: Timer::Ack });
        let queue =
            self.lanes.deadline(self.config.limits.stall).map(|at| Deadline { at, timer: Timer::Queue });
        earlier(earlier(pulse, ack), queue)
    }

    /// Does what is due. What has waited for too long is told to `expired`; the places in its senders'
    /// windows that a link on which nothing goes has held are told to `released`.
    pub fn timeout(
        &mut self,
        now: Instant,
        parked: bool,
        expired: impl FnMut(Sent),
        released: impl FnMut(Origin),
    ) {
        match self.goodbye {
            Goodbye::No => {}
            Goodbye::Over { by, .. } => {
                if by <= now {
                    self.output = Output::default();
                }
                return;
            }
            Goodbye::Asking { by, .. } => {
                if by <= now {
                    self.end(
                        now,
                        ClosedBy::Us,
                        Refusal::new(Reason::FINISHED, "the goodbye was not answered"),
                    );
                }
                return;
            }
            Goodbye::Agreeing { by } => {
                if by <= now {
                    self.end(now, ClosedBy::Them, Refusal::new(Reason::FINISHED, ""));
                }
                return;
            }
        }
        if self.state != State::Established {
            if self.handshake_by <= now {
                self.close(now, Reason::HANDSHAKE_TIMEOUT, "");
            }
            return;
        }
        if self.ack_by.is_some_and(|at| at <= now) {
            self.ack_by = None;
            self.control.ack_now = true;
        }
        self.lanes.expire(now, expired);
        self.lanes.give_up(now, self.config.limits.stall, released);
        self.shrink();
        if parked && !planted!(ParkedIsSilence) {
            self.pulse.heard(now);
            return;
        }
        match self.pulse.due(now) {
            Due::Nothing => {}
            Due::Ping => {
                let number = now.as_micros();
                #[cfg(homing_planted)]
                let number = crate::planted::by_system_clock(number);
                self.control.ping = Some(number);
            }
            Due::Dead => self.close(now, Reason::SILENCE, ""),
        }
    }

    /// What was not read for a while is read again: that while was no silence.
    pub fn read_again(&mut self, now: Instant) {
        if !planted!(ParkedIsSilence) {
            self.pulse.heard(now);
        }
    }

    /// Gives back what is not needed now. A busy link has few timers: this costs it nothing, and an
    /// idle one holds little.
    fn shrink(&mut self) {
        if planted!(IdleKeepsBuffers) {
            return;
        }
        self.output.shrink();
        self.lanes.shrink();
        self.outbound.shrink();
        self.inbound.shrink();
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        if self.control.session.is_empty() {
            self.control.session = Vec::new();
        }
    }

    /// The bytes held in buffers and queues.
    pub fn memory(&self) -> usize {
        self.partial.capacity()
            + self.output.memory()
            + self.lanes.memory()
            + self.outbound.memory()
            + self.inbound.memory()
            + self.control.session.capacity()
    }
}
