//! What comes in: units, records, frames, session messages.

use core::ops::Range;
use core::time::Duration;

use crate::link::connection::plain::{At, is_counted};
use crate::link::connection::units::{Unit, next_unit};
use crate::link::connection::{Came, Connection, ConnectionEvent, Joined, Phase, Plain, Step, Volume};
use crate::link::flow::{Outbound, envelope_cost};
use crate::link::goodbye::Goodbye;
use crate::link::handshake::{self, Initiator, Refusal};
use crate::link::pulse::Pulse;
use crate::link::session::{Options, SessionMessage, Signal, State};
use crate::wire::frame::{self, Frame, types};
use crate::wire::letter::parse;
use crate::{Address, CloseReason, ClosedBy, Heartbeat, Instant, PeerId, Reason};

/// How much more than its own limit a node lets a neighbour send under one key: the neighbour's
/// limit may be the protocol's, ours lower.
const REKEY_SLACK: u64 = 2;
/// The protocol's own limits: PROTOCOL.md, section 10.
const REKEY_RECORDS: u64 = 1 << 16;
const REKEY_BYTES: u64 = 1 << 30;

impl Connection {
    /// Works on `bytes` until they are used up or something is to be told. Call it again until it
    /// says [`Step::Idle`]. `plain` belongs to the caller and must be the same until then.
    pub fn step(&mut self, now: Instant, bytes: &mut &[u8], plain: &mut Plain) -> Step {
        if bytes.len() > if planted!(PongIsNoLife) { 40 } else { 0 } {
            self.pulse.heard(now);
        }
        loop {
            if self.goodbye.is_over() {
                *bytes = &[];
                plain.clear();
                return Step::Idle;
            }
            if plain.at < plain.bytes.len() {
                if self.next_envelope(plain, |_| true) {
                    plain.write_out();
                    return Step::Envelope;
                }
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
                    let (noise, offer) = handshake::accept(*greeter, suite, &me)?;
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
        if let Phase::Records { transport, heard, .. } = &mut self.phase {
            // What another record left there is overwritten, or kept by whoever has something of it.
            (plain.at, plain.label) = (0, None);
            transport.open(content, &mut plain.bytes).map_err(|_| Refusal::new(Reason::FORGED_RECORD, ""))?;
            *heard = true;
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
                self.phase = Phase::Records { transport, expecting: Some(me), heard: false };
                self.signal(Signal::Hello);
                Ok(None)
            }
            Phase::Third(me, offer, noise) => {
                let (transport, key, asked) = handshake::conclude(noise, content, &me, &offer)?;
                self.key = Some(key);
                self.phase = Phase::Records { transport, expecting: None, heard: false };
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
        // What is under way is remembered: it must be bounded by us, not by whoever is there.
        let window = (theirs.window as usize).min(self.config.limits.queue);
        self.outbound = Outbound::new(window);
        self.letter = theirs.letter as usize;
        self.pulse = Pulse::new(now, heartbeat, self.role);
    }

    /// Takes the next frame off if it is an envelope, with a label or like the one before it, which may come now and
    /// `is_wanted`. Whatever else it is, nothing has changed.
    #[inline]
    pub(crate) fn next_envelope(
        &mut self,
        plain: &mut Plain,
        is_wanted: impl FnOnce(Came<'_>) -> bool,
    ) -> bool {
        let rest = &plain.bytes[plain.at..];
        let Some(&[kind @ (types::ENVELOPE | types::ALIKE), high, low]) = rest.first_chunk() else {
            return false;
        };
        let start = plain.at + frame::HEADER;
        let end = start + usize::from(u16::from_be_bytes([high, low]));
        let is_alike = kind == types::ALIKE;
        let came = plain.bytes.get(start..end).and_then(|payload| Came::new(is_alike, payload));
        let (Some(came), State::Established | State::Finishing) = (came, self.state) else { return false };
        // What it would be with its label is what counts.
        let (label, is_counted, length) = match (came, plain.label) {
            (Came::Whole(envelope), _) => (At::new(start, envelope), is_counted(envelope), envelope.len()),
            (Came::Alike { letter, .. }, Some(at)) => (Some(at), at.is_counted, at.length + letter.len()),
            (Came::Alike { .. }, None) => return false,
        };
        if !is_wanted(came) {
            return false;
        }
        plain.sequence = None;
        if is_counted {
            plain.sequence = self.inbound.receive(envelope_cost(length));
            if plain.sequence.is_none() {
                return false;
            }
        }
        (plain.label, plain.payload, plain.is_alike, plain.at) = (label, start..end, is_alike, end);
        true
    }

    fn next_frame(&mut self, now: Instant, plain: &mut Plain) -> Result<Option<Step>, Refusal> {
        let mut rest = &plain.bytes[plain.at..];
        let frame = frame::read(&mut rest).map_err(|e| Refusal::new(e.reason(), alloc::format!("{e}")))?;
        let end = plain.bytes.len() - rest.len();
        let out_of_state = |what: &str| {
            Refusal::new(Reason::SESSION_STATE, alloc::format!("{what} while {}", self.state.name()))
        };
        let established = matches!(self.state, State::Established | State::Finishing);
        match frame {
            Frame::Envelope(_) | Frame::Alike { .. } if !established => {
                return Err(out_of_state("an envelope"));
            }
            Frame::Alike { .. } if plain.label.is_none() => {
                return Err(Refusal::new(
                    Reason::MALFORMED,
                    "an envelope like the one before, of which there is none",
                ));
            }
            // There was no place for it: `next_envelope` has taken all others.
            Frame::Envelope(_) | Frame::Alike { .. } => {
                return Err(Refusal::new(Reason::LIMIT, "more than the window allows"));
            }
            Frame::Ping(number) => self.control.pong = Some(number),
            Frame::Pong(number) => self.pulse.pong(now, number),
            Frame::Ack(count) => {
                if !self.outbound.ack(count) {
                    return Err(Refusal::new(Reason::SESSION_STATE, "more acknowledged than was sent"));
                }
                if planted!(AckEndsRecord) {
                    plain.at = plain.bytes.len();
                    return Ok(None);
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
                    if planted!(RekeyBothWays) {
                        transport.rekey_outgoing();
                    }
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
            // Both wanted to leave, and the other side has agreed first.
            SessionMessage::Finished
                if matches!(self.goodbye, Goodbye::Agreeing { .. }) && !planted!(BothLeave) =>
            {
                self.over(now, CloseReason::new(ClosedBy::Them, Reason::FINISHED, ""));
                Ok(None)
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

    /// The envelopes of these numbers were dealt with: passed on, delivered, refused. Whether that changes what
    /// this connection has to say now, or when.
    pub(crate) fn taken(&mut self, now: Instant, sequences: impl Iterator<Item = Range<u64>>) -> bool {
        if sequences.map(|run| self.inbound.taken(run)).count() == 0 {
            return false;
        }
        // A session that is ending does not wait for company: the other side waits for the word.
        if self.inbound.is_urgent() || (self.inbound.owes() && !matches!(self.goodbye, Goodbye::No)) {
            return !core::mem::replace(&mut self.control.ack_now, true);
        }
        let begins = self.inbound.owes() && self.ack_by.is_none();
        if begins {
            self.ack_by = Some(now + self.config.limits.ack_delay.max(Duration::from_micros(1)));
        }
        begins
    }
}

fn read_admission(me: &Initiator, address: &str, hub: &str, key: Option<PeerId>) -> Result<Joined, Refusal> {
    let wrong = |what: &str| Refusal::new(Reason::SESSION_STATE, alloc::format!("admitted {what}"));
    let address: Address = address.parse().map_err(|_| wrong("under no address"))?;
    let hub: Address = hub.parse().map_err(|_| wrong("by no address"))?;
    let named = me.name.as_ref().is_none_or(|name| name.as_str() == address.name());
    if !named || address.is_everyone() || address.instance() != Some(me.instance.as_str()) {
        return Err(wrong("under another name"));
    }
    if address.network() != me.network.as_str() || hub.network() != me.network.as_str() || hub.is_everyone() {
        return Err(wrong("to another network"));
    }
    let key = key.ok_or_else(|| wrong("without a key"))?;
    Ok(Joined { address, hub, key })
}
