//! Who keeps to the form and breaks the sense: what is held, who is believed.

use std::time::Duration;

use homing_core::{ClosedBy, Event, Message, Reason, Receipts, Stage};

use crate::hub::{Caller, Hub, MESSAGE, NOTIFICATION, REQUEST};
use crate::raw::{self, Crypto, Envelope, types};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn snows_own_primitives_are_understood() {
    let mut hub = Hub::with(Crypto::Real, |_| {});
    let mut ada = hub.join(1, "ada");
    ada.expect_open(&mut hub);
    let forged = [&[0, 40][..], &[7; 40]].concat();
    ada.send_raw(&mut hub, &forged);
    ada.expect_closed(&mut hub, Reason::FORGED_RECORD);
}

/// The word that lets a newcomer in must not come in a record that it may not take yet.
#[test]
fn a_newcomer_can_join_a_network_of_many() {
    let mut hub = Hub::new();
    for n in 0..40 {
        hub.join(n + 1, &format!("member-{n}"));
    }
    hub.host.advance(SECOND);
    let (mut caller, link, first) = crate::hub::dialing(crate::hub::dial(), Crypto::Fake.config());
    let there = hub.host.accept();
    hub.host.data(there, &first);
    caller.data(link, &hub.host.written(there));
    hub.host.data(there, &caller.written(link));
    caller.data(link, &hub.host.written(there));
    let events = caller.take_events();
    assert!(matches!(events[0], Event::Up { .. }), "{:?}", events[0]);
    let there = events.iter().filter(|event| matches!(event, Event::PeerUp { .. })).count();
    assert_eq!(there, 43, "the hub, the witness, forty and itself");
}

/// What is under way and not acknowledged is remembered: whatever window a neighbour names, that
/// must stay bounded.
#[test]
fn a_member_that_reads_all_and_acknowledges_nothing_is_held_to_our_own_window() {
    let mut hub = Hub::with(Crypto::Fake, |config| {
        config.limits.queue = 64 * 1024;
        config.limits.replies = 64 * 1024;
        config.limits.window = 64 * 1024;
    });
    let hello = hub.hello("ada").replace("\"window\":65536", "\"window\":4294967295");
    let mut ada = hub.introduce(1, hello.as_bytes());
    let before = hub.host.node.memory();
    let note = Envelope::new(MESSAGE, 1, "ada@home/x", "{}", b"").frame();
    for _ in 0..300 {
        ada.send(&mut hub, &note.repeat(100));
        hub.host.advance(Duration::from_millis(20));
        ada.read(&mut hub);
        if hub.host.down(ada.link).is_some() {
            break;
        }
    }
    let grown = hub.host.node.memory() - before;
    assert!(grown < 1024 * 1024, "{grown} bytes for one member");
    hub.check();
}

