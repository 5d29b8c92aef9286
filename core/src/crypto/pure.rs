//! The provider in pure Rust, from dalek and RustCrypto.

use alloc::boxed::Box;
use alloc::sync::Arc;

use aes_gcm::Aes256Gcm;
use blake2::Blake2s256;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::consts::{U12, U16};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider};

/// Pure Rust cryptography: nothing to compile but Rust, on any target.
///
/// Keys, key schedules and hash states wipe themselves when they are dropped. What safe Rust cannot
/// reach is the copies that the compiler leaves on the stack when it moves one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Pure;

impl Provider for Pure {
    /// Never: without the standard library there is no asking the processor, and ChaChaPoly is quick
    /// on all. Where AES is known to be in hardware, AESGCM is twice as quick as that, from here too.
    fn prefers_aes(&self) -> bool {
        false
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        let secret = StaticSecret::from(*secret);
        Arc::new(DalekPair { public: PublicKey::from(&secret), secret })
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        match kind {
            CipherKind::ChaChaPoly => Box::new(Keyed(ChaCha20Poly1305::new(key.into()))),
            CipherKind::AesGcm => Box::new(Keyed(Aes256Gcm::new(key.into()))),
        }
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        match kind {
            HashKind::Blake2s => Box::new(Hashing(Blake2s256::default())),
            HashKind::Sha256 => Box::new(Hashing(Sha256::default())),
        }
    }
}

/// A key pair of dalek.
struct DalekPair {
    secret: StaticSecret,
    public: PublicKey,
}

impl KeyPair for DalekPair {
    fn public_key(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*public));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

/// A RustCrypto cipher under its key.
struct Keyed<C>(C);

impl<C: AeadInOut<NonceSize = U12, TagSize = U16> + Send + Sync> Aead for Keyed<C> {
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        match self.0.encrypt_inout_detached(nonce.into(), ad, (&mut *buffer).into()) {
            Ok(tag) => tag.into(),
            // Longer than the cipher's limit of 64 GiB: better lost than in the clear.
            Err(_) => {
                buffer.fill(0);
                [0; 16]
            }
        }
    }

    fn open(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), Forged> {
        self.0.decrypt_inout_detached(nonce.into(), ad, (&mut *buffer).into(), tag.into()).map_err(|_| {
            buffer.fill(0);
            Forged
        })
    }
}

/// A RustCrypto hash under way.
struct Hashing<H>(H);

impl<H: sha2::digest::Digest + Default + Send + Sync> Digest for Hashing<H>
where
    [u8; 32]: From<sha2::digest::Output<H>>,
{
    fn reset(&mut self) {
        self.0 = H::default();
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finish(&mut self, out: &mut [u8; 32]) {
        *out = core::mem::take(&mut self.0).finalize().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Holds only with the feature `zeroize` of each crate, which a new version may rename.
    #[test]
    fn whatever_holds_a_key_wipes_it() {
        fn wipes<T: ZeroizeOnDrop>() {}
        wipes::<StaticSecret>();
        wipes::<x25519_dalek::SharedSecret>();
        wipes::<ChaCha20Poly1305>();
        wipes::<Aes256Gcm>();
        // BLAKE2s does not say so of itself, but its parts do.
        wipes::<blake2::Blake2sVarCore>();
        wipes::<blake2::digest::block_api::Buffer<blake2::Blake2sVarCore>>();
        wipes::<Sha256>();
    }
}
