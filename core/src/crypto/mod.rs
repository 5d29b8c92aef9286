//! The cryptography that Noise is built from, as a choice.
//!
//! A [`Provider`] brings the primitives of the two cipher suites: X25519, two AEADs, two hashes. The
//! core has two: [`Pure`], and for simulation and fuzzing [`Fake`]. Whoever brings another proves it
//! with [`conformance::check`].
//!
//! ```
//! use homing_core::crypto::{CipherKind, Forged, Provider, Pure};
//!
//! let aead = Pure.aead(CipherKind::ChaChaPoly, &[7; 32]);
//! let nonce = CipherKind::ChaChaPoly.nonce(0);
//!
//! let mut buffer = *b"hello";
//! let tag = aead.seal(&nonce, b"", &mut buffer);
//! assert_ne!(&buffer, b"hello");
//! assert_eq!(aead.open(&nonce, b"", &mut buffer, &tag), Ok(()));
//! assert_eq!(&buffer, b"hello");
//!
//! assert_eq!(aead.open(&nonce, b"other", &mut buffer, &tag), Err(Forged));
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

pub use zeroize::Zeroizing;

pub mod conformance;
mod fake;
mod pure;

pub use fake::Fake;
pub use pure::Pure;

/// Who computes: the primitives of every cipher suite.
///
/// A provider's duties, beside the right results:
///
/// - It wipes keys and what comes of them when they are dropped, as far as its language lets it.
/// - It refuses public keys of low order ([`KeyPair::agree`]).
/// - It takes no time that depends on a secret.
/// - It never panics, whatever the bytes.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Whether AES is quicker here than ChaCha20, which it is where the processor has instructions
    /// for it: such a node dials with AESGCM and SHA256.
    fn prefers_aes(&self) -> bool;

    /// A secret X25519 key, ready for agreements. Any 32 bytes are one: clamping (RFC 7748, section 5)
    /// is done here.
    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair>;

    /// The public key of a secret one, for who needs nothing else of it.
    fn public_key(&self, secret: &[u8; 32]) -> [u8; 32] {
        *self.key_pair(secret).public_key()
    }

    /// What a secret key shares with a public one, for who needs it once: [`KeyPair::agree`].
    fn agree(&self, secret: &[u8; 32], public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        self.key_pair(secret).agree(public)
    }

    /// Whether a public key is written in its one reduced form: below 2^255 - 19. X25519 takes others for
    /// the same point (RFC 7748, section 5); one point would be several identities.
    fn is_canonical(&self, public: &[u8; 32]) -> bool {
        let [first, middle @ .., last] = public;
        *last < 0x7F || (*last == 0x7F && (*first < 0xED || middle.iter().any(|byte| *byte != 0xFF)))
    }

    /// A cipher under one key, which it wipes when it is dropped.
    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead>;

    /// A hash of nothing yet.
    fn digest(&self, kind: HashKind) -> Box<dyn Digest>;
}

/// A secret X25519 key and the public one that follows from it. It wipes the secret when it is dropped.
///
/// A node makes one of its own key for all its handshakes, and one of each ephemeral key.
pub trait KeyPair: Send + Sync {
    /// The public key (RFC 7748, section 6.1).
    fn public_key(&self) -> &[u8; 32];

    /// X25519 (RFC 7748, section 5): what two parties share.
    ///
    /// `None` where `public` is a point of low order, for which every secret gives zero: whoever sends
    /// one takes the secret out of the handshake. Noise (section 12.1) leaves this check to the
    /// implementation, RFC 7748 (section 6.1) says how: compare with zero, in constant time.
    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>>;
}