/// A network may fill up to its limit: nobody is thrown out by it.
#[test]
fn a_full_network_is_told_to_its_members() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.roster = 3);
    hub.join(1, "p1");
    let hello = hub.hello("late");
    hub.introduce(3, hello.as_bytes()).expect_closed(&mut hub, Reason::BUSY);
    // A member with the same limit: the hub and two more fit.
    let mut config = Crypto::Fake.config();
    config.limits.roster = 3;
    let mut caller = Caller::greeted(config);
    caller.send(&raw::frame(types::SESSION, crate::hub::ADMITTED.as_bytes()));
    let key = hub.host.node.peer_id();
    let peer = |address: &str, priority: i8| {
        format!(r#"{{"address":"{address}","key":"{key}","priority":{priority}}}"#)
    };
    let all = [peer("hub@home", 0), peer("ada@home/x", 0), peer("bob@home/x", 0)].join(",");
    let observe = r#"{"method":"observe","uri":"/roster","type":"application/json"}"#;
    for update in [
        format!(r#"{{"to":1,"put":[{all}]}}"#),
        // A peer that came again makes nobody more; nor does one that takes another's place.
        format!(r#"{{"from":1,"to":2,"put":[{}]}}"#, peer("bob@home/x", 3)),
        format!(r#"{{"from":2,"to":3,"put":[{}],"gone":["bob@home/x"]}}"#, peer("eve@home/x", 0)),
    ] {
        caller.send(&Envelope::new(REQUEST, 1, "", observe, update.as_bytes()).frame());
        let down = caller.host.events.iter().any(|event| matches!(event, Event::Down { .. }));
        assert!(!down, "{update}: {:?}", caller.host.events.last());
    }
    assert!(
        matches!(caller.host.events.last(), Some(Event::PeerUp { peer }) if peer.address.name() == "eve")
    );
}

/// One recipient of many cannot confirm for the others.
#[test]
fn a_recipient_confirms_once() {
    let mut caller = Caller::up();
    let now = caller.host.now;
    let message = Message::text("all of you").with_receipts(Receipts::Received);
    let id = caller.host.node.send(now, &"*@home".parse().unwrap(), message).unwrap();
    caller.host.drain();
    let say = |from: &str, head: &str| {
        let mut envelope = Envelope::new(NOTIFICATION, 0, "ada@home/x", head, b"");
        (envelope.id, envelope.from) = (id.0, from.into());
        envelope.frame()
    };
    let mut dispatched = Envelope::new(NOTIFICATION, 0, "", r#"{"event":"dispatched","count":3}"#, b"");
    (dispatched.id, dispatched.from) = (id.0, b"hub@home".to_vec());
    caller.send(&dispatched.frame());
    for _ in 0..3 {
        caller.send(&say("eve@home/x", r#"{"event":"received"}"#));
    }
    caller.send(&say("bob@home/x", r#"{"event":"received"}"#));
    let from: Vec<String> = caller
        .host
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Receipt { from: Some(from), stage: Stage::Received, .. } => Some(from.to_string()),
            _ => None,
        })
        .collect();
    assert!(from.contains(&"bob@home/x".to_string()), "eve has spoken for bob: {from:?}");
}

/// What the hub itself says to a member (its roster) is none of the application's messages.
#[test]
fn a_member_that_vanishes_leaves_no_receipts_of_what_was_never_sent() {
    let mut hub = Hub::new();
    let eve = hub.join(1, "eve");
    hub.join(2, "bob");
    hub.host.advance(SECOND);
    hub.host.take_events();
    hub.host.gone(eve.link);
    hub.host.expect_down(eve.link, ClosedBy::Network, Reason::GONE);
    let receipts: Vec<Event> =
        hub.host.take_events().into_iter().filter(|event| matches!(event, Event::Receipt { .. })).collect();
    assert_eq!(receipts, []);
    hub.check();
}

/// A limit that no frame can hold must not be believed.
#[test]
fn a_letter_larger_than_a_frame_is_refused_and_not_tried_for_ever() {
    let mut hub = Hub::with(Crypto::Fake, |config| config.limits.letter = 70_000);
    let mut ada = hub.join(1, "ada");
    // It just fits in a frame on its way in; with the sender's name in it, no longer on its way out.
    let size = 65_519 - 3 - 18 - 2 - 10 - 4;
    let large = Envelope::new(MESSAGE, 1, "ada@home/x", "{}", &vec![b'x'; size]).frame();
    ada.send(&mut hub, &large);
    ada.expect_closed(&mut hub, Reason::LIMIT);
}

/// The same word of the same peer again is no news.
#[test]
fn a_confirmation_is_told_once() {
    let mut caller = Caller::up();
    let now = caller.host.now;
    let message = Message::text("hi").with_receipts(Receipts::Consumed);
    let id = caller.host.node.send(now, &"eve@home".parse().unwrap(), message).unwrap();
    caller.host.drain();
    let mut received = Envelope::new(NOTIFICATION, 0, "ada@home/x", r#"{"event":"received"}"#, b"");
    (received.id, received.from) = (id.0, b"eve@home/x".to_vec());
    caller.send(&received.frame().repeat(500));
    assert_eq!(caller.host.take_events().len(), 1);
}

/// A hub speaks for its own network. Of what was sent in another it knows nothing.
#[test]
fn a_hub_has_no_say_in_another_network() {
    let mut caller = Caller::up();
    let now = caller.host.now;
    let work = homing_core::Dial { network: "work".parse().unwrap(), ..crate::hub::dial() };
    caller.host.node.dial(now, work).unwrap();
    caller.host.drain();
    let link = caller.host.dialed[1];
    caller.host.tell(homing_core::Input::Dialed { link });
    let first = caller.host.written(link);
    let (second, mut noise) = crate::hub::answer(&first, "work", crate::hub::OFFER);
    caller.host.data(link, &second);
    let third = caller.host.written(link);
    noise.read_message(&third[2..], &mut [0; 4096]).unwrap();
    let mut other = raw::Session::new(noise);
    let admitted = crate::hub::ADMITTED.replace("home", "work");
    let bytes = other.seal(&raw::frame(types::SESSION, admitted.as_bytes()));
    caller.host.data(link, &bytes);
    assert_eq!(caller.host.node.networks().len(), 2);

    let to: homing_core::Address = "bob@home".parse().unwrap();
    let message = Message::text("hi").with_receipts(Receipts::Route);
    let id = caller.host.node.send(now, &to, message).unwrap();
    let command = homing_core::Command::get("/ping");
    caller.host.node.request(now, &to.into(), command, 5 * SECOND).unwrap();
    caller.host.drain();
    let bytes = caller.host.written(caller.link);
    let call = caller.session.open(&bytes).into_iter().map(|f| Envelope::read(&f.1)).next_back().unwrap();
    assert!(call.head().contains("/ping"));
    caller.host.take_events();
    for id in [id.0, call.id] {
        for event in ["accepted", "dispatched", "failed"] {
            let head = format!(r#"{{"event":"{event}"}}"#);
            let news = Envelope { id, ..Envelope::new(NOTIFICATION, 0, "", &head, b"") };
            let bytes = other.seal(&news.frame());
            caller.host.data(link, &bytes);
        }
    }
    assert_eq!(caller.host.take_events(), []);
}

#[test]
fn a_request_is_cancelled_by_its_caller_only() {
    let mut hub = Hub::new();
    hub.host.node.serve("/work", "takes long").unwrap();
    let mut ada = hub.join(1, "ada");
    let mut eve = hub.join(2, "eve");
    hub.host.take_events();
    let head = r#"{"method":"get","uri":"/work","patience":1000}"#;
    let ask = Envelope::new(REQUEST, 7, "hub@home", head, b"").frame();
    ada.send(&mut hub, &ask.repeat(3));
    let events = hub.host.take_events();
    assert!(matches!(&events[..], [Event::Request(request)] if request.from.name() == "ada"), "{events:?}");
    let cancel = Envelope::new(NOTIFICATION, 7, "hub@home", r#"{"event":"cancelled"}"#, b"").frame();
    eve.send(&mut hub, &cancel);
    assert_eq!(hub.host.take_events(), []);
    ada.send(&mut hub, &cancel);
    assert!(matches!(hub.host.take_events()[..], [Event::RequestEnded { .. }]));
    // One that nobody answers is answered for the application.
    ada.send(&mut hub, &ask);
    hub.host.advance(SECOND);
    ada.read(&mut hub);
    let late = ada.envelopes().pop().unwrap();
    assert_eq!(late.id, [7; 16]);
    assert!(late.head().contains("\"code\":64"), "{}", late.head());
    hub.check();
}

/// A session's bytes, cut off anywhere after its keys.
#[test]
fn a_record_that_never_ends() {
    let mut hub = Hub::new();
    let note = Envelope::new(MESSAGE, 1, "hub@home", "{}", b"hi").frame();
    let length = hub.join(1, "ada").session.seal(&note).len();
    for cut in 0..length {
        let mut ada = hub.join(1, "ada");
        let bytes = ada.session.seal(&note);
        hub.host.take_events();
        hub.host.data(ada.link, &bytes[..cut]);
        assert_eq!(hub.host.take_events(), []);
        if cut % 2 == 0 {
            hub.host.gone(ada.link);
            hub.host.expect_down(ada.link, ClosedBy::Network, Reason::GONE);
            continue;
        }
        for _ in 0..6 {
            hub.host.advance(10 * SECOND);
            hub.check();
        }
        ada.read(&mut hub);
        hub.host.expect_down(ada.link, ClosedBy::Us, Reason::SILENCE);
        assert_eq!(ada.goodbye(), Some(Reason::SILENCE));
    }
}

/// Whoever never rekeys is stopped, in time.
#[test]
fn too_much_under_one_key() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let ping = raw::frame(types::PONG, &[0; 8]);
    for n in 0..=2 * 65_536u32 {
        let bytes = ada.session.seal(&ping);
        let (link, now) = (ada.link, hub.host.now);
        hub.host.node.handle(now, homing_core::Input::Data { link, bytes: &bytes });
        if n % 65_536 == 65_000 {
            hub.host.drain();
            assert_eq!(hub.host.down(link), None);
        }
    }
    hub.host.drain();
    ada.expect_closed(&mut hub, Reason::LIMIT);
}

/// What is in the clear may refuse only who has heard nothing under the session's keys.
#[test]
fn a_refusal_after_the_first_record_is_forged() {
    let mut caller = Caller::greeted(Crypto::Fake.config());
    caller.send(&raw::frame(types::PING, &[0; 8]));
    caller.host.data(caller.link, &[0, 0, 0, 14]);
    let bytes = caller.host.written(caller.link);
    caller.session.open(&bytes);
    caller.expect_closed(Reason::MALFORMED);
}

/// A peer has a name and an instance: everybody is no peer.
#[test]
fn a_roster_names_peers() {
    let observe = r#"{"method":"observe","uri":"/roster"}"#;
    let mut caller = Caller::up();
    let key = caller.host.node.peer_id();
    let put = format!(r#"{{"to":1,"put":[{{"address":"*@home","key":"{key}"}}]}}"#);
    caller.send(&Envelope::new(REQUEST, 1, "", observe, put.as_bytes()).frame());
    assert!(!caller.host.events.iter().any(|event| matches!(event, Event::PeerUp { .. })));
    let closed =
        |event: &Event| matches!(event, Event::Down { why, .. } if why.reason() == Reason::MALFORMED);
    assert!(caller.host.events.iter().any(closed));
}

/// A newcomer that comes and goes while its name is being stored leaves nothing behind.
#[test]
fn newcomers_that_left_are_not_waited_for() {
    let mut hub = Hub::new();
    hub.host.stores_at_once = false;
    let hello = hub.hello("ada");
    for _ in 0..200 {
        let ada = hub.introduce(1, hello.as_bytes());
        hub.host.gone(ada.link);
        hub.host.take_events();
    }
    assert_eq!(hub.host.stores.len(), 1, "one store for one name");
    let mut ada = hub.introduce(1, hello.as_bytes());
    let id = hub.host.stores.remove(0);
    hub.host.tell(homing_core::Input::Stored { id, ok: true });
    ada.expect_open(&mut hub);
}
