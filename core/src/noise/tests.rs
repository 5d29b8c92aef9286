//! Both sides against each other, against snow's own primitives, and against whoever sits between.

use super::*;
use crate::crypto::{Aead, CipherKind, Digest, Fake, HashKind, Pure, Zeroizing};
use crate::key::Purpose;
use crate::{Seed, StaticKey};
use snow::resolvers::DefaultResolver;
use std::vec;

const SUITES: [Suite; 2] = [Suite::XxChaChaPoly, Suite::XxAesGcm];
const PAYLOADS: [&[u8]; 3] = [b"", b"hello from the responder", b"hello from the initiator"];

fn provider(provider: impl Provider + 'static) -> Arc<dyn Provider> {
    Arc::new(provider)
}

fn seed(n: u8) -> Seed {
    Seed::from_bytes([n; 32])
}

fn random(n: u8) -> Stream {
    seed(n).stream(Purpose::Ephemeral, 0)
}

fn key(by: &Arc<dyn Provider>, n: u8) -> Arc<dyn KeyPair> {
    by.key_pair(StaticKey::generate(&seed(n)).expose())
}

fn initiator(by: &Arc<dyn Provider>, suite: Suite) -> Handshake {
    Handshake::initiator(by, suite, b"home", &key(by, 1), random(1)).unwrap()
}

fn responder(by: &Arc<dyn Provider>, suite: Suite) -> Handshake {
    Handshake::responder(by, suite, b"home", &key(by, 2), random(2)).unwrap()
}

/// Three messages, each of which `between` may alter. The first error ends it.
fn shake(
    a: &mut Handshake,
    b: &mut Handshake,
    mut between: impl FnMut(usize, &mut Vec<u8>),
) -> Result<(), NoiseError> {
    let (mut from, mut to) = (a, b);
    for (at, payload) in PAYLOADS.into_iter().enumerate() {
        let (mut message, mut read) = (Vec::new(), vec![1; 3]);
        from.write(payload, &mut message)?;
        between(at, &mut message);
        to.read(&message, &mut read).inspect_err(|_| assert!(read.is_empty()))?;
        assert_eq!(read, payload);
        (from, to) = (to, from);
    }
    Ok(())
}

fn pair(by: &Arc<dyn Provider>, suite: Suite) -> (Transport, Transport) {
    let (mut a, mut b) = (initiator(by, suite), responder(by, suite));
    shake(&mut a, &mut b, |_, _| {}).unwrap();
    (a.into_transport().unwrap(), b.into_transport().unwrap())
}

fn sealed(from: &mut Transport, plain: &[u8]) -> Vec<u8> {
    let mut out = Buffer::default();
    from.seal(plain, &mut out).unwrap();
    assert_eq!(out.len(), plain.len() + TAG);
    out.to_vec()
}

fn opened(to: &mut Transport, ciphertext: &[u8]) -> Result<Vec<u8>, NoiseError> {
    let mut plain = Pages::default();
    plain.write(3, |room| Ok::<_, NoiseError>(room.len())).unwrap();
    let result = to.open(ciphertext, &mut plain);
    assert!(result.is_ok() || plain.is_empty());
    result.map(|()| plain.to_vec())
}

#[test]
fn two_sides_meet() {
    for by in [provider(Pure), provider(Fake)] {
        for suite in SUITES {
            let (mut a, mut b) = (initiator(&by, suite), responder(&by, suite));
            assert_eq!((a.remote(), b.remote(), a.hash()), (None, None, None));
            let mut lengths = Vec::new();
            shake(&mut a, &mut b, |_, message| lengths.push(message.len())).unwrap();
            assert_eq!(lengths, [32, 96 + PAYLOADS[1].len(), 64 + PAYLOADS[2].len()]);
            assert!(a.is_finished() && b.is_finished());
            assert!(a.hash().is_some());
            assert_eq!(a.hash(), b.hash());
            let id = |n| PeerId::from_bytes(*key(&by, n).public_key());
            assert_eq!((a.remote(), b.remote()), (Some(id(2)), Some(id(1))));

            let (mut a, mut b) = (a.into_transport().unwrap(), b.into_transport().unwrap());
            for round in 0..4 {
                let (there, back) = (sealed(&mut a, b"there"), sealed(&mut b, b"back"));
                assert_eq!(opened(&mut b, &there).unwrap(), b"there");
                assert_eq!(opened(&mut a, &back).unwrap(), b"back");
                if round % 2 == 0 {
                    a.rekey_outgoing();
                    b.rekey_incoming();
                } else {
                    b.rekey_outgoing();
                    a.rekey_incoming();
                }
            }
            a.rekey_outgoing();
            assert_eq!(opened(&mut b, &sealed(&mut a, b"lost")), Err(NoiseError::Forged));
        }
    }
}

