//! Before there is a session: what strangers, scanners, meddlers and impostors get to hear.

use std::time::Duration;

use homing_core::{ClosedBy, Event, Input, Reason};

use crate::hub::{ADMITTED, Caller, Hub, OFFER, answer, dial, dialing, expect_uplink_down};
use crate::raw::{self, Crypto, PREFACE, frame, message, record, types};

const DEADLINE: Duration = Duration::from_secs(10);

fn refusal(reason: Reason) -> Vec<u8> {
    [&[0, 0][..], &reason.code().to_be_bytes()].concat()
}

/// A whole valid session of a client's, which the given bytes of the hub's must be answered with.
fn client_bytes(hub: &mut Hub, key: u8, name: &str) -> Vec<Vec<u8>> {
    let (link, mut noise) = hub.greet(key);
    let mut first = raw::noise(hub.crypto, true, [key; 32], PREFACE, "home");
    let first = [&PREFACE[..], &message(&mut first, b"")].concat();
    let third = message(&mut noise, hub.hello(name).as_bytes());
    hub.host.gone(link);
    vec![first, third]
}

#[test]
fn strangers_are_closed_without_a_word() {
    let mut hub = Hub::new();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: home\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        &[0; 100],
        b"homin",
        b"Homing\x01\x01",
        b"homing",
        b"\n",
    ] {
        let link = hub.host.accept();
        hub.host.data(link, bytes);
        if b"homing".starts_with(bytes) {
            assert_eq!(hub.host.down(link), None, "may still become one");
            hub.host.advance(DEADLINE);
            hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE_TIMEOUT);
        } else {
            hub.host.expect_down(link, ClosedBy::Us, Reason::NOT_HOMING);
        }
        assert_eq!(hub.host.written(link), b"", "{bytes:?}");
        hub.host.data(link, b"more");
        hub.check();
    }
}

#[test]
fn another_version_or_suite_is_told_so() {
    for last in [&b"\x00"[..], b"\x02", b"\xFF", b"\x01\x00", b"\x01\x03", b"\x01\xFF"] {
        let mut hub = Hub::new();
        let link = hub.host.accept();
        hub.host.data(link, &[b"homing", last, &[9; 60]].concat());
        hub.host.expect_down(link, ClosedBy::Us, Reason::VERSION);
        assert_eq!(hub.host.written(link), refusal(Reason::VERSION));
        hub.check();
    }
}

#[test]
fn every_prefix_then_the_end_or_silence() {
    let mut hub = Hub::new();
    let [first, third] = client_bytes(&mut hub, 1, "ada").try_into().unwrap();
    for silent in [false, true] {
        let mut links = Vec::new();
        for cut in 0..first.len() {
            let link = hub.host.accept();
            hub.host.data(link, &first[..cut]);
            assert_eq!(hub.host.written(link), b"");
            links.push((link, if cut < 8 { Vec::new() } else { refusal(Reason::HANDSHAKE_TIMEOUT) }));
        }
        for cut in 0..third.len() {
            let (link, mut noise) = hub.greet(1);
            let third = message(&mut noise, hub.hello("ada").as_bytes());
            hub.host.data(link, &third[..cut]);
            assert_eq!(hub.host.written(link), b"");
            links.push((link, refusal(Reason::HANDSHAKE_TIMEOUT)));
        }
        if silent {
            hub.host.advance(DEADLINE);
        }
        for (link, said) in links {
            if silent {
                hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE_TIMEOUT);
                assert_eq!(hub.host.written(link), said);
            } else {
                assert_eq!(hub.host.down(link), None);
                hub.host.gone(link);
                hub.host.expect_down(link, ClosedBy::Network, Reason::GONE);
                assert!(!hub.host.closed.contains(&link), "its stream is gone already");
            }
            assert!(!hub.host.link_up(link));
        }
        hub.check();
        hub.host.take_events();
    }
}

