//! Homing's cryptography in native code: C and assembly, whichever is quickest on the processor at hand.
//!
//! A record's cost is its encryption, a handshake's its agreements, and at both native code is ahead of pure Rust.
//! [`Native`] takes [AWS-LC](https://docs.rs/aws-lc-rs) for everything but AES-GCM on processors that do AES in
//! vectors (VAES) but have no AVX-512: for these [ring](https://docs.rs/ring) has code of its own, and AWS-LC has not. In
//! ns, release build, no compiler flags, on one core of two AMD EPYC, with AVX-512 and without:
//!
//! | | | | pure Rust | AWS-LC | ring |
//! |---|---|---|---:|---:|---:|
//! | AES-256-GCM | 256 B | AVX-512 | 314 | **112** | |
//! | | | VAES alone | 280 | 209 | **107** |
//! | AES-256-GCM | 1 KiB | AVX-512 | 523 | **213** | |
//! | | | VAES alone | 749 | 389 | **217** |
//! | AES-256-GCM | 15 KiB | AVX-512 | 4 840 | **1 520** | 1 800 |
//! | | | VAES alone | 8 830 | 4 150 | **2 560** |
//! | ChaCha20-Poly1305 | 15 KiB | VAES alone | 12 800 | **7 460** | 7 610 |
//! | X25519 | a new key | AVX-512 | 16 000 | **7 200** | |
//! | X25519 | an agreement | AVX-512 | 50 600 | **23 900** | |
//!
//! `homing-bench floor` measures the ciphers of all of them. The hashes stay with [`Pure`]: AWS-LC has no BLAKE2s for Rust,
//! and SHA-256 is as quick in pure Rust.
//!
//! It is built with Rust and a C compiler, and nothing else. Where its build finds an AWS-LC of the system's
//! (`OPENSSL_DIR`, `pkg-config`) it takes that one; `AWS_LC_SYS_USE_SYSTEM=0` forbids it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use homing_core::crypto::{CipherKind, Provider, Pure};
//! use homing_native::Native;
//!
//! let provider: Arc<dyn Provider> = Arc::new(Native);
//!
//! // What one seals the other opens: the choice of a provider is each node's own.
//! let nonce = CipherKind::AesGcm.nonce(0);
//! let mut buffer = *b"hello";
//! let tag = provider.aead(CipherKind::AesGcm, &[7; 32]).seal(&nonce, b"", &mut buffer);
//! Pure.aead(CipherKind::AesGcm, &[7; 32]).open(&nonce, b"", &mut buffer, &tag).unwrap();
//! assert_eq!(&buffer, b"hello");
//! ```

#![forbid(unsafe_code)]

use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, Digest, HashKind, KeyPair, Provider};

mod aws_lc;
mod ring;
#[cfg(test)]
mod tests;

pub use crate::aws_lc::AwsLc;
pub use crate::ring::Ring;

#[cfg(doc)]
use homing_core::crypto::Pure;

/// For each primitive whoever is quickest at it on this processor: [`AwsLc`], or [`Ring`] for AES-GCM on some.
#[derive(Clone, Copy, Default, Debug)]
pub struct Native;

impl Provider for Native {
    fn prefers_aes(&self) -> bool {
        AwsLc.prefers_aes()
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        AwsLc.key_pair(secret)
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        match kind {
            CipherKind::AesGcm if has_aes_in_short_vectors() => Ring.aead(kind, key),
            _ => AwsLc.aead(kind, key),
        }
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        AwsLc.digest(kind)
    }
}

/// Whether the processor does AES in vectors of 256 bits, and not of 512: AWS-LC has code for those only.
#[cfg(target_arch = "x86_64")]
fn has_aes_in_short_vectors() -> bool {
    use std::is_x86_feature_detected as has;
    let short = has!("vaes") && has!("vpclmulqdq") && has!("avx2");
    short && !(has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl"))
}

#[cfg(not(target_arch = "x86_64"))]
fn has_aes_in_short_vectors() -> bool {
    false
}
