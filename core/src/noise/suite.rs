//! The cipher suites, as the preface numbers them.

use crate::crypto::Provider;

/// A cipher suite: a Noise handshake pattern and its primitives. The preface carries its number, and
/// is part of the prologue: nobody can talk two peers down to another one.
///
/// ```
/// use homing_core::Suite;
///
/// assert_eq!(Suite::from_byte(0x01), Some(Suite::XxChaChaPoly));
/// assert_eq!(Suite::from_byte(0xEE), None);
/// assert_eq!(Suite::XxChaChaPoly.name(), "Noise_XX_25519_ChaChaPoly_BLAKE2s");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Suite {
    /// ChaCha20-Poly1305 and BLAKE2s: quick on any processor.
    XxChaChaPoly = 0x01,
    /// AES-256-GCM and SHA-256: quickest where the processor has instructions for both.
    XxAesGcm = 0x02,
}

impl Suite {
    /// The suite that a preface names, if there is one.
    pub const fn from_byte(byte: u8) -> Option<Suite> {
        match byte {
            0x01 => Some(Suite::XxChaChaPoly),
            0x02 => Some(Suite::XxAesGcm),
            _ => None,
        }
    }

    /// Its number in the preface.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Its name as a Noise protocol (Noise, section 8), from which every handshake hash starts.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::XxChaChaPoly => "Noise_XX_25519_ChaChaPoly_BLAKE2s",
            Suite::XxAesGcm => "Noise_XX_25519_AESGCM_SHA256",
        }
    }

    /// What a node with this provider dials with. It answers all.
    pub fn preferred(provider: &dyn Provider) -> Suite {
        if provider.prefers_aes() { Suite::XxAesGcm } else { Suite::XxChaChaPoly }
    }
}
