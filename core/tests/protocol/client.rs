//! A second, tiny implementation of the initiator's side, written from docs/PROTOCOL.md alone: snow and
//! serde_json, and nothing of homing-core. It writes down all that it says and hears.

use std::fmt::Write;

use serde_json::Value;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState, TransportState};

pub(crate) const STATIC: [u8; 32] = [0x11; 32];
pub(crate) const EPHEMERAL: [u8; 32] = [0x22; 32];

/// snow's own primitives, and no randomness: the ephemeral key is given.
struct NoDice;

impl CryptoResolver for NoDice {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        struct None;
        impl Random for None {
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), snow::Error> {
                Err(snow::Error::Rng)
            }
        }
        Some(Box::new(None))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// A frame as section 4 cuts it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
    /// Whether it was an alike envelope, `0a`, which is kept as the `01` that it stands for.
    alike: bool,
}

impl Frame {
    pub(crate) fn new(kind: u8, payload: impl Into<Vec<u8>>) -> Frame {
        Frame { kind, payload: payload.into(), alike: false }
    }

    pub(crate) fn envelope(flags: u8, hops: u8, id: [u8; 16], to: &str, head: &str, body: &[u8]) -> Frame {
        let mut payload = vec![flags, hops];
        payload.extend_from_slice(&id);
        payload.push(to.len() as u8);
        payload.extend_from_slice(to.as_bytes());
        payload.push(0); // from: the hub writes it
        payload.extend_from_slice(&(head.len() as u16).to_be_bytes());
        payload.extend_from_slice(head.as_bytes());
        payload.extend_from_slice(body);
        Frame::new(0x01, payload)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = (self.payload.len() as u16).to_be_bytes();
        [&[self.kind][..], &length, &self.payload].concat()
    }

    /// The envelope that has the label of `before`, and this id and letter.
    fn whole(before: &Frame, id_and_letter: &[u8]) -> Frame {
        let to = usize::from(before.payload[18]);
        let from = usize::from(before.payload[19 + to]);
        let (id, letter) = id_and_letter.split_at(16);
        let payload = [&before.payload[..2], id, &before.payload[18..20 + to + from], letter].concat();
        Frame { kind: 0x01, payload, alike: true }
    }

    fn cut(mut plain: &[u8]) -> Vec<Frame> {
        assert!(!plain.is_empty(), "a record has a frame");
        let mut frames = Vec::new();
        while let [kind, high, low, rest @ ..] = plain {
            let (payload, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            let frame = match *kind {
                0x0a => Frame::whole(frames.iter().rfind(|f: &&Frame| f.kind == 0x01).unwrap(), payload),
                kind => Frame::new(kind, payload),
            };
            frames.push(frame);
            plain = rest;
        }
        assert!(plain.is_empty(), "whole frames");
        frames
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }

    pub(crate) fn number(&self) -> u64 {
        self.payload.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
    }

    /// One line for people.
    fn describe(&self) -> String {
        match self.kind {
            0x01 if self.alike => Envelope::read(&self.payload).describe("0a alike: "),
            0x01 => Envelope::read(&self.payload).describe("01 "),
            0x04 => format!("04 ping {:#x}", self.number()),
            0x05 => format!("05 pong {:#x}", self.number()),
            0x06 => format!("06 ack {}", self.number()),
            0x07 => format!("07 session {}", String::from_utf8_lossy(&self.payload)),
            0x09 => "09 rekey".into(),
            kind => format!("{kind:02x}"),
        }
    }
}

/// An envelope as sections 5 and 6 cut it.
pub(crate) struct Envelope {
    pub(crate) flags: u8,
    pub(crate) hops: u8,
    pub(crate) id: [u8; 16],
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) head: Value,
    head_text: String,
    pub(crate) body: Vec<u8>,
}

impl Envelope {
    pub(crate) fn read(payload: &[u8]) -> Envelope {
        let (flags, hops, id) = (payload[0], payload[1], payload[2..18].try_into().unwrap());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (to, rest) = payload[19..].split_at(usize::from(payload[18]));
        let (from, rest) = rest[1..].split_at(usize::from(rest[0]));
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let (head, body) = rest[2..].split_at(length);
        Envelope {
            flags,
            hops,
            id,
            to: text(to),
            from: text(from),
            head: serde_json::from_slice(head).unwrap(),
            head_text: text(head),
            body: body.to_vec(),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        ["message", "notification", "request", "response"][usize::from(self.flags & 3)]
    }

    fn describe(&self, frame: &str) -> String {
        let mut out = format!("{frame}{} hops {}, id {:02x}..", self.kind(), self.hops, self.id[0]);
        for (word, text) in [("to", &self.to), ("from", &self.from)] {
            if !text.is_empty() {
                let _ = write!(out, ", {word} {text}");
            }
        }
        let _ = write!(out, "\n        head {}", self.head_text);
        if !self.body.is_empty() {
            let _ = write!(out, "\n        body {}", String::from_utf8_lossy(&self.body));
        }
        out
    }
}

pub(crate) struct Client {
    noise: Noise,
    pub(crate) transcript: String,
    /// Envelopes that came and were not acknowledged.
    pub(crate) owed: u32,
    /// What came in frames, not yet looked at by the test.
    pub(crate) heard: Vec<Frame>,
}

enum Noise {
    Handshake(Box<HandshakeState>),
    Transport(Box<TransportState>),
    Between,
}

impl Client {
    /// Section 2: the preface; section 3: the first message. Both are the first to be sent.
    pub(crate) fn new(network: &str) -> (Client, Vec<u8>) {
        let preface = *b"homing\x01\x01";
        let prologue = [&preface[..], network.as_bytes()].concat();
        let resolver: BoxedCryptoResolver = Box::new(NoDice);
        let noise = Builder::with_resolver("Noise_XX_25519_ChaChaPoly_BLAKE2s".parse().unwrap(), resolver)
            .prologue(&prologue)
            .unwrap()
            .local_private_key(&STATIC)
            .unwrap()
            .fixed_ephemeral_key_for_testing_only(&EPHEMERAL)
            .build_initiator()
            .unwrap();
        let mut client = Client {
            noise: Noise::Handshake(Box::new(noise)),
            transcript: String::new(),
            owed: 0,
            heard: Vec::new(),
        };
        client.note("I -> R  preface");
        client.hex("wire", &preface);
        client.note("I -> R  handshake message 1, no payload");
        let first = client.handshake_record(b"");
        (client, [&preface[..], &first].concat())
    }

