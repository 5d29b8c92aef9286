//! The Noise handshake a second time, from its specification (revision 34) and with nothing but the primitives:
//! what the core's is compared with.

use homing_core::Suite;
use homing_core::crypto::{CipherKind, HashKind, Provider, Pure};

use crate::vectors::sessions::Side;

type Key = [u8; 32];

/// The tokens of XX's three messages (section 7.5 there).
const XX: [&[Token]; 3] = [&[Token::E], &[Token::E, Token::Ee, Token::S, Token::Es], &[Token::S, Token::Se]];

#[derive(Clone, Copy)]
enum Token {
    E,
    S,
    Ee,
    Es,
    Se,
}

/// What a handshake leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Split {
    pub(super) hash: Key,
    /// For what the initiator, and what the responder says.
    pub(super) keys: [Key; 2],
}

/// One side of a handshake (the specification's CipherState, SymmetricState and HandshakeState in one).
#[derive(Clone)]
pub(super) struct Noise {
    side: Side,
    cipher: CipherKind,
    hash: HashKind,
    s: Key,
    e: Key,
    rs: Option<Key>,
    re: Option<Key>,
    h: Key,
    ck: Key,
    k: Option<Key>,
    n: u64,
    turn: usize,
}

impl Noise {
    pub(super) fn new(side: Side, suite: Suite, prologue: &[u8], s: Key, e: Key) -> Noise {
        let (cipher, hash) = match suite {
            Suite::XxChaChaPoly => (CipherKind::ChaChaPoly, HashKind::Blake2s),
            Suite::XxAesGcm => (CipherKind::AesGcm, HashKind::Sha256),
        };
        let name = suite.name().as_bytes();
        let h = match name.len() {
            0..=32 => {
                let mut padded = [0; 32];
                padded[..name.len()].copy_from_slice(name);
                padded
            }
            _ => digest(hash, &[name]),
        };
        let mut this =
            Noise { side, cipher, hash, s, e, rs: None, re: None, h, ck: h, k: None, n: 0, turn: 0 };
        this.mix_hash(prologue);
        this
    }

    /// How many messages have passed.
    pub(super) const fn turn(&self) -> usize {
        self.turn
    }

    /// Who writes the next message; nobody, when all three have passed.
    pub(super) const fn writer(&self) -> Option<Side> {
        match self.turn {
            0 | 2 => Some(Side::Initiator),
            1 => Some(Side::Responder),
            _ => None,
        }
    }

    pub(super) fn write(&mut self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        for token in XX.get(self.turn).ok_or("a fourth handshake message")?.iter().copied() {
            match token {
                Token::E => {
                    let public = Pure.public_key(&self.e);
                    self.mix_hash(&public);
                    out.extend_from_slice(&public);
                }
                Token::S => out.extend(self.encrypt_and_hash(&Pure.public_key(&self.s))),
                agreement => self.agree(agreement)?,
            }
        }
        out.extend(self.encrypt_and_hash(payload));
        self.turn += 1;
        Ok(out)
    }

    pub(super) fn read(&mut self, mut message: &[u8]) -> Result<Vec<u8>, String> {
        for token in XX.get(self.turn).ok_or("a fourth handshake message")?.iter().copied() {
            match token {
                Token::E => {
                    let public = take(&mut message, 32)?;
                    self.mix_hash(public);
                    self.re = public.first_chunk().copied();
                }
                Token::S => {
                    let length = if self.k.is_some() { 48 } else { 32 };
                    let public = self.decrypt_and_hash(take(&mut message, length)?)?;
                    self.rs = public.first_chunk().copied();
                }
                agreement => self.agree(agreement)?,
            }
        }
        let payload = self.decrypt_and_hash(message)?;
        self.turn += 1;
        Ok(payload)
    }

    /// What `message` carries, without taking it.
    pub(super) fn peek(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        self.clone().read(message)
    }

    /// The end: the hash of all that was said, and the two keys.
    pub(super) fn split(&self) -> Split {
        let [initiator, responder] = self.hkdf(&[]);
        Split { hash: self.h, keys: [initiator, responder] }
    }

