//! What a hub passes on and what it says of it, at the borders of its rules. PROTOCOL.md, section 11.

use homing_core::{Event, Reason};

use crate::hub::{Hub, MESSAGE, NOTIFICATION, REQUEST, RESPONSE, Raw};
use crate::raw::{Crypto, Envelope, frame, types};

/// A letter of exactly so many bytes.
fn of_size(flags: u8, to: &str, head: &str, size: usize) -> Envelope {
    Envelope::new(flags, 1, to, head, &vec![b'x'; size - 2 - head.len()])
}

/// The bodies of the messages that came since the last time.
fn messages(raw: &mut Raw, hub: &mut Hub) -> Vec<Vec<u8>> {
    let frames = raw.read(hub);
    let envelopes = frames.iter().filter(|f| f.0 == types::ENVELOPE).map(|f| Envelope::read(&f.1));
    envelopes.filter(|e| e.kind() == MESSAGE).map(|e| e.body().to_vec()).collect()
}

/// What was said of an envelope: the notifications with its id.
fn said(frames: &[(u8, Vec<u8>)], id: u8) -> Vec<Envelope> {
    let envelopes = frames.iter().filter(|f| f.0 == types::ENVELOPE).map(|f| Envelope::read(&f.1));
    envelopes.filter(|e| e.kind() == NOTIFICATION && e.id == [id; 16]).collect()
}

#[test]
fn the_largest_of_everything_is_still_passed_on() {
    let mut hub = Hub::new();
    let (mut ada, mut bob) = (hub.join(1, "ada"), hub.join(2, "bob"));
    let letter = hub.limits.letter;
    assert_eq!(said(&ada.send(&mut hub, &of_size(MESSAGE, "bob@home", "{}", letter).frame()), 1).len(), 0);
    assert_eq!(messages(&mut bob, &mut hub), [vec![b'x'; letter - 4]]);

    let head = r#"{"event":"received"}"#;
    ada.send(&mut hub, &of_size(NOTIFICATION, "bob@home", head, 2048).frame());
    ada.expect_open(&mut hub);
    assert_eq!(said(&bob.read(&mut hub), 1).len(), 1);
    ada.send(&mut hub, &of_size(NOTIFICATION, "bob@home", head, 2049).frame());
    ada.expect_closed(&mut hub, Reason::LIMIT);

    // A recipient that takes less.
    let mut ada = hub.join(1, "ada");
    let hello = hub.hello("eve").replace("\"letter\":17408", "\"letter\":4096");
    let mut eve = hub.introduce(3, hello.as_bytes());
    assert_eq!(said(&ada.send(&mut hub, &of_size(MESSAGE, "eve@home", "{}", 4096).frame()), 1).len(), 0);
    assert_eq!(messages(&mut eve, &mut hub).len(), 1);
    let words = said(&ada.send(&mut hub, &of_size(MESSAGE, "eve@home", "{}", 4097).frame()), 1);
    assert!(words[0].head().contains("\"code\":22"), "{}", words[0].head());
    assert_eq!(messages(&mut eve, &mut hub).len(), 0);
}

