//! The composition: one byte stream, from the first byte to the last.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::key::Stream;
use crate::link::flow::{Inbound, Outbound, Sent, envelope_cost};
use crate::link::goodbye::Goodbye;
use crate::link::handshake::{self, Greeter, Refusal};
use crate::link::lanes::{LaneKind, Lanes};
use crate::link::output::{ENOUGH, Output};
use crate::link::pulse::{Due, Pulse};
use crate::link::session::{Options, Role, SessionMessage, Signal, State};
use crate::noise::{Handshake, Transport};
use crate::wire::frame::{self, Frame, types};
use crate::wire::letter::parse;
use crate::wire::record::{self, Header, MAX_PLAINTEXT, Preface};
use crate::{
    Address, CloseReason, ClosedBy, Config, Deadline, Heartbeat, Instant, PeerId, Reason, StaticKey, Timer,
};

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

/// What the bytes that come next are part of.
enum Phase {
    /// Responder: the preface.
    Preface(Responder, Greeter),
    /// Responder: the first handshake message.
    First(Responder, Options, Handshake),
    /// Responder: the third.
    Third(Responder, Options, Handshake),
    /// Initiator: the second.
    Second(Initiator, Handshake),
    /// Records under the session's keys. An initiator that has read none yet may still be refused
    /// in the clear: the responder may have had no keys to say it with.
    Records { transport: Transport, expecting: Option<Initiator> },
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

/// How much more than its own limit a node lets a neighbour send under one key: the neighbour's
/// limit may be the protocol's, ours lower.
const REKEY_SLACK: u64 = 2;
/// The protocol's own limits: PROTOCOL.md, section 10.
const REKEY_RECORDS: u64 = 1 << 16;
const REKEY_BYTES: u64 = 1 << 30;

/// The plaintext of the record that is being read. One for all connections of a node.
#[derive(Debug, Default)]
pub struct Plain {
    bytes: Vec<u8>,
    at: usize,
    envelope: core::ops::Range<usize>,
    sequence: Option<u64>,
}

impl Plain {
    /// The envelope that [`Step::Envelope`] spoke of.
    pub fn envelope(&self) -> &[u8] {
        self.bytes.get(self.envelope.clone()).unwrap_or_default()
    }

