//! The composition: one byte stream, from the first byte to the last.

mod incoming;
mod outgoing;
mod plain;
mod timers;
mod units;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::buffer::Buffer;
use crate::crypto::KeyPair;
use crate::key::Stream;
use crate::link::flow::{Inbound, Outbound, Sent};
use crate::link::goodbye::Goodbye;
use crate::link::handshake::{self, Greeter, Refusal};
use crate::link::lanes::{LaneKind, Lanes, SharedFrame};
use crate::link::output::Output;
use crate::link::pulse::Pulse;
use crate::link::session::{Options, Role, SessionMessage, Signal, State};
use crate::noise::{Handshake, Transport};
use crate::wire::{frame, record};
use crate::{Address, CloseReason, ClosedBy, Config, Heartbeat, Instant, PeerId, Reason};

pub(crate) use plain::Came;
pub use plain::Plain;

pub use crate::link::handshake::{Asked, Initiator, Responder};

/// One byte stream to a neighbour.
///
/// Told bytes by [`step`](Connection::step), asked for bytes by [`pending`](Connection::pending). What
/// it decides by itself are the handshake, the heartbeat, flow and rekeying; who is let in and
/// what becomes of envelopes is for its owner to say.
pub struct Connection {
    role: Role,
    state: State,
    config: Arc<Config>,
    phase: Phase,
    /// The beginning of a record, or of the preface.
    partial: Vec<u8>,
    output: Output,
    lanes: Lanes,
    outbound: Outbound,
    inbound: Inbound,
    pulse: Pulse,
    control: Control,
    goodbye: Goodbye,
    /// Until when the session must be established.
    handshake_by: Instant,
    /// When acknowledgements are sent, company or not.
    ack_by: Option<Instant>,
    /// The largest letter that the neighbour takes.
    letter: usize,
    /// The neighbour's key, once proven.
    key: Option<PeerId>,
    sent_under_key: Volume,
    received_under_key: Volume,
}

/// What the bytes that come next are part of. What only the beginning takes is elsewhere: most links have it behind
/// them.
enum Phase {
    /// Responder: the preface.
    Preface(Responder, Box<Greeter>),
    /// Responder: the first handshake message.
    First(Responder, Options, Handshake),
    /// Responder: the third.
    Third(Responder, Options, Handshake),
    /// Initiator: the second.
    Second(Box<Initiator>, Handshake),
    /// Records under the session's keys. An initiator that has read none yet may still be refused
    /// in the clear: the responder may have had no keys to say it with.
    Records { transport: Transport, expecting: Option<Box<Initiator>>, heard: bool },
    /// Nothing more.
    Over,
}

/// What is to be said besides envelopes. Each has its place and coalesces: none can pile up.
#[derive(Debug, Default)]
struct Control {
    session: Vec<u8>,
    ping: Option<u64>,
    pong: Option<u64>,
    ack_now: bool,
}

impl Control {
    const fn is_empty(&self) -> bool {
        self.session.is_empty() && self.ping.is_none() && self.pong.is_none() && !self.ack_now
    }
}

/// What went under one key.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    records: u64,
    bytes: u64,
}

impl Volume {
    const fn add(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
    }
}

/// What [`Connection::step`] came upon.
#[derive(Debug)]
pub enum Step {
    /// All bytes were used; nothing more to be done.
    Idle,
    /// An envelope: [`Plain::envelope`].
    Envelope,
    /// Something happened.
    Event(ConnectionEvent),
}

/// What happens on a connection, for its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectionEvent {
    /// Responder: somebody asks to be let in. To be answered with [`Connection::admit`] or
    /// [`Connection::close`].
    Asked(Asked),
    /// Initiator: this side is let in.
    Joined(Joined),
    /// The neighbour is leaving: it takes what is queued, and nothing should be queued any more.
    Leaving,
}

/// What the responder said when it let this side in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// This side's address.
    pub address: Address,
    /// The responder's address.
    pub hub: Address,
    /// The responder's key, proven.
    pub key: PeerId,
}