/// Authenticated encryption under one key, in place (Noise, section 4.2). A buffer holds at most
/// 2^36 - 32 bytes, the least limit of the ciphers.
pub trait Aead: Send + Sync {
    /// Replaces the plaintext by the ciphertext and returns the tag, which also covers `ad`. A nonce
    /// is used once.
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16];

    /// Replaces the ciphertext by the plaintext.
    ///
    /// # Errors
    ///
    /// [`Forged`] where `nonce`, `ad`, ciphertext and tag are not those of one [`Aead::seal`] under
    /// this key. The buffer is all zeros then.
    fn open(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), Forged>;

    /// The same as [`Aead::seal`], from `plain` to `out`, which is as long: for ciphers that read from one place and
    /// write to another, without a copy in between.
    fn seal_to(&self, nonce: &[u8; 12], ad: &[u8], plain: &[u8], out: &mut [u8]) -> [u8; 16] {
        crate::buffer::copy(out, plain);
        self.seal(nonce, ad, out)
    }

    /// The same as [`Aead::open`], from `sealed` to `out`, which is as long.
    ///
    /// # Errors
    ///
    /// As there. `out` is all zeros then.
    fn open_to(
        &self,
        nonce: &[u8; 12],
        ad: &[u8],
        sealed: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> Result<(), Forged> {
        crate::buffer::copy(out, sealed);
        self.open(nonce, ad, out, tag)
    }
}

/// A hash of 32 bytes over blocks of 64 (Noise, section 4.3). It wipes its state when it is dropped.
pub trait Digest: Send + Sync {
    /// Forgets what it was given.
    fn reset(&mut self);

    /// Takes more input. How the input is cut does not matter.
    fn update(&mut self, data: &[u8]);

    /// Writes the hash, and forgets what it was given.
    fn finish(&mut self, out: &mut [u8; 32]);
}

/// Which AEAD (Noise, section 12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CipherKind {
    /// ChaCha20 and Poly1305 (RFC 8439): quick and even-timed on any processor.
    ChaChaPoly,
    /// AES-256 in Galois/Counter Mode (NIST SP 800-38D): quickest where AES is in hardware.
    AesGcm,
}

impl CipherKind {
    /// The nonce that the counter `n` makes (Noise, section 12): four zero bytes, then `n` in the
    /// cipher's byte order, which is little-endian for ChaChaPoly and big-endian for AESGCM.
    pub const fn nonce(self, n: u64) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = match self {
            CipherKind::ChaChaPoly => n.to_le_bytes(),
            CipherKind::AesGcm => n.to_be_bytes(),
        };
        [0, 0, 0, 0, a, b, c, d, e, f, g, h]
    }
}

/// Which hash (Noise, section 12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashKind {
    /// BLAKE2s with 32 bytes of output (RFC 7693).
    Blake2s,
    /// SHA-256 (FIPS 180-4).
    Sha256,
}

/// A ciphertext that nobody who holds the key has made, or not for this place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forged;

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not encrypted under this key for this place")
    }
}

impl core::error::Error for Forged {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_lie_as_the_specification_says() {
        let n = 0x0102_0304_0506_0708;
        assert_eq!(CipherKind::ChaChaPoly.nonce(n), [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(CipherKind::AesGcm.nonce(n), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn the_providers_conform() {
        conformance::check(&Pure).unwrap();
        conformance::laws(&Fake).unwrap();
        assert!(conformance::check(&Fake).is_err());
    }

    #[test]
    fn a_key_has_one_form() {
        let with = |first, middle, last| {
            let mut key = [middle; 32];
            (key[0], key[31]) = (first, last);
            key
        };
        assert!(Pure.is_canonical(&with(0xEC, 0xFF, 0x7F)), "2^255 - 20");
        assert!(!Pure.is_canonical(&with(0xED, 0xFF, 0x7F)), "2^255 - 19, which is zero");
        assert!(!Pure.is_canonical(&with(0xFF, 0xFF, 0x7F)));
        assert!(Pure.is_canonical(&with(0xFF, 0xFE, 0x7F)));
        assert!(!Pure.is_canonical(&with(0, 0, 0x80)), "the highest bit does not count, and so is not set");
        assert!(Pure.is_canonical(&with(9, 0, 0)));
    }
}
