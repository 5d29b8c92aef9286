//! A provider's primitives in the shapes that snow takes.
//!
//! snow keeps the chaining key in its own state, and copies it, the results of the agreements and the
//! cipher keys over its stack, and wipes none of them: whoever reads the memory of a process later could
//! read its past sessions. So it is shown none of them. All three are made and used in the objects of
//! this file only, which wipe themselves, and snow carries them from one to the other under a [`Mask`]
//! that is wiped when the handshake ends. What it leaves behind then is random bytes. (The static key and
//! the ephemeral one it never sees.)
//!
//! The masks cancel out: the protocol stays what the specification says, to the byte.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use core::cell::Cell;

use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::crypto::{Aead, CipherKind, Digest, HashKind, KeyPair, Provider};
use crate::key::Stream;
use crate::noise::TAG;

/// 32 random bytes of one handshake, by which a secret is hidden from snow and found again. They live
/// as long as snow's handshake state: its Diffie-Hellman and hash objects own them, no others.
///
/// One mask for several secrets tells how they differ, and nothing else: none of them is known, and
/// none of them follows from the others.
struct Mask(Zeroizing<[u8; 32]>);

impl Mask {
    /// Hides, or finds again.
    fn apply(&self, secret: &mut [u8; 32]) {
        for (byte, mask) in secret.iter_mut().zip(self.0.iter()) {
            *byte ^= mask;
        }
    }
}

/// What snow builds one handshake from.
pub(super) struct Parts {
    provider: Arc<dyn Provider>,
    key: Arc<dyn KeyPair>,
    mask: Arc<Mask>,
    ephemeral: Cell<Option<Zeroizing<[u8; 32]>>>,
}

impl Parts {
    /// Draws the ephemeral key and then the mask from `random`.
    pub(super) fn new(provider: Arc<dyn Provider>, key: Arc<dyn KeyPair>, mut random: Stream) -> Parts {
        let mut draw = || {
            let mut bytes = Zeroizing::new([0; 32]);
            random.fill(&mut *bytes);
            bytes
        };
        let ephemeral = Cell::new(Some(draw()));
        Parts { provider, key, mask: Arc::new(Mask(draw())), ephemeral }
    }
}

impl CryptoResolver for Parts {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(self.ephemeral.take())))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match choice {
            DHChoice::Curve25519 => Some(Box::new(Agreement {
                provider: self.provider.clone(),
                key: self.key.clone(),
                mask: self.mask.clone(),
                pair: None,
            })),
            _ => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        let kind = match choice {
            HashChoice::Blake2s => HashKind::Blake2s,
            HashChoice::SHA256 => HashKind::Sha256,
            _ => return None,
        };
        let digest = self.provider.digest(kind);
        Some(Box::new(Hasher { kind, digest, mask: self.mask.clone(), chained: false }))
    }

    #[allow(unreachable_patterns, reason = "snow has one more cipher if somebody turns its feature on")]
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        let kind = match choice {
            CipherChoice::ChaChaPoly => CipherKind::ChaChaPoly,
            CipherChoice::AESGCM => CipherKind::AesGcm,
            _ => return None,
        };
        let (provider, mask) = (self.provider.clone(), Arc::downgrade(&self.mask));
        Some(Box::new(Sealer { kind, provider, mask, aead: None }))
    }
}

/// The one ephemeral key of a handshake: there is no second.
struct Once(Option<Zeroizing<[u8; 32]>>);

impl Random for Once {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        let key = self.0.take().filter(|key| key.len() == out.len()).ok_or(Error::Rng)?;
        out.copy_from_slice(&*key);
        Ok(())
    }
}

/// X25519 with the node's own key, or with the ephemeral one.
struct Agreement {
    provider: Arc<dyn Provider>,
    /// The node's own.
    key: Arc<dyn KeyPair>,
    mask: Arc<Mask>,
    /// The one that this is about. None before snow has said which.
    pair: Option<Arc<dyn KeyPair>>,
}