impl Connection {
    /// The side that dialed: the first bytes are pending at once.
    pub(crate) fn initiator(
        now: Instant,
        config: &Arc<Config>,
        key: &Arc<dyn KeyPair>,
        random: Stream,
        me: Initiator,
    ) -> Connection {
        let mut this = Connection::new(now, config, Role::Initiator);
        let network = me.network.clone();
        let greeter = Greeter { config: config.clone(), key: key.clone(), random };
        match handshake::open(greeter, &network, this.output.bytes()) {
            Ok(noise) => {
                this.phase = Phase::Second(Box::new(me), noise);
                this.signal(Signal::Open);
            }
            Err(refusal) => this.end(now, ClosedBy::Us, refusal),
        }
        this
    }

    /// The side that was dialed: it waits for the preface.
    pub(crate) fn responder(
        now: Instant,
        config: &Arc<Config>,
        key: &Arc<dyn KeyPair>,
        random: Stream,
        me: Responder,
    ) -> Connection {
        let mut this = Connection::new(now, config, Role::Responder);
        let greeter = Greeter { config: config.clone(), key: key.clone(), random };
        this.phase = Phase::Preface(me, Box::new(greeter));
        this
    }

    fn new(now: Instant, config: &Arc<Config>, role: Role) -> Connection {
        Connection {
            role,
            state: State::New,
            phase: Phase::Over,
            partial: Vec::new(),
            output: Output::default(),
            lanes: Lanes::default(),
            outbound: Outbound::new(0),
            inbound: Inbound::new(config.limits.window),
            pulse: Pulse::new(now, Heartbeat::SLOWEST, role),
            control: Control::default(),
            goodbye: Goodbye::No,
            handshake_by: now + config.limits.handshake_time,
            ack_by: None,
            letter: 0,
            key: None,
            sent_under_key: Volume::default(),
            received_under_key: Volume::default(),
            config: config.clone(),
        }
    }

    /// Where the session stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The neighbour's key, once the handshake has proven it.
    pub const fn key(&self) -> Option<PeerId> {
        self.key
    }

    /// The round trip of the last ping.
    pub const fn rtt(&self) -> Option<Duration> {
        self.pulse.rtt()
    }

    /// The largest letter that the neighbour takes.
    pub const fn letter_limit(&self) -> usize {
        self.letter
    }

    /// As [`push`](Connection::push), with a whole frame that other links have, too.
    pub(crate) fn push_shared(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        waits: Range<Instant>,
        frame: &SharedFrame,
    ) -> bool {
        self.lanes.push_shared(lane, sent, waits, frame)
    }

    /// Lends a buffer for what is to be written, if it has none. One that goes from link to link stays in the
    /// processor's caches.
    pub(crate) fn lend(&mut self, spare: &mut Buffer) {
        let bytes = self.output.bytes();
        if bytes.capacity() == 0 {
            core::mem::swap(bytes, spare);
        }
    }

    /// Takes back whatever buffer it has, once all is written. Of two the larger is kept.
    pub(crate) fn give_back(&mut self, spare: &mut Buffer) {
        if !self.output.is_empty() {
            return;
        }
        let bytes = core::mem::take(self.output.bytes());
        if bytes.capacity() > spare.capacity() {
            *spare = bytes;
        }
    }

