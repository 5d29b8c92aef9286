//! Agreements and ciphers by AWS-LC.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use homing_core::crypto::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider, Pure, Zeroizing};

/// AWS-LC's X25519, AES-256-GCM and ChaCha20-Poly1305, and [`Pure`] for the rest.
///
/// AWS-LC overwrites the memory of a key when it is given back. What stays are the copies on the stack
/// from when the key was set.
#[derive(Clone, Copy, Default, Debug)]
pub struct AwsLc;

impl Provider for AwsLc {
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

    /// AWS-LC takes any 32 bytes as a key. If it ever refused some, or had no memory, `Pure` would do.
    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        match AwsLcPair::new(secret) {
            Some(pair) => Arc::new(pair),
            None => Pure.key_pair(secret),
        }
    }

    /// The same holds for the keys of both ciphers.
    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        let algorithm = match kind {
            CipherKind::ChaChaPoly => &CHACHA20_POLY1305,
            CipherKind::AesGcm => &AES_256_GCM,
        };
        match UnboundKey::new(algorithm, key) {
            Ok(key) => Box::new(AwsLcAead(LessSafeKey::new(key))),
            Err(_) => Pure.aead(kind, key),
        }
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Pure.digest(kind)
    }
}

/// A key pair, on AWS-LC's side.
struct AwsLcPair {
    secret: PrivateKey,
    public: [u8; 32],
}

impl AwsLcPair {
    fn new(secret: &[u8; 32]) -> Option<AwsLcPair> {
        let secret = PrivateKey::from_private_key(&X25519, secret).ok()?;
        let public = *secret.compute_public_key().ok()?.as_ref().first_chunk()?;
        Some(AwsLcPair { secret, public })
    }
}

impl KeyPair for AwsLcPair {
    fn public_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// AWS-LC compares with zero by itself, in constant time.
    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let public = UnparsedPublicKey::new(&X25519, public);
        agreement::agree(&self.secret, public, (), |shared| {
            shared.first_chunk().map(|shared| Zeroizing::new(*shared)).ok_or(())
        })
        .ok()
    }
}

/// A cipher under its key.
struct AwsLcAead(LessSafeKey);

impl Aead for AwsLcAead {
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
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(ad), tag, buffer).is_ok();
        if opened {
            Ok(())
        } else {
            buffer.fill(0);
            Err(Forged)
        }
    }

    fn seal_to(&self, nonce: &[u8; 12], ad: &[u8], plain: &[u8], out: &mut [u8]) -> [u8; 16] {
        let (nonce, mut tag) = (Nonce::assume_unique_for_key(*nonce), [0; 16]);
        let sealed = self.0.seal_out_of_place_scatter(nonce, Aad::from(ad), plain, out, &[], &mut tag);
        if sealed.is_err() {
            // As above.
            out.fill(0);
            tag = [0; 16];
        }
        tag
    }

    fn open_to(
        &self,
        nonce: &[u8; 12],
        ad: &[u8],
        sealed: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> Result<(), Forged> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_separate_gather(nonce, Aad::from(ad), sealed, tag, out).map_err(|_| {
            out.fill(0);
            Forged
        })
    }
}