#[test]
fn every_flipped_bit_of_the_first_message() {
    let mut hub = Hub::new();
    let first = client_bytes(&mut hub, 1, "ada").remove(0);
    for bit in 8 * 8..first.len() * 8 {
        let link = hub.host.accept();
        let mut bytes = first.clone();
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
        hub.host.data(link, &bytes);
        if bit / 8 >= 10 {
            // An ephemeral key like any other: what follows from it is not what the client computes.
            let second = hub.host.written(link);
            let mut noise = raw::noise(Crypto::Fake, true, [1; 32], PREFACE, "home");
            message(&mut noise, b"");
            assert!(noise.read_message(&second[2..], &mut [0; 4096]).is_err());
            hub.host.data(link, &record(&[7; 100]));
            hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE);
            assert_eq!(hub.host.written(link), refusal(Reason::HANDSHAKE));
        } else {
            let length = usize::from(u16::from_be_bytes([bytes[8], bytes[9]]));
            let reason = match length {
                0 => Reason::from_code(u16::from_be_bytes([bytes[10], bytes[11]])),
                1..32 => Reason::HANDSHAKE,
                2049.. => Reason::LIMIT,
                _ => {
                    hub.host.advance(DEADLINE);
                    hub.check();
                    Reason::HANDSHAKE_TIMEOUT
                }
            };
            let by = if length == 0 { ClosedBy::Unproven } else { ClosedBy::Us };
            hub.host.expect_down(link, by, reason);
            let said = if length == 0 { Vec::new() } else { refusal(reason) };
            assert_eq!(hub.host.written(link), said);
        }
        assert!(!hub.host.link_up(link));
    }
    hub.check();
}

#[test]
fn every_flipped_bit_of_the_third_message() {
    let mut hub = Hub::new();
    let length = client_bytes(&mut hub, 1, "ada")[1].len();
    for bit in 2 * 8..length * 8 {
        let (link, mut noise) = hub.greet(1);
        let mut third = message(&mut noise, hub.hello("ada").as_bytes());
        third[bit / 8] ^= 1 << (bit % 8);
        hub.host.data(link, &third);
        hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE);
        assert_eq!(hub.host.written(link), refusal(Reason::HANDSHAKE));
        hub.host.events.clear();
    }
    hub.check();
}

#[test]
fn every_flipped_bit_and_every_prefix_of_the_second_message() {
    let (_, _, first) = dialing(dial(), Crypto::Fake.config());
    let (second, _) = answer(&first, "home", OFFER);
    for bit in 2 * 8..second.len() * 8 {
        let (mut host, link, _) = dialing(dial(), Crypto::Fake.config());
        let mut bytes = second.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        host.data(link, &bytes);
        expect_uplink_down(&host, ClosedBy::Us, Reason::HANDSHAKE);
        assert_eq!(host.written(link), refusal(Reason::HANDSHAKE));
    }
    for cut in 0..second.len() {
        let (mut host, link, _) = dialing(dial(), Crypto::Fake.config());
        host.data(link, &second[..cut]);
        assert_eq!(host.written(link), b"");
        let mut silent = dialing(dial(), Crypto::Fake.config()).0;
        silent.data(link, &second[..cut]);
        silent.advance(DEADLINE);
        expect_uplink_down(&silent, ClosedBy::Us, Reason::HANDSHAKE_TIMEOUT);
        assert_eq!(silent.written(link), refusal(Reason::HANDSHAKE_TIMEOUT));
        host.gone(link);
        expect_uplink_down(&host, ClosedBy::Network, Reason::GONE);
    }
}

#[test]
fn who_dials_something_else_is_told_that_it_is_none_of_ours() {
    for banner in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail ESMTP\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\xFF\xFD\x18",
    ] {
        let (mut host, link, _) = dialing(dial(), Crypto::Fake.config());
        host.data(link, banner);
        expect_uplink_down(&host, ClosedBy::Us, Reason::NOT_HOMING);
        assert_eq!(host.written(link), b"");
        assert!(host.closed.contains(&link));
    }
}

#[test]
fn a_refusal_at_every_phase() {
    // To a hub, by a newcomer that has no keys yet.
    let mut hub = Hub::new();
    let link = hub.host.accept();
    hub.host.data(link, &[&PREFACE[..], &refusal(Reason::BANNED)].concat());
    hub.host.expect_down(link, ClosedBy::Unproven, Reason::BANNED);
    let (link, _) = hub.greet(1);
    hub.host.data(link, &refusal(Reason::WRONG_KEY));
    hub.host.expect_down(link, ClosedBy::Unproven, Reason::WRONG_KEY);
    assert_eq!(hub.host.written(link), b"");
    // After keys there is none.
    let mut ada = hub.join(1, "ada");
    ada.send_raw(&mut hub, &refusal(Reason::BUSY));
    ada.expect_closed(&mut hub, Reason::MALFORMED);
    // To a node that dials: before its third message, after it, once it is in.
    let (mut host, link, _) = dialing(dial(), Crypto::Fake.config());
    host.data(link, &refusal(Reason::BUSY));
    expect_uplink_down(&host, ClosedBy::Unproven, Reason::BUSY);
    let mut caller = Caller::greeted(Crypto::Fake.config());
    caller.host.data(caller.link, &refusal(Reason::HANDSHAKE));
    caller.expect_down(ClosedBy::Unproven, Reason::HANDSHAKE);
    let mut caller = Caller::up();
    caller.host.data(caller.link, &refusal(Reason::BUSY));
    let bytes = caller.host.written(caller.link);
    caller.session.open(&bytes);
    caller.expect_closed(Reason::MALFORMED);
}

