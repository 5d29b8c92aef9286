//! The provider that leaves everything legible, for traces without secrets.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::crypto::{Aead, CipherKind, Digest, Fake, Forged, HashKind, KeyPair, Provider, Zeroizing};

/// Encrypts nothing: a public key is its secret key, a ciphertext its plaintext. For replaying
/// [redacted](crate::trace::redact) traces, in which every record that was opened stands in the clear.
///
/// A tag of zeros is right and any other is wrong: so what was forged stays so.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unsealed;

impl Provider for Unsealed {
    fn prefers_aes(&self) -> bool {
        false
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Arc::new(OneKey(*secret))
    }

    fn is_canonical(&self, _: &[u8; 32]) -> bool {
        true
    }

    fn aead(&self, _: CipherKind, _: &[u8; 32]) -> Box<dyn Aead> {
        Box::new(Nothing)
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Fake.digest(kind)
    }
}

/// The public key, which is the secret one.
struct OneKey([u8; 32]);

impl KeyPair for OneKey {
    fn public_key(&self) -> &[u8; 32] {
        &self.0
    }

    /// Nobody keeps it. A key of zeros stands for one that cannot be agreed with.
    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        (*public != [0; 32]).then(|| Zeroizing::new([0; 32]))
    }
}

/// The tag of what is not forged.
pub(super) const RIGHT: [u8; 16] = [0; 16];
/// The tag of what is.
pub(super) const WRONG: [u8; 16] = [0xFF; 16];

struct Nothing;

impl Aead for Nothing {
    fn seal(&self, _: &[u8; 12], _: &[u8], _: &mut [u8]) -> [u8; 16] {
        RIGHT
    }

    fn open(&self, _: &[u8; 12], _: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), Forged> {
        if *tag == RIGHT {
            return Ok(());
        }
        buffer.fill(0);
        Err(Forged)
    }
}