    fn agree(&mut self, token: Token) -> Result<(), String> {
        let initiator = self.side == Side::Initiator;
        let (secret, public) = match (token, initiator) {
            (Token::Ee, _) => (self.e, self.re),
            (Token::Es, true) | (Token::Se, false) => (self.e, self.rs),
            _ => (self.s, self.re),
        };
        let public = public.ok_or("a key is not known yet")?;
        let shared = Pure.agree(&secret, &public).ok_or("a key of low order")?;
        let [ck, k] = self.hkdf(&*shared);
        (self.ck, self.k, self.n) = (ck, Some(k), 0);
        Ok(())
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.h = digest(self.hash, &[&self.h, data]);
    }

    fn encrypt_and_hash(&mut self, plain: &[u8]) -> Vec<u8> {
        let out = match self.k {
            Some(k) => encrypt(self.cipher, &k, self.n, &self.h, plain),
            None => plain.to_vec(),
        };
        self.n += u64::from(self.k.is_some());
        self.mix_hash(&out);
        out
    }

    fn decrypt_and_hash(&mut self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let out = match self.k {
            Some(k) => decrypt(self.cipher, &k, self.n, &self.h, sealed)?,
            None => sealed.to_vec(),
        };
        self.n += u64::from(self.k.is_some());
        self.mix_hash(sealed);
        Ok(out)
    }

    /// HKDF with two outputs (section 4.3 there).
    fn hkdf(&self, input: &[u8]) -> [Key; 2] {
        let temporary = self.hmac(&self.ck, &[input]);
        let first = self.hmac(&temporary, &[&[1]]);
        let second = self.hmac(&temporary, &[&first, &[2]]);
        [first, second]
    }

    /// HMAC (RFC 2104) over blocks of 64 bytes.
    fn hmac(&self, key: &Key, data: &[&[u8]]) -> Key {
        let (mut inner, mut outer) = ([0x36; 64], [0x5c; 64]);
        for at in 0..key.len() {
            inner[at] ^= key[at];
            outer[at] ^= key[at];
        }
        let inner = digest(self.hash, &[&[&inner[..]], data].concat());
        digest(self.hash, &[&outer, &inner])
    }
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = message.split_at_checked(length).ok_or("a handshake message is too short")?;
    *message = rest;
    Ok(taken)
}

fn digest(hash: HashKind, parts: &[&[u8]]) -> Key {
    let mut digest = Pure.digest(hash);
    parts.iter().for_each(|part| digest.update(part));
    let mut out = [0; 32];
    digest.finish(&mut out);
    out
}

fn encrypt(cipher: CipherKind, key: &Key, n: u64, ad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut out = plain.to_vec();
    let tag = Pure.aead(cipher, key).seal(&cipher.nonce(n), ad, &mut out);
    out.extend_from_slice(&tag);
    out
}

fn decrypt(cipher: CipherKind, key: &Key, n: u64, ad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, String> {
    let (text, tag) = sealed.split_last_chunk().ok_or("a content shorter than its tag")?;
    let mut out = text.to_vec();
    let open = Pure.aead(cipher, key).open(&cipher.nonce(n), ad, &mut out, tag);
    open.map_err(|_| "a content does not authenticate")?;
    Ok(out)
}

/// One direction of a session: a key and a counter.
#[derive(Clone)]
pub(super) struct Direction {
    cipher: CipherKind,
    key: Key,
    n: u64,
}

impl Direction {
    /// The directions of the initiator and of the responder.
    pub(super) fn both(suite: Suite, split: &Split) -> [Direction; 2] {
        let cipher = match suite {
            Suite::XxChaChaPoly => CipherKind::ChaChaPoly,
            Suite::XxAesGcm => CipherKind::AesGcm,
        };
        split.keys.map(|key| Direction { cipher, key, n: 0 })
    }

    pub(super) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        self.n += 1;
        encrypt(self.cipher, &self.key, self.n - 1, &[], plain)
    }

    /// What the next record says, without taking it.
    pub(super) fn peek(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        decrypt(self.cipher, &self.key, self.n, &[], sealed)
    }

    /// REKEY (section 4.2 there): the counter goes on.
    pub(super) fn rekey(&mut self) {
        let next = encrypt(self.cipher, &self.key, u64::MAX, &[], &[0; 32]);
        self.key.copy_from_slice(&next[..32]);
    }
}
