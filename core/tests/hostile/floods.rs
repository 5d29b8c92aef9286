//! Many of everything: what it costs is bounded, and others do not notice.

use std::sync::Arc;
use std::time::Duration;

use homing_core::{ClosedBy, Event, Input, Instant, LinkId, Node, Reason, Seed, StaticKey, StoreId};
use proptest::prelude::*;

use crate::hub::{Caller, Host, Hub, MESSAGE, NOTIFICATION, REQUEST, RESPONSE, dial, serving};
use crate::raw::{self, Crypto, Envelope, PREFACE, frame, message, types};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_crowd_that_says_nothing() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.handshakes = 500);
    let before = hub.host.node.memory();
    let crowd: Vec<LinkId> = (0..499).map(|_| hub.host.accept()).collect();
    let mut late = hub.join(1, "late");
    let one_more = hub.host.accept();
    assert_eq!(hub.host.down(one_more), None);
    for _ in 0..2000 {
        let link = hub.host.accept();
        hub.host.expect_down(link, ClosedBy::Us, Reason::BUSY);
        assert_eq!(hub.host.written(link), [0, 0, 0, 76]);
        hub.host.take_events();
    }
    let each = (hub.host.node.memory() - before) / 500;
    assert!(each < 4096, "{each} bytes for a silent link");
    hub.check();
    hub.host.advance(10 * SECOND);
    for link in crowd {
        hub.host.expect_down(link, ClosedBy::Us, Reason::HANDSHAKE_TIMEOUT);
        assert_eq!(hub.host.written(link), b"");
    }
    late.expect_open(&mut hub);
    hub.join(2, "later").expect_open(&mut hub);
    hub.check();
}

#[test]
fn who_asks_and_never_reads() {
    for path in ["/peers", "/echo", "/commands", "/none"] {
        let mut hub = Hub::with(Crypto::Fake, |config| {
            config.limits.window = 64 * 1024;
            config.limits.queue = 64 * 1024;
            config.limits.replies = 64 * 1024;
        });
        let mut ada = hub.join(1, "ada");
        hub.host.deaf.insert(ada.link);
        let before = hub.host.node.memory();
        let head = format!(r#"{{"method":"get","uri":"{path}"}}"#);
        let ask = Envelope::new(REQUEST, 1, "hub@home", &head, b"").frame();
        let mut sent = 0;
        while hub.host.down(ada.link).is_none() && sent < 10_000 {
            let plain = ask.repeat(10);
            let bytes = ada.session.seal(&plain);
            hub.host.data(ada.link, &bytes);
            sent += 10;
            let grown = hub.host.node.memory().saturating_sub(before);
            assert!(grown < 1024 * 1024, "{path}: {grown} bytes after {sent}");
        }
        hub.check();
        hub.host.advance(31 * SECOND);
        hub.check();
    }
}

#[test]
fn a_recipient_that_never_reads() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.queue = 32 * 1024);
    let mut ada = hub.join(1, "ada");
    let mut bob = hub.join(2, "bob");
    bob.read(&mut hub);
    let hello = hub.hello_with_window("deaf", 1000);
    let deaf = hub.introduce(3, hello.as_bytes());
    hub.host.deaf.insert(deaf.link);
    let send = |ada: &mut crate::hub::Raw, hub: &mut Hub, n: u8| {
        ada.send(hub, &Envelope::new(MESSAGE, n, "deaf@home", "{}", &[b'x'; 1000]).frame());
    };
    let failed = |ada: &crate::hub::Raw, code: u16| {
        let words = format!("\"code\":{code}");
        ada.envelopes().iter().filter(|e| e.kind() == NOTIFICATION && e.head().contains(&words)).count()
    };
    for n in 0..100 {
        send(&mut ada, &mut hub, n);
    }
    let full = failed(&ada, Reason::QUEUE_FULL.code());
    assert!((60..80).contains(&full), "{full}");
    ada.send(&mut hub, &Envelope::new(MESSAGE, 1, "bob@home", "{}", b"hi").frame());
    bob.read(&mut hub);
    assert_eq!(bob.envelopes().pop().unwrap().body(), b"hi");
    assert_eq!(failed(&ada, Reason::EXPIRED.code()), 0);
    hub.check();
    hub.host.advance(31 * SECOND);
    ada.read(&mut hub);
    assert_eq!(failed(&ada, Reason::EXPIRED.code()) + full, 100);
    ada.expect_open(&mut hub);
    hub.check();
    // It stays silent, and is given up.
    hub.host.advance(20 * SECOND);
    hub.host.expect_down(deaf.link, ClosedBy::Us, Reason::SILENCE);
}

