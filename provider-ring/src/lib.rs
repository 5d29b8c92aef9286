//! Homing's cryptography by [ring](https://docs.rs/ring), whose ciphers are written in assembly.
//!
//! A record's cost is its encryption, and this is where ring is ahead of pure Rust. Encrypted per second
//! on one core of an AMD EPYC with AES, AVX2 and AVX-512 (release build, no compiler flags):
//!
//! | | record | pure Rust | ring | |
//! |---|---|---|---|---|
//! | AES-256-GCM | 1 KiB | 1.8 GB | 5.2 GB | 2.9 times |
//! | AES-256-GCM | 64 KiB | 3.0 GB | 8.7 GB | 2.9 times |
//! | ChaCha20-Poly1305 | 1 KiB | 0.5 GB | 1.8 GB | 3.6 times |
//! | ChaCha20-Poly1305 | 64 KiB | 1.6 GB | 2.7 GB | 1.7 times |
//!
//! What ring has no better version of stays with [`Pure`]: BLAKE2s and static X25519, which it does not
//! have, and SHA-256, which is as quick in pure Rust, and which `Pure` wipes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use homing_core::crypto::{CipherKind, Provider, Pure};
//! use homing_ring::Ring;
//!
//! let provider: Arc<dyn Provider> = Arc::new(Ring);
//!
//! // What one seals the other opens: the choice of a provider is each node's own.
//! let nonce = CipherKind::AesGcm.nonce(0);
//! let mut buffer = *b"hello";
//! let tag = provider.aead(CipherKind::AesGcm, &[7; 32]).seal(&nonce, b"", &mut buffer);
//! Pure.aead(CipherKind::AesGcm, &[7; 32]).open(&nonce, b"", &mut buffer, &tag).unwrap();
//! assert_eq!(&buffer, b"hello");
//! ```

use std::hint::black_box;
use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider, Pure};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

/// ring's AES-256-GCM and ChaCha20-Poly1305, and [`Pure`] for the rest.
///
/// ring wipes no key. A cipher of this provider overwrites its key with zeros when it is dropped; what
/// stays are the copies on the stack from when it was set.
#[derive(Clone, Copy, Default, Debug)]
pub struct Ring;

impl Provider for Ring {
    /// Asks the processor: AES and carry-less multiplication, which GCM is made of.
    fn prefers_aes(&self) -> bool {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        return std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq");
        #[cfg(target_arch = "aarch64")]
        return std::arch::is_aarch64_feature_detected!("aes")
            && std::arch::is_aarch64_feature_detected!("pmull");
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
        return false;
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Pure.key_pair(secret)
    }

    /// ring takes any 32 bytes as a key of either cipher. If it ever refused some, `Pure` would do.
    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        match schedule(kind, key) {
            Some(key) => Box::new(RingAead { kind, key }),
            None => Pure.aead(kind, key),
        }
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Pure.digest(kind)
    }
}

/// A cipher under its key.
struct RingAead {
    kind: CipherKind,
    key: LessSafeKey,
}

impl Drop for RingAead {
    /// Overwrites the key. The compiler must believe that somebody looks at it afterwards, or it would
    /// leave that out.
    fn drop(&mut self) {
        if let Some(zeros) = schedule(self.kind, &[0; 32]) {
            self.key = zeros;
        }
        black_box(&mut self.key);
    }
}

fn schedule(kind: CipherKind, key: &[u8; 32]) -> Option<LessSafeKey> {
    let algorithm = match kind {
        CipherKind::ChaChaPoly => &CHACHA20_POLY1305,
        CipherKind::AesGcm => &AES_256_GCM,
    };
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

impl Aead for RingAead {
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(ad), buffer);
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
        let opened =
            self.key.open_in_place_separate_tag(nonce, Aad::from(ad), (*tag).into(), buffer, 0..).is_ok();
        if opened {
            Ok(())
        } else {
            buffer.fill(0);
            Err(Forged)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::crypto::conformance;

    #[test]
    fn it_conforms() {
        conformance::check(&Ring).unwrap();
    }

    #[test]
    fn it_and_pure_rust_are_one() {
        let (key, text) = ([7; 32], [0x5A; 3000]);
        for kind in [CipherKind::ChaChaPoly, CipherKind::AesGcm] {
            let (ring, pure) = (Ring.aead(kind, &key), Pure.aead(kind, &key));
            for length in (0..200).chain([1000, 2999, 3000]) {
                let (nonce, ad) = (kind.nonce(length as u64), &text[..length % 50]);
                let (mut a, mut b) = (text[..length].to_vec(), text[..length].to_vec());
                let (tag_a, tag_b) = (ring.seal(&nonce, ad, &mut a), pure.seal(&nonce, ad, &mut b));
                assert_eq!((&a, tag_a), (&b, tag_b), "{kind:?}, {length} bytes");
                ring.open(&nonce, ad, &mut b, &tag_b).unwrap();
                pure.open(&nonce, ad, &mut a, &tag_a).unwrap();
                assert!(a == text[..length] && b == text[..length]);
            }
        }
        for kind in [HashKind::Blake2s, HashKind::Sha256] {
            let hashes = [&Ring as &dyn Provider, &Pure].map(|provider| {
                let (mut digest, mut out) = (provider.digest(kind), [0; 32]);
                digest.update(&text);
                digest.finish(&mut out);
                out
            });
            assert_eq!(hashes[0], hashes[1]);
        }
    }
}
