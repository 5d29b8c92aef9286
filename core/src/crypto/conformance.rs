//! What a provider must do, as a test for whoever writes one.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use data_encoding::HEXLOWER;

use super::{Aead, CipherKind, HashKind, Provider};

const CIPHERS: [CipherKind; 2] = [CipherKind::ChaChaPoly, CipherKind::AesGcm];
const HASHES: [HashKind; 2] = [HashKind::Blake2s, HashKind::Sha256];

/// Checks a provider that is to protect something: the known answers of each primitive, the points of
/// low order, and the [`laws`].
///
/// ```
/// use homing_core::crypto::{Pure, conformance};
///
/// conformance::check(&Pure).unwrap();
/// ```
///
/// # Errors
///
/// What the provider does wrong, in words.
pub fn check(provider: &dyn Provider) -> Result<(), String> {
    known_agreements(provider)?;
    low_order(provider)?;
    known_ciphertexts(provider)?;
    known_hashes(provider)?;
    laws(provider)
}

/// Checks what holds even for a provider that protects nothing: both sides agree, what is sealed opens,
/// whatever is altered is found, and no cutting of the input changes a hash.
///
/// # Errors
///
/// What the provider does wrong, in words.
pub fn laws(provider: &dyn Provider) -> Result<(), String> {
    agreement(provider)?;
    for kind in CIPHERS {
        sealing(provider, kind)?;
        tampering(provider, kind)?;
    }
    separation(provider)?;
    HASHES.into_iter().try_for_each(|kind| hashing(provider, kind))
}

fn agreement(provider: &dyn Provider) -> Result<(), String> {
    let secrets = [[0; 32], [0xFF; 32], [1; 32], [2; 32], pattern()];
    let pairs = secrets.map(|secret| provider.key_pair(&secret));
    for (secret, a) in secrets.iter().zip(&pairs) {
        let again = provider.public_key(secret);
        ensure(*a.public_key() == again, "a public key differs when computed again")?;
        ensure(a.agree(&[0; 32]).is_none(), "agrees with the public key zero")?;
        for b in &pairs {
            let ours = a.agree(b.public_key()).ok_or("refuses an honest public key")?;
            let theirs = b.agree(a.public_key()).ok_or("refuses an honest public key")?;
            ensure(ours == theirs, "two sides do not agree")?;
            let again = provider.agree(secret, b.public_key());
            ensure(again == Some(ours), "an agreement differs when computed again")?;
        }
    }
    let shared = |a: usize, b: usize| pairs[a].agree(pairs[b].public_key());
    ensure(shared(2, 3) != shared(2, 4), "different peers share the same")
}

fn sealing(provider: &dyn Provider, kind: CipherKind) -> Result<(), String> {
    let (aead, other) = (provider.aead(kind, &pattern()), provider.aead(kind, &pattern()));
    let lengths = (0..=130).chain([255, 256, 1000, 4096, 65_519]);
    for (n, length) in (0..).zip(lengths) {
        let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
        let ad = &plain[..length.min(40)];
        let mut buffer = plain.clone();
        let tag = aead.seal(&kind.nonce(n), ad, &mut buffer);
        ensure(length < 16 || buffer != plain, &format!("{kind:?} leaves {length} bytes in the clear"))?;
        let mut elsewhere = vec![0xA5; length];
        ensure(
            aead.seal_to(&kind.nonce(n), ad, &plain, &mut elsewhere) == tag && elsewhere == buffer,
            &format!("{kind:?} seals {length} bytes in place and to another place differently"),
        )?;
        let mut opened = vec![0xA5; length];
        ensure(
            other.open_to(&kind.nonce(n), ad, &buffer, &tag, &mut opened).is_ok() && opened == plain,
            &format!("{kind:?} does not open the {length} bytes that it sealed to another place"),
        )?;
        ensure(
            other.open(&kind.nonce(n), ad, &mut buffer, &tag).is_ok() && buffer == plain,
            &format!("{kind:?} does not open the {length} bytes that it sealed"),
        )?;
    }
    Ok(())
}

