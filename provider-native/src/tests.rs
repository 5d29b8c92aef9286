//! Each provider held against pure Rust: what one does the other understands, and refuses.

use allocation_counter::measure;
use homing_core::crypto::conformance;
use proptest::array::uniform32;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use homing_core::crypto::{Forged, Pure};

const PROVIDERS: [&dyn Provider; 3] = [&AwsLc, &Ring, &Native];
const CIPHERS: [CipherKind; 2] = [CipherKind::ChaChaPoly, CipherKind::AesGcm];

#[test]
fn they_conform() {
    PROVIDERS.into_iter().for_each(|provider| conformance::check(provider).unwrap());
}

/// Both directions, and what is forged.
fn they_seal_the_same(kind: CipherKind, key: &[u8; 32], n: u64, ad: &[u8], text: &[u8]) {
    PROVIDERS.into_iter().for_each(|ours| it_and_pure_seal_the_same(ours, kind, key, n, ad, text));
}

fn it_and_pure_seal_the_same(
    ours: &dyn Provider,
    kind: CipherKind,
    key: &[u8; 32],
    n: u64,
    ad: &[u8],
    text: &[u8],
) {
    let (ours, pure) = (ours.aead(kind, key), Pure.aead(kind, key));
    let nonce = kind.nonce(n);
    let (mut a, mut b) = (text.to_vec(), text.to_vec());
    let (tag_a, tag_b) = (ours.seal(&nonce, ad, &mut a), pure.seal(&nonce, ad, &mut b));
    assert_eq!((&a, tag_a), (&b, tag_b), "{kind:?}, {} bytes", text.len());
    for aead in [&ours, &pure] {
        let (mut forged, mut wrong) = (a.clone(), tag_a);
        wrong[text.len() % 16] ^= 1;
        assert_eq!(aead.open(&nonce, ad, &mut forged, &wrong), Err(Forged));
        assert!(forged.iter().all(|byte| *byte == 0), "forged bytes are left in the buffer");
    }
    ours.open(&nonce, ad, &mut b, &tag_b).unwrap();
    pure.open(&nonce, ad, &mut a, &tag_a).unwrap();
    assert!(a == text && b == text);
}

#[test]
fn they_and_pure_rust_seal_the_same_at_every_length() {
    let text = [0x5A; 65_519];
    for kind in CIPHERS {
        // All of them have code of their own for many blocks at a time, and for what is left over.
        for length in (0..600).chain([1000, 2999, 4096, 15_360, 65_519]) {
            they_seal_the_same(kind, &[7; 32], length as u64, &text[..length % 50], &text[..length]);
        }
    }
}

#[test]
fn they_hash_as_pure_rust_does() {
    for kind in [HashKind::Blake2s, HashKind::Sha256] {
        let hash = |provider: &dyn Provider| {
            let (mut digest, mut out) = (provider.digest(kind), [0; 32]);
            digest.update(&[0x5A; 3000]);
            digest.finish(&mut out);
            out
        };
        PROVIDERS.into_iter().for_each(|provider| assert_eq!(hash(provider), hash(&Pure)));
    }
}

#[test]
fn no_record_is_allocated_for() {
    for (kind, provider) in CIPHERS.into_iter().flat_map(|kind| PROVIDERS.map(|provider| (kind, provider))) {
        let aead = provider.aead(kind, &[7; 32]);
        let mut buffer = [0x5A; 15_360];
        for length in [64, 256, 1024, 15_360] {
            let text = &mut buffer[..length];
            let counted = measure(|| {
                let tag = aead.seal(&kind.nonce(1), b"", text);
                aead.open(&kind.nonce(1), b"", text, &tag).unwrap();
            });
            assert_eq!(counted.count_total, 0, "{provider:?}, {kind:?}, {length} bytes");
        }
    }
}

/// Two agree on the same, whoever computes; or neither agrees.
fn they_agree(secret: &[u8; 32], public: &[u8; 32]) {
    let pure = Pure.key_pair(secret);
    for ours in PROVIDERS.map(|provider| provider.key_pair(secret)) {
        assert_eq!(ours.public_key(), pure.public_key());
        assert_eq!(ours.agree(public), pure.agree(public), "{public:?}");
    }
}

#[test]
fn around_the_prime_they_and_pure_rust_take_and_refuse_the_same_keys() {
    // 0, 1 and what follows; 2^255 - 19 and what is around it: each with and without the bit that is ignored.
    for last in [0, 0x7F, 0x80, 0xFF] {
        for middle in [0, 0xFF] {
            for first in 0..=255 {
                let mut public = [middle; 32];
                (public[0], public[31]) = (first, last);
                they_agree(&[9; 32], &public);
            }
        }
    }
}

proptest! {
    #[test]
    fn they_and_pure_rust_seal_the_same(
        key in uniform32(any::<u8>()),
        n in any::<u64>(),
        ad in vec(any::<u8>(), 0..100),
        text in vec(any::<u8>(), 0..3000),
    ) {
        CIPHERS.into_iter().for_each(|kind| they_seal_the_same(kind, &key, n, &ad, &text));
    }

    #[test]
    fn they_and_pure_rust_agree(secret in uniform32(any::<u8>()), public in uniform32(any::<u8>())) {
        they_agree(&secret, &public);
        they_agree(&secret, &Pure.public_key(&public));
    }
}
