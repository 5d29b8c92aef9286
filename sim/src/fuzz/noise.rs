//! Noise XX over the fake primitives, from its specification (revision 34) and not from the core's library:
//! whoever speaks by this has both keys of the session in hand.

use homing_core::crypto::{CipherKind, Fake, HashKind, Provider};

const NAME: &[u8] = b"Noise_XX_25519_ChaChaPoly_BLAKE2s";
const BLOCK: usize = 64;

type Hash = [u8; 32];

fn hash(parts: &[&[u8]]) -> Hash {
    let mut digest = Fake.digest(HashKind::Blake2s);
    parts.iter().for_each(|part| digest.update(part));
    let mut out = [0; 32];
    digest.finish(&mut out);
    out
}

/// HMAC (RFC 2104).
fn hmac(key: &Hash, parts: &[&[u8]]) -> Hash {
    let mut block = [0; BLOCK];
    block[..32].copy_from_slice(key);
    let (inner, outer) = (block.map(|b| b ^ 0x36), block.map(|b| b ^ 0x5C));
    let parts = [&[&inner[..]], parts].concat();
    hash(&[&outer, &hash(&parts)])
}

/// Two outputs of Noise's HKDF (section 4.3).
fn hkdf(key: &Hash, input: &[u8]) -> (Hash, Hash) {
    let temp = hmac(key, &[input]);
    let first = hmac(&temp, &[&[1]]);
    let second = hmac(&temp, &[&first, &[2]]);
    (first, second)
}

/// One direction: a key and its counter (section 5.1).
pub(super) struct Cipher {
    key: Hash,
    n: u64,
}

impl Cipher {
    fn at(&self, n: u64) -> (Box<dyn homing_core::crypto::Aead>, [u8; 12]) {
        (Fake.aead(CipherKind::ChaChaPoly, &self.key), CipherKind::ChaChaPoly.nonce(n))
    }

    fn seal_with(&mut self, ad: &[u8], plain: &[u8]) -> Vec<u8> {
        let (aead, nonce) = self.at(self.n);
        self.n += 1;
        let mut out = plain.to_vec();
        let tag = aead.seal(&nonce, ad, &mut out);
        out.extend_from_slice(&tag);
        out
    }

    fn open_with(&mut self, ad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = sealed.split_last_chunk()?;
        let (aead, nonce) = self.at(self.n);
        let mut out = text.to_vec();
        aead.open(&nonce, ad, &mut out, tag).ok()?;
        self.n += 1;
        Some(out)
    }

    pub(super) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        self.seal_with(b"", plain)
    }

    pub(super) fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_with(b"", sealed)
    }

    /// Section 4.2; the counter goes on.
    pub(super) fn rekey(&mut self) {
        let (aead, nonce) = self.at(u64::MAX);
        let mut next = [0; 32];
        aead.seal(&nonce, b"", &mut next);
        self.key = next;
    }
}

/// What the tokens of a message do (section 5.3).
#[derive(Clone, Copy)]
enum Token {
    E,
    S,
    Ee,
    Es,
    Se,
}

const XX: [&[Token]; 3] = [&[Token::E], &[Token::E, Token::Ee, Token::S, Token::Es], &[Token::S, Token::Se]];

/// One side of a handshake.
pub(super) struct Handshake {
    initiator: bool,
    message: usize,
    secret: Hash,
    ephemeral: Hash,
    their_secret: Hash,
    their_ephemeral: Hash,
    chaining: Hash,
    hash: Hash,
    cipher: Option<Cipher>,
}

impl Handshake {
    /// The keys are what the caller says: nothing is drawn.
    pub(super) fn new(initiator: bool, secret: Hash, ephemeral: Hash, prologue: &[u8]) -> Handshake {
        let start = hash(&[NAME]);
        Handshake {
            initiator,
            message: 0,
            secret,
            ephemeral,
            their_secret: [0; 32],
            their_ephemeral: [0; 32],
            chaining: start,
            hash: hash(&[&start, prologue]),
            cipher: None,
        }
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.hash = hash(&[&self.hash, data]);
    }

    fn mix_key(&mut self, token: Token) -> Option<()> {
        let (mine, theirs) = match (token, self.initiator) {
            (Token::Ee, _) => (self.ephemeral, self.their_ephemeral),
            (Token::Es, true) | (Token::Se, false) => (self.ephemeral, self.their_secret),
            _ => (self.secret, self.their_ephemeral),
        };
        let shared = Fake.agree(&mine, &theirs)?;
        let (chaining, key) = hkdf(&self.chaining, &*shared);
        self.chaining = chaining;
        self.cipher = Some(Cipher { key, n: 0 });
        Some(())
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let hash = self.hash;
        let out = self.cipher.as_mut().map_or(plain.to_vec(), |cipher| cipher.seal_with(&hash, plain));
        self.mix_hash(&out);
        out
    }

    fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let hash = self.hash;
        let out = match &mut self.cipher {
            Some(cipher) => cipher.open_with(&hash, sealed)?,
            None => sealed.to_vec(),
        };
        self.mix_hash(sealed);
        Some(out)
    }

    /// The next message; nothing when the other's keys are none.
    pub(super) fn write(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for token in XX[self.message] {
            match token {
                Token::E => {
                    let public = Fake.public_key(&self.ephemeral);
                    self.mix_hash(&public);
                    out.extend_from_slice(&public);
                }
                Token::S => {
                    let public = Fake.public_key(&self.secret);
                    out.extend(self.seal(&public));
                }
                token => self.mix_key(*token)?,
            }
        }
        out.extend(self.seal(payload));
        self.message += 1;
        Some(out)
    }

    /// What the other's message carries; nothing when it is not one.
    pub(super) fn read(&mut self, mut message: &[u8]) -> Option<Vec<u8>> {
        for token in XX.get(self.message)?.iter() {
            match token {
                Token::E => {
                    self.their_ephemeral = *message.split_off(..32)?.first_chunk()?;
                    let public = self.their_ephemeral;
                    self.mix_hash(&public);
                }
                Token::S => {
                    let length = if self.cipher.is_some() { 48 } else { 32 };
                    let public = self.open(message.split_off(..length)?)?;
                    self.their_secret = *public.first_chunk()?;
                }
                token => self.mix_key(*token)?,
            }
        }
        let payload = self.open(message)?;
        self.message += 1;
        Some(payload)
    }

    /// The keys for what this side sends, and for what it receives (section 5.2, Split).
    pub(super) fn split(self) -> (Cipher, Cipher) {
        let (first, second) = hkdf(&self.chaining, b"");
        let (first, second) = (Cipher { key: first, n: 0 }, Cipher { key: second, n: 0 });
        if self.initiator { (first, second) } else { (second, first) }
    }
}