#[test]
fn sizes_before_and_after_admission() {
    let mut hub = Hub::new();
    let link = hub.host.accept();
    hub.host.data(link, &[&PREFACE[..], &[0x08, 0x01]].concat());
    hub.host.expect_down(link, ClosedBy::Us, Reason::LIMIT);
    assert_eq!(hub.host.written(link), refusal(Reason::LIMIT));
    let (link, _) = hub.greet(1);
    hub.host.data(link, &[0xFF, 0xFF]);
    hub.host.expect_down(link, ClosedBy::Us, Reason::LIMIT);
    // A first message that carries something that anybody can read.
    let link = hub.host.accept();
    let mut noise = raw::noise(Crypto::Fake, true, [1; 32], PREFACE, "home");
    hub.host.data(link, &[&PREFACE[..], &message(&mut noise, b"hi")].concat());
    hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE);
    // An admitted one may send the largest record, and no other than whole frames in it.
    let mut ada = hub.join(1, "ada");
    let large = frame(0x80, &vec![0; 65_519 - 3]);
    ada.send(&mut hub, &large);
    ada.expect_open(&mut hub);
    ada.send_raw(&mut hub, &record(&[0; 15]));
    ada.expect_closed(&mut hub, Reason::FORGED_RECORD);
    hub.host.data(ada.link, b"trailing garbage");
    assert_eq!(hub.host.written(ada.link), b"");
}

