//! Envelopes that come without a label of their own: they are what they would be with it.

use homing_core::Reason;
use proptest::prelude::*;

use crate::hub::{Caller, Hub, MESSAGE, NOTIFICATION, REQUEST, RESPONSE};
use crate::raw::{Crypto, Envelope, frame, letter, types};

const ID: [u8; 16] = [9; 16];

/// A letter without a head that says anything.
fn body(body: &[u8]) -> Vec<u8> {
    letter("{}", body)
}

fn alike(id: [u8; 16], letter: &[u8]) -> Vec<u8> {
    frame(types::ALIKE, &[&id[..], letter].concat())
}

/// The frames of a record: each envelope in whole, or, if `short`, without the label that the one before it has, too.
fn record(envelopes: &[Envelope], short: bool) -> Vec<u8> {
    let label = |e: &Envelope| (e.flags, e.hops, e.to.clone(), e.from.clone());
    let mut before = None;
    let frames = envelopes.iter().map(|envelope| {
        let is_alike = before.replace(label(envelope)) == Some(label(envelope));
        if short && is_alike { alike(envelope.id, &envelope.letter) } else { envelope.frame() }
    });
    frames.collect::<Vec<_>>().concat()
}

/// What a member may say to a hub: with room for it and without, in its own name and in another's.
const TO_HUB: [(u8, u8, &str, &str); 16] = [
    (MESSAGE, 8, "bob@home", ""),
    (MESSAGE, 8, "bob@home/x", ""),
    (MESSAGE, 8, "bob@home", "ada@home/x"),
    (MESSAGE, 8, "bob@home", "eve@home/x"),
    (MESSAGE, 1, "bob@home", ""),
    (MESSAGE, 0, "bob@home", ""),
    (MESSAGE | 0b0100_0000, 8, "bob@home", ""),
    (MESSAGE | 0b1000_0000, 8, "bob@home", ""),
    (MESSAGE | 0b0001_0000, 8, "bob@home", ""),
    (MESSAGE | 0b0010_0000, 8, "bob@home", ""),
    (MESSAGE, 8, "nobody@home", ""),
    (MESSAGE, 8, "*@home", ""),
    (MESSAGE, 8, "hub@home", ""),
    (NOTIFICATION, 8, "bob@home", ""),
    (REQUEST, 8, "bob@home", ""),
    (RESPONSE, 8, "bob@home/x", ""),
];

/// What a hub may say to a member.
const TO_MEMBER: [(u8, u8, &str, &str); 10] = [
    (MESSAGE, 8, "ada@home/x", "bob@home/x"),
    (MESSAGE, 8, "ada@home", "bob@home/x"),
    (MESSAGE | 0b1000_0000, 8, "ada@home/x", "bob@home/x"),
    (MESSAGE | 0b0001_0000, 8, "ada@home/x", "bob@home/x"),
    (MESSAGE | 0b0010_0000, 8, "ada@home/x", "bob@home/x"),
    (MESSAGE, 0, "*@home", "bob@home/x"),
    (MESSAGE, 8, "ada@home/x", "bob@work/x"),
    (MESSAGE, 8, "eve@home/x", "bob@home/x"),
    (MESSAGE, 8, "", ""),
    (REQUEST, 8, "ada@home/x", "bob@home/x"),
];

/// Records of envelopes, of which many follow their like.
fn records() -> impl Strategy<Value = Vec<Vec<(usize, usize)>>> {
    let run =
        (0usize..16, 1usize..5, 0usize..300).prop_map(|(which, count, length)| vec![(which, length); count]);
    let record = proptest::collection::vec(run, 1..5).prop_map(|runs| runs.concat());
    proptest::collection::vec(record, 1..12)
}

/// Those of one record. No two have one id.
fn envelopes(all: &[(u8, u8, &str, &str)], record: &[(usize, usize)], next: &mut u64) -> Vec<Envelope> {
    let one = |&(which, length): &(usize, usize)| {
        let (flags, hops, to, from) = all[which % all.len()];
        *next += 1;
        let mut id = [0; 16];
        id[8..].copy_from_slice(&next.to_be_bytes());
        let head = match flags & 3 {
            1 => r#"{"event":"failed"}"#,
            2 => r#"{"method":"get","uri":"/ping"}"#,
            3 => r#"{"status":"success"}"#,
            _ => "{}",
        };
        let (to, from, letter) = (to.into(), from.into(), letter(head, &vec![7; length]));
        Envelope { flags, hops, id, to, from, letter }
    };
    record.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever follows what: a hub does with it what it does with whole ones, and everybody is told the same.
    #[test]
    fn a_hub_cannot_tell_them(records in records()) {
        let run = |short: bool| {
            // Some have no room: bob is slow.
            let mut hub = Hub::with(Crypto::Fake, |config| config.limits.queue = 4000);
            let (mut ada, mut carol) = (hub.join(1, "ada"), hub.join(3, "carol"));
            let hello = hub.hello_with_window("bob", 2000);
            let mut bob = hub.introduce(2, hello.as_bytes());
            let (mut said, mut next) = (Vec::new(), 0);
            for (n, steps) in records.iter().enumerate() {
                let plain = record(&envelopes(&TO_HUB, steps, &mut next), short);
                said.push(ada.send(&mut hub, &plain));
                for other in [&mut bob, &mut carol] {
                    said.push(other.read(&mut hub));
                    let owed = other.ack();
                    if owed > 0 && n % 3 == 0 {
                        said.push(other.send(&mut hub, &frame(types::ACK, &owed.to_be_bytes())));
                    } else {
                        other.session.owed = owed;
                    }
                }
            }
            ada.expect_open(&mut hub);
            (said, format!("{:?}", hub.host.take_events()))
        };
        prop_assert_eq!(run(true), run(false));
    }

    /// The same of a recipient.
    #[test]
    fn a_recipient_cannot_tell_them(records in records()) {
        let run = |short: bool| {
            let mut caller = Caller::up();
            let (mut said, mut next) = (Vec::new(), 0);
            for steps in &records {
                said.push(caller.send(&record(&envelopes(&TO_MEMBER, steps, &mut next), short)));
            }
            (said, format!("{:?}", caller.host.take_events()))
        };
        prop_assert_eq!(run(true), run(false));
    }
}