/// One bit of each byte, of all that an AEAD is given.
fn tampering(provider: &dyn Provider, kind: CipherKind) -> Result<(), String> {
    let (key, nonce) = (pattern(), kind.nonce(7));
    let aead = provider.aead(kind, &key);
    for (length, ad) in
        [(0, &b""[..]), (1, b"a"), (15, b"1234567890123456"), (16, b"12345678"), (133, b"abc")]
    {
        let mut sealed = vec![0x5A; length];
        let tag = aead.seal(&nonce, ad, &mut sealed);
        let refused = |aead: &dyn Aead, nonce: &_, ad: &[u8], sealed: &[u8], tag: &_, what| {
            let mut buffer = sealed.to_vec();
            let opened = aead.open(nonce, ad, &mut buffer, tag).is_ok();
            let mut elsewhere = vec![0xA5; sealed.len()];
            let opened = opened || aead.open_to(nonce, ad, sealed, tag, &mut elsewhere).is_ok();
            ensure(!opened, &format!("{kind:?} opens {length} bytes with {what} altered"))?;
            let is_cleared = buffer.iter().chain(&elsewhere).all(|b| *b == 0);
            ensure(is_cleared, &format!("{kind:?} leaves forged bytes in the buffer"))
        };
        for at in 0..length {
            refused(&*aead, &nonce, ad, &altered(&sealed, at), &tag, "the ciphertext")?;
        }
        for at in 0..tag.len() {
            let mut tag = tag;
            tag[at] ^= 1 << (at % 8);
            refused(&*aead, &nonce, ad, &sealed, &tag, "the tag")?;
        }
        for at in 0..nonce.len() {
            let mut nonce = nonce;
            nonce[at] ^= 1 << (at % 8);
            refused(&*aead, &nonce, ad, &sealed, &tag, "the nonce")?;
        }
        for at in 0..ad.len() {
            refused(&*aead, &nonce, &altered(ad, at), &sealed, &tag, "the associated data")?;
        }
        for at in 0..key.len() {
            let mut key = key;
            key[at] ^= 1 << (at % 8);
            refused(&*provider.aead(kind, &key), &nonce, ad, &sealed, &tag, "the key")?;
        }
        refused(&*aead, &nonce, &[ad, &[0]].concat(), &sealed, &tag, "the length of the associated data")?;
        refused(&*aead, &nonce, ad, &[&sealed[..], &[0]].concat(), &tag, "the length")?;
        if let Some((_, shorter)) = sealed.split_last() {
            refused(&*aead, &nonce, ad, shorter, &tag, "the length")?;
        }
    }
    Ok(())
}

/// The kinds are not each other: a suite cannot be mistaken for another.
fn separation(provider: &dyn Provider) -> Result<(), String> {
    let [a, b] = CIPHERS.map(|kind| provider.aead(kind, &pattern()));
    let mut buffer = [1; 32];
    let tag = a.seal(&[0; 12], b"", &mut buffer);
    ensure(b.open(&[0; 12], b"", &mut buffer, &tag).is_err(), "the two ciphers are one")?;
    let [a, b] = HASHES.map(|kind| digest(provider, kind, &[b"abc"]));
    ensure(a != b, "the two hashes are one")
}

fn hashing(provider: &dyn Provider, kind: HashKind) -> Result<(), String> {
    let data: Vec<u8> = (0..=250).cycle().take(300).collect();
    let mut seen = Vec::new();
    for length in 0..data.len() {
        let data = &data[..length];
        let whole = digest(provider, kind, &[data]);
        for cut in [0, 1, 31, 32, 33, 63, 64, 65, 128] {
            let (head, tail) = data.split_at(cut.min(length));
            let cuts = digest(provider, kind, &[head, b"", tail]);
            ensure(cuts == whole, &format!("{kind:?} depends on how its input is cut"))?;
        }
        ensure(!seen.contains(&whole), &format!("{kind:?} gives one hash for two inputs"))?;
        seen.push(whole);
    }

    let mut reused = provider.digest(kind);
    let (mut first, mut second) = ([0; 32], [0; 32]);
    reused.update(b"forgotten");
    reused.reset();
    reused.update(b"abc");
    reused.finish(&mut first);
    reused.update(b"abc");
    reused.finish(&mut second);
    let fresh = digest(provider, kind, &[b"abc"]);
    ensure(first == fresh, &format!("{kind:?} does not forget when it is reset"))?;
    ensure(second == fresh, &format!("{kind:?} does not start anew when it is finished"))
}

