//! Bytes to steps and back: what a session says, computed from its keys.

use homing_core::link::session::{SessionMessage, Signal, State};
use homing_core::wire::{Label, Letter, frame, label, record};
use homing_core::{MessageId, Reason, Suite};

use crate::vectors::Hex;
use crate::vectors::bytes::Codec;
use crate::vectors::bytes::frame::{Frames, Value as Frame};
use crate::vectors::sessions::noise::{Direction, Noise, Split};
use crate::vectors::sessions::{Keys, Party, Session, Side, Step, What, note};

/// Both sides of a session, with all that they know.
#[derive(Clone)]
pub(super) struct Wires {
    suite: Suite,
    noise: [Noise; 2],
    split: Option<Split>,
    directions: Option<[Direction; 2]>,
}

fn framed(content: &[u8]) -> Result<Vec<u8>, String> {
    let length = u16::try_from(content.len()).map_err(|_| "a record that is too long")?;
    Ok([&length.to_be_bytes()[..], content].concat())
}

impl Wires {
    pub(super) fn new(suite: Suite, initiator: &Party, responder: &Party) -> Result<Wires, String> {
        let noise = |side, party: &Party| -> Result<Noise, String> {
            let prologue = [&record::preface(suite.byte())[..], party.network.as_bytes()].concat();
            Ok(Noise::new(side, suite, &prologue, party.static_key.array()?, party.ephemeral.array()?))
        };
        let noise = [noise(Side::Initiator, initiator)?, noise(Side::Responder, responder)?];
        Ok(Wires { suite, noise, split: None, directions: None })
    }

    /// What the handshake led to.
    pub(super) fn keys(&self) -> Option<Keys> {
        let Split { hash, keys: [initiator, responder] } = self.split.clone()?;
        Some(Keys { hash: hash.into(), initiator: initiator.into(), responder: responder.into() })
    }

    /// Whether it is `from`'s turn in the handshake.
    pub(super) fn handshakes(&self, from: Side) -> bool {
        self.noise[from.index()].writer() == Some(from)
    }

    /// `from` writes its next handshake message, which the other side may not be able to read.
    pub(super) fn handshake(&mut self, from: Side, payload: &[u8]) -> Result<Step, String> {
        if !self.handshakes(from) {
            return Err(format!("a handshake message out of turn from the {from:?}"));
        }
        let message = self.noise[from.index()].write(payload)?;
        if let Ok(read) = self.noise[from.other().index()].read(&message)
            && read != payload
        {
            return Err("a handshake message reads as another".into());
        }
        self.conclude(from);
        let mut step = Step::says(from, What::Handshake, framed(&message)?);
        step.payload = Some(payload.into());
        step.note = vec![String::from_utf8_lossy(payload).into()];
        step.note.retain(|note| !note.is_empty());
        Ok(step)
    }

    /// After the third message the writer has keys; the reader has the same, or none.
    fn conclude(&mut self, writer: Side) {
        if self.noise[writer.index()].turn() == 3 {
            let split = self.noise[writer.index()].split();
            self.directions = Some(Direction::both(self.suite, &split));
            self.split = Some(split);
        }
    }

    /// `from` encrypts a record.
    pub(super) fn record(&mut self, from: Side, plain: &[u8]) -> Result<Step, String> {
        let directions = self.directions.as_mut().ok_or("a record before there are keys")?;
        let direction = &mut directions[from.index()];
        let mut step = Step::says(from, What::Record, framed(&direction.seal(plain))?);
        if ends_with_rekey(plain) {
            direction.rekey();
        }
        step.plain = Some(plain.into());
        step.note = note::frames(plain);
        Ok(step)
    }

    /// Cuts the first unit off what `from` says: a record or a refusal, as it stands. None, when it is not whole.
    pub(super) fn cut(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
        let length = match record::read_header(bytes) {
            record::Header::More(_) => return None,
            record::Header::Refusal(_) => 2 * record::HEADER,
            record::Header::Record(length) => record::HEADER + length,
        };
        (bytes.len() >= length).then(|| bytes.drain(..length).collect())
    }

    /// What a unit that `from` really said is.
    pub(super) fn read(&mut self, from: Side, unit: &[u8]) -> Result<Step, String> {
        let content = match record::read_header(unit) {
            record::Header::Refusal(reason) => return Ok(refusal(from, reason)),
            _ => unit.get(record::HEADER..).unwrap_or_default(),
        };
        let step = if let Some(directions) = &mut self.directions {
            // Opened under the counter that it is then sealed under again.
            let plain = directions[from.index()].peek(content)?;
            self.record(from, &plain)?
        } else {
            let payload = self.noise[from.other().index()].peek(content)?;
            self.handshake(from, &payload)?
        };
        match step.wire.as_ref().is_some_and(|wire| wire.0 == unit) {
            true => Ok(step),
            false => Err("a record is not what its keys and its plaintext make".into()),
        }
    }
}

pub(super) fn refusal(from: Side, reason: Reason) -> Step {
    let mut step = Step::says(from, What::Refusal, record::refusal(reason));
    step.note = vec![format!("refusal {} ({})", reason.code(), reason.name())];
    step
}

fn ends_with_rekey(mut plain: &[u8]) -> bool {
    let mut last = None;
    while let Ok(frame) = frame::read(&mut plain) {
        last = Some(frame);
    }
    last == Some(frame::Frame::Rekey)
}

