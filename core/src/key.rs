//! Keys, the identities they prove, and the one seed that all randomness comes from.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use blake2::digest::{Digest, KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac256};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// A node's private X25519 key: what proves that it is who it says.
///
/// Wiped when dropped, and never printed.
#[derive(Clone)]
pub struct StaticKey(Zeroizing<[u8; 32]>);

impl StaticKey {
    /// Takes the 32 bytes of a private key. Any 32 bytes are one (RFC 7748, section 5, clamps them).
    pub fn from_bytes(bytes: [u8; 32]) -> StaticKey {
        StaticKey(Zeroizing::new(bytes))
    }

    /// Draws a key from a seed. The same seed always gives the same key.
    pub fn generate(seed: &Seed) -> StaticKey {
        let mut bytes = Zeroizing::new([0; 32]);
        seed.stream(Purpose::StaticKey, 0).fill(&mut *bytes);
        StaticKey(bytes)
    }

    /// The secret bytes, for whoever stores them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half, by which others know this node.
    pub fn peer_id(&self) -> PeerId {
        let secret = x25519_dalek::StaticSecret::from(*self.0);
        PeerId(x25519_dalek::PublicKey::from(&secret).to_bytes())
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKey(..)")
    }
}

/// A node's public X25519 key. Whoever holds the private half is that peer.
///
/// Its text form is 56 lower-case letters and digits: base32 (RFC 4648) of the key and of the first
/// three bytes of its BLAKE2s hash, so that a typing error is found before anything is dialed.
///
/// ```
/// use homing_core::{PeerId, Seed, StaticKey};
///
/// let id = StaticKey::generate(&Seed::from_bytes([7; 32])).peer_id();
/// let text = id.to_string();
/// assert_eq!(text.len(), 56);
/// assert_eq!(text.parse::<PeerId>().unwrap(), id);
/// assert!("not a key".parse::<PeerId>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId([u8; 32]);

/// Bytes of checksum in a [`PeerId`]'s text: 35 bytes are exactly 56 base32 digits.
const CHECKSUM: usize = 3;

impl PeerId {
    /// Takes the 32 bytes of a public key, without looking at them: a key that cannot be agreed
    /// with (a point of low order) fails the handshake.
    pub const fn from_bytes(bytes: [u8; 32]) -> PeerId {
        PeerId(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short form for people to compare: the first 100 bits, in groups of four.
    pub fn fingerprint(&self) -> String {
        let text = lower_case(&self.0);
        let mut out = String::with_capacity(24);
        for (at, c) in text.chars().take(20).enumerate() {
            if at > 0 && at % 4 == 0 {
                out.push('-');
            }
            out.push(c);
        }
        out
    }

    fn checksum(&self) -> [u8; CHECKSUM] {
        let mut hash = Blake2s256::new();
        hash.update(b"homing peer id");
        hash.update(self.0);
        let hash = hash.finalize();
        [hash[0], hash[1], hash[2]]
    }
}

/// Base32 in lower case: keys stand in URLs and are read aloud.
fn lower_case(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(bytes);
    text.make_ascii_lowercase();
    text
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 32 + CHECKSUM];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..].copy_from_slice(&self.checksum());
        f.write_str(&lower_case(&bytes))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({})", self.fingerprint())
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyError {
    /// Not 56 letters a-z and digits 2-7.
    Form,
    /// The right form, but a typing error somewhere.
    Checksum,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::Form => "a key is 56 letters a-z and digits 2-7",
            KeyError::Checksum => "this key has a typing error: copy it again",
        })
    }
}

impl core::error::Error for KeyError {}

impl FromStr for PeerId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<PeerId, KeyError> {
        if text.len() != 56 {
            return Err(KeyError::Form);
        }
        let text = text.to_ascii_uppercase();
        let bytes = BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| KeyError::Form)?;
        let (key, checksum) = bytes.split_first_chunk::<32>().ok_or(KeyError::Form)?;
        let id = PeerId(*key);
        if id.checksum() == checksum { Ok(id) } else { Err(KeyError::Checksum) }
    }
}

/// 32 bytes from which a node draws everything random: its ephemeral keys, message ids, redial
/// delays. Two nodes with one seed do the same things, and one that begins anew with the same seed gives the same ids
/// again; use the system's randomness for a real one.
///
/// Wiped when dropped, and never printed.
#[derive(Clone)]
pub struct Seed {
    root: Zeroizing<[u8; 32]>,
    /// The keys of the streams that keep no secret, when `root` is not what they come from.
    open: Option<Zeroizing<OpenKeys>>,
}

/// A key for each of [`Purpose::OPEN`].
pub(crate) type OpenKeys = [[u8; 32]; Purpose::OPEN.len()];

impl Seed {
    /// Takes 32 bytes, which should be unpredictable.
    pub fn from_bytes(bytes: [u8; 32]) -> Seed {
        Seed { root: Zeroizing::new(bytes), open: None }
    }

    /// The same ids, words and delays, but ephemeral keys that are nobody's: they come from zeros.
    pub(crate) fn without_secrets(&self) -> Seed {
        let mut open = Zeroizing::new(OpenKeys::default());
        for (key, purpose) in open.iter_mut().zip(Purpose::OPEN) {
            *key = *self.stream_key(purpose, 0);
        }
        Seed { root: Zeroizing::new([0; 32]), open: Some(open) }
    }