impl Dh for Agreement {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    /// This is about the node's own key, whatever snow was given in its place.
    fn set(&mut self, _: &[u8]) {
        self.pair = Some(self.key.clone());
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        let mut secret = Zeroizing::new([0; 32]);
        random.try_fill_bytes(&mut *secret)?;
        self.pair = Some(self.provider.key_pair(&secret));
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        self.pair.as_ref().map_or(&[0; 32], |pair| pair.public_key())
    }

    /// Only who generates keys for others asks for it: snow does not, in a handshake.
    fn privkey(&self) -> &[u8] {
        &[]
    }

    /// Refuses what the provider refuses: low order, and what is not in its one form. `public` may be
    /// longer, with zeros at its end.
    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let pair = self.pair.as_ref().ok_or(Error::Dh)?;
        let public = public.first_chunk().ok_or(Error::Dh)?;
        let out = out.first_chunk_mut().ok_or(Error::Dh)?;
        if !self.provider.is_canonical(public) {
            return Err(Error::Dh);
        }
        let mut shared = pair.agree(public).ok_or(Error::Dh)?;
        self.mask.apply(&mut shared);
        *out = *shared;
        Ok(())
    }
}

/// A hash, and the key derivation that is built from it.
struct Hasher {
    kind: HashKind,
    digest: Box<dyn Digest>,
    mask: Arc<Mask>,
    /// Whether the chaining key is a secret yet. At first it is the protocol's name.
    chained: bool,
}

impl Hasher {
    /// The length of a block of both hashes (Noise, section 12).
    const BLOCK: usize = 64;

    /// HMAC (RFC 2104) under a key of 32 bytes.
    fn mac(&mut self, key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut pad = Zeroizing::new([0x36; Self::BLOCK]);
        let mut out = Zeroizing::new([0; 32]);
        for (pad, key) in pad.iter_mut().zip(key) {
            *pad ^= key;
        }
        self.digest.reset();
        self.digest.update(&*pad);
        parts.iter().for_each(|part| self.digest.update(part));
        self.digest.finish(&mut out);

        pad.iter_mut().for_each(|pad| *pad ^= 0x36 ^ 0x5C);
        self.digest.update(&*pad);
        self.digest.update(&*out);
        self.digest.finish(&mut out);
        out
    }
}

impl Hash for Hasher {
    fn name(&self) -> &'static str {
        match self.kind {
            HashKind::Blake2s => "BLAKE2s",
            HashKind::Sha256 => "SHA256",
        }
    }

    fn block_len(&self) -> usize {
        Self::BLOCK
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.digest.reset();
    }

    fn input(&mut self, data: &[u8]) {
        self.digest.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        if let Some(out) = out.first_chunk_mut() {
            self.digest.finish(out);
        }
    }

    /// HKDF (Noise, section 4.3) of masked inputs to masked outputs. A handshake without a pre-shared
    /// key asks for two outputs; asked for anything else, it gives none, and no handshake succeeds.
    ///
    /// The material is the result of an agreement, or empty when the handshake ends in two keys.
    fn hkdf(
        &mut self,
        chaining_key: &[u8],
        material: &[u8],
        outputs: usize,
        out1: &mut [u8],
        out2: &mut [u8],
        _: &mut [u8],
    ) {
        let (2, Some(chaining_key), Some(out1), Some(out2)) =
            (outputs, chaining_key.first_chunk(), out1.first_chunk_mut(), out2.first_chunk_mut())
        else {
            return;
        };
        let unmasked = |masked: &[u8; 32]| {
            let mut secret = Zeroizing::new(*masked);
            self.mask.apply(&mut secret);
            secret
        };
        let chaining_key = if self.chained { unmasked(chaining_key) } else { Zeroizing::new(*chaining_key) };
        let material = material.first_chunk().map(unmasked);
        self.chained = true;

        let key = self.mac(&chaining_key, &[material.as_ref().map_or(&[], |shared| &shared[..])]);
        let mut first = self.mac(&key, &[&[1]]);
        let mut second = self.mac(&key, &[&*first, &[2]]);
        self.mask.apply(&mut first);
        self.mask.apply(&mut second);
        *out1 = *first;
        *out2 = *second;
    }
}

