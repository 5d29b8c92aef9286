//! After the handshake: records, frames, states, labels and letters that are wrong.

use std::time::Duration;

use homing_core::{ClosedBy, Event, Reason, Receipts};

use crate::hub::{Caller, Hub, MESSAGE, NOTIFICATION, REQUEST, RESPONSE};
use crate::raw::{self, Crypto, Envelope, frame, types};

fn note(n: u8, to: &str) -> Envelope {
    Envelope::new(MESSAGE, n, to, "{}", b"hi")
}

fn session(json: &str) -> Vec<u8> {
    frame(types::SESSION, json.as_bytes())
}

/// The code of the failed notification about envelope `n`.
fn failure(raw: &raw::Session, n: u8) -> Option<u64> {
    raw.frames.iter().filter(|f| f.0 == types::ENVELOPE).map(|f| Envelope::read(&f.1)).find_map(|envelope| {
        let head = envelope.head();
        let code = head.split("\"code\":").nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?;
        (envelope.id == [n; 16] && envelope.kind() == NOTIFICATION && head.contains(r#""event":"failed""#))
            .then(|| code.parse().unwrap())
    })
}

#[test]
fn frames_that_close_the_link() {
    let with = |reason, plain: Vec<u8>| (reason, plain);
    use Reason as R;
    for (reason, plain) in [
        with(R::MALFORMED, vec![]),
        with(R::MALFORMED, vec![4]),
        with(R::MALFORMED, vec![4, 0]),
        with(R::MALFORMED, vec![4, 0, 8, 1]),
        with(R::MALFORMED, [frame(0x80, b"x"), vec![1]].concat()),
        with(R::UNSUPPORTED, frame(0, b"")),
        with(R::UNSUPPORTED, frame(2, b"continue")),
        with(R::UNSUPPORTED, frame(3, b"credit")),
        with(R::UNSUPPORTED, frame(0x0B, b"")),
        with(R::UNSUPPORTED, frame(0x7F, b"")),
        with(R::MALFORMED, frame(types::PING, &[0; 7])),
        with(R::MALFORMED, frame(types::PING, &[0; 9])),
        with(R::MALFORMED, frame(types::PONG, b"")),
        with(R::MALFORMED, frame(types::ACK, &[0; 3])),
        with(R::MALFORMED, frame(types::ACK, &[0; 8])),
        with(R::MALFORMED, frame(types::REKEY, &[0])),
        with(R::MALFORMED, [frame(types::REKEY, b""), frame(types::PING, &[0; 8])].concat()),
        with(R::MALFORMED, frame(types::CLOSE, &[0])),
        with(R::MALFORMED, frame(types::CLOSE, b"\0\x01\xFF\xFE")),
        with(R::MALFORMED, frame(types::CLOSE, &[b'a'; 203])),
        with(R::SESSION_STATE, frame(types::ACK, &[0, 0, 0, 200])),
        with(R::SESSION_STATE, frame(types::ACK, &[0xFF; 4])),
        with(R::SESSION_STATE, session("")),
        with(R::SESSION_STATE, session("{}")),
        with(R::SESSION_STATE, session(r#"{"state":"new"}"#)),
        with(R::SESSION_STATE, session(r#"{"state":"finishing","state":"finished"}"#)),
        with(R::SESSION_STATE, session(&"[".repeat(10_000))),
        with(R::SESSION_STATE, session(crate::hub::ADMITTED)),
        with(R::SESSION_STATE, session(r#"{"state":"finished"}"#)),
        with(R::SESSION_STATE, session(r#"{"state":"finishing"}"#).repeat(2)),
        with(R::SESSION_STATE, [session(r#"{"state":"finishing"}"#), note(1, "hub@home").frame()].concat()),
        with(R::MALFORMED, frame(types::ENVELOPE, b"")),
        with(R::MALFORMED, frame(types::ENVELOPE, &note(1, "hub@home").bytes()[..26])),
        with(R::MALFORMED, Envelope { flags: 0b1100, ..note(1, "hub@home") }.frame()),
        with(R::MALFORMED, Envelope { to: b"hub@h\xC3\xB6me".to_vec(), ..note(1, "") }.frame()),
        with(R::MALFORMED, Envelope { from: b"\xFF".to_vec(), ..note(1, "hub@home") }.frame()),
        with(R::LIMIT, Envelope { letter: vec![0; 17 * 1024 + 1], ..note(1, "hub@home") }.frame()),
        with(R::LIMIT, Envelope::new(NOTIFICATION, 1, "hub@home", "{}", &[b'x'; 15_000]).frame()),
    ] {
        let mut hub = Hub::new();
        let mut ada = hub.join(1, "ada");
        ada.send(&mut hub, &plain);
        ada.expect_closed(&mut hub, reason);
    }
}

#[test]
fn frames_that_are_allowed() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    for kind in 0x80..=0xFF {
        ada.send(&mut hub, &frame(kind, b"later"));
    }
    ada.send(&mut hub, &frame(types::PONG, &[0; 8]));
    ada.send(&mut hub, &frame(types::PONG, &[0xFF; 8]));
    ada.send(&mut hub, &frame(types::ACK, &[0; 4]));
    // Pings of one record are answered once, with the last number.
    let pings: Vec<u8> = (0..5000u64).flat_map(|n| frame(types::PING, &n.to_be_bytes())).collect();
    let pongs = ada.send(&mut hub, &pings);
    assert_eq!(pongs, [(types::PONG, 4999u64.to_be_bytes().to_vec())]);
    for _ in 0..3 {
        ada.send(&mut hub, &frame(types::REKEY, b""));
        ada.session.rekey();
        ada.expect_open(&mut hub);
    }
    // Rekeying in word only.
    ada.send(&mut hub, &frame(types::REKEY, b""));
    ada.send(&mut hub, &frame(types::PING, &[0; 8]));
    ada.expect_closed(&mut hub, Reason::FORGED_RECORD);
}

#[test]
fn a_close_is_taken_at_its_word_and_ends_its_record() {
    let mut hub = Hub::new();
    for (n, code) in [1u16, 33, 0, 0xFFFF].into_iter().enumerate() {
        let mut ada = hub.join(n as u8 + 1, &format!("ada{n}"));
        let close = [&code.to_be_bytes()[..], "bye, so l\u{f6}ng".as_bytes()].concat();
        let plain = [frame(types::CLOSE, &close), frame(0x7F, b"never read")].concat();
        assert_eq!(ada.send(&mut hub, &plain), []);
        hub.host.expect_down(ada.link, ClosedBy::Them, Reason::from_code(code));
        assert_eq!(hub.host.down(ada.link).unwrap().failure.text, "bye, so löng");
        hub.check();
    }
}

#[test]
fn finishing_is_agreed_to_and_waits_for_nobody_who_does_not_acknowledge() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let said = ada.send(&mut hub, &session(r#"{"state":"finishing"}"#));
    assert_eq!(said.last().unwrap(), &(types::SESSION, br#"{"state":"finished"}"#.to_vec()));
    hub.host.expect_down(ada.link, ClosedBy::Them, Reason::FINISHED);
    let hello = hub.hello_with_window("bob", 1);
    let mut bob = hub.introduce(2, hello.as_bytes());
    let mut eve = hub.join(3, "eve");
    for n in 0..9 {
        eve.send(&mut hub, &note(n, "bob@home").frame());
    }
    bob.send(&mut hub, &session(r#"{"state":"finishing"}"#));
    assert_eq!(hub.host.down(bob.link), None);
    hub.host.advance(Duration::from_secs(2));
    hub.host.expect_down(bob.link, ClosedBy::Them, Reason::FINISHED);
    eve.read(&mut hub);
    assert_eq!(failure(&eve.session, 8), Some(41), "what was queued comes back");
    hub.check();
}

#[test]
fn records_replayed_reordered_dropped_or_doubled() {
    for case in 0..4 {
        let mut hub = Hub::new();
        let mut ada = hub.join(1, "ada");
        let [one, two, three] = [1, 2, 3].map(|n| ada.session.seal(&note(n, "hub@home").frame()));
        let (order, arrived): (Vec<&[u8]>, usize) = match case {
            0 => (vec![&one, &one], 1),
            1 => (vec![&two, &one], 0),
            2 => (vec![&one, &three], 1),
            _ => (vec![&one, &two, &three, &two], 3),
        };
        hub.host.take_events();
        for bytes in order {
            hub.host.data(ada.link, bytes);
        }
        let messages = hub.host.events.iter().filter(|event| matches!(event, Event::Message(_))).count();
        assert_eq!(messages, arrived);
        ada.expect_closed(&mut hub, Reason::FORGED_RECORD);
    }
    // Every bit of one.
    let mut probe = Hub::new();
    let length = probe.join(1, "ada").session.seal(&note(1, "hub@home").frame()).len();
    let mut hub = Hub::new();
    for bit in 16..length * 8 {
        let mut ada = hub.join(1, "ada");
        let mut bytes = ada.session.seal(&note(1, "hub@home").frame());
        bytes[bit / 8] ^= 1 << (bit % 8);
        hub.host.data(ada.link, &bytes);
        ada.read(&mut hub);
        hub.host.expect_down(ada.link, ClosedBy::Us, Reason::FORGED_RECORD);
        hub.host.take_events();
    }
    hub.check();
}

#[test]
fn labels_that_come_back_as_failed() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let mut bob = hub.join(2, "bob");
    bob.read(&mut hub);
    let flags = |flags, to| Envelope { flags: MESSAGE | flags, ..note(1, to) };
    let from = |from: &str| Envelope { from: from.into(), ..note(1, "bob@home") };
    let cases = [
        (flags(0x20, "bob@home"), Reason::UNSUPPORTED),
        (flags(0x10, "hub@home"), Reason::UNSUPPORTED),
        (from("bob@home/x"), Reason::FORGED_SENDER),
        (from("hub@home"), Reason::FORGED_SENDER),
        (from("ada@home"), Reason::FORGED_SENDER),
        (from("ada@work/x"), Reason::FORGED_SENDER),
        (from("*@home"), Reason::FORGED_SENDER),
        (from("ada@home/x "), Reason::FORGED_SENDER),
        (note(1, "bob@work"), Reason::NO_ROUTE),
        (note(1, "*@work"), Reason::NO_ROUTE),
        (note(1, "nobody@home"), Reason::NOT_FOUND),
        (note(1, "bob@home/y"), Reason::NOT_FOUND),
        (note(1, "bob@home/"), Reason::NOT_FOUND),
        (note(1, "hub@home/x"), Reason::NOT_FOUND),
        (note(1, "*@home/x"), Reason::NOT_FOUND),
        (note(1, "@home"), Reason::NOT_FOUND),
        (note(1, "garbage"), Reason::NOT_FOUND),
        (note(1, "bob@home@home"), Reason::NO_ROUTE),
        (note(1, &"a".repeat(255)), Reason::NOT_FOUND),
        (Envelope { hops: 0, ..note(1, "bob@home") }, Reason::HOPS),
        (Envelope { hops: 0, ..note(1, "*@home") }, Reason::HOPS),
    ];
    for (n, (envelope, reason)) in cases.into_iter().enumerate() {
        let n = n as u8;
        ada.send(&mut hub, &Envelope { id: [n; 16], ..envelope.clone() }.frame());
        assert_eq!(failure(&ada.session, n), Some(u64::from(reason.code())), "{envelope:?}");
    }
    bob.read(&mut hub);
    assert!(!bob.envelopes().iter().any(|envelope| envelope.kind() == MESSAGE));
    // One that names itself rightly arrives.
    ada.send(&mut hub, &from("ada@home/x").frame());
    bob.read(&mut hub);
    let last = bob.envelopes().pop().unwrap();
    assert_eq!((&last.from[..], last.hops, last.body()), (&b"ada@home/x"[..], 7, &b"hi"[..]));
    ada.expect_open(&mut hub);
    hub.check();
}

#[test]
fn heads_that_cannot_be_read() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let head = |head: &[u8]| [&(head.len() as u16).to_be_bytes()[..], head].concat();
    let deep = [&b"{\"metadata\":"[..], &[b'['; 4000]].concat();
    let heads = [
        vec![],
        vec![0],
        vec![0xFF, 0xFF],
        vec![0, 3, b'{', b'}'],
        [&[0x10, 0x01][..], &[b' '; 4097]].concat(),
        head(b""),
        head(b"null"),
        head(b"{\"method\":\"get\",\"uri\":\"/echo\",\"type\":\"\xFF\"}"),
        head(br#"{"method":"get","uri":"/echo","type":"\ud800"}"#),
        head(br#"{"method":"get","method":"get","uri":"/echo","type":"a","type":"b","status":"success","status":"failure","event":"failed","event":"failed"}"#),
        head(br#"{"method":"get","uri":"/echo","patience":1e400,"type":1,"status":1,"event":1}"#),
        head(br#"{"method":"get","uri":"/echo","patience":99999999999999999999999,"type":2}"#),
        head(&deep),
    ];
    let mut n = 0;
    for letter in &heads {
        let large = letter.starts_with(&[0xFF, 0xFF]) || letter.starts_with(&[0x10, 0x01]);
        for kind in [MESSAGE, REQUEST, RESPONSE, NOTIFICATION] {
            if kind == NOTIFICATION && letter.len() > 1000 {
                continue;
            }
            n += 1;
            let envelope = Envelope {
                flags: kind,
                letter: letter.clone(),
                ..note(n, if n % 2 == 0 { "" } else { "hub@home" })
            };
            ada.send(&mut hub, &envelope.frame());
            let failed = failure(&ada.session, n);
            let told = matches!(kind, MESSAGE | REQUEST);
            let reason = if large { Reason::TOO_LARGE } else { Reason::MALFORMED };
            let expected = told.then_some(u64::from(reason.code()));
            assert_eq!(failed, expected, "{letter:?}");
        }
    }
    let deep = [&b"{\"x\":"[..], &[b'['; 2000], &[b']'; 2000], b"}"].concat();
    ada.send(&mut hub, &Envelope { letter: head(&deep), ..note(200, "hub@home") }.frame());
    assert!(hub.host.events.iter().any(|e| matches!(e, Event::Message(m) if m.id.0 == [200; 16])));
    ada.expect_open(&mut hub);
    hub.check();
}

#[test]
fn a_flood_past_the_window_ends_the_link() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.window = 4096);
    let mut ada = hub.join(1, "ada");
    let mut bob = hub.join(2, "bob");
    // Nobody reads at bob's: what ada sends stays hers.
    hub.host.deaf.insert(bob.link);
    hub.host.take_events();
    let mut sent = 0;
    while hub.host.down(ada.link).is_none() {
        let bytes = ada.session.seal(&note(1, "bob@home").frame());
        hub.host.data(ada.link, &bytes);
        sent += 1;
        assert!(sent < 100, "more than the window");
    }
    ada.expect_closed(&mut hub, Reason::LIMIT);
    hub.host.undeafen(bob.link);
    bob.read(&mut hub);
    bob.expect_open(&mut hub);
}

#[test]
fn forged_news_and_answers_are_not_believed() {
    let mut hub = Hub::new();
    let mut eve = hub.join(1, "eve");
    let mut bob = hub.join(2, "bob");
    let now = hub.host.now;
    let to = "bob@home".parse().unwrap();
    let message = homing_core::Message::text("hi").with_receipts(Receipts::Consumed);
    let id = hub.host.node.send(now, &to, message).unwrap();
    let command = homing_core::Command::get("/ping");
    let call = hub.host.node.request(now, &to.into(), command, Duration::from_secs(5)).unwrap();
    hub.host.drain();
    bob.read(&mut hub);
    hub.host.take_events();
    let asked = bob.envelopes().into_iter().rfind(|envelope| envelope.head().contains("/ping")).unwrap();
    for to in ["", "hub@home"] {
        for event in ["accepted", "dispatched", "received", "consumed", "failed", "cancelled"] {
            for n in [id.0, asked.id, [9; 16]] {
                let head = format!(r#"{{"event":"{event}","count":0}}"#);
                eve.send(
                    &mut hub,
                    &Envelope { id: n, ..Envelope::new(NOTIFICATION, 1, to, &head, b"") }.frame(),
                );
            }
        }
        let answer = Envelope::new(RESPONSE, 1, to, r#"{"status":"success"}"#, b"forged");
        for n in [id.0, asked.id, [9; 16]] {
            eve.send(&mut hub, &Envelope { id: n, ..answer.clone() }.frame());
        }
        let roster = r#"{"to":9,"gone":["bob@home/x"]}"#;
        let observe = r#"{"method":"observe","uri":"/roster"}"#;
        eve.send(&mut hub, &Envelope::new(REQUEST, 2, to, observe, roster.as_bytes()).frame());
    }
    let events = hub.host.take_events();
    assert!(events.is_empty(), "{events:?}");
    let answer = Envelope::new(RESPONSE, 1, "hub@home", r#"{"status":"success"}"#, b"real");
    bob.send(&mut hub, &Envelope { id: asked.id, ..answer }.frame());
    let events = hub.host.take_events();
    assert!(matches!(&events[0], Event::Answer { call: c, from, .. } if *c == call && from.name() == "bob"));
    eve.expect_open(&mut hub);
    hub.check();
}

#[test]
fn a_peer_cannot_pose_as_the_hub_of_another() {
    let mut hub = Hub::new();
    let mut eve = hub.join(1, "eve");
    let mut bob = hub.join(2, "bob");
    bob.read(&mut hub);
    let before = bob.envelopes().len();
    let roster = r#"{"to":9,"gone":["bob@home/x"]}"#;
    let observe = r#"{"method":"observe","uri":"/roster"}"#;
    eve.send(&mut hub, &Envelope::new(REQUEST, 2, "bob@home", observe, roster.as_bytes()).frame());
    bob.read(&mut hub);
    let got = bob.envelopes().split_off(before).pop().unwrap();
    assert_eq!((&got.to[..], &got.from[..]), (&b"bob@home"[..], &b"eve@home/x"[..]));
    // And that is what a real node makes of it.
    let mut caller = Caller::up();
    let put = r#"{"to":9,"put":[]}"#;
    let mut forged = Envelope::new(REQUEST, 2, "ada@home", observe, put.as_bytes());
    forged.from = b"eve@home/x".to_vec();
    caller.send(&forged.frame());
    assert_eq!(caller.host.take_events(), []);
}

#[test]
fn a_hub_that_lies() {
    // About other networks.
    let mut caller = Caller::up();
    for from in ["eve@work/x", "garbage", "@", "eve@home@work"] {
        let envelope = Envelope { from: from.into(), ..note(1, "ada@home") };
        caller.send(&envelope.frame());
        assert_eq!(failure(&caller.session, 1), Some(u64::from(Reason::FORGED_SENDER.code())), "{from}");
        caller.session.frames.clear();
    }
    caller.send(&note(1, "bob@home").frame());
    assert_eq!(failure(&caller.session, 1), Some(u64::from(Reason::NOT_FOUND.code())));
    assert_eq!(caller.host.take_events(), []);
    // With rosters that are none.
    for body in [
        "",
        "[]",
        "{",
        r#"{"to":-1}"#,
        r#"{"to":1,"to":2}"#,
        r#"{"to":1,"put":[{"address":"eve@work/x","key":"x"}]}"#,
        r#"{"to":1,"gone":["garbage"]}"#,
    ] {
        let mut caller = Caller::up();
        let observe = r#"{"method":"observe","uri":"/roster"}"#;
        caller.send(&Envelope::new(REQUEST, 2, "", observe, body.as_bytes()).frame());
        let down = caller.host.events.iter().any(|event| {
            matches!(event, Event::Down { why, .. } if (why.by, why.reason()) == (ClosedBy::Us, Reason::MALFORMED))
        });
        assert!(down, "{body}: {:?}", caller.host.events);
    }
    // A version that does not follow is asked for.
    let mut caller = Caller::up();
    let observe = r#"{"method":"observe","uri":"/roster"}"#;
    let said = caller.send(&Envelope::new(REQUEST, 2, "", observe, br#"{"from":7,"to":8}"#).frame());
    assert!(said.iter().any(|f| f.0 == types::ENVELOPE && Envelope::read(&f.1).head().contains("/roster")));
    // Admitted twice.
    caller.send(&session(crate::hub::ADMITTED));
    let last = caller.session.frames.last().unwrap();
    assert_eq!((last.0, &last.1[..2]), (types::CLOSE, &[0, 12][..]));
}