#[test]
fn hellos_that_are_none() {
    let options = r#""options":{"idle":15000,"silence":45000,"window":1000,"letter":16384}"#;
    let with = |rest: &str| format!("{{{rest},{options}}}");
    let (malformed, scheme) = (Reason::MALFORMED, Reason::SCHEME);
    for (hello, reason) in [
        (String::new(), malformed),
        ("null".into(), malformed),
        ("{".into(), malformed),
        (format!("{{{options}}}"), malformed),
        (r#"{"scheme":"key","name":"ada"}"#.into(), malformed),
        (with(r#""scheme":"key","scheme":"guest","name":"ada""#), malformed),
        (with(r#""scheme":"key","name":"ada","name":"eve""#), malformed),
        (with(r#""scheme":"key","name":"Ada""#), malformed),
        (with(r#""scheme":"key","name":"*""#), malformed),
        (with(r#""scheme":"key","name":"ada@home""#), malformed),
        (with(r#""scheme":"key","name":"""#), malformed),
        (with(r#""scheme":"key","name":"ada","instance":"a/b""#), malformed),
        (with(r#""scheme":"key""#), malformed),
        (with(r#""scheme":"guest","name":"ada""#), malformed),
        (with(r#""scheme":"password","name":"ada""#), scheme),
        (with(r#""scheme":"","name":"ada""#), scheme),
        (with(r#""scheme":"key","name":"ada","priority":128"#), malformed),
        (with(r#""scheme":"key","name":"ada","priority":-129"#), malformed),
        (with(r#""scheme":"key","name":"ada","priority":1e2"#), malformed),
        (with(r#""scheme":"key","name":"\ud800""#), malformed),
        (with(r#""scheme":"key","name":"ada""#).replace("15000", "99999999999999999999"), malformed),
        (with(r#""scheme":"key","name":"ada""#).replace("1000,\"letter", "4294967296,\"letter"), malformed),
        (with(r#""scheme":"key","name":"ada""#).replace("15000", "-1"), malformed),
        (with(r#""scheme":"key","name":"ada""#).replace("15000", "15001"), Reason::OPTIONS),
        (with(r#""scheme":"key","name":"ada""#).replace("15000", "0"), Reason::OPTIONS),
        (with(r#""scheme":"key","name":"ada""#).replace("16384", "0"), Reason::OPTIONS),
        (with(r#""scheme":"key","name":"ada""#).replace("45000", "18446744073709551615"), Reason::OPTIONS),
        (with(r#""scheme":"key","name":"hub""#), Reason::NAME_RESERVED),
        (with(r#""scheme":"key","name":"guest-1""#), Reason::NAME_RESERVED),
        (with(r#""scheme":"key","name":"witness""#), Reason::NAME_TAKEN),
    ] {
        let mut hub = Hub::new();
        let mut raw = hub.introduce(1, hello.as_bytes());
        assert_eq!(raw.goodbye(), Some(reason), "{hello}");
        assert!(!hub.host.link_up(raw.link));
        raw.expect_closed(&mut hub, reason);
    }
    // Not UTF-8, and deep.
    for hello in [&b"{\"scheme\":\"\xFF\"}"[..], &[b'['; 1500]] {
        let mut hub = Hub::new();
        hub.introduce(1, hello).expect_closed(&mut hub, Reason::MALFORMED);
    }
    // The largest that has room, and one more byte.
    let mut hub = Hub::new();
    let hello = hub.hello("ada");
    let padded = format!("{hello}{}", " ".repeat(2048 - 64 - hello.len()));
    hub.introduce(1, padded.as_bytes()).expect_open(&mut hub);
    let (link, mut noise) = hub.greet(2);
    hub.host.data(link, &message(&mut noise, format!("{padded} ").as_bytes()));
    hub.host.expect_down(link, ClosedBy::Us, Reason::LIMIT);
    hub.check();
}

#[test]
fn a_closed_hub_takes_neither_guests_nor_keys_that_it_does_not_know() {
    let allowed = raw::public_key(Crypto::Fake, [5; 32]);
    let mut hub = Hub::with(Crypto::Fake, |config| {
        let serving = config.serving.as_mut().unwrap();
        serving.open = false;
        serving.allow.insert(raw::public_key(Crypto::Fake, [99; 32]));
        serving.allow.insert(allowed);
    });
    let ada = hub.hello("ada");
    hub.introduce(1, ada.as_bytes()).expect_closed(&mut hub, Reason::NOT_ADMITTED);
    let guest = ada.replace(r#""key","name":"ada""#, r#""guest""#);
    hub.introduce(1, guest.as_bytes()).expect_closed(&mut hub, Reason::SCHEME);
    hub.introduce(5, ada.as_bytes()).expect_open(&mut hub);
    hub.introduce(1, ada.as_bytes()).expect_closed(&mut hub, Reason::NAME_TAKEN);
}

#[test]
fn what_cannot_be_stored_is_not_promised() {
    let mut hub = Hub::new();
    hub.host.stores_at_once = false;
    let hello = hub.hello("ada");
    // Two race for one name: the first to ask has it, once it is durable.
    let mut ada = hub.introduce(1, hello.as_bytes());
    let mut eve = hub.introduce(2, hello.as_bytes());
    assert!(ada.session.frames.is_empty());
    eve.expect_closed(&mut hub, Reason::NAME_TAKEN);
    let id = hub.host.stores.remove(0);
    hub.host.tell(Input::Stored { id, ok: false });
    ada.expect_closed(&mut hub, Reason::STORAGE);
    assert!(!hub.host.link_up(ada.link));
    // Nothing was bound: another may have it. Its second link waits for the same store.
    let mut eve = hub.introduce(2, hello.as_bytes());
    let mut twin = hub.introduce(2, hello.replace(r#""x""#, r#""y""#).as_bytes());
    let id = hub.host.stores.remove(0);
    assert!(hub.host.stores.is_empty());
    hub.host.tell(Input::Stored { id, ok: true });
    hub.host.tell(Input::Stored { id, ok: false });
    eve.expect_open(&mut hub);
    twin.expect_open(&mut hub);
    // Somebody leaves while it is stored, somebody speaks too early, somebody waits too long.
    let hello = hub.hello("bob");
    let bob = hub.introduce(3, hello.as_bytes());
    hub.host.gone(bob.link);
    let mut early = hub.introduce(3, hello.as_bytes());
    early.send(&mut hub, &raw::Envelope::new(raw::MESSAGE, 1, "hub@home", "{}", b"").frame());
    early.expect_closed(&mut hub, Reason::SESSION_STATE);
    let mut late = hub.introduce(3, hello.as_bytes());
    hub.host.advance(DEADLINE);
    late.expect_closed(&mut hub, Reason::HANDSHAKE_TIMEOUT);
    let id = hub.host.stores.remove(0);
    hub.host.tell(Input::Stored { id, ok: true });
    for link in [bob.link, early.link, late.link] {
        assert!(!hub.host.link_up(link));
    }
    hub.host.stores_at_once = true;
    hub.join(3, "bob").expect_open(&mut hub);
}

#[test]
fn impostors() {
    // Another key than the pinned one.
    let pinned = || homing_core::Dial { pin: Some(homing_core::PeerId::from_bytes([3; 32])), ..dial() };
    let (mut host, link, first) = dialing(pinned(), Crypto::Fake.config());
    let (second, _) = answer(&first, "home", OFFER);
    host.data(link, &second);
    expect_uplink_down(&host, ClosedBy::Us, Reason::WRONG_KEY);
    assert_eq!(host.written(link), refusal(Reason::WRONG_KEY), "and not who dialed");
    assert!(matches!(host.events.last(), Some(Event::Down { retry: None, .. })));
    // Another network, either way.
    let (mut host, link, first) = dialing(dial(), Crypto::Fake.config());
    let (mut noise, link_first) = (raw::noise(Crypto::Fake, false, [150; 32], PREFACE, "work"), first);
    noise.read_message(&link_first[10..], &mut [0; 4096]).unwrap();
    host.data(link, &message(&mut noise, OFFER.as_bytes()));
    expect_uplink_down(&host, ClosedBy::Us, Reason::HANDSHAKE);
    let mut hub = Hub::new();
    let link = hub.host.accept();
    let mut noise = raw::noise(Crypto::Fake, true, [1; 32], PREFACE, "work");
    hub.host.data(link, &[&PREFACE[..], &message(&mut noise, b"")].concat());
    let second = hub.host.written(link);
    assert!(noise.read_message(&second[2..], &mut [0; 4096]).is_err());
    // Offers that are none.
    for (offer, reason) in [
        ("", Reason::MALFORMED),
        ("[]", Reason::MALFORMED),
        (r#"{"schemes":["key"]}"#, Reason::MALFORMED),
        (&*OFFER.replace(r#""key","#, ""), Reason::SCHEME),
        (&*OFFER.replace(r#"["key","guest"]"#, "[]"), Reason::SCHEME),
        (&*OFFER.replace("1048576", "-1"), Reason::MALFORMED),
        (&*OFFER.replace(r#""schemes""#, r#""schemes":[],"schemes""#), Reason::MALFORMED),
    ] {
        let (mut host, link, first) = dialing(dial(), Crypto::Fake.config());
        host.data(link, &answer(&first, "home", offer).0);
        expect_uplink_down(&host, ClosedBy::Us, reason);
    }
    // Admissions to somewhere else, as somebody else, or out of order.
    for (said, reason) in [
        (ADMITTED.replace("ada@", "eve@"), Reason::SESSION_STATE),
        (ADMITTED.replace("ada@home/x", "ada@work/x"), Reason::SESSION_STATE),
        (ADMITTED.replace("ada@home/x", "ada@home"), Reason::SESSION_STATE),
        (ADMITTED.replace("ada@home/x", "*@home"), Reason::SESSION_STATE),
        (ADMITTED.replace("hub@home", "hub@work"), Reason::SESSION_STATE),
        (ADMITTED.replace("hub@home", "*@home"), Reason::SESSION_STATE),
        (ADMITTED.replace("hub@home", "garbage"), Reason::SESSION_STATE),
        (r#"{"state":"finishing"}"#.into(), Reason::SESSION_STATE),
        (r#"{"state":"finished"}"#.into(), Reason::SESSION_STATE),
        (r#"{"state":"established"}"#.into(), Reason::SESSION_STATE),
    ] {
        let mut caller = Caller::greeted(Crypto::Fake.config());
        caller.send(&frame(types::SESSION, said.as_bytes()));
        caller.expect_closed(reason);
    }
    // The key itself is not refused: with the right words it comes in.
    let caller = Caller::up();
    assert_eq!(caller.host.node.networks().len(), 1);
}

#[test]
fn a_key_of_low_order() {
    let mut hub = Hub::with(Crypto::Real, |_| {});
    let link = hub.host.accept();
    hub.host.data(link, &[&PREFACE[..], &record(&[0; 32])].concat());
    hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE);
    assert_eq!(hub.host.written(link), refusal(Reason::HANDSHAKE));
    hub.check();
}
