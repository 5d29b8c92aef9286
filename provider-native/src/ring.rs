//! Ciphers by ring.

use std::hint::black_box;
use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider, Pure};
use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

use crate::AwsLc;

/// ring's AES-256-GCM and ChaCha20-Poly1305, and [`AwsLc`] for the rest: ring makes no agreements with keys that it is
/// given.
///
/// ring does not wipe its keys: here they are overwritten by others when they are given back. What stays are the
/// copies on the stack from when the key was set.
#[derive(Clone, Copy, Default, Debug)]
pub struct Ring;

impl Provider for Ring {
    fn prefers_aes(&self) -> bool {
        AwsLc.prefers_aes()
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        AwsLc.key_pair(secret)
    }

    /// ring takes any 32 bytes as a key of either cipher. If it ever refused some, `Pure` would do.
    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        let algorithm = match kind {
            CipherKind::ChaChaPoly => &CHACHA20_POLY1305,
            CipherKind::AesGcm => &AES_256_GCM,
        };
        match key_of(algorithm, key) {
            Some(key) => Box::new(RingAead(key)),
            None => Pure.aead(kind, key),
        }
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        AwsLc.digest(kind)
    }
}

fn key_of(algorithm: &'static Algorithm, key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

/// A cipher under its key.
struct RingAead(LessSafeKey);

impl Drop for RingAead {
    fn drop(&mut self) {
        if let Some(other) = key_of(self.0.algorithm(), &[0; 32]) {
            self.0 = other;
            // It is read once more, as far as the compiler knows: so it is really written.
            black_box(&mut self.0);
        }
    }
}

impl Aead for RingAead {
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(ad), buffer);
        match tag.as_ref().ok().and_then(|tag| tag.as_ref().first_chunk()) {
            Some(tag) => *tag,
            // Longer than the cipher's limit of 64 GiB: better lost than in the clear.
            None => {
                buffer.fill(0);
                [0; 16]
            }
        }
    }

    fn open(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), Forged> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(ad), Tag::from(*tag), buffer, 0..);
        if opened.is_ok() {
            return Ok(());
        }
        buffer.fill(0);
        Err(Forged)
    }
}