/// An AEAD under the key that snow hands over.
///
/// snow has a plaintext encrypted from one place to another. What is put together of pieces, where it is to be encrypted,
/// need not be copied once more for that: after the handshake, an empty plaintext with more room than its tag takes is the
/// one that stands in the room. (In a handshake it is an empty one, for which snow gives all the room that there is.)
struct Sealer {
    kind: CipherKind,
    provider: Arc<dyn Provider>,
    /// Not its own: a transport outlives the handshake and must not keep the mask.
    mask: Weak<Mask>,
    /// None before there is a key, when snow asks for nothing.
    aead: Option<Box<dyn Aead>>,
}

impl Cipher for Sealer {
    fn name(&self) -> &'static str {
        match self.kind {
            CipherKind::ChaChaPoly => "ChaChaPoly",
            CipherKind::AesGcm => "AESGCM",
        }
    }

    /// Takes a masked key, while there is a handshake that masks.
    fn set(&mut self, key: &[u8; 32]) {
        self.aead = self.mask.upgrade().map(|mask| {
            let mut key = Zeroizing::new(*key);
            mask.apply(&mut key);
            self.provider.aead(self.kind, &key)
        });
    }

    fn encrypt(&self, nonce: u64, ad: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let Some(aead) = &self.aead else { return 0 };
        if plaintext.is_empty() && out.len() > TAG && self.mask.strong_count() == 0 {
            let Some((text, tag)) = out.split_last_chunk_mut() else { return 0 };
            *tag = aead.seal(&self.kind.nonce(nonce), ad, text);
            return out.len();
        }
        let Some((text, rest)) = out.split_at_mut_checked(plaintext.len()) else { return 0 };
        let Some(tag) = rest.first_chunk_mut() else { return 0 };
        *tag = aead.seal_to(&self.kind.nonce(nonce), ad, plaintext, text);
        text.len() + tag.len()
    }

    fn decrypt(&self, nonce: u64, ad: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let aead = self.aead.as_ref().ok_or(Error::Decrypt)?;
        let (text, tag) = ciphertext.split_last_chunk().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..text.len()).ok_or(Error::Decrypt)?;
        aead.open_to(&self.kind.nonce(nonce), ad, text, tag, out).map_err(|_| Error::Decrypt)?;
        Ok(out.len())
    }

    /// The next key (Noise, section 4.2): the encryption of 32 zeros under the nonce 2^64 - 1, which no
    /// message has, without the tag.
    fn rekey(&mut self) {
        if let Some(aead) = &self.aead {
            let mut key = Zeroizing::new([0; 32]);
            aead.seal(&self.kind.nonce(u64::MAX), &[], &mut *key);
            self.aead = Some(self.provider.aead(self.kind, &key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Pure;
    use crate::key::{Purpose, Seed};
    use snow::resolvers::DefaultResolver;

    fn parts() -> Parts {
        let random = Seed::from_bytes([3; 32]).stream(Purpose::Ephemeral, 0);
        Parts::new(Arc::new(Pure), Pure.key_pair(&[1; 32]), random)
    }

    fn unmask(parts: &Parts, bytes: &[u8]) -> [u8; 32] {
        let mut bytes = *bytes.first_chunk().unwrap();
        parts.mask.apply(&mut bytes);
        bytes
    }

    /// snow's own computation, in the clear, against ours, under the mask.
    #[test]
    fn snow_sees_no_secret_and_the_result_is_the_same() {
        let parts = parts();
        for hash in [HashChoice::Blake2s, HashChoice::SHA256] {
            let mut ours = parts.resolve_hash(&hash).unwrap();
            let mut clear = DefaultResolver.resolve_hash(&hash).unwrap();
            let mut dh = parts.resolve_dh(&DHChoice::Curve25519).unwrap();
            let mut clear_dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).unwrap();
            dh.set(&[]);
            clear_dh.set(&[1; 32]);
            assert_eq!(dh.pubkey(), clear_dh.pubkey());

            let peer = Pure.public_key(&[2; 32]);
            let (mut shared, mut clear_shared) = ([0; 56], [0; 56]);
            dh.dh(&peer, &mut shared).unwrap();
            clear_dh.dh(&peer, &mut clear_shared).unwrap();
            assert_ne!(shared, clear_shared);
            assert_eq!(unmask(&parts, &shared), clear_shared[..32]);

            let (mut ck, mut clear_ck) = ([9; 64], [9; 64]);
            let rounds: [(&[u8], &[u8]); 3] =
                [(&shared[..32], &clear_shared[..32]), (&shared[..32], &clear_shared[..32]), (&[], &[])];
            for (masked, clear_material) in rounds {
                let (mut a, mut b, mut clear_a, mut clear_b) = ([0; 64], [0; 64], [0; 64], [0; 64]);
                ours.hkdf(&ck[..32], masked, 2, &mut a, &mut b, &mut []);
                clear.hkdf(&clear_ck[..32], clear_material, 2, &mut clear_a, &mut clear_b, &mut []);
                for (masked, clear) in [(a, clear_a), (b, clear_b)] {
                    assert_ne!(masked[..32], clear[..32]);
                    assert_eq!(unmask(&parts, &masked), clear[..32]);
                }
                (ck, clear_ck) = (a, clear_a);
            }
        }
    }

    #[test]
    fn the_mask_goes_with_the_handshake() {
        let parts = parts();
        let hash = parts.resolve_hash(&HashChoice::Blake2s).unwrap();
        let mut cipher = parts.resolve_cipher(&CipherChoice::ChaChaPoly).unwrap();
        let mask = Arc::downgrade(&parts.mask);
        drop(parts);
        cipher.set(&[1; 32]);
        assert_eq!(mask.strong_count(), 1);
        drop(hash);
        assert_eq!(mask.strong_count(), 0);

        // The transport goes on without.
        let mut sealed = [0; 19];
        assert_eq!(cipher.encrypt(0, &[], b"abc", &mut sealed), 19);
        cipher.rekey();
        assert_eq!(cipher.encrypt(0, &[], b"abc", &mut sealed), 19);
    }

    #[test]
    fn whatever_snow_is_given_for_a_private_key_the_nodes_own_is_used() {
        let mut dh = parts().resolve_dh(&DHChoice::Curve25519).unwrap();
        let peer = Pure.public_key(&[2; 32]);
        assert_eq!(dh.pubkey(), [0; 32]);
        assert_eq!(dh.dh(&peer, &mut [0; 32]), Err(Error::Dh));
        for length in 0..100 {
            dh.set(&alloc::vec![7; length]);
            assert_eq!(dh.pubkey(), Pure.public_key(&[1; 32]));
            assert_eq!(dh.dh(&peer, &mut [0; 32]), Ok(()));
        }
        assert!(dh.privkey().is_empty());
    }

    #[test]
    fn there_is_one_ephemeral_key() {
        let parts = parts();
        let mut random = parts.resolve_rng().unwrap();
        assert_eq!(random.try_fill_bytes(&mut [0; 32]), Ok(()));
        assert_eq!(random.try_fill_bytes(&mut [0; 32]), Err(Error::Rng));
        assert_eq!(parts.resolve_rng().unwrap().try_fill_bytes(&mut [0; 32]), Err(Error::Rng));
    }

    #[test]
    fn buffers_of_a_wrong_length_do_not_panic() {
        for choice in [CipherChoice::ChaChaPoly, CipherChoice::AESGCM] {
            let parts = parts();
            let mut cipher = parts.resolve_cipher(&choice).unwrap();
            assert_eq!(cipher.encrypt(0, &[], b"abc", &mut [0; 19]), 0);
            assert_eq!(cipher.decrypt(0, &[], &[0; 19], &mut [0; 3]), Err(Error::Decrypt));
            cipher.rekey();
            cipher.set(&[1; 32]);
            for length in 0..19 {
                assert_eq!(cipher.encrypt(0, &[], b"abc", &mut [0; 19][..length]), 0);
            }
            let mut sealed = [0; 25];
            assert_eq!(cipher.encrypt(0, &[], b"abc", &mut sealed), 19);
            assert_eq!(cipher.decrypt(0, &[], &sealed[..15], &mut [0; 3]), Err(Error::Decrypt));
            assert_eq!(cipher.decrypt(0, &[], &sealed[..19], &mut [0; 2]), Err(Error::Decrypt));
            assert_eq!(cipher.decrypt(0, &[], &sealed[..19], &mut [0; 5]), Ok(3));
        }
    }
}