    /// Whether envelopes may be queued.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Established) && matches!(self.goodbye, Goodbye::No)
    }

    fn signal(&mut self, signal: Signal) -> bool {
        match self.state.next(signal) {
            Some(next) => {
                self.state = next;
                true
            }
            None => false,
        }
    }

    /// Responder: lets in who asked.
    pub fn admit(&mut self, address: &Address, hub: &Address) {
        if self.role == Role::Responder && self.signal(Signal::Admit) {
            let message =
                SessionMessage::Established { address: address.as_str().into(), hub: hub.as_str().into() };
            self.say(&message);
        }
    }

    /// Ends the session as it should be ended: what is queued is sent, the other side agrees.
    /// A session that is not established is ended at once.
    pub fn finish(&mut self, now: Instant) {
        if self.signal(Signal::Finish) {
            self.goodbye = Goodbye::Asking { by: now + self.config.limits.goodbye, said: false };
            // No acknowledgement waits for company any more: what the other side still sends may wait for it.
            self.control.ack_now |= self.inbound.owes();
        } else if matches!(self.goodbye, Goodbye::No) {
            self.close(now, Reason::FINISHED, "");
        }
    }

    /// Ends the session for a reason, which the other side is told.
    pub fn close(&mut self, now: Instant, reason: Reason, text: impl Into<String>) {
        self.end(now, ClosedBy::Us, Refusal::new(reason, text));
    }

    /// The stream is no more.
    pub fn gone(&mut self, now: Instant, cause: &str) {
        let cause = frame::cut(cause, frame::MAX_CLOSE_TEXT);
        self.output = Output::default();
        if self.goodbye.is_over() {
            return;
        }
        let why = match self.goodbye {
            Goodbye::Asking { said: true, .. } => CloseReason::new(ClosedBy::Us, Reason::FINISHED, ""),
            Goodbye::Agreeing { .. } => CloseReason::new(ClosedBy::Them, Reason::FINISHED, ""),
            // No hub hangs up on the first message without a word; something else listens there.
            _ if self.role == Role::Initiator && matches!(self.phase, Phase::Second(..)) => CloseReason::new(
                ClosedBy::Network,
                Reason::GONE,
                alloc::format!("{cause} (during the handshake: is there a hub at that address?)"),
            ),
            _ => CloseReason::new(ClosedBy::Network, Reason::GONE, cause),
        };
        self.over(now, why);
    }

    fn end(&mut self, now: Instant, by: ClosedBy, refusal: Refusal) {
        if self.goodbye.is_over() {
            return;
        }
        let Refusal { reason, text } = refusal;
        if by == ClosedBy::Us {
            self.say_goodbye(reason, &text);
        }
        self.over(now, CloseReason::new(by, reason, text));
    }

    /// The last bytes: encrypted, where there are keys; in the clear, where whoever is there has
    /// shown to speak Homing; nothing to strangers.
    fn say_goodbye(&mut self, reason: Reason, text: &str) {
        match &mut self.phase {
            Phase::Records { transport, .. } => {
                let mut plain = Vec::new();
                frame::write_close(&mut plain, reason, text);
                outgoing::seal(transport, &plain, self.output.bytes());
            }
            _ if reason == Reason::NOT_HOMING => {}
            Phase::Preface(..) if reason != Reason::VERSION && reason != Reason::BUSY => {}
            _ => self.output.bytes().extend_from_slice(&record::refusal(reason)),
        }
    }

    fn over(&mut self, now: Instant, why: CloseReason) {
        if !self.state.is_over() {
            let as_agreed = self.state == State::Finishing && why.reason() == Reason::FINISHED;
            self.signal(if as_agreed { Signal::Finished } else { Signal::Fail });
        }
        self.phase = Phase::Over;
        self.partial = Vec::new();
        self.control = Control::default();
        self.ack_by = None;
        self.goodbye = Goodbye::Over { by: now + self.config.limits.goodbye, why, told: false };
    }

    /// Why it is over; said once.
    pub fn take_end(&mut self) -> Option<CloseReason> {
        match &mut self.goodbye {
            Goodbye::Over { why, told, .. } if !*told => {
                *told = true;
                Some(why.clone())
            }
            _ => None,
        }
    }

    /// Whether it is over and has nothing more to write: the stream can be closed.
    pub const fn is_done(&self) -> bool {
        self.goodbye.is_over() && self.output.is_empty()
    }

    /// What was not sent, and what was sent and not confirmed: each is told to `lost`, with whether
    /// it may have arrived.
    pub fn take_undelivered(&mut self, mut lost: impl FnMut(Sent, bool)) {
        self.outbound.take().for_each(|sent| lost(sent, true));
        self.lanes.clear().filter(|_| !planted!(UnsentInSilence)).for_each(|sent| lost(sent, false));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
