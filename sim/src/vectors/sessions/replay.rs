//! A real node, and the other side's words as they are written: what it does about them.

use std::time::Duration;

use homing_core::link::session::Role;
use homing_core::wire::frame::{self, Frame};
use homing_core::wire::letter::{NotificationHead, NotifiedEvent, ResponseHead, Status};
use homing_core::wire::{Kind, Label, Letter, label, record};
use homing_core::{Action, ClosedBy, Event, Input, Instant, Limits, LinkId, Node, Reason};

use crate::vectors::sessions::node::{START, dial, fault, node};
use crate::vectors::sessions::trace::Wires;
use crate::vectors::sessions::{How, Outcome, Session, Side, Step, What};

/// What the other side does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Preface,
    Handshake(Vec<u8>),
    Record(Vec<u8>),
    /// A handshake message or a record that is altered on the way: one bit of this byte of it.
    Altered(Vec<u8>, usize),
    /// What it said last, once more.
    Again,
    Raw(Vec<u8>),
    Wait(u64),
}

/// Lets the tested side of a session be told again what it is told, and compares what it does.
pub(super) fn check(session: &Session, outcome: &Outcome) -> Result<(), String> {
    let mut acts = Vec::new();
    for step in &session.steps {
        let bytes = |field: &Option<crate::vectors::Hex>| field.clone().unwrap_or_default().0;
        match (step.what, step.from) {
            (What::Wait, _) => acts.push(Act::Wait(step.ms.unwrap_or(0))),
            (_, Some(from)) if from == outcome.by => {}
            (What::Preface, _) => acts.push(Act::Preface),
            (What::Handshake, _) => acts.push(Act::Handshake(bytes(&step.payload))),
            (What::Record, _) => acts.push(Act::Record(bytes(&step.plain))),
            (What::Raw | What::Refusal, _) => acts.push(Act::Raw(bytes(&step.wire))),
        }
    }
    let played = play(session.clone(), outcome.by, &acts)?;
    match played.outcome {
        Some(real) if real == *outcome => Ok(()),
        Some(real) => Err(format!("the outcome is {}, not {}", shown(&real), shown(outcome))),
        None => Err("nothing comes of it".into()),
    }
}

fn shown(outcome: &Outcome) -> String {
    let code = outcome.code.map_or_else(String::new, |code| format!(" {code}"));
    format!("{:?}{code}", outcome.how).to_lowercase()
}

/// Plays `acts` to a real node that is the side `tested` of `session`; gives the session back with its steps.
pub(super) fn play(mut session: Session, tested: Side, acts: &[Act]) -> Result<Session, String> {
    let suite = session.suite()?;
    let mut play = Play {
        wires: Wires::new(suite, &session.initiator, &session.responder)?,
        real: Real::new(&session, tested)?,
        tested,
        steps: Vec::new(),
        unread: Vec::new(),
        said: None,
        failed: None,
    };
    play.listen()?;
    for act in acts {
        play.act(suite.byte(), act)?;
    }
    session.outcome = Some(play.outcome());
    session.keys = play.wires.keys();
    session.steps = play.steps;
    Ok(session)
}

struct Play {
    wires: Wires,
    real: Real,
    tested: Side,
    steps: Vec<Step>,
    /// What the node said and is no whole unit yet.
    unread: Vec<u8>,
    /// Its last word: a refusal or a close.
    said: Option<(How, Reason)>,
    /// The last that it failed.
    failed: Option<(How, Reason)>,
}

impl Play {
    fn act(&mut self, suite: u8, act: &Act) -> Result<(), String> {
        let other = self.tested.other();
        let step = match act {
            Act::Preface => Step::says(other, What::Preface, record::preface(suite)),
            Act::Handshake(payload) => self.wires.handshake(other, payload)?,
            Act::Record(plain) => self.wires.record(other, plain)?,
            Act::Altered(plain, at) => {
                // Nothing is taken of it: the true sides go on as if it had not been said.
                let mut aside = self.wires.clone();
                let step = if aside.handshakes(other) {
                    aside.handshake(other, plain)
                } else {
                    aside.record(other, plain)
                };
                let mut wire = step?.wire.unwrap_or_default();
                *wire.0.get_mut(*at).ok_or("nothing there to alter")? ^= 1;
                noted(Step::says(other, What::Raw, wire.0), "one bit altered")
            }
            Act::Again => {
                let wire = self.steps.iter().rev().find(|step| step.from == Some(other));
                let wire = wire.and_then(|step| step.wire.clone()).unwrap_or_default();
                noted(Step::says(other, What::Raw, wire.0), "the last once more")
            }
            Act::Raw(bytes) => Step::says(other, What::Raw, bytes),
            Act::Wait(ms) => {
                let mut step = Step::says(other, What::Wait, Vec::new());
                (step.from, step.wire, step.ms) = (None, None, Some(*ms));
                step
            }
        };
        match (&step.wire, step.ms) {
            (Some(wire), _) => self.real.hear(&wire.0),
            (None, ms) => self.real.wait(Duration::from_millis(ms.unwrap_or(0))),
        }
        self.steps.push(step);
        self.listen()
    }