/// Computes every byte of a session again.
pub(super) fn check(session: &Session) -> Result<(), String> {
    let mut wires = Wires::new(session.suite()?, &session.initiator, &session.responder)?;
    let mut rules = session.outcome.is_none().then(Rules::new);
    for (at, step) in session.steps.iter().enumerate() {
        let place = |why: String| format!("step {at}: {why}");
        let computed = recompute(&mut wires, session, step).map_err(place)?;
        if computed.is_some_and(|wire| Some(wire) != step.wire) {
            return Err(place("these bytes do not follow from the keys and what is said".into()));
        }
        if let Some(rules) = &mut rules {
            rules.step(step).map_err(place)?;
        }
    }
    if wires.keys() != session.keys {
        return Err("the handshake leads to other keys".into());
    }
    Ok(())
}

/// The wire of a step. None, where it follows from nothing.
fn recompute(wires: &mut Wires, session: &Session, step: &Step) -> Result<Option<Hex>, String> {
    let from = || step.from.ok_or("nobody says it");
    let needed = |field: &Option<Hex>, name| field.clone().ok_or(format!("has no {name}"));
    let wire = needed(&step.wire, "wire");
    match step.what {
        What::Preface if from()? == Side::Initiator => Ok(Some(record::preface(session.suite).into())),
        What::Preface => Err("a preface from the responder".into()),
        What::Handshake => Ok(wires.handshake(from()?, &needed(&step.payload, "payload")?.0)?.wire),
        What::Record => Ok(wires.record(from()?, &needed(&step.plain, "plain")?.0)?.wire),
        What::Refusal => match record::read_header(&wire?.0) {
            record::Header::Refusal(reason) => Ok(Some(record::refusal(reason).into())),
            _ => Err("is no refusal".into()),
        },
        What::Raw => wire.map(|_| None),
        What::Wait if step.ms.is_some() => Ok(None),
        What::Wait => Err("has no ms".into()),
    }
}

/// The rules that a session without a fault keeps: the table of states, and no ack for what was not sent.
struct Rules {
    states: [State; 2],
    handshakes: usize,
    /// Counted envelopes of each side that were not acknowledged.
    outstanding: [u32; 2],
    /// The last envelope in this record.
    before: Option<Vec<u8>>,
}

impl Rules {
    const fn new() -> Rules {
        Rules { states: [State::New; 2], handshakes: 0, outstanding: [0; 2], before: None }
    }

    fn signal(&mut self, side: Side, signal: Signal) -> Result<(), String> {
        let state = &mut self.states[side.index()];
        *state = state.next(signal).ok_or(format!("{signal:?} while {}", state.name()))?;
        Ok(())
    }

    fn both(&mut self, signal: Signal) -> Result<(), String> {
        self.signal(Side::Initiator, signal)?;
        self.signal(Side::Responder, signal)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match (step.what, &step.plain, step.from) {
            (What::Preface | What::Wait, ..) => Ok(()),
            (What::Handshake, ..) => {
                self.handshakes += 1;
                match self.handshakes {
                    1 => self.both(Signal::Open),
                    3 => self.both(Signal::Hello),
                    _ => Ok(()),
                }
            }
            (What::Record, Some(plain), Some(from)) => {
                let frames = Frames::decode(&plain.0).map_err(|e| format!("no frames: {}", e.error))?;
                self.before = None;
                frames.iter().try_for_each(|frame| self.frame(from, frame))
            }
            _ => Err("what nobody says in a session without a fault".into()),
        }
    }

    fn frame(&mut self, from: Side, frame: &Frame) -> Result<(), String> {
        match frame {
            Frame::Envelope { payload } => {
                let state = self.states[from.index()];
                // A side that has read `finishing` still sends what is queued.
                if !matches!(state, State::Established | State::Finished) {
                    return Err(format!("an envelope while {}", state.name()));
                }
                let (label, _) = Label::read(&payload.0).map_err(|e| e.to_string())?;
                let counted = label.kind != homing_core::wire::Kind::Notification;
                self.outstanding[from.index()] += u32::from(counted);
                self.before = Some(payload.0.clone());
                Ok(())
            }
            Frame::Alike { id, letter } => {
                let before = self.before.as_deref().ok_or("an envelope like none before it")?;
                let id = MessageId(id.array().map_err(|_| "an id of another length")?);
                let payload =
                    Hex(label::alike(before, &id, &letter.0).ok_or("alike to one without a label")?);
                self.frame(from, &Frame::Envelope { payload })
            }
            Frame::Ack { count } => {
                let outstanding = &mut self.outstanding[from.other().index()];
                *outstanding = outstanding.checked_sub(*count).ok_or("an ack for more than was sent")?;
                Ok(())
            }
            Frame::Session { payload } => {
                let message = Letter { head: &payload.0, body: b"" }.head().map_err(|e| e.to_string())?;
                match message {
                    SessionMessage::Established { .. } if from == Side::Responder => self.both(Signal::Admit),
                    SessionMessage::Established { .. } => Err("an initiator that admits".into()),
                    SessionMessage::Finishing => {
                        self.signal(from, Signal::Finish)?;
                        self.signal(from.other(), Signal::Finishing)
                    }
                    SessionMessage::Finished => self.signal(from.other(), Signal::Finished),
                }
            }
            Frame::Close { .. } => Err("a close in a session without a fault".into()),
            Frame::Ping { .. } | Frame::Pong { .. } | Frame::Rekey | Frame::Extension { .. } => Ok(()),
        }
    }
}