#[test]
fn one_that_is_like_none_closes_the_link() {
    let note = |to: &str| Envelope::new(MESSAGE, 1, to, "{}", b"hi").frame();
    // In a record of its own; behind one of another record; behind what is no envelope.
    for records in [
        vec![alike(ID, &body(b"hi"))],
        vec![note("hub@home"), alike(ID, &body(b"hi"))],
        vec![[frame(types::PING, &[0; 8]), frame(0x80, &note("hub@home")), alike(ID, &body(b"hi"))].concat()],
        vec![[note("hub@home"), frame(types::ALIKE, &ID[..15])].concat()],
    ] {
        let mut hub = Hub::new();
        let mut ada = hub.join(1, "ada");
        records.iter().for_each(|plain| drop(ada.send(&mut hub, plain)));
        ada.expect_closed(&mut hub, Reason::MALFORMED);
    }
    let mut caller = Caller::up();
    caller.send(&alike(ID, &body(b"hi")));
    caller.expect_closed(Reason::MALFORMED);
}

#[test]
fn what_stands_between_two_does_not_matter() {
    let mut hub = Hub::new();
    let (mut ada, mut bob) = (hub.join(1, "ada"), hub.join(2, "bob"));
    let note = Envelope::new(MESSAGE, 1, "bob@home", "{}", b"hi");
    let between = [frame(types::PING, &[0; 8]), frame(types::ACK, &[0; 4]), frame(0x80, b"later")].concat();
    // The last of its record, without a letter: it fails, and the link lives on.
    let plain = [note.frame(), between, alike(ID, &body(b"again")), alike([8; 16], b"")].concat();
    ada.send(&mut hub, &plain);
    bob.read(&mut hub);
    let came: Vec<_> = bob.envelopes().into_iter().filter(|e| e.kind() == MESSAGE).collect();
    assert_eq!(came.iter().map(|e| e.id).collect::<Vec<_>>(), [[1; 16], ID, [8; 16]]);
    assert_eq!(
        (came[1].body(), &came[1].from[..], &came[2].letter[..]),
        (&b"again"[..], &b"ada@home/x"[..], &b""[..])
    );
    ada.expect_open(&mut hub);
}

/// The whole envelope is what counts, not what came of it.
#[test]
fn its_label_counts_in_windows_and_limits() {
    let note = Envelope::new(MESSAGE, 1, "bob@home", "{}", b"");
    let cost = note.bytes().len() + 64;
    for (count, most) in [(40, 40), (41, 40)] {
        let mut hub = Hub::with(Crypto::Fake, |config| config.limits.window = most * cost);
        let (mut ada, mut bob) = (hub.join(1, "ada"), hub.join(2, "bob"));
        // Nobody reads at bob's: what ada sends stays hers.
        hub.host.deaf.insert(bob.link);
        ada.send(&mut hub, &[note.frame(), alike(ID, &note.letter).repeat(count - 1)].concat());
        if count > most {
            ada.expect_closed(&mut hub, Reason::LIMIT);
        } else {
            ada.expect_open(&mut hub);
        }
        hub.host.undeafen(bob.link);
        bob.read(&mut hub);
        let owed = bob.ack();
        bob.send(&mut hub, &frame(types::ACK, &owed.to_be_bytes()));
        assert_eq!(bob.envelopes().iter().filter(|e| e.kind() == MESSAGE).count(), most);
    }
    let large = |letter: usize, kind: u8| {
        let mut hub = Hub::new();
        let mut ada = hub.join(1, "ada");
        let first = Envelope::new(kind, 1, "hub@home", "{}", b"").frame();
        ada.send(&mut hub, &[first, alike(ID, &vec![0; letter])].concat());
        (hub, ada)
    };
    let (mut hub, mut ada) = large(17 * 1024, MESSAGE);
    ada.expect_open(&mut hub);
    for (letter, kind) in [(17 * 1024 + 1, MESSAGE), (2049, NOTIFICATION)] {
        let (mut hub, mut ada) = large(letter, kind);
        ada.expect_closed(&mut hub, Reason::LIMIT);
    }
}

#[test]
fn in_another_state_it_closes_the_link() {
    let mut hub = Hub::new();
    let mut ada = hub.join(1, "ada");
    let finishing = frame(types::SESSION, br#"{"state":"finishing"}"#);
    let note = Envelope::new(MESSAGE, 1, "hub@home", "{}", b"hi").frame();
    ada.send(&mut hub, &[note, finishing, alike(ID, &body(b"hi"))].concat());
    ada.expect_closed(&mut hub, Reason::SESSION_STATE);
}