    /// Writes down what the node says.
    fn listen(&mut self) -> Result<(), String> {
        self.unread.extend(std::mem::take(&mut self.real.said));
        if self.steps.is_empty() && self.tested == Side::Initiator {
            let preface: Vec<u8> = self.unread.drain(..record::PREFACE.min(self.unread.len())).collect();
            self.steps.push(Step::says(self.tested, What::Preface, preface));
        }
        while let Some(unit) = Wires::cut(&mut self.unread) {
            let step = self.wires.read(self.tested, &unit)?;
            if let record::Header::Refusal(reason) = record::read_header(&unit) {
                self.said = Some((How::Refusal, reason));
            }
            self.look(step.plain.as_ref().map(|plain| plain.0.as_slice()).unwrap_or_default());
            self.steps.push(step);
        }
        Ok(())
    }

    /// What the node thinks, as far as its frames say.
    fn look(&mut self, mut plain: &[u8]) {
        let mut before: Option<&[u8]> = None;
        while let Ok(frame) = frame::read(&mut plain) {
            match frame {
                Frame::Close { reason, .. } => self.said = Some((How::Close, reason)),
                Frame::Envelope(payload) => {
                    before = Some(payload);
                    self.failed = failure(payload).or(self.failed);
                }
                Frame::Alike { id, letter } => {
                    let whole = before.and_then(|before| label::alike(before, &id, letter));
                    self.failed = whole.and_then(|whole| failure(&whole)).or(self.failed);
                }
                _ => {}
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let (how, reason) = match (self.said, &self.real.why, self.failed) {
            (Some((how, reason)), ..) => (how, Some(reason)),
            (None, Some((ClosedBy::Them | ClosedBy::Unproven, reason)), _) => (How::Told, Some(*reason)),
            (None, Some((_, reason)), _) => (How::Silence, Some(*reason)),
            (None, None, Some((how, reason))) => (how, Some(reason)),
            (None, None, None) => (How::Lives, None),
        };
        Outcome::new(self.tested, how, reason)
    }
}

fn noted(mut step: Step, note: &str) -> Step {
    step.note = vec![note.into()];
    step
}

/// Whether an envelope says that something failed.
fn failure(payload: &[u8]) -> Option<(How, Reason)> {
    let (label, letter) = Label::read(payload).ok()?;
    let letter = Letter::read(letter, Limits::DEFAULT.head).ok()?;
    match label.kind {
        Kind::Notification => {
            let head: NotificationHead = letter.head().ok()?;
            let reason = head.reason.map_or(Reason::REFUSED, |reason| Reason::from_code(reason.code));
            (head.event == NotifiedEvent::Failed).then_some((How::Failed, reason))
        }
        Kind::Response => {
            let head: ResponseHead = letter.head().ok()?;
            let reason = head.reason.map_or(Reason::COMMAND_FAILED, |reason| Reason::from_code(reason.code));
            (head.status == Status::Failure).then_some((How::Failure, reason))
        }
        Kind::Message | Kind::Request => None,
    }
}

/// The node and the one stream that it has.
struct Real {
    node: Node,
    now: Instant,
    link: LinkId,
    said: Vec<u8>,
    /// How the link ended, and for what reason.
    why: Option<(ClosedBy, Reason)>,
}

impl Real {
    fn new(session: &Session, side: Side) -> Result<Real, String> {
        let (party, suite) = (session.party(side), session.suite()?);
        let role = if side == Side::Initiator { Role::Initiator } else { Role::Responder };
        let node = node(party, suite, role == Role::Responder, Limits::DEFAULT)?;
        let mut real = Real { node, now: START, link: LinkId::accepted(1), said: Vec::new(), why: None };
        match role {
            Role::Responder => real.node.handle(real.now, Input::Accepted { link: real.link }),
            Role::Initiator => {
                real.node.dial(real.now, dial(party, Some("ada"))?).map_err(fault)?;
                let Some(Action::Dial { link, .. }) = real.node.poll_action() else {
                    return Err("it does not dial".into());
                };
                real.link = link;
                real.node.handle(real.now, Input::Dialed { link });
            }
        }
        real.drain();
        Ok(real)
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.node.handle(self.now, Input::Data { link: self.link, bytes });
        self.drain();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            let next = self.node.next_deadline().map(|deadline| deadline.at);
            self.now = next.unwrap_or(until).min(until);
            self.node.handle(self.now, Input::Timeout);
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            while let Some(action) = self.node.poll_action() {
                match action {
                    Action::Event(Event::Down { why, .. } | Event::LinkDown { why, .. }) => {
                        self.why = Some((why.by, why.reason()));
                    }
                    Action::Store { id, .. } => self.node.handle(self.now, Input::Stored { id, ok: true }),
                    Action::Event(_) | Action::Write { .. } | Action::Close { .. } | Action::Dial { .. } => {}
                }
            }
            let bytes = self.node.pending(self.link);
            let n = bytes.len();
            if n == 0 {
                return;
            }
            self.said.extend_from_slice(bytes);
            self.node.handle(self.now, Input::Wrote { link: self.link, n });
        }
    }
}