#[test]
fn who_reads_late_hears_what_became_of_its_message_all_the_same() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.queue_time = SECOND);
    let mut ada = hub.join(1, "ada");
    hub.host.deaf.insert(ada.link);
    // To itself: so it waits where the word about it will.
    ada.send(&mut hub, &Envelope::new(MESSAGE, 1, "ada@home", "{}", b"hi").frame());
    hub.host.advance(10 * SECOND);
    hub.host.undeafen(ada.link);
    ada.read(&mut hub);
    let heard: Vec<_> = ada.envelopes().into_iter().filter(|e| e.id == [1; 16]).collect();
    let words = format!("\"code\":{}", Reason::EXPIRED.code());
    assert!(
        matches!(&heard[..], [one] if one.kind() == NOTIFICATION && one.head().contains(&words)),
        "{heard:?}"
    );
    ada.expect_open(&mut hub);
    hub.check();
}

#[test]
fn notifications_need_no_window_and_are_bounded_all_the_same() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.replies = 32 * 1024);
    let mut ada = hub.join(1, "ada");
    let mut bob = hub.join(2, "bob");
    hub.host.deaf.insert(bob.link);
    let before = hub.host.node.memory();
    let news = Envelope::new(NOTIFICATION, 1, "bob@home", r#"{"event":"received"}"#, b"").frame();
    for _ in 0..200 {
        ada.send(&mut hub, &news.repeat(50));
    }
    let grown = hub.host.node.memory() - before;
    assert!(grown < 512 * 1024, "{grown}");
    ada.expect_open(&mut hub);
    hub.host.undeafen(bob.link);
    bob.expect_open(&mut hub);
    hub.check();
}

#[test]
fn the_same_peer_again_and_again() {
    let mut hub = Hub::new();
    let mut bob = hub.join(2, "bob");
    let mut last = hub.join(1, "ada");
    let before = hub.host.node.memory();
    for n in 0..2500 {
        let next = hub.join(1, "ada");
        last.read(&mut hub);
        hub.host.expect_down(last.link, ClosedBy::Us, Reason::REPLACED);
        assert_eq!(last.goodbye(), Some(Reason::REPLACED));
        hub.host.take_events();
        hub.host.closed.clear();
        last = next;
        if n % 100 == 0 {
            hub.host.advance(SECOND / 10);
            bob.read(&mut hub);
            let ack = bob.ack();
            bob.send(&mut hub, &frame(types::ACK, &ack.to_be_bytes()));
            hub.check();
        }
    }
    let grown = hub.host.node.memory().saturating_sub(before);
    assert!(grown < 256 * 1024, "{grown}");
    last.expect_open(&mut hub);
    // Another key does not get there.
    let hello = hub.hello("ada");
    hub.introduce(3, hello.as_bytes()).expect_closed(&mut hub, Reason::NAME_TAKEN);
    last.expect_open(&mut hub);
}

#[test]
fn ten_thousand_changes_of_the_roster_and_a_member_that_reads_none() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.queue = 64 * 1024);
    let deaf = hub.join(1, "deaf");
    hub.host.deaf.insert(deaf.link);
    let before = hub.host.node.memory();
    for n in 0..5000 {
        let guest = hub.hello("x").replace(r#""key","name":"x""#, r#""guest""#);
        let raw = hub.introduce(2, guest.as_bytes());
        hub.host.gone(raw.link);
        hub.host.take_events();
        if n % 50 == 0 {
            hub.host.advance(SECOND / 10);
            hub.check();
            let grown = hub.host.node.memory().saturating_sub(before);
            assert!(grown < 1024 * 1024, "{grown}");
        }
    }
}

