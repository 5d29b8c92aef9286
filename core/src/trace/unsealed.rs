//! The provider that leaves everything legible, for traces without secrets.

use alloc::boxed::Box;

use crate::crypto::{Aead, CipherKind, Digest, Fake, Forged, HashKind, Provider, Zeroizing};

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

    fn public_key(&self, secret: &[u8; 32]) -> [u8; 32] {
        *secret
    }

    fn is_canonical(&self, _: &[u8; 32]) -> bool {
        true
    }

    /// Nobody keeps it. A key of zeros stands for one that cannot be agreed with.
    fn agree(&self, _: &[u8; 32], public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        (*public != [0; 32]).then(|| Zeroizing::new([0; 32]))
    }

    fn aead(&self, _: CipherKind, _: &[u8; 32]) -> Box<dyn Aead> {
        Box::new(Nothing)
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Fake.digest(kind)
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