#[test]
fn the_key_is_the_identity() {
    let key = StaticKey::generate(&seed(1));
    assert_eq!(key.peer_id(), PeerId::from_bytes(Pure.public_key(key.expose())));
}

/// snow with its own primitives on the other side, in both roles.
#[test]
fn it_is_the_noise_that_others_speak() {
    let by = provider(Pure);
    for suite in SUITES {
        for ours_first in [true, false] {
            let builder = Builder::with_resolver(suite.name().parse().unwrap(), Box::new(DefaultResolver));
            let builder = builder.prologue(b"home").unwrap().local_private_key(&[5; 32]).unwrap();
            let (mut ours, mut theirs) = if ours_first {
                (initiator(&by, suite), builder.build_responder().unwrap())
            } else {
                (responder(&by, suite), builder.build_initiator().unwrap())
            };
            for (at, payload) in PAYLOADS.into_iter().enumerate() {
                let (mut message, mut read, mut buffer) = (Vec::new(), Vec::new(), [0; 1000]);
                if (at % 2 == 0) == ours_first {
                    ours.write(payload, &mut message).unwrap();
                    let length = theirs.read_message(&message, &mut buffer).unwrap();
                    assert_eq!(&buffer[..length], payload);
                } else {
                    let length = theirs.write_message(payload, &mut buffer).unwrap();
                    ours.read(&buffer[..length], &mut read).unwrap();
                    assert_eq!(read, payload);
                }
            }
            assert_eq!(ours.hash().unwrap(), theirs.get_handshake_hash());
            assert_eq!(ours.remote(), Some(StaticKey::from_bytes([5; 32]).peer_id()));

            let mut ours = ours.into_transport().unwrap();
            let mut theirs = theirs.into_transport_mode().unwrap();
            for length in [0, 1, 1000, LONGEST_PLAIN] {
                let plain = vec![0x5A; length];
                let mut buffer = vec![0; LONGEST];
                let read = theirs.read_message(&sealed(&mut ours, &plain), &mut buffer).unwrap();
                assert_eq!(buffer[..read], plain);
                let written = theirs.write_message(&plain, &mut buffer).unwrap();
                assert_eq!(opened(&mut ours, &buffer[..written]).unwrap(), plain);
                ours.rekey_outgoing();
                theirs.rekey_incoming();
                theirs.rekey_outgoing();
                ours.rekey_incoming();
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for by in [provider(Pure), provider(Fake)] {
        for suite in SUITES {
            let said = || {
                let mut said = Vec::new();
                let (mut a, mut b) = (initiator(&by, suite), responder(&by, suite));
                shake(&mut a, &mut b, |_, message| said.extend_from_slice(message)).unwrap();
                said.extend(sealed(&mut a.into_transport().unwrap(), b"text"));
                said
            };
            assert_eq!(said(), said());
        }
    }
}

#[test]
fn the_ephemeral_key_is_the_start_of_the_stream() {
    let mut secret = [0; 32];
    random(1).fill(&mut secret);
    let mut message = Vec::new();
    initiator(&provider(Pure), Suite::XxChaChaPoly).write(b"", &mut message).unwrap();
    assert_eq!(message, Pure.public_key(&secret));
}

#[test]
fn another_prologue_suite_or_cryptography_is_refused() {
    for suite in SUITES {
        let (pure, fake) = (provider(Pure), provider(Fake));
        let key = key(&pure, 2);
        let mut elsewhere = Handshake::responder(&pure, suite, b"work", &key, random(2)).unwrap();
        let end = shake(&mut initiator(&pure, suite), &mut elsewhere, |_, _| {});
        assert_eq!(end, Err(NoiseError::Forged));

        let other = SUITES[usize::from(suite == SUITES[0])];
        let end = shake(&mut initiator(&pure, suite), &mut responder(&pure, other), |_, _| {});
        assert_eq!(end, Err(NoiseError::Forged));

        let end = shake(&mut initiator(&pure, suite), &mut responder(&fake, suite), |_, _| {});
        assert_eq!(end, Err(NoiseError::Forged));
        let end = shake(&mut initiator(&fake, suite), &mut responder(&pure, suite), |_, _| {});
        assert_eq!(end, Err(NoiseError::Forged));
    }
}

/// Whatever is done to a message, the one that reads it or the one that answers finds out, and the
/// handshake is over for both.
fn refused(by: &Arc<dyn Provider>, suite: Suite, alter: impl FnMut(usize, &mut Vec<u8>)) -> NoiseError {
    let (mut a, mut b) = (initiator(by, suite), responder(by, suite));
    let error = shake(&mut a, &mut b, alter).unwrap_err();
    // The initiator may have finished when its last message was altered; the responder never has.
    assert!(!b.is_finished());
    assert_eq!(b.into_transport().err(), Some(NoiseError::State));
    error
}

#[test]
fn every_altered_bit_is_found() {
    for (by, suites) in [(provider(Pure), &SUITES[..1]), (provider(Fake), &SUITES[..])] {
        for suite in suites {
            for (at, length) in [32, 96 + PAYLOADS[1].len(), 64 + PAYLOADS[2].len()].into_iter().enumerate() {
                for bit in 0..length * 8 {
                    let error = refused(&by, *suite, |now, message| {
                        if now == at {
                            message[bit / 8] ^= 1 << (bit % 8);
                        }
                    });
                    // The highest bit of an ephemeral key: it is a key in its second form.
                    let second_form = !by.is_canonical(&[0xFF; 32]) && at < 2 && bit == 255;
                    let expected = if second_form { NoiseError::LowOrder } else { NoiseError::Forged };
                    assert_eq!(error, expected, "message {at}, bit {bit}");
                }
            }
        }
    }
}

#[test]
fn every_truncation_and_extension_is_found() {
    let by = provider(Pure);
    for suite in SUITES {
        for (at, length) in [32, 96 + PAYLOADS[1].len(), 64 + PAYLOADS[2].len()].into_iter().enumerate() {
            for length in 0..length {
                let error = refused(&by, suite, |now, message| {
                    if now == at {
                        message.truncate(length);
                    }
                });
                assert!(matches!(error, NoiseError::Length | NoiseError::Forged), "{at}, {length}: {error}");
            }
            for more in [1, 16, LONGEST - length] {
                // The first message has a payload in the clear: what is added there, its reader sees.
                if at > 0 {
                    let error = refused(&by, suite, |now, message| {
                        if now == at {
                            message.resize(message.len() + more, 0);
                        }
                    });
                    assert_eq!(error, NoiseError::Forged);
                }
            }
            let error = refused(&by, suite, |now, message| {
                if now == at {
                    message.resize(LONGEST + 1, 0);
                }
            });
            assert_eq!(error, NoiseError::Length);
        }
    }
}

#[test]
fn noise_of_any_length_is_no_handshake() {
    let by = provider(Pure);
    for length in (0..200).chain([1000, LONGEST, LONGEST + 1, 100_000]) {
        let mut bytes = vec![0; length];
        random(9).fill(&mut bytes);
        let mut hub = responder(&by, Suite::XxChaChaPoly);
        let mut read = Vec::new();
        let fits = (32..=LONGEST).contains(&length);
        assert_eq!(hub.read(&bytes, &mut read).is_ok(), fits, "{length}");
        assert_eq!(read.len(), if fits { length - 32 } else { 0 });
    }
}

/// Has for one secret a public key of low order, and knows what all who agree with it would get: zero.
#[derive(Debug)]
struct LowOrder {
    secret: [u8; 32],
}

/// The encoding of a point of low order: 1.
struct One([u8; 32]);

impl KeyPair for One {
    fn public_key(&self) -> &[u8; 32] {
        &self.0
    }

    fn agree(&self, _: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        Some(Zeroizing::new([0; 32]))
    }
}

impl Provider for LowOrder {
    fn prefers_aes(&self) -> bool {
        false
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        let mut one = [0; 32];
        one[0] = 1;
        if *secret == self.secret { Arc::new(One(one)) } else { Pure.key_pair(secret) }
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        Pure.aead(kind, key)
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Pure.digest(kind)
    }
}

#[test]
fn keys_of_low_order_are_refused() {
    let honest = provider(Pure);
    for suite in SUITES {
        for n in [1, 2] {
            let mut ephemeral = [0; 32];
            random(n).fill(&mut ephemeral);
            for secret in [ephemeral, *StaticKey::generate(&seed(n)).expose()] {
                let hostile = provider(LowOrder { secret });
                let (mut a, mut b) = if n == 1 {
                    (initiator(&hostile, suite), responder(&honest, suite))
                } else {
                    (initiator(&honest, suite), responder(&hostile, suite))
                };
                assert_eq!(shake(&mut a, &mut b, |_, _| {}), Err(NoiseError::LowOrder));
                let honest = if n == 1 { b } else { a };
                assert_eq!(honest.remote(), None);
                assert_eq!(honest.into_transport().err(), Some(NoiseError::State));
            }
        }
    }
}

#[test]
fn messages_out_of_turn_change_nothing() {
    let by = provider(Pure);
    let (mut a, mut b) = (initiator(&by, Suite::XxAesGcm), responder(&by, Suite::XxAesGcm));
    let mut out = vec![7];
    assert_eq!(b.write(b"", &mut out), Err(NoiseError::State));
    assert_eq!(a.read(&[0; 32], &mut Vec::new()), Err(NoiseError::State));
    assert_eq!(a.write(&vec![0; LONGEST - OVERHEAD + 1], &mut out), Err(NoiseError::Length));
    assert_eq!(out, [7]);
    shake(&mut a, &mut b, |_, _| {}).unwrap();
    assert_eq!(a.write(b"", &mut out), Err(NoiseError::State));
    assert_eq!(a.read(&[0; 64], &mut Vec::new()), Err(NoiseError::State));
    assert_eq!(out, [7]);
    assert!(a.into_transport().is_ok() && b.into_transport().is_ok());
    assert_eq!(initiator(&by, Suite::XxAesGcm).into_transport().err(), Some(NoiseError::State));
}

#[test]
fn a_failed_handshake_is_over() {
    let by = provider(Pure);
    let mut hub = responder(&by, Suite::XxChaChaPoly);
    assert_eq!(hub.read(&[0; 31], &mut Vec::new()), Err(NoiseError::Length));
    assert_eq!(hub.read(&[9; 32], &mut Vec::new()), Err(NoiseError::State));
    assert_eq!(hub.write(b"", &mut Vec::new()), Err(NoiseError::State));
    assert_eq!((hub.is_finished(), hub.remote(), hub.hash()), (false, None, None));
}

#[test]
fn the_longest_handshake_payloads_pass() {
    let by = provider(Pure);
    let (mut a, mut b) = (initiator(&by, Suite::XxChaChaPoly), responder(&by, Suite::XxChaChaPoly));
    let (payload, mut message, mut read) = (vec![5; LONGEST - OVERHEAD], Vec::new(), Vec::new());
    for at in 0..3 {
        let (from, to) = if at % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        message.clear();
        from.write(&payload, &mut message).unwrap();
        assert!(message.len() <= LONGEST);
        to.read(&message, &mut read).unwrap();
        assert_eq!(read, payload);
    }
}

#[test]
fn records_lost_repeated_or_out_of_order_are_found() {
    for by in [provider(Pure), provider(Fake)] {
        for suite in SUITES {
            let (mut a, mut b) = pair(&by, suite);
            let records = [b"one", b"two", b"six"].map(|plain| sealed(&mut a, plain));
            assert_eq!(opened(&mut b, &records[1]), Err(NoiseError::Forged), "out of order");
            assert_eq!(opened(&mut b, &records[0]).unwrap(), b"one");
            assert_eq!(opened(&mut b, &records[0]), Err(NoiseError::Forged), "repeated");
            assert_eq!(opened(&mut b, &records[2]), Err(NoiseError::Forged), "one lost");
            assert_eq!(opened(&mut a, &records[1]), Err(NoiseError::Forged), "sent back");
            for at in 0..records[1].len() * 8 {
                let mut record = records[1].clone();
                record[at / 8] ^= 1 << (at % 8);
                assert_eq!(opened(&mut b, &record), Err(NoiseError::Forged), "bit {at}");
            }
            for length in 0..records[1].len() {
                let error = if length < TAG { NoiseError::Length } else { NoiseError::Forged };
                assert_eq!(opened(&mut b, &records[1][..length]), Err(error), "cut to {length}");
            }
            assert_eq!(opened(&mut b, &records[1]).unwrap(), b"two");
        }
    }
}

#[test]
fn records_have_their_limits() {
    for by in [provider(Pure), provider(Fake)] {
        let (mut a, mut b) = pair(&by, Suite::XxChaChaPoly);
        let mut out = Buffer::default();
        out.extend_from_slice(&[1, 2, 3]);
        assert_eq!(a.seal(&vec![0; LONGEST_PLAIN + 1], &mut out), Err(NoiseError::Length));
        assert_eq!(out[..], [1, 2, 3]);
        a.seal(b"x", &mut out).unwrap();
        assert_eq!(out[..3], [1, 2, 3]);
        assert_eq!(opened(&mut b, &out[3..]).unwrap(), b"x");
        for length in [0, 1, LONGEST_PLAIN - 1, LONGEST_PLAIN] {
            assert_eq!(opened(&mut b, &sealed(&mut a, &vec![9; length])).unwrap(), vec![9; length]);
        }
        assert_eq!(opened(&mut b, &vec![0; LONGEST]), Err(NoiseError::Forged));
        assert_eq!(opened(&mut b, &vec![0; LONGEST + 1]), Err(NoiseError::Length));
    }
}

#[test]
fn what_is_sealed_where_it_is_is_the_same() {
    for by in [provider(Pure), provider(Fake)] {
        for suite in SUITES {
            let ((mut a, _), (mut again, mut b)) = (pair(&by, suite), pair(&by, suite));
            for length in [0, 1, 16, 17, 1000, LONGEST_PLAIN, 3] {
                let plain: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
                let mut out = Buffer::default();
                out.extend_from_slice(b"before");
                out.extend_from_slice(&plain);
                again.seal_there(&mut out, 6).unwrap();
                assert_eq!(out[..6], *b"before");
                assert!(out[6..] == sealed(&mut a, &plain)[..], "{length} bytes");
                assert!(opened(&mut b, &out[6..]).unwrap() == plain);
                // What is too long is not left there, and takes no number.
                out.extend_from_slice(&vec![0; LONGEST]);
                assert_eq!(again.seal_there(&mut out, 6), Err(NoiseError::Length));
                assert_eq!(out[..], *b"before");
            }
        }
    }
}

#[test]
fn suites_are_what_their_bytes_say() {
    for byte in 0..=255 {
        match Suite::from_byte(byte) {
            Some(suite) => assert_eq!(suite.byte(), byte),
            None => assert!(SUITES.iter().all(|suite| suite.byte() != byte)),
        }
    }
    assert_eq!(Suite::preferred(&Pure), Suite::XxChaChaPoly);
}