/// From its first word of leaving on nothing is routed to a member: who else has the name gets it.
#[test]
fn what_is_for_a_name_goes_past_an_instance_that_is_leaving() {
    let mut hub = Hub::new();
    let mut bob = hub.join(2, "bob");
    let instance = |hub: &mut Hub, instance: &str, priority: i8| {
        let own = format!(r#""instance":"{instance}","priority":{priority}"#);
        let hello = hub.hello("ada").replace(r#""instance":"x""#, &own);
        hub.introduce(1, hello.as_bytes())
    };
    let (mut first, mut second) = (instance(&mut hub, "x", 5), instance(&mut hub, "y", 0));
    bob.send(&mut hub, &Envelope::new(MESSAGE, 1, "ada@home", "{}", b"one").frame());
    assert_eq!(messages(&mut first, &mut hub), [b"one"]);
    hub.host.take_events();
    // It has not acknowledged that, and is waited for.
    first.send(&mut hub, &frame(types::SESSION, br#"{"state":"finishing"}"#));
    assert_eq!(hub.host.down(first.link), None);
    let events = hub.host.take_events();
    assert!(
        matches!(&events[..], [Event::PeerDown { peer }] if peer.address.as_str() == "ada@home/x"),
        "{events:?}"
    );
    let words = bob.send(&mut hub, &Envelope::new(MESSAGE, 2, "ada@home", "{}", b"two").frame());
    assert_eq!(said(&words, 2).len(), 0);
    assert_eq!(messages(&mut second, &mut hub), [b"two"]);
    let words = bob.send(&mut hub, &Envelope::new(MESSAGE, 3, "ada@home/x", "{}", b"three").frame());
    assert!(said(&words, 3)[0].head().contains("\"code\":41"));
}

#[test]
fn a_hub_that_is_leaving_lets_nobody_in() {
    let mut hub = Hub::new();
    let ada = hub.join(1, "ada");
    let now = hub.host.now;
    hub.host.node.shutdown(now);
    hub.host.drain();
    assert_eq!(hub.host.down(ada.link), None, "it waits for her");
    let late = hub.host.accept();
    assert!(hub.host.closed.contains(&late));
    assert_eq!(hub.host.written(late), b"", "without a word");
    assert_eq!(hub.host.down(late), None, "and without an event");
}

/// Who wants no receipts gets none; notifications and responses have none, whatever their flags say.
#[test]
fn nothing_is_said_of_what_nobody_wants_to_hear_of() {
    const ALL: u8 = 0b1100_0000;
    let mut hub = Hub::new();
    let (mut ada, mut bob) = (hub.join(1, "ada"), hub.join(2, "bob"));
    let cancelled = r#"{"event":"cancelled"}"#;
    for to in ["*@home", "bob@home", "bob@home/x", "hub@home"] {
        for quiet in [
            Envelope::new(MESSAGE, 1, to, "{}", b"hi"),
            Envelope::new(NOTIFICATION | ALL, 1, to, cancelled, b""),
            Envelope::new(RESPONSE | ALL, 1, to, r#"{"status":"success"}"#, b""),
        ] {
            let heard = ada.send(&mut hub, &quiet.frame());
            assert_eq!(said(&heard, 1).len(), 0, "{to}: {quiet:?}");
        }
        bob.read(&mut hub);
    }
    // Nor does the hub want any of what it says in the place of an answer.
    let hello = hub.hello("eve").replace("\"letter\":17408", "\"letter\":4096");
    let mut eve = hub.introduce(3, hello.as_bytes());
    eve.send(&mut hub, &Envelope::new(REQUEST, 7, "bob@home", r#"{"method":"get","uri":"/a"}"#, b"").frame());
    bob.send(
        &mut hub,
        &Envelope { id: [7; 16], ..of_size(RESPONSE | ALL, "eve@home/x", "{}", 5000) }.frame(),
    );
    let words = said(&eve.read(&mut hub), 7);
    assert!(words[0].head().contains("\"code\":22"));
    assert_eq!(words[0].flags & ALL, 0);
}

/// What a built-in answers may wait where nothing else may any more, up to a limit of its own.
#[test]
fn answers_have_room_beyond_a_full_queue() {
    let mut hub = Hub::with(Crypto::Fake, |config| {
        config.limits.queue = 16 * 1024;
        config.limits.replies = 8 * 1024;
    });
    let (mut ada, mut bob) = (hub.join(1, "ada"), hub.join(2, "bob"));
    hub.host.deaf.insert(ada.link);
    let note = Envelope::new(MESSAGE, 1, "ada@home", "{}", &[b'x'; 1000]).frame();
    let full = (0..30).find(|_| !said(&bob.send(&mut hub, &note), 1).is_empty());
    assert!((10..16).contains(&full.unwrap()), "{full:?}");
    let echo = Envelope::new(REQUEST, 9, "hub@home", r#"{"method":"get","uri":"/echo"}"#, &[b'y'; 1000]);
    for _ in 0..30 {
        ada.send(&mut hub, &echo.frame());
    }
    hub.host.undeafen(ada.link);
    ada.read(&mut hub);
    // The messages fill the window: the answers go behind them once they are acknowledged.
    let ack = ada.ack();
    ada.send(&mut hub, &frame(types::ACK, &ack.to_be_bytes()));
    let answers = ada.envelopes().iter().filter(|e| e.kind() == RESPONSE && e.body().len() == 1000).count();
    assert!((5..9).contains(&answers), "{answers}");
    hub.check();
}
