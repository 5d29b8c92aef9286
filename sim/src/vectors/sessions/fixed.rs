//! A provider whose ephemeral key is given: what makes a real node say the bytes of the vectors.

use std::fmt;
use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, Digest, HashKind, KeyPair, Provider, Pure};

/// Pure Rust cryptography, but every secret key that is not the static one is this ephemeral one. Never for
/// anything but vectors: all sessions have one ephemeral key, and it is printed.
#[derive(Clone)]
pub(super) struct Fixed {
    pub(super) static_key: [u8; 32],
    pub(super) ephemeral: [u8; 32],
}

impl Fixed {
    fn real<'a>(&'a self, secret: &'a [u8; 32]) -> &'a [u8; 32] {
        if *secret == self.static_key { secret } else { &self.ephemeral }
    }
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fixed(..)")
    }
}

impl Provider for Fixed {
    fn prefers_aes(&self) -> bool {
        false
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Pure.key_pair(self.real(secret))
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        Pure.aead(kind, key)
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Pure.digest(kind)
    }
}
