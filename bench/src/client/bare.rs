//! Links that are in a network and do nothing, by the bare protocol (docs/PROTOCOL.md). A whole node would keep the
//! roster: five thousand of them in one process would keep it five thousand times, and what is measured is the hub.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use homing_std::Invite;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{CreateFlags, EventData, EventFlags, add, create, wait};
use rustix::fd::OwnedFd;
use rustix::time::Timespec;
use serde_json::{Value, json};
use snow::{Builder, HandshakeState, TransportState};

use super::{PATIENCE, Result};

const NOISE: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";
/// "homing", the version, the suite of these ciphers.
const PREFACE: &[u8] = b"homing\x01\x01";
/// The most that a record holds.
const RECORD: usize = 65_535;
/// So many links are asked about at once.
const EVENTS: usize = 1024;

/// Frames.
const ENVELOPE: u8 = 0x01;
const PING: u8 = 0x04;
const PONG: u8 = 0x05;
const ACK: u8 = 0x06;
const SESSION: u8 = 0x07;

/// Of the first byte of an envelope: its kind. Notifications are not acknowledged.
const KIND: u8 = 0b11;
const NOTIFICATION: u8 = 1;

/// So many come in at once: one after the other, each would be told of to all before it in a message of its own.
const AT_ONCE: usize = 64;

/// One link.
struct Link {
    stream: TcpStream,
    keys: TransportState,
    /// The beginning of a record.
    partial: Vec<u8>,
    established: bool,
}

/// What all links share.
#[derive(Default)]
struct Scratch {
    read: Vec<u8>,
    plain: Vec<u8>,
    answer: Vec<u8>,
    sealed: Vec<u8>,
}

/// `links` of them, in the network of `hub`, and the thread that keeps them until the process ends.
pub(super) fn join(hub: &Invite, links: usize) -> Result<()> {
    let mut crowd = Crowd::new()?;
    for first in (0..links).step_by(AT_ONCE) {
        crowd.join(hub, first..links.min(first + AT_ONCE))?;
    }
    thread::Builder::new().name("links".into()).spawn(move || {
        loop {
            if let Err(e) = crowd.turn(None) {
                eprintln!("{e}");
                std::process::exit(1);
            }
        }
    })?;
    Ok(())
}

struct Crowd {
    links: Vec<Link>,
    ready: OwnedFd,
    scratch: Scratch,
}

impl Crowd {
    fn new() -> Result<Crowd> {
        let scratch = Scratch {
            read: vec![0; RECORD],
            plain: vec![0; RECORD],
            sealed: vec![0; RECORD],
            answer: Vec::new(),
        };
        Ok(Crowd { links: Vec::new(), ready: create(CreateFlags::CLOEXEC)?, scratch })
    }

    /// Some more, as `member` and their numbers.
    fn join(&mut self, hub: &Invite, numbers: Range<usize>) -> Result<()> {
        let dialed = numbers.clone().map(|_| Dialed::new(hub)).collect::<Result<Vec<_>>>()?;
        let asking = dialed.into_iter().zip(numbers).map(|(dialed, n)| dialed.ask(&format!("member{n}")));
        for mut link in asking.collect::<Result<Vec<_>>>()? {
            while !link.established {
                link.read(&mut self.scratch)?;
            }
            link.stream.set_nonblocking(true)?;
            let number = EventData::new_u64(self.links.len() as u64);
            add(&self.ready, &link.stream, number, EventFlags::IN)?;
            self.links.push(link);
        }
        // All are told of these, and have it read before more come: clients of their own would.
        while self.turn(Some(Duration::ZERO))? > 0 {}
        Ok(())
    }

    /// Reads what has come; from how many.
    fn turn(&mut self, patience: Option<Duration>) -> Result<usize> {
        let patience = patience.map(Timespec::try_from).transpose()?;
        let mut events = Vec::with_capacity(EVENTS);
        wait(&self.ready, spare_capacity(&mut events), patience.as_ref())?;
        let count = events.len();
        for event in events {
            let link = self.links.get_mut(usize::try_from(event.data.u64())?);
            link.ok_or("a link that nobody made")?.read(&mut self.scratch)?;
        }
        Ok(count)
    }
}

