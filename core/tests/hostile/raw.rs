//! Speaks the wire by hand: both keys of a session in hand, any byte can be sent after the handshake.

use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, Digest, Fake, HashKind, Provider};
use homing_core::{Config, Limits, PeerId};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState, TransportState};

pub const PREFACE: &[u8; 8] = b"homing\x01\x01";
pub const SUITE: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";

pub mod types {
    pub const ENVELOPE: u8 = 1;
    pub const PING: u8 = 4;
    pub const PONG: u8 = 5;
    pub const ACK: u8 = 6;
    pub const SESSION: u8 = 7;
    pub const CLOSE: u8 = 8;
    pub const REKEY: u8 = 9;
    pub const ALIKE: u8 = 10;
}

/// With which primitives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crypto {
    /// The fake ones, which cost nothing.
    Fake,
    /// snow's own.
    Real,
}

impl Crypto {
    fn resolver(self) -> BoxedCryptoResolver {
        match self {
            Crypto::Fake => Box::new(Parts),
            Crypto::Real => Box::new(DefaultResolver),
        }
    }

    pub fn config(self) -> Config {
        match self {
            Crypto::Fake => Config::with_provider(Arc::new(Fake)),
            Crypto::Real => Config::new(),
        }
    }
}

/// One side's handshake, by snow alone.
pub fn noise(
    crypto: Crypto,
    initiator: bool,
    key: [u8; 32],
    preface: &[u8],
    network: &str,
) -> HandshakeState {
    let prologue = [preface, network.as_bytes()].concat();
    let ephemeral: [u8; 32] = core::array::from_fn(|at| key[at].wrapping_mul(31).wrapping_add(at as u8));
    let builder = Builder::with_resolver(SUITE.parse().unwrap(), crypto.resolver())
        .prologue(&prologue)
        .unwrap()
        .local_private_key(&key)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(&ephemeral);
    if initiator { builder.build_initiator() } else { builder.build_responder() }.unwrap()
}

pub fn public_key(crypto: Crypto, key: [u8; 32]) -> PeerId {
    PeerId::from_bytes(crypto.config().provider.public_key(&key))
}

/// A record around `content`.
pub fn record(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

/// A handshake message, as a record.
pub fn message(noise: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 65_535];
    let n = noise.write_message(payload, &mut out).unwrap();
    record(&out[..n])
}

/// A frame.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

/// A label's and a letter's parts, as they stand on the wire.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub flags: u8,
    pub hops: u8,
    pub id: [u8; 16],
    pub to: Vec<u8>,
    pub from: Vec<u8>,
    pub letter: Vec<u8>,
}

pub const MESSAGE: u8 = 0b0100;
pub const NOTIFICATION: u8 = 0b0101;
pub const REQUEST: u8 = 0b0110;
pub const RESPONSE: u8 = 0b0111;

pub fn letter(head: &str, body: &[u8]) -> Vec<u8> {
    [&u16::try_from(head.len()).unwrap().to_be_bytes()[..], head.as_bytes(), body].concat()
}

impl Envelope {
    pub fn new(flags: u8, n: u8, to: &str, head: &str, body: &[u8]) -> Envelope {
        let (to, from) = (to.into(), Vec::new());
        Envelope { flags, hops: 8, id: [n; 16], to, from, letter: letter(head, body) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![self.flags, self.hops];
        out.extend(self.id);
        for text in [&self.to, &self.from] {
            out.push(u8::try_from(text.len()).unwrap());
            out.extend(text);
        }
        out.extend(&self.letter);
        out
    }

    pub fn frame(&self) -> Vec<u8> {
        frame(types::ENVELOPE, &self.bytes())
    }

    pub fn read(bytes: &[u8]) -> Envelope {
        let text = |bytes: &[u8]| {
            let (n, rest) = bytes.split_first().unwrap();
            let (text, rest) = rest.split_at(usize::from(*n));
            (text.to_vec(), rest.to_vec())
        };
        let (to, rest) = text(&bytes[18..]);
        let (from, letter) = text(&rest);
        let id = bytes[2..18].try_into().unwrap();
        Envelope { flags: bytes[0], hops: bytes[1], id, to, from, letter }
    }

    pub fn kind(&self) -> u8 {
        self.flags & 3 | 4
    }

    pub fn head(&self) -> String {
        let n = usize::from(u16::from_be_bytes([self.letter[0], self.letter[1]]));
        String::from_utf8(self.letter[2..2 + n].to_vec()).unwrap()
    }

    pub fn body(&self) -> &[u8] {
        &self.letter[2 + self.head().len()..]
    }
}

/// The keys of a session, and what the other side has said.
pub struct Session {
    transport: TransportState,
    rest: Vec<u8>,
    /// Every frame that came.
    pub frames: Vec<(u8, Vec<u8>)>,
    /// Counts envelopes as they come, to be acknowledged.
    pub owed: u32,
}

impl Session {
    pub fn new(noise: HandshakeState) -> Session {
        let transport = noise.into_transport_mode().unwrap();
        Session { transport, rest: Vec::new(), frames: Vec::new(), owed: 0 }
    }

    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = vec![0; plain.len() + 16];
        let n = self.transport.write_message(plain, &mut out).unwrap();
        record(&out[..n])
    }