    fn note(&mut self, text: &str) {
        let gap = if self.transcript.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.transcript, "{gap}{text}");
    }

    fn hex(&mut self, what: &str, bytes: &[u8]) {
        for (at, line) in bytes.chunks(40).enumerate() {
            let what = if at == 0 { what } else { "" };
            let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(self.transcript, "  {what:5} {hex}");
        }
    }

    fn handshake_record(&mut self, payload: &[u8]) -> Vec<u8> {
        let Noise::Handshake(noise) = &mut self.noise else { panic!("no handshake") };
        let mut message = vec![0; 65_535];
        let length = noise.write_message(payload, &mut message).unwrap();
        let record = [&(length as u16).to_be_bytes()[..], &message[..length]].concat();
        self.hex("wire", &record);
        record
    }

    /// The second message: the responder's hello.
    pub(crate) fn second(&mut self, record: &[u8]) -> Value {
        let (header, message) = record.split_at(2);
        assert_eq!(usize::from(u16::from_be_bytes([header[0], header[1]])), message.len());
        let Noise::Handshake(noise) = &mut self.noise else { panic!("no handshake") };
        let mut payload = vec![0; message.len()];
        let length = noise.read_message(message, &mut payload).unwrap();
        payload.truncate(length);
        let text = String::from_utf8(payload).unwrap();
        self.note("R -> I  handshake message 2; its payload, decrypted:");
        self.note_payload(&text);
        self.hex("wire", record);
        serde_json::from_str(&text).unwrap()
    }

    fn note_payload(&mut self, text: &str) {
        let _ = writeln!(self.transcript, "    {text}");
    }

    /// The third message; from here on there are keys.
    pub(crate) fn third(&mut self, hello: &str) -> Vec<u8> {
        self.note("I -> R  handshake message 3; its payload, before encryption:");
        self.note_payload(hello);
        let record = self.handshake_record(hello.as_bytes());
        if let Noise::Handshake(noise) = std::mem::replace(&mut self.noise, Noise::Between) {
            self.noise = Noise::Transport(Box::new(noise.into_transport_mode().unwrap()));
        }
        record
    }

    fn transport(&mut self) -> &mut TransportState {
        match &mut self.noise {
            Noise::Transport(transport) => transport,
            _ => panic!("no keys yet"),
        }
    }

    /// One record. An acknowledgement goes along when one is owed.
    pub(crate) fn say(&mut self, mut frames: Vec<Frame>) -> Vec<u8> {
        if self.owed > 0 {
            frames.insert(0, Frame::new(0x06, self.owed.to_be_bytes()));
            self.owed = 0;
        }
        assert!(!frames.is_empty(), "a record has a frame");
        let plain: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        let record = self.seal(&plain);
        self.note_record("I -> R", &frames, &plain, &record);
        if frames.last().is_some_and(|frame| frame.kind == 0x09) {
            self.transport().rekey_outgoing();
        }
        record
    }

    /// One record of any plaintext.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; plain.len() + 16];
        let length = self.transport().write_message(plain, &mut sealed).unwrap();
        [&(length as u16).to_be_bytes()[..], &sealed].concat()
    }

    /// Whole records.
    pub(crate) fn hear(&mut self, mut bytes: &[u8]) {
        while let [high, low, rest @ ..] = bytes {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (sealed, rest) = rest.split_at(length);
            let mut plain = vec![0; length];
            let n = self.transport().read_message(sealed, &mut plain).unwrap();
            plain.truncate(n);
            let frames = Frame::cut(&plain);
            self.note_record("R -> I", &frames, &plain, &bytes[..2 + length]);
            for frame in frames {
                match frame.kind {
                    0x01 if Envelope::read(&frame.payload).kind() != "notification" => self.owed += 1,
                    0x09 => self.transport().rekey_incoming(),
                    _ => {}
                }
                self.heard.push(frame);
            }
            bytes = rest;
        }
        assert!(bytes.is_empty(), "whole records");
    }

    fn note_record(&mut self, way: &str, frames: &[Frame], plain: &[u8], record: &[u8]) {
        self.note(&format!("{way}  record; its frames:"));
        for frame in frames {
            let _ = writeln!(self.transcript, "    {}", frame.describe());
        }
        self.hex("plain", plain);
        self.hex("wire", record);
    }
}