/// RFC 7748, sections 5.2 and 6.1.
fn known_agreements(provider: &dyn Provider) -> Result<(), String> {
    let answers = [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        // The highest bit of this public key is set, and ignored.
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
        (
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        ),
    ];
    for (secret, public, shared) in answers {
        let agreed = provider.agree(&array(secret)?, &array(public)?).ok_or("X25519 refuses a good key")?;
        ensure(*agreed == array(shared)?, &format!("X25519 gives a wrong result for {secret}"))?;
    }
    let (secret, public) =
        (array(answers[2].0)?, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    ensure(provider.public_key(&secret) == array(public)?, "X25519 gives a wrong public key")
}

/// Every encoding of every point of low order, on the curve and on its twist
/// (<https://cr.yp.to/ecdh.html#validate>): seven of 255 bits, and the bit that is ignored.
fn low_order(provider: &dyn Provider) -> Result<(), String> {
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for text in points {
        for ignored in [0, 0x80] {
            let mut point: [u8; 32] = array(text)?;
            point[31] |= ignored;
            for secret in [[0; 32], [0x77; 32], pattern()] {
                let refused = provider.agree(&secret, &point).is_none();
                ensure(refused, &format!("agrees with a point of low order: {text}"))?;
            }
        }
    }
    Ok(())
}

fn known_ciphertexts(provider: &dyn Provider) -> Result<(), String> {
    // RFC 8439, section 2.8.2.
    let ladies = HEXLOWER.encode(
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
          sunscreen would be it.",
    );
    known_ciphertext(
        &*provider.aead(
            CipherKind::ChaChaPoly,
            &array("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")?,
        ),
        [
            "070000004041424344454647",
            "50515253c0c1c2c3c4c5c6c7",
            &ladies,
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b\
             1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
             3ff4def08e4b7a9de576d26586cec64b6116",
            "1ae10b594f09e26a7e902ecbd0600691",
        ],
    )?;
    // McGrew and Viega, The Galois/Counter Mode of Operation, test case 16.
    known_ciphertext(
        &*provider.aead(
            CipherKind::AesGcm,
            &array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")?,
        ),
        [
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
             b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
             c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ],
    )
}

fn known_ciphertext(aead: &dyn Aead, vector: [&str; 5]) -> Result<(), String> {
    let [nonce, ad, plain, sealed, tag] = vector;
    let (nonce, ad, tag) = (array(nonce)?, bytes(ad)?, array(tag)?);
    let mut buffer = bytes(plain)?;
    let given = aead.seal(&nonce, &ad, &mut buffer);
    ensure(buffer == bytes(sealed)?, &format!("a wrong ciphertext instead of {sealed}"))?;
    ensure(given == tag, &format!("a wrong tag after the ciphertext {sealed}"))?;
    let opened = aead.open(&nonce, &ad, &mut buffer, &tag).is_ok() && buffer == bytes(plain)?;
    ensure(opened, &format!("does not open the ciphertext {sealed}"))
}

fn known_hashes(provider: &dyn Provider) -> Result<(), String> {
    let answers = [
        // RFC 7693, appendix B.
        (HashKind::Blake2s, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"),
        // FIPS 180-2, appendix B.1.
        (HashKind::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ];
    for (kind, hash) in answers {
        let right = digest(provider, kind, &[b"abc"]) == array(hash)?;
        ensure(right, &format!("{kind:?} gives a wrong hash"))?;
    }
    Ok(())
}

fn ensure(holds: bool, fault: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault.to_string()) }
}

fn digest(provider: &dyn Provider, kind: HashKind, parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = provider.digest(kind);
    let mut out = [0; 32];
    for part in parts {
        digest.update(part);
    }
    digest.finish(&mut out);
    out
}

/// Some key: 32 bytes, all different.
fn pattern() -> [u8; 32] {
    core::array::from_fn(|at| (0x40..).nth(at).unwrap_or(0))
}

fn altered(bytes: &[u8], at: usize) -> Box<[u8]> {
    let mut bytes: Box<[u8]> = bytes.into();
    bytes[at] ^= 1 << (at % 8);
    bytes
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    HEXLOWER.decode(hex.as_bytes()).map_err(|e| format!("{hex}: {e}"))
}

fn array<const N: usize>(hex: &str) -> Result<[u8; N], String> {
    bytes(hex)?.try_into().map_err(|_| format!("{hex}: not {N} bytes"))
}
