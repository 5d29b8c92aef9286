//! The sessions in which one side does wrong, or something odd.

mod alike;
mod hub;
mod member;
mod strangers;

use homing_core::Reason;
use homing_core::wire::frame::{self, types};

use crate::vectors::Hex;
use crate::vectors::sessions::node::{ada, hub};
use crate::vectors::sessions::replay::{Act, play};
use crate::vectors::sessions::{How, Outcome, Session, Side};

/// All of them.
pub(super) fn sessions() -> Result<Vec<Session>, String> {
    let mut list = List { suite: 1, change: Box::new(|_| {}), all: Vec::new() };
    strangers::list(&mut list)?;
    hub::hellos(&mut list)?;
    hub::frames(&mut list)?;
    hub::envelopes(&mut list)?;
    alike::list(&mut list)?;
    member::handshakes(&mut list)?;
    member::sessions(&mut list)?;
    Ok(list.all)
}

/// What an initiator says in its hello, if nothing else is to be tried.
const HELLO: &str = r#"{"scheme":"key","name":"ada","instance":"laptop","options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}}"#;
/// What a responder says in its own.
const OFFER: &str =
    r#"{"schemes":["key","guest"],"options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}}"#;
/// What it says next.
const ESTABLISHED: &str = r#"{"state":"established","address":"ada@home/laptop","hub":"hub@home"}"#;

/// The cases so far, and what the next ones have in common.
struct List {
    suite: u8,
    /// What is different about the two parties.
    change: Box<dyn Fn(&mut Session)>,
    all: Vec<Session>,
}

impl List {
    /// Lets the tested side be told `acts`, and holds what it does against what it should do.
    fn case(
        &mut self,
        name: &str,
        why: &str,
        (by, how, reason): (Side, How, Option<Reason>),
        acts: Vec<Act>,
    ) -> Result<(), String> {
        let mut session = Session {
            name: name.into(),
            why: why.into(),
            suite: self.suite,
            initiator: ada(),
            responder: hub(),
            keys: None,
            steps: Vec::new(),
            outcome: None,
        };
        (self.change)(&mut session);
        let session = play(session, by, &acts).map_err(|why| format!("{name}: {why}"))?;
        let wanted = Outcome::new(by, how, reason);
        if session.outcome.as_ref() != Some(&wanted) {
            return Err(format!("{name}: not {wanted:?}, but {:?}", session.outcome));
        }
        self.all.push(session);
        Ok(())
    }
}

/// A session message in its frame.
fn session(json: &str) -> Vec<u8> {
    frame_of(types::SESSION, json.as_bytes())
}

fn frame_of(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, kind, payload);
    out
}

const MESSAGE: u8 = 0b0100;
const NOTIFICATION: u8 = 0b0101;
const REQUEST: u8 = 0b0110;
const RESPONSE: u8 = 0b0111;

/// An envelope as it stands on the wire.
struct Envelope<'a> {
    flags: u8,
    hops: u8,
    to: &'a str,
    from: &'a str,
    head: &'a [u8],
    body: &'a [u8],
}

impl<'a> Envelope<'a> {
    const fn new(flags: u8, to: &'a str, head: &'a str) -> Envelope<'a> {
        Envelope { flags, hops: 8, to, from: "", head: head.as_bytes(), body: b"" }
    }

    /// The frame; its id is `07` sixteen times.
    fn frame(&self) -> Vec<u8> {
        let mut out = vec![self.flags, self.hops];
        out.extend([7; 16]);
        for text in [self.to, self.from] {
            out.push(u8::try_from(text.len()).unwrap_or(0));
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&u16::try_from(self.head.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(self.head);
        out.extend_from_slice(self.body);
        frame_of(types::ENVELOPE, &out)
    }
}

/// What a member has said when it is in.
fn joined() -> Vec<Act> {
    vec![Act::Preface, Act::Handshake(Vec::new()), Act::Handshake(HELLO.into())]
}

/// What a hub has said when a member is in.
fn admitted() -> Vec<Act> {
    vec![Act::Handshake(OFFER.into()), Act::Record(session(ESTABLISHED))]
}

fn and(mut acts: Vec<Act>, act: Act) -> Vec<Act> {
    acts.push(act);
    acts
}

/// A journal's entry: the name is bound to the key whose private half is this byte 32 times.
fn bound(name: &str, private: u8) -> Hex {
    let key = homing_core::StaticKey::from_bytes([private; 32]).peer_id();
    Hex([&[1, 1][..], key.as_bytes(), name.as_bytes()].concat())
}