    /// What it is made of, for whoever stores it.
    pub(crate) fn expose(&self) -> (&[u8; 32], Option<&OpenKeys>) {
        (&self.root, self.open.as_deref())
    }

    /// Back from [`expose`](Seed::expose).
    pub(crate) fn from_parts(root: [u8; 32], open: Option<OpenKeys>) -> Seed {
        Seed { root: Zeroizing::new(root), open: open.map(Zeroizing::new) }
    }

    /// The stream of one purpose; `index` separates streams of the same purpose. Streams are
    /// independent: a new draw from one moves no other.
    pub(crate) fn stream(&self, purpose: Purpose, index: u64) -> Stream {
        let key = self.stream_key(purpose, index);
        Stream(ChaCha20::new((&*key).into(), &[0; 12].into()))
    }

    fn stream_key(&self, purpose: Purpose, index: u64) -> Zeroizing<[u8; 32]> {
        let open = Purpose::OPEN.iter().position(|open| *open == purpose);
        if let (Some(keys), Some(at), 0) = (&self.open, open, index) {
            return Zeroizing::new(keys[at]);
        }
        // A key of 32 bytes is always accepted by BLAKE2s; `new` takes it by its exact type.
        let mut mac = Blake2sMac256::new((&*self.root).into());
        mac.update(purpose.label());
        mac.update(&index.to_be_bytes());
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What a random stream is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    StaticKey,
    Ephemeral,
    IdKey,
    Redial,
    Word,
}

impl Purpose {
    /// What no key comes from. Of these there is one stream each.
    pub(crate) const OPEN: [Purpose; 3] = [Purpose::IdKey, Purpose::Redial, Purpose::Word];

    const fn label(self) -> &'static [u8] {
        match self {
            Purpose::StaticKey => b"homing static key",
            Purpose::Ephemeral => b"homing ephemeral key",
            Purpose::IdKey => b"homing message id key",
            Purpose::Redial => b"homing redial",
            Purpose::Word => b"homing word",
        }
    }
}

/// Random bytes of one purpose: the ChaCha20 key stream (RFC 8439) under a key of its own.
pub(crate) struct Stream(ChaCha20);

impl Stream {
    /// Fills `out`. A stream holds 256 GiB, which nothing that draws from one comes near.
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
        self.0.apply_keystream(out);
    }

    pub(crate) fn u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Evenly drawn from `0..=most`, up to a bias of `most / 2^64`.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(n) => self.u64() % n,
            None => self.u64(),
        }
    }

    /// `len` letters and digits, five bits each.
    pub(crate) fn word(&mut self, len: usize) -> String {
        (0..len)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(self.u64() % 32) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn streams_are_independent_and_repeatable() {
        let seed = Seed::from_bytes([1; 32]);
        let mut first = seed.stream(Purpose::IdKey, 0);
        let a = (first.u64(), first.u64());
        let mut again = seed.stream(Purpose::IdKey, 0);
        seed.stream(Purpose::Redial, 0).u64();
        assert_eq!(a, (again.u64(), again.u64()));
        assert_ne!(seed.stream(Purpose::IdKey, 1).u64(), a.0);
        assert_ne!(seed.stream(Purpose::Redial, 0).u64(), a.0);
    }

    #[test]
    fn without_its_secrets_a_seed_gives_the_same_ids_and_other_keys() {
        let seed = Seed::from_bytes([1; 32]);
        let without = seed.without_secrets();
        for purpose in Purpose::OPEN {
            assert_eq!(without.stream(purpose, 0).u64(), seed.stream(purpose, 0).u64(), "{purpose:?}");
        }
        assert_ne!(without.stream(Purpose::Ephemeral, 1).u64(), seed.stream(Purpose::Ephemeral, 1).u64());
        let (root, open) = without.expose();
        let again = Seed::from_parts(*root, open.copied());
        assert_eq!(again.stream(Purpose::Word, 0).u64(), seed.stream(Purpose::Word, 0).u64());
    }

    #[test]
    fn up_to_stays_within() {
        let mut stream = Seed::from_bytes([2; 32]).stream(Purpose::Redial, 0);
        for most in [0, 1, 2, 1000, u64::MAX] {
            for _ in 0..100 {
                assert!(stream.up_to(most) <= most);
            }
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let seed = Seed::from_bytes([0xAB; 32]);
        let key = StaticKey::generate(&seed);
        assert_eq!(alloc::format!("{seed:?} {key:?}"), "Seed(..) StaticKey(..)");
    }

    #[test]
    fn every_typing_error_in_a_key_is_found() {
        let id = StaticKey::from_bytes([9; 32]).peer_id();
        let text = id.to_string();
        assert_eq!(text.to_uppercase().parse::<PeerId>(), Ok(id));
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(wrong.parse::<PeerId>(), Err(KeyError::Checksum), "{wrong}");
        }
        assert_eq!(text[1..].parse::<PeerId>(), Err(KeyError::Form));
        assert_eq!("1".repeat(56).parse::<PeerId>(), Err(KeyError::Form));
        assert_eq!("é".repeat(28).parse::<PeerId>(), Err(KeyError::Form));
    }
}