    /// Its number, to be given back by [`Connection::taken`]; none for one that is not counted.
    pub const fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    pub(crate) const fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.at = 0;
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
        key: &Arc<StaticKey>,
        random: Stream,
        me: Initiator,
    ) -> Connection {
        let mut this = Connection::new(now, config, Role::Initiator);
        let network = me.network.clone();
        let greeter = Greeter { config: config.clone(), key: key.clone(), random };
        match handshake::open(greeter, &network, this.output.bytes()) {
            Ok(noise) => {
                this.phase = Phase::Second(me, noise);
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
        key: &Arc<StaticKey>,
        random: Stream,
        me: Responder,
    ) -> Connection {
        let mut this = Connection::new(now, config, Role::Responder);
        let greeter = Greeter { config: config.clone(), key: key.clone(), random };
        this.phase = Phase::Preface(me, greeter);
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

    // ---- what comes in

    /// Works on `bytes` until they are used up or something is to be told. Call it again until it
    /// says [`Step::Idle`]. `plain` belongs to the caller and must be the same until then.
    pub fn step(&mut self, now: Instant, bytes: &mut &[u8], plain: &mut Plain) -> Step {
        if !bytes.is_empty() {
            self.pulse.heard(now);
        }
        loop {
            if self.goodbye.is_over() {
                *bytes = &[];
                plain.clear();
                return Step::Idle;
            }
            if plain.at < plain.bytes.len() {
                match self.next_frame(now, plain) {
                    Ok(None) => continue,
                    Ok(Some(step)) => return step,
                    Err(refusal) => self.end(now, ClosedBy::Us, refusal),
                }
                continue;
            }
            let mut partial = core::mem::take(&mut self.partial);
            let step = match next_unit(&self.phase, &self.config, self.state, &mut partial, bytes) {
                Ok(None) => {
                    self.partial = partial;
                    return Step::Idle;
                }
                Ok(Some(unit)) => self.take_unit(now, unit, plain),
                Err(refusal) => Err(refusal),
            };
            partial.clear();
            self.partial = partial;
            match step {
                Ok(None) => {}
                Ok(Some(event)) => return Step::Event(event),
                Err(refusal) => self.end(now, ClosedBy::Us, refusal),
            }
        }
    }

    /// One whole preface or record.
    fn take_unit(
        &mut self,
        now: Instant,
        unit: Unit<'_>,
        plain: &mut Plain,
    ) -> Result<Option<ConnectionEvent>, Refusal> {
        let content = match unit {
            Unit::Suite(suite) => {
                if let Phase::Preface(me, greeter) = core::mem::replace(&mut self.phase, Phase::Over) {
                    let (noise, offer) = match handshake::accept(greeter, suite, &me) {
                        Ok(accepted) => accepted,
                        Err(refusal) => return Err(refusal),
                    };
                    self.phase = Phase::First(me, offer, noise);
                }
                return Ok(None);
            }
            Unit::Refusal(reason) => {
                self.end(now, ClosedBy::Unproven, Refusal::new(reason, ""));
                return Ok(None);
            }
            Unit::Record(content) => content,
        };
        if let Phase::Records { transport, .. } = &mut self.phase {
            plain.clear();
            transport.open(content, &mut plain.bytes).map_err(|_| Refusal::new(Reason::FORGED_RECORD, ""))?;
            self.received_under_key.add(content.len());
            let most = |ours: u64, everybody: u64| ours.max(everybody).saturating_mul(REKEY_SLACK);
            let limits = &self.config.limits;
            if self.received_under_key.records > most(limits.rekey_records, REKEY_RECORDS)
                || self.received_under_key.bytes > most(limits.rekey_bytes, REKEY_BYTES)
            {
                return Err(Refusal::new(Reason::LIMIT, "too much under one key"));
            }
            if plain.bytes.is_empty() {
                return Err(Refusal::new(Reason::MALFORMED, "a record without a frame"));
            }
            return Ok(None);
        }
        match core::mem::replace(&mut self.phase, Phase::Over) {
            Phase::First(me, offer, mut noise) => {
                handshake::answer(&mut noise, content, &me, &offer, self.output.bytes())?;
                self.phase = Phase::Third(me, offer, noise);
                self.signal(Signal::Open);
                Ok(None)
            }
            Phase::Second(me, noise) => {
                let (transport, key, hello, mine) =
                    handshake::introduce(noise, content, &me, &self.config, self.output.bytes())?;
                self.key = Some(key);
                self.agree(now, &hello.options, mine.heartbeat());
                self.phase = Phase::Records { transport, expecting: Some(me) };
                self.signal(Signal::Hello);
                Ok(None)
            }
            Phase::Third(me, offer, noise) => {
                let (transport, key, asked) = handshake::conclude(noise, content, &me, &offer)?;
                self.key = Some(key);
                self.phase = Phase::Records { transport, expecting: None };
                self.signal(Signal::Hello);
                let asked = asked?;
                self.agree(now, &asked.options, asked.options.heartbeat());
                Ok(Some(ConnectionEvent::Asked(asked)))
            }
            phase => {
                self.phase = phase;
                Ok(None)
            }
        }
    }

    /// What both hellos together mean for this side.
    fn agree(&mut self, now: Instant, theirs: &Options, heartbeat: Heartbeat) {
        self.outbound = Outbound::new(theirs.window as usize);
        self.letter = theirs.letter as usize;
        self.pulse = Pulse::new(now, heartbeat, self.role);
    }

    fn next_frame(&mut self, now: Instant, plain: &mut Plain) -> Result<Option<Step>, Refusal> {
        let start = plain.at;
        let mut rest = &plain.bytes[start..];
        let frame = frame::read(&mut rest).map_err(|e| Refusal::new(e.reason(), alloc::format!("{e}")))?;
        let end = plain.bytes.len() - rest.len();
        let out_of_state = |what: &str| {
            Refusal::new(Reason::SESSION_STATE, alloc::format!("{what} while {}", self.state.name()))
        };
        let established = matches!(self.state, State::Established | State::Finishing);
        match frame {
            Frame::Envelope(payload) if established => {
                let counted = !is_notification(payload);
                let cost = envelope_cost(payload.len());
                plain.envelope = start + frame::HEADER..end;
                plain.at = end;
                plain.sequence = None;
                if counted {
                    let sequence = self.inbound.receive(cost);
                    plain.sequence = Some(
                        sequence.ok_or_else(|| Refusal::new(Reason::LIMIT, "more than the window allows"))?,
                    );
                }
                return Ok(Some(Step::Envelope));
            }
            Frame::Envelope(_) => return Err(out_of_state("an envelope")),
            Frame::Ping(number) => self.control.pong = Some(number),
            Frame::Pong(number) => self.pulse.pong(now, number),
            Frame::Ack(count) => {
                if !self.outbound.ack(count) {
                    return Err(Refusal::new(Reason::SESSION_STATE, "more acknowledged than was sent"));
                }
            }
            Frame::Session(json) => {
                let message =
                    parse::<SessionMessage>(json).map_err(|e| Refusal::new(Reason::SESSION_STATE, e))?;
                plain.at = end;
                return self.session_message(now, message).map(|event| event.map(Step::Event));
            }
            Frame::Close { reason, text } => {
                let refusal = Refusal::new(reason, text);
                self.end(now, ClosedBy::Them, refusal);
            }
            Frame::Rekey => {
                if let Phase::Records { transport, .. } = &mut self.phase {
                    transport.rekey_incoming();
                }
                self.received_under_key = Volume::default();
                if end != plain.bytes.len() {
                    return Err(Refusal::new(Reason::MALFORMED, "a frame behind the rekeying"));
                }
            }
            Frame::Extension(_) => {}
        }
        plain.at = end;
        Ok(None)
    }

    fn session_message(
        &mut self,
        now: Instant,
        message: SessionMessage,
    ) -> Result<Option<ConnectionEvent>, Refusal> {
        let out_of_order = |state: State| {
            Refusal::new(Reason::SESSION_STATE, alloc::format!("not allowed while {}", state.name()))
        };
        match message {
            SessionMessage::Established { address, hub } => {
                let state = self.state;
                let Phase::Records { expecting, .. } = &mut self.phase else {
                    return Err(out_of_order(state));
                };
                let me = expecting.take().ok_or_else(|| out_of_order(state))?;
                let joined = read_admission(&me, &address, &hub, self.key)?;
                if !self.signal(Signal::Admit) {
                    return Err(out_of_order(state));
                }
                Ok(Some(ConnectionEvent::Joined(joined)))
            }
            SessionMessage::Finishing => {
                if !self.signal(Signal::Finishing) {
                    return Err(out_of_order(self.state));
                }
                self.inbound.take_all();
                self.control.ack_now = self.inbound.owes();
                self.goodbye = Goodbye::Agreeing { by: now + self.config.limits.goodbye };
                Ok(Some(ConnectionEvent::Leaving))
            }
            SessionMessage::Finished => {
                if !self.signal(Signal::Finished) {
                    return Err(out_of_order(self.state));
                }
                self.over(now, CloseReason::new(ClosedBy::Us, Reason::FINISHED, ""));
                Ok(None)
            }
        }
    }

    /// The envelope of this number was dealt with: passed on, delivered, refused.
    pub fn taken(&mut self, now: Instant, sequence: u64) {
        self.inbound.taken(sequence);
        if self.inbound.is_urgent() {
            self.control.ack_now = true;
        } else if self.inbound.owes() && self.ack_by.is_none() {
            self.ack_by = Some(now + self.config.limits.ack_delay);
        }
    }

    // ---- what the owner decides

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
        self.output = Output::default();
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
                seal(transport, &plain, self.output.bytes());
            }
            _ if reason == Reason::NOT_HOMING => {}
            Phase::Preface(..) if reason != Reason::VERSION && reason != Reason::BUSY => {}
            _ => self.output.bytes().extend_from_slice(&record::refusal(reason)),
        }
    }