    pub fn rekey(&mut self) {
        self.transport.rekey_outgoing();
    }

    /// Takes bytes of the other side's; the frames that they end, each envelope with its label.
    pub fn open(&mut self, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        self.rest.extend(bytes);
        let mut new = Vec::new();
        while self.rest.len() >= 2 {
            let length = usize::from(u16::from_be_bytes([self.rest[0], self.rest[1]]));
            if self.rest.len() < 2 + length {
                break;
            }
            let content: Vec<u8> = self.rest.drain(..2 + length).skip(2).collect();
            let mut plain = vec![0; length];
            let n = self.transport.read_message(&content, &mut plain).unwrap();
            let mut plain = &plain[..n];
            let mut before: Option<Envelope> = None;
            while !plain.is_empty() {
                let length = usize::from(u16::from_be_bytes([plain[1], plain[2]]));
                let (mut kind, mut payload) = (plain[0], plain[3..3 + length].to_vec());
                if kind == types::ALIKE {
                    // As if it had come with the label of the one before it.
                    let like = before.as_ref().expect("alike to none");
                    let (id, letter) = (payload[..16].try_into().unwrap(), payload[16..].to_vec());
                    (kind, payload) = (types::ENVELOPE, Envelope { id, letter, ..like.clone() }.bytes());
                }
                if kind == types::ENVELOPE {
                    before = Some(Envelope::read(&payload));
                    self.owed += u32::from(payload[0] & 3 != 1);
                }
                if kind == types::REKEY {
                    self.transport.rekey_incoming();
                }
                new.push((kind, payload));
                plain = &plain[3 + length..];
            }
        }
        self.frames.extend(new.iter().cloned());
        new
    }
}

pub fn hello(name: &str, limits: &Limits) -> String {
    let (window, letter) = (limits.window, limits.letter);
    format!(
        r#"{{"scheme":"key","name":"{name}","instance":"x","options":{{"idle":15000,"silence":45000,"window":{window},"letter":{letter}}}}}"#
    )
}

// ---- the fake primitives in snow's shapes

struct Parts;

impl CryptoResolver for Parts {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Nothing))
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        Some(Box::new(KeyPair::default()))
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        Some(Box::new(Hasher(Fake.digest(HashKind::Blake2s))))
    }

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        Some(Box::new(Sealer(None)))
    }
}

/// Everything is told; nothing is drawn.
struct Nothing;

impl Random for Nothing {
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), snow::Error> {
        Err(snow::Error::Rng)
    }
}

#[derive(Default)]
struct KeyPair {
    secret: [u8; 32],
    public: [u8; 32],
}

impl Dh for KeyPair {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, secret: &[u8]) {
        self.secret = secret.try_into().unwrap();
        self.public = Fake.public_key(&self.secret);
    }

    fn generate(&mut self, _: &mut dyn Random) -> Result<(), snow::Error> {
        Err(snow::Error::Rng)
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &self.secret
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let public = public.first_chunk().unwrap();
        let shared = Fake.agree(&self.secret, public).ok_or(snow::Error::Dh)?;
        out[..32].copy_from_slice(&*shared);
        Ok(())
    }
}

struct Hasher(Box<dyn Digest>);

impl Hash for Hasher {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        self.0.finish(out.first_chunk_mut().unwrap());
    }
}

struct Sealer(Option<Box<dyn Aead>>);

impl Sealer {
    fn nonce(n: u64) -> [u8; 12] {
        CipherKind::ChaChaPoly.nonce(n)
    }
}

impl Cipher for Sealer {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.0 = Some(Fake.aead(CipherKind::ChaChaPoly, key));
    }

    fn encrypt(&self, nonce: u64, ad: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, rest) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let tag = self.0.as_ref().unwrap().seal(&Sealer::nonce(nonce), ad, text);
        rest[..16].copy_from_slice(&tag);
        text.len() + 16
    }

    fn decrypt(&self, nonce: u64, ad: &[u8], text: &[u8], out: &mut [u8]) -> Result<usize, snow::Error> {
        let (text, tag) = text.split_last_chunk().ok_or(snow::Error::Decrypt)?;
        let out = &mut out[..text.len()];
        out.copy_from_slice(text);
        let aead = self.0.as_ref().unwrap();
        aead.open(&Sealer::nonce(nonce), ad, out, tag).map_err(|_| snow::Error::Decrypt)?;
        Ok(out.len())
    }
}