#[test]
fn names_run_out_and_those_who_have_one_come_in() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.names = 3);
    let ada = hub.join(1, "ada");
    hub.join(2, "bob");
    let hello = hub.hello("eve");
    hub.introduce(3, hello.as_bytes()).expect_closed(&mut hub, Reason::BUSY);
    hub.host.gone(ada.link);
    hub.join(1, "ada").expect_open(&mut hub);
}

#[test]
fn a_driver_that_errs_breaks_nothing() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let nowhere = LinkId::accepted(1 << 40);
    for link in [nowhere, ada.link] {
        hub.host.tell(Input::Dialed { link });
        hub.host.tell(Input::DialFailed { link, cause: "nothing" });
        hub.host.tell(Input::Wrote { link, n: usize::MAX });
        hub.host.tell(Input::Data { link, bytes: b"" });
    }
    hub.host.tell(Input::Accepted { link: ada.link });
    hub.host.tell(Input::Gone { link: nowhere, cause: "" });
    hub.host.tell(Input::Data { link: nowhere, bytes: PREFACE });
    let store: StoreId = {
        hub.host.stores_at_once = false;
        let hello = hub.hello("bob");
        hub.introduce(2, hello.as_bytes());
        hub.host.stores_at_once = true;
        hub.host.stores.pop().unwrap()
    };
    for ok in [true, false, true] {
        hub.host.tell(Input::Stored { id: store, ok });
    }
    assert_eq!(hub.host.node.read_budget(nowhere), 0);
    assert_eq!(hub.host.node.pending(nowhere), b"");
    // Time that runs backwards stands still.
    let now = hub.host.now;
    hub.host.node.handle(Instant::ZERO, Input::Timeout);
    hub.host.drain();
    ada.expect_open(&mut hub);
    assert!(hub.host.node.next_deadline().unwrap().at > now);
    hub.host.gone(ada.link);
    hub.host.tell(Input::Gone { link: ada.link, cause: "again" });
    hub.host.expect_down(ada.link, ClosedBy::Network, Reason::GONE);
    // Dialed twice.
    let (mut host, link, _) = crate::hub::dialing(dial(), Crypto::Fake.config());
    host.tell(Input::Dialed { link });
    host.tell(Input::DialFailed { link, cause: "too late" });
    assert_eq!(host.written(link), b"", "it has begun already");
    assert_eq!(host.events, []);
    hub.check();
}

#[test]
fn more_than_the_budget_is_taken_and_no_more_than_the_window() {
    let mut hub = Hub::with(Crypto::Fake, |config| {
        config.limits.window = 32 * 1024;
        config.limits.deliveries = 1024;
    });
    let mut ada = hub.join(1, "ada");
    let note = Envelope::new(MESSAGE, 1, "hub@home", "{}", &[b'x'; 1000]).frame();
    let bytes: Vec<u8> = (0..20).flat_map(|_| ada.session.seal(&note)).collect();
    let (now, link) = (hub.host.now, ada.link);
    hub.host.node.handle(now, Input::Data { link, bytes: &bytes });
    assert_eq!(hub.host.node.read_budget(link), 0);
    hub.host.drain();
    assert!(hub.host.node.read_budget(link) > 0);
    let bytes: Vec<u8> = (0..40).flat_map(|_| ada.session.seal(&note)).collect();
    hub.host.node.handle(now, Input::Data { link, bytes: &bytes });
    hub.host.drain();
    ada.expect_closed(&mut hub, Reason::LIMIT);
}