    fn over(&mut self, now: Instant, why: CloseReason) {
        if !self.state.is_over() {
            let signal = match self.state {
                _ if why.reason() != Reason::FINISHED => Signal::Fail,
                State::Finishing => Signal::Finished,
                _ => Signal::Fail,
            };
            self.signal(signal);
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
        self.lanes.clear().for_each(|sent| lost(sent, false));
    }

    // ---- what goes out

    /// What waits to be sent, in bytes of cost.
    pub(crate) const fn queued(&self, lane: LaneKind) -> usize {
        self.lanes.queued(lane)
    }

    /// Queues an envelope, which `write` writes and which must fit in a frame. It goes out in its turn,
    /// or comes back when `expires` has come.
    pub(crate) fn push(
        &mut self,
        lane: LaneKind,
        sent: Sent,
        expires: Instant,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.lanes.push(lane, sent, expires, write);
    }

    fn say(&mut self, message: &SessionMessage) {
        frame::write(&mut self.control.session, types::SESSION, &message.to_bytes());
    }

    /// Whether [`pending`](Connection::pending) would give anything.
    pub fn has_output(&self) -> bool {
        if !self.output.is_empty() {
            return true;
        }
        if !matches!(self.phase, Phase::Records { .. }) {
            return false;
        }
        let may_send = matches!(self.state, State::Established | State::Finishing | State::Finished);
        !self.control.is_empty()
            || (may_send && self.lanes.is_ready(&self.outbound))
            || (self.lanes.is_empty()
                && matches!(self.goodbye, Goodbye::Asking { said: false, .. } | Goodbye::Agreeing { .. }))
    }

    /// The bytes to write next. Seals what waits, so that as much as is worth it goes at once; each
    /// envelope that goes is told to `went`. `scratch` is the caller's, for any use.
    pub fn pending(&mut self, now: Instant, scratch: &mut Vec<u8>, went: &mut Vec<Sent>) -> &[u8] {
        while self.output.pending().len() < ENOUGH && self.seal_next(now, scratch, went) {}
        self.output.pending()
    }

    /// Seals one more record, if there is anything to say.
    fn seal_next(&mut self, now: Instant, scratch: &mut Vec<u8>, went: &mut Vec<Sent>) -> bool {
        let Phase::Records { transport, .. } = &mut self.phase else { return false };
        let limits = &self.config.limits;
        if self.sent_under_key.records >= limits.rekey_records
            || self.sent_under_key.bytes >= limits.rekey_bytes
        {
            scratch.clear();
            frame::write(scratch, types::REKEY, &[]);
            seal(transport, scratch, self.output.bytes());
            transport.rekey_outgoing();
            self.sent_under_key = Volume::default();
        }
        scratch.clear();
        let control = &mut self.control;
        scratch.append(&mut control.session);
        if let Some(number) = control.pong.take() {
            frame::write(scratch, types::PONG, &number.to_be_bytes());
        }
        if let Some(number) = control.ping.take() {
            frame::write(scratch, types::PING, &number.to_be_bytes());
        }
        let may_send = matches!(self.state, State::Established | State::Finishing | State::Finished);
        let room = MAX_PLAINTEXT - scratch.len() - frame::HEADER - 4;
        let frontier = if may_send { self.lanes.take(room, &mut self.outbound, went) } else { None };
        // Acknowledgements travel with anything that goes anyway.
        let company = !scratch.is_empty() || frontier.is_some();
        if control.ack_now || (company && self.inbound.owes()) {
            control.ack_now = false;
            self.ack_by = None;
            let count = self.inbound.settle();
            if count > 0 {
                frame::write(scratch, types::ACK, &count.to_be_bytes());
            }
        }
        if let Some(frontier) = frontier {
            let bytes = self.lanes.bytes(&frontier);
            // Straight from the lane when nothing else goes along: the common case under load.
            let length = if scratch.is_empty() {
                seal(transport, bytes, self.output.bytes())
            } else {
                scratch.extend_from_slice(bytes);
                seal(transport, scratch, self.output.bytes())
            };
            self.sent_under_key.add(length);
            self.lanes.done(&frontier);
            return true;
        }
        let farewell = self.lanes.is_empty();
        let mut over = None;
        match &mut self.goodbye {
            Goodbye::Asking { said, .. } if farewell && !*said => {
                *said = true;
                frame::write(scratch, types::SESSION, &SessionMessage::Finishing.to_bytes());
            }
            Goodbye::Agreeing { .. } if farewell => {
                frame::write(scratch, types::SESSION, &SessionMessage::Finished.to_bytes());
                over = Some(CloseReason::new(ClosedBy::Them, Reason::FINISHED, ""));
            }
            _ => {}
        }
        if scratch.is_empty() {
            return false;
        }
        let length = seal(transport, scratch, self.output.bytes());
        self.sent_under_key.add(length);
        if let Some(why) = over {
            self.over(now, why);
        }
        true
    }

    /// What [`pending`](Connection::pending) gave, without sealing more.
    pub fn sealed(&self) -> &[u8] {
        self.output.pending()
    }

    /// The first `n` of [`pending`](Connection::pending) were written.
    pub fn wrote(&mut self, n: usize) {
        self.output.wrote(n);
    }

    // ---- time

    /// When [`timeout`](Connection::timeout) is to be called, and why. `parked`: nothing is read from
    /// this link at the moment, so that its silence means nothing.
    pub fn deadline(&self, parked: bool) -> Option<Deadline> {
        let one = |at, timer| Some(Deadline { at, timer });
        if let Some(by) = self.goodbye.deadline() {
            let goodbye = one(by, Timer::Goodbye);
            return if self.is_done() { None } else { goodbye };
        }
        if self.state != State::Established {
            return one(self.handshake_by, Timer::Handshake);
        }
        let pulse = if parked { None } else { one(self.pulse.deadline(), Timer::Heartbeat) };
        let ack = self.ack_by.map(|at| Deadline { at, timer: Timer::Ack });
        let queue = self.lanes.deadline().map(|at| Deadline { at, timer: Timer::Queue });
        [pulse, ack, queue].into_iter().flatten().min()
    }

    /// Does what is due. What has waited for too long is told to `expired`.
    pub fn timeout(&mut self, now: Instant, parked: bool, expired: impl FnMut(Sent)) {
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
        self.shrink();
        if parked {
            self.pulse.heard(now);
            return;
        }
        match self.pulse.due(now) {
            Due::Nothing => {}
            Due::Ping => {
                self.control.ping = Some(now.as_micros());
            }
            Due::Dead => self.close(now, Reason::SILENCE, ""),
        }
    }

    /// Gives back what is not needed now. A busy link has few timers: this costs it nothing, and an
    /// idle one holds little.
    fn shrink(&mut self) {
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

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Appends a record; the bytes that it has. The plaintext fits: nothing longer is ever put together.
fn seal(transport: &mut Transport, plain: &[u8], out: &mut Vec<u8>) -> usize {
    let length = plain.len() + record::TAG;
    let Ok(header) = u16::try_from(length) else { return 0 };
    let start = out.len();
    out.extend_from_slice(&header.to_be_bytes());
    // A nonce is 64 bits: it does not run out, and a length was checked. Were it otherwise, the
    // neighbour must not get half a record.
    if transport.seal(plain, out).is_err() {
        out.truncate(start);
        return 0;
    }
    length
}

/// The flags' kind, without reading the rest: a malformed one is counted.
fn is_notification(envelope: &[u8]) -> bool {
    envelope.first().is_some_and(|flags| flags & 3 == crate::wire::Kind::Notification as u8)
}

fn read_admission(me: &Initiator, address: &str, hub: &str, key: Option<PeerId>) -> Result<Joined, Refusal> {
    let wrong = |what: &str| Refusal::new(Reason::SESSION_STATE, alloc::format!("admitted {what}"));
    let address: Address = address.parse().map_err(|_| wrong("under no address"))?;
    let hub: Address = hub.parse().map_err(|_| wrong("by no address"))?;
    let named = me.name.as_ref().is_none_or(|name| name.as_str() == address.name());
    if !named || address.is_everyone() || address.instance().is_none() {
        return Err(wrong("under another name"));
    }
    if address.network() != me.network.as_str() || hub.network() != me.network.as_str() || hub.is_everyone() {
        return Err(wrong("to another network"));
    }
    let key = key.ok_or_else(|| wrong("without a key"))?;
    Ok(Joined { address, hub, key })
}

/// A whole preface or record.
enum Unit<'a> {
    Suite(u8),
    Record(&'a [u8]),
    Refusal(Reason),
}

/// Cuts the next unit off `partial` and `bytes` together; nothing, when it is not whole yet, and
/// then all of `bytes` is in `partial`. Never holds more than the state allows.
fn next_unit<'a, 'b: 'a>(
    phase: &Phase,
    config: &Config,
    state: State,
    partial: &'a mut Vec<u8>,
    bytes: &mut &'b [u8],
) -> Result<Option<Unit<'a>>, Refusal> {
    if matches!(phase, Phase::Preface(..)) {
        while !bytes.is_empty() || !partial.is_empty() {
            match record::read_preface(partial) {
                Preface::Suite(suite) => return Ok(Some(Unit::Suite(suite))),
                Preface::OtherVersion(version) => {
                    return Err(Refusal::new(Reason::VERSION, alloc::format!("version {version}")));
                }
                Preface::NotHoming => return Err(Refusal::new(Reason::NOT_HOMING, "")),
                Preface::More => {}
            }
            let Some((&byte, rest)) = bytes.split_first() else { break };
            partial.push(byte);
            *bytes = rest;
        }
        return Ok(None);
    }
    let most = if matches!(state, State::Established | State::Finishing | State::Finished) {
        record::MAX_RECORD
    } else {
        config.limits.handshake_record
    };
    let refusable = match phase {
        Phase::First(..) | Phase::Third(..) | Phase::Second(..) => true,
        Phase::Records { expecting, .. } => expecting.is_some(),
        Phase::Preface(..) | Phase::Over => false,
    };
    loop {
        let from_partial = !partial.is_empty();
        let have: &[u8] = if from_partial { partial } else { bytes };
        let needed = match record::read_header(have) {
            Header::More(needed) => needed,
            Header::Refusal(reason) if refusable => {
                if !from_partial {
                    *bytes = &bytes[2 * record::HEADER..];
                }
                return Ok(Some(Unit::Refusal(reason)));
            }
            Header::Refusal(_) => return Err(Refusal::new(Reason::MALFORMED, "an empty record")),
            Header::Record(length) if length > most => {
                let initiator = matches!(phase, Phase::Second(..));
                let reason = if initiator { Reason::NOT_HOMING } else { Reason::LIMIT };
                return Err(Refusal::new(reason, alloc::format!("a record of {length} bytes")));
            }
            Header::Record(length) => {
                let whole = record::HEADER + length;
                if have.len() >= whole {
                    return Ok(Some(Unit::Record(if from_partial {
                        &partial[record::HEADER..whole]
                    } else {
                        let (unit, rest) = bytes.split_at(whole);
                        *bytes = rest;
                        &unit[record::HEADER..]
                    })));
                }
                whole
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let take = (needed - partial.len()).min(bytes.len());
        partial.extend_from_slice(&bytes[..take]);
        *bytes = &bytes[take..];
    }
}
