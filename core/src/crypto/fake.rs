//! The provider that protects nothing, for simulation and fuzzing.

use alloc::boxed::Box;
use alloc::sync::Arc;

use zeroize::Zeroizing;

use super::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider};

/// Protects nothing: whoever sees the bytes can read and forge them. For simulation and fuzzing.
///
/// It keeps the lengths, the laws ([`conformance::laws`](super::conformance::laws)) and the failures
/// of the real ones at next to no cost: what is altered is found, low-order zero is refused, and text
/// is not legible on the wire. It is deterministic and never agrees on a key with a real one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Fake;

impl Provider for Fake {
    fn prefers_aes(&self) -> bool {
        false
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Arc::new(FakePair(to_bytes(to_words(secret).map(|word| stir(SEED, word)))))
    }

    /// Any bytes are a key here.
    fn is_canonical(&self, _: &[u8; 32]) -> bool {
        true
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        Box::new(FakeAead(checksum([SEED, kind as u64], key)))
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        let start = [SEED, kind as u64, 0, 0];
        Box::new(FakeDigest { start, lanes: start, block: [0; 32], filled: 0, length: 0 })
    }
}

/// The public key, which is all that it takes.
struct FakePair([u8; 32]);

impl KeyPair for FakePair {
    fn public_key(&self) -> &[u8; 32] {
        &self.0
    }

    /// What both can compute: a sum of the two public keys.
    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        if public == &[0; 32] {
            return None;
        }
        let mut sum = to_words(&self.0);
        for (mine, theirs) in sum.iter_mut().zip(to_words(public)) {
            *mine = mine.wrapping_add(theirs);
        }
        Some(Zeroizing::new(to_bytes(spread(sum))))
    }
}

/// A checksum of the key.
struct FakeAead([u64; 2]);

impl FakeAead {
    fn place(&self, nonce: &[u8; 12], ad: &[u8]) -> [u64; 2] {
        checksum(checksum(self.0, nonce), ad)
    }
}

impl Aead for FakeAead {
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        let place = self.place(nonce, ad);
        scramble(place[0], buffer);
        tag(checksum(place, buffer))
    }

    fn open(
        &self,
        nonce: &[u8; 12],
        ad: &[u8],
        buffer: &mut [u8],
        expected: &[u8; 16],
    ) -> Result<(), Forged> {
        let place = self.place(nonce, ad);
        if tag(checksum(place, buffer)) == *expected {
            scramble(place[0], buffer);
            Ok(())
        } else {
            buffer.fill(0);
            Err(Forged)
        }
    }
}

/// Four words, stirred block by block.
struct FakeDigest {
    start: [u64; 4],
    lanes: [u64; 4],
    block: [u8; 32],
    filled: usize,
    length: u64,
}

impl FakeDigest {
    fn absorb(&mut self) {
        for (lane, word) in self.lanes.iter_mut().zip(to_words(&self.block)) {
            *lane = stir(*lane, word);
        }
        self.block = [0; 32];
        self.filled = 0;
    }
}

impl Digest for FakeDigest {
    fn reset(&mut self) {
        *self = FakeDigest { start: self.start, lanes: self.start, block: [0; 32], filled: 0, length: 0 };
    }

    fn update(&mut self, mut data: &[u8]) {
        self.length = self.length.wrapping_add(data.len() as u64);
        while !data.is_empty() {
            let (now, later) = data.split_at(data.len().min(self.block.len() - self.filled));
            self.block[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == self.block.len() {
                self.absorb();
            }
            data = later;
        }
    }

    fn finish(&mut self, out: &mut [u8; 32]) {
        self.absorb();
        self.lanes[0] = stir(self.lanes[0], self.length);
        *out = to_bytes(spread(self.lanes));
        self.reset();
    }
}

/// Where everything starts; any odd-looking number (here the golden ratio's digits).
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Takes one word into another. Reversible in each, so that one altered word always shows.
fn stir(lane: u64, word: u64) -> u64 {
    (lane ^ word).wrapping_add(SEED).wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(29)
}

/// Lets every word depend on every other.
fn spread(mut lanes: [u64; 4]) -> [u64; 4] {
    for at in 0..12 {
        lanes[at % 4] = stir(lanes[at % 4], lanes[(at + 1) % 4]);
    }
    lanes
}

/// Takes bytes and their number into two words.
fn checksum([mut a, mut b]: [u64; 2], bytes: &[u8]) -> [u64; 2] {
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    for block in blocks.iter().chain([&last]) {
        let block = u128::from_le_bytes(*block);
        a = stir(a, low(block));
        b = stir(b, low(block >> 64));
    }
    [stir(a, bytes.len() as u64), b]
}

fn tag([a, b]: [u64; 2]) -> [u8; 16] {
    let first = stir(a, b);
    (u128::from(first) << 64 | u128::from(stir(b, first))).to_le_bytes()
}

/// Exclusive or with a pad that two runs undo.
fn scramble(pad: u64, buffer: &mut [u8]) {
    let mut pad = pad | 1 << 63;
    let (words, rest) = buffer.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_le_bytes(*word) ^ pad).to_le_bytes();
        pad = pad.wrapping_add(SEED);
    }
    for (byte, pad) in rest.iter_mut().zip(pad.to_le_bytes()) {
        *byte ^= pad;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the half that is wanted")]
fn low(word: u128) -> u64 {
    word as u64
}

fn to_words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

fn to_bytes(words: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::Pure;
    use super::*;

    #[test]
    fn it_is_nobody_real() {
        let (a, b) = ([1; 32], [2; 32]);
        assert_ne!(Fake.public_key(&a), Pure.public_key(&a));
        assert_ne!(Fake.agree(&a, &Fake.public_key(&b)), Pure.agree(&a, &Pure.public_key(&b)));
        assert_ne!(Fake.agree(&a, &Pure.public_key(&b)), Pure.agree(&b, &Fake.public_key(&a)));
    }

    #[test]
    fn text_is_not_legible() {
        let text = *b"attack at dawn, attack at dawn, attack at dawn";
        for key in 0..100 {
            let mut buffer = text;
            Fake.aead(CipherKind::AesGcm, &[key; 32]).seal(&[0; 12], b"", &mut buffer);
            assert!(!buffer.windows(6).any(|window| text.windows(6).any(|word| word == window)));
        }
    }
}