fn envelope() -> impl Strategy<Value = Vec<u8>> {
    let to = prop_oneof![
        Just("hub@home"),
        Just(""),
        Just("*@home"),
        Just("ada@home/x"),
        Just("witness@home"),
        Just("x@y"),
        Just("?")
    ];
    let head = prop_oneof![
        Just("{}"),
        Just(r#"{"method":"get","uri":"/peers"}"#),
        Just(r#"{"method":"get","uri":"/roster"}"#),
        Just(r#"{"event":"failed"}"#),
        Just(r#"{"status":"success"}"#),
        Just("[")
    ];
    (any::<u8>(), 0u8..9, 0u8..4, to, head).prop_map(|(flags, hops, n, to, head)| {
        Envelope { hops, ..Envelope::new(flags, n, to, head, b"body") }.frame()
    })
}

fn plain() -> impl Strategy<Value = Vec<u8>> {
    let session = prop_oneof![Just(r#"{"state":"finishing"}"#), Just(r#"{"state":"finished"}"#), Just("{}")];
    let valid = prop_oneof![
        6 => envelope(),
        1 => any::<u64>().prop_map(|n| frame(types::PING, &n.to_be_bytes())),
        1 => any::<u64>().prop_map(|n| frame(types::PONG, &n.to_be_bytes())),
        1 => (0u32..3).prop_map(|n| frame(types::ACK, &n.to_be_bytes())),
        1 => session.prop_map(|json| frame(types::SESSION, json.as_bytes())),
        1 => (0x80u8..).prop_map(|kind| frame(kind, b"x")),
    ];
    let mutated = (valid, proptest::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())))
        .prop_map(|(mut bytes, change)| {
            if let Some((at, byte)) = change {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        });
    prop_oneof![
        9 => proptest::collection::vec(mutated, 1..4).prop_map(|frames| frames.concat()),
        1 => proptest::collection::vec(any::<u8>(), 0..80),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Accept,
    Dial,
    Dialed(usize),
    DialFailed(usize),
    Data(usize, Vec<u8>),
    Wrote(usize, usize),
    Gone(usize),
    Timeout,
    Back,
    Later(u64),
    Shutdown,
}

fn step() -> impl Strategy<Value = Step> {
    let first = {
        let mut noise = raw::noise(Crypto::Fake, true, [1; 32], PREFACE, "home");
        [&PREFACE[..], &message(&mut noise, b"")].concat()
    };
    let bytes = prop_oneof![
        Just(first),
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(vec![0, 0, 0, 76]),
        Just(vec![0, 96]).prop_map(|mut bytes| {
            bytes.extend([7; 96]);
            bytes
        }),
    ];
    prop_oneof![
        3 => Just(Step::Accept),
        1 => Just(Step::Dial),
        2 => (0..9usize).prop_map(Step::Dialed),
        1 => (0..9usize).prop_map(Step::DialFailed),
        6 => (0..9usize, bytes).prop_map(|(link, bytes)| Step::Data(link, bytes)),
        2 => (0..9usize, 0..100usize).prop_map(|(link, n)| Step::Wrote(link, n)),
        1 => (0..9usize).prop_map(Step::Gone),
        1 => Just(Step::Timeout),
        1 => Just(Step::Back),
        2 => (0u64..20_000_000).prop_map(Step::Later),
        1 => prop_oneof![9 => Just(Step::Timeout), 1 => Just(Step::Shutdown)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a member says in whole records, the hub lives, others are served, memory is bounded.
    #[test]
    fn any_frames_of_a_member(plains in proptest::collection::vec(plain(), 1..20), pause in 0u64..3) {
        let mut hub = Hub::new();
        let mut ada = hub.join(1, "ada");
        let before = hub.host.node.memory();
        for plain in &plains {
            let bytes = ada.session.seal(plain);
            hub.host.data(ada.link, &bytes);
            hub.host.advance(Duration::from_millis(pause * 30));
        }
        hub.check();
        prop_assert!(hub.host.node.memory() < before + 512 * 1024);
        let end = hub.host.down(ada.link);
        ada.read(&mut hub);
        if let Some(why) = end && why.by == ClosedBy::Us && !hub.host.closed.is_empty() {
            prop_assert_eq!(ada.goodbye(), Some(why.reason()));
        }
    }

    /// Whatever a driver says, in any order.
    #[test]
    fn any_inputs_of_a_driver(steps in proptest::collection::vec(step(), 1..60)) {
        let mut config = Crypto::Fake.config();
        config.serving = serving();
        let mut host = Host::new(config.clone());
        host.node = Node::new(host.now, StaticKey::from_bytes([1; 32]), Seed::from_bytes([2; 32]), Arc::new(config));
        let mut links = vec![LinkId::accepted(77)];
        for step in steps {
            let pick = |n: usize| links[n % links.len()];
            match step {
                Step::Accept => links.push(host.accept()),
                Step::Dial => {
                    let now = host.now;
                    let _ = host.node.dial(now, dial());
                    host.drain();
                }
                Step::Dialed(n) => host.tell(Input::Dialed { link: pick(n) }),
                Step::DialFailed(n) => host.tell(Input::DialFailed { link: pick(n), cause: "no" }),
                Step::Data(n, bytes) => host.data(pick(n), &bytes),
                Step::Wrote(n, count) => host.tell(Input::Wrote { link: pick(n), n: count }),
                Step::Gone(n) => host.gone(pick(n)),
                Step::Timeout => host.tell(Input::Timeout),
                Step::Back => {
                    host.node.handle(Instant::ZERO, Input::Timeout);
                    host.drain();
                }
                Step::Later(micros) => host.advance(Duration::from_micros(micros)),
                Step::Shutdown => {
                    let now = host.now;
                    host.node.shutdown(now);
                    host.drain();
                }
            }
            links.append(&mut host.dialed);
        }
        host.advance(Duration::from_secs(100));
        prop_assert!(host.node.memory() < 256 * 1024);
    }
}

#[test]
fn a_response_to_everybody_goes_nowhere() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let mut bob = hub.join(2, "bob");
    hub.host.advance(SECOND);
    bob.read(&mut hub);
    let before = bob.envelopes().len();
    ada.send(&mut hub, &Envelope::new(RESPONSE, 1, "*@home", r#"{"status":"success"}"#, b"").frame());
    bob.read(&mut hub);
    assert_eq!(bob.envelopes().len(), before);
    ada.expect_open(&mut hub);
    hub.check();
}

#[test]
fn news_for_everybody_is_bounded_where_nobody_reads() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.replies = 32 * 1024);
    let mut ada = hub.join(1, "ada");
    for n in 0..20 {
        let deaf = hub.join(n + 10, &format!("deaf{n}"));
        hub.host.deaf.insert(deaf.link);
    }
    let before = hub.host.node.memory();
    let news = Envelope::new(NOTIFICATION, 1, "*@home", r#"{"event":"cancelled"}"#, b"").frame();
    for _ in 0..100 {
        ada.send(&mut hub, &news.repeat(50));
    }
    let grown = hub.host.node.memory() - before;
    assert!(grown < 20 * 256 * 1024, "{grown}");
    ada.expect_open(&mut hub);
    hub.check();
}

/// Contents are kept where they came, in the memory of their record. Whoever fills records with what nobody keeps must not
/// have an application that keeps one content of each hold all of them.
#[test]
fn records_with_next_to_nothing_to_keep() {
    let mut caller = Caller::up();
    let filler = frame(0xff, &[7; 60_000]);
    let mut messages = (0..200u8).map(|n| {
        let from = b"bob@home/x".to_vec();
        Envelope { from, ..Envelope::new(MESSAGE, n, "ada@home/x", "{}", &[n; 600]) }.frame()
    });
    let held = allocation_counter::measure(|| {
        for message in &mut messages {
            caller.send(&[message, filler.clone()].concat());
        }
    });
    let kept: Vec<_> = caller.host.events.iter().filter(|event| matches!(event, Event::Message(_))).collect();
    assert_eq!(kept.len(), 200);
    for (n, event) in (0..200u8).zip(kept) {
        assert!(matches!(event, Event::Message(message) if message.body == [n; 600][..]), "{event:?}");
    }
    assert!(held.bytes_current < 1024 * 1024, "{} bytes", held.bytes_current);
}