/// A link before its keys.
struct Dialed {
    stream: TcpStream,
    noise: HandshakeState,
}

impl Dialed {
    /// Sends the first message.
    fn new(hub: &Invite) -> Result<Dialed> {
        let mut stream = TcpStream::connect(&hub.target)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let key = Builder::new(NOISE.parse()?).generate_keypair()?;
        let prologue = [PREFACE, hub.network.as_str().as_bytes()].concat();
        let noise = Builder::new(NOISE.parse()?).prologue(&prologue)?.local_private_key(&key.private)?;
        let (mut noise, mut record) = (noise.build_initiator()?, vec![0; RECORD]);
        let size = noise.write_message(&[], &mut record)?;
        stream.write_all(&[PREFACE, &framed(&record, size)?].concat())?;
        Ok(Dialed { stream, noise })
    }

    /// Reads the second, and sends the third. What the hub says to that is still to be read.
    fn ask(self, name: &str) -> Result<Link> {
        let Dialed { mut stream, mut noise } = self;
        let (mut record, mut payload) = (vec![0; RECORD], vec![0; RECORD]);
        let mut size = [0; 2];
        stream.read_exact(&mut size)?;
        record.truncate(usize::from(u16::from_be_bytes(size)));
        stream.read_exact(&mut record)?;
        let size = noise.read_message(&record, &mut payload)?;
        let hello: Value = serde_json::from_slice(payload.get(..size).unwrap_or_default())?;

        let hello = json!({ "scheme": "key", "name": name, "options": hello.get("options") });
        record.resize(RECORD, 0);
        let size = noise.write_message(hello.to_string().as_bytes(), &mut record)?;
        stream.write_all(&framed(&record, size)?)?;
        Ok(Link { stream, keys: noise.into_transport_mode()?, partial: Vec::new(), established: false })
    }
}

impl Link {
    /// Reads once, and answers what has to be answered.
    fn read(&mut self, scratch: &mut Scratch) -> Result<()> {
        let Scratch { read, plain, answer, sealed } = scratch;
        match self.stream.read(read) {
            Ok(0) => return Err("closed by the hub".into()),
            Ok(n) => self.partial.extend_from_slice(read.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == ErrorKind::WouldBlock && self.established => return Ok(()),
            Err(e) => return Err(e.into()),
        }
        let mut taken = 0_u32;
        answer.clear();
        let mut rest = self.partial.as_slice();
        while let Some((size, after)) = rest.split_first_chunk()
            && let Some((record, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))
        {
            let size = self.keys.read_message(record, plain)?;
            let mut frames = plain.get(..size).unwrap_or_default();
            while let Some(([kind, high, low], after)) = frames.split_first_chunk() {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                let (payload, after) = after.split_at_checked(size).ok_or("half a frame")?;
                match *kind {
                    ENVELOPE => {
                        taken += u32::from(payload.first().is_some_and(|flags| flags & KIND != NOTIFICATION))
                    }
                    PING => push(answer, PONG, payload),
                    ACK => {}
                    SESSION => self.established = true,
                    other => return Err(format!("a frame of the type {other:02x}").into()),
                }
                frames = after;
            }
            rest = after;
        }
        // With nothing in it, it is not kept.
        self.partial = rest.to_vec();
        if taken > 0 {
            push(answer, ACK, &taken.to_be_bytes());
        }
        if !answer.is_empty() {
            let size = self.keys.write_message(answer, sealed)?;
            self.stream.write_all(&framed(sealed, size)?)?;
        }
        Ok(())
    }
}

/// A record of the first `size` bytes.
fn framed(bytes: &[u8], size: usize) -> Result<Vec<u8>> {
    let bytes = bytes.get(..size).ok_or("a record without an end")?;
    Ok([&u16::try_from(size)?.to_be_bytes(), bytes].concat())
}

/// Adds a frame that is small.
fn push(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let size = u16::try_from(payload.len()).unwrap_or_default();
    out.push(kind);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(payload);
}
