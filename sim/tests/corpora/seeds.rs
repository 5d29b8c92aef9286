//! Inputs to begin with, one for each thing that a function knows.

use std::collections::BTreeMap;

use homing_core::crypto::{Fake, Provider};
use homing_core::trace::{Recorded, Tape};
use homing_core::wire::letter::{MessageHead, NotificationHead, NotifiedEvent, ReasonJson, RequestHead};
use homing_core::wire::{Kind, Label, MessageId, Priority, Receipts, frame, letter, record};
use homing_core::{
    Action, Config, Dial, Event, Input, Instant, LinkId, Message, PeerId, Reason, Seed, Serving, StaticKey,
};

/// The seeds of a function, by the name of their file.
pub(crate) fn of(target: &str) -> BTreeMap<String, Vec<u8>> {
    let seeds = match target {
        "address" => texts(ADDRESSES),
        "frames" => frames(),
        "invite" => invites(),
        "journal" => journals(),
        "key" => keys(),
        "label" => labels(),
        "letter" => letters(),
        "node" => nodes(),
        "pair" => pairs(),
        "reason" => reasons(),
        "record" => records(),
        "schedule" => schedules(),
        "session" => texts(SESSIONS),
        "trace" => traces(),
        other => panic!("no seeds for {other}"),
    };
    seeds.into_iter().enumerate().map(|(n, bytes)| (format!("seed-{n:02}"), bytes)).collect()
}

fn texts(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const ADDRESSES: &[&str] = &[
    "ada@home/laptop",
    "ada@home",
    "*@home",
    "*@home/x",
    "ada",
    "ada/x",
    "0-_.@office.example/7",
    "Ada@home",
    "@home",
    "ada@",
    "a@b@c",
    "аda@home",
    "",
];

const SESSIONS: &[&str] = &[
    r#"{"state":"established","address":"ada@home/x","hub":"hub@home"}"#,
    r#"{"state":"finishing"}"#,
    r#"{"state":"finished","later":[1,{"a":null}]}"#,
    r#"{"schemes":["key","guest"],"options":{"idle":15000,"silence":45000,"window":1048576,"letter":16384}}"#,
    r#"{"scheme":"key","name":"ada","instance":"x","priority":-1,"options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}}"#,
    r#"{"scheme":"guest","name":null,"options":{"idle":1,"silence":1,"window":4294967295,"letter":4096}}"#,
    r#"{"state":{"finishing":null}}"#,
    r#"["finishing"]"#,
    r#"{"state":"finishing","state":"finished"}"#,
    "{\"\\u0073tate\" : \"finis\\u0068ing\"}\n",
];

fn key(n: u8) -> PeerId {
    PeerId::from_bytes(Fake.public_key(&[n; 32]))
}

fn invites() -> Vec<Vec<u8>> {
    let key = key(3);
    let longest = "h".repeat(253);
    [
        format!("homing://{key}@hub.example:4702/home"),
        format!("homing://{key}@hub.example/home?later=1"),
        format!(" homing://{key}@[::1]:9/home\n"),
        format!("homing://{}@[2001:db8::1]/office.example", key.to_string().to_uppercase()),
        format!("homing://{key}@127.0.0.1:65535/h"),
        format!("homing://{key}@{longest}:65535/home"),
        format!("homing://{key}@{longest}/home"),
        format!("homing://{key}@h:01/home"),
        "homing://KEY@HOST:PORT/NETWORK".to_string(),
        "http://hub.example/".to_string(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn keys() -> Vec<Vec<u8>> {
    let id = MessageId([0xA5; 16]);
    let mut all: Vec<Vec<u8>> = [
        key(1).to_string(),
        key(2).to_string().to_uppercase(),
        id.to_string(),
        "received".into(),
        "failed".into(),
    ]
    .map(String::into_bytes)
    .to_vec();
    all.extend([[0; 33], [0xFF; 33]].map(|bytes| bytes.to_vec()));
    all
}

fn journals() -> Vec<Vec<u8>> {
    let entry = |head: &[u8], name: &[u8]| {
        let entry = [head, &[7; 32], name].concat();
        [&[entry.len() as u8][..], &entry].concat()
    };
    let long = [b'n'; 65];
    vec![
        entry(&[1, 1], b"ada"),
        [entry(&[1, 1], b"ada"), entry(&[1, 1], b"bob"), entry(&[1, 1], b"ada")].concat(),
        entry(&[1, 1], &long[..64]),
        entry(&[1, 1], &long),
        entry(&[1, 2], b"ada"),
        entry(&[2, 1], b"ada"),
        entry(&[1, 1], b"Ada"),
        vec![0, 1, 1, 2, 1, 1],
    ]
}

fn records() -> Vec<Vec<u8>> {
    let preface = record::preface;
    vec![
        preface(1).to_vec(),
        [&preface(2)[..], &[0, 32]].concat(),
        preface(0xFF).to_vec(),
        b"homing\x02\x01".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        record::refusal(Reason::BUSY).to_vec(),
        vec![0xFF, 0xFF],
        vec![0, 0, 1],
        vec![],
    ]
}

fn frames() -> Vec<Vec<u8>> {
    use frame::types;
    let one = |kind, payload: &[u8]| {
        let mut out = Vec::new();
        frame::write(&mut out, kind, payload);
        out
    };
    let mut close = Vec::new();
    frame::write_close(&mut close, Reason::LIMIT, &"é".repeat(100));
    let mut all = vec![
        one(types::ENVELOPE, b"label and letter"),
        one(types::PING, &[1; 8]),
        one(types::PONG, &[0; 8]),
        one(types::ACK, &[0, 0, 0, 3]),
        one(types::SESSION, b"{}"),
        close,
        one(types::REKEY, b""),
        one(types::EXTENSION, b"later"),
        one(0xFF, b""),
        one(types::ALIKE, b"sixteen bytes idand a letter"),
    ];
    let together = all.concat();
    all.push(together);
    all.extend([
        one(2, b"continue"),
        one(types::PING, &[0; 7]),
        one(types::REKEY, b"?"),
        one(types::ALIKE, &[0; 15]),
        one(types::CLOSE, &[0; 203]),
        one(types::CLOSE, b"\0\x01\xFF"),
        vec![types::ENVELOPE, 0xFF, 0xFF, 0],
    ]);
    all
}

fn label(flags: (Kind, Priority, Receipts), to: &str, from: &str, letter: &[u8]) -> Vec<u8> {
    let (kind, priority, receipts) = flags;
    let id = MessageId([0xAA; 16]);
    let label = Label { kind, priority, sealed: false, more: false, receipts, hops: 8, id, to, from };
    let mut out = Vec::new();
    label.write(&mut out);
    out.extend_from_slice(letter);
    out
}

fn labels() -> Vec<Vec<u8>> {
    let long = "a".repeat(255);
    let message = (Kind::Message, Priority::Normal, Receipts::Failure);
    let mut all = vec![
        label(message, "ada@home/x", "", b"\0\x02{}hi"),
        label((Kind::Notification, Priority::Bulk, Receipts::Route), "", "hub@home", b""),
        label((Kind::Request, Priority::Urgent, Receipts::Received), "*@home", "eve@home/x", b"\0"),
        label((Kind::Response, Priority::Normal, Receipts::Consumed), &long, &long, b"letter"),
    ];
    let whole = all[0].clone();
    all.push(whole[..19].to_vec());
    all.push([&[0x0C][..], &whole[1..]].concat());
    all.push([&[whole[0] | 0x30][..], &whole[1..]].concat());
    all.push([&whole[..19], b"\xFF", &whole[20..]].concat());
    all
}

fn letters() -> Vec<Vec<u8>> {
    let with = |most: u16, letter: &[u8]| [&most.to_be_bytes()[..], letter].concat();
    fn of<T: serde::Serialize>(head: &T, body: &[u8]) -> Vec<u8> {
        let mut out = 4096u16.to_be_bytes().to_vec();
        letter::write(&mut out, head, body, 4096).unwrap();
        out
    }
    let metadata = [("a".to_string(), "\u{7}é\"".to_string())].into();
    let reason = Some(ReasonJson { code: 41, description: "nobody".into() });
    let mut all = vec![
        of(&MessageHead { content_type: "text/plain".into(), metadata }, b"hello"),
        of(&NotificationHead { event: NotifiedEvent::Failed, reason, count: None }, b""),
        of(&NotificationHead { event: NotifiedEvent::Dispatched, reason: None, count: Some(3) }, b""),
        of(&RequestHead { uri: "/ping".into(), patience: Some(60_000), ..Default::default() }, b""),
    ];
    for head in [
        r#"{"status":"success","reason":null,"type":"application/json"}"#,
        r#"{"status":"failure","reason":{"code":61},"later":{"deep":[[[]]]}}"#,
        r#"{"event":"received","count":null,"reason":null}"#,
        r#"{"method":{"get":null},"uri":"/"}"#,
        r#"{"event":"failed","reason":[41]}"#,
        r#"{"type":"a","type":"b"}"#,
        r#"{"type":"\ud800"}"#,
        r#"{"metadata":{"a":"1","a":"2"}}"#,
        r#"{"event":"failed","reason":{"code":1e2}}"#,
        r#"{"later":2e999999}"#,
        "[]",
        "",
    ] {
        all.push(with(4096, &[&(head.len() as u16).to_be_bytes()[..], head.as_bytes(), b"body"].concat()));
    }
    all.extend([with(1, b"\0\x02{}"), with(9, b"\0\x03{}"), with(9, b"\0")]);
    all
}

fn reasons() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        [Reason::FINISHED, Reason::LIMIT, Reason::from_code(0), Reason::from_code(999)]
            .map(|reason| [&reason.code().to_be_bytes()[..], b"words"].concat())
            .to_vec();
    all.push([&[0, 21][..], "é".repeat(150).as_bytes()].concat());
    all.push([&[0, 21][..], "\u{10FFFF}".repeat(51).as_bytes()].concat());
    all.push([&[0xFF; 2][..], &[b'"'; 199], b"\xFF"].concat());
    all
}

/// Programs of `node`: see `sim/src/fuzz/node.rs`. The first byte chooses a node, each operation is named by its
/// first.
fn nodes() -> Vec<Vec<u8>> {
    // A link is accepted (0), greets (4, link 0, rightly, key), says its hello, sends frames (7 ..).
    let join: &[u8] = &[0, 4, 0, 0, 1, 4, 0, 0, 0, 20, 0, 0, 0];
    let message: &[u8] = &[7, 0, 0, 4, 0, 9, 1, 0, 0, 0, 3, b'a', b'b', b'c'];
    let dial: &[u8] = &[17, 9, 0, 0, 0, 0, 0];
    let dialed: &[u8] = &[12, 0, 2, 4, 0, 0, 0, 0];
    vec![
        [&[0][..], join, message].concat(),
        [&[1][..], join, join, message, message].concat(),
        [&[2][..], dial, dialed, message].concat(),
        [&[0][..], dial, dialed, join, message, &[15, 3, 7], message].concat(),
        [&[0, 0][..], &[2, 0, 8], b"homing\x01\x01", &[3, 0, 4, 0, 32, 1, 2]].concat(),
        [&[2][..], dial, &[12, 0, 0], &[14, 30, 0, 0], &[12, 1, 1], &[14, 25, 0, 0]].concat(),
        [&[0][..], join, &[15, 1, 10, 0, 255, 14, 0, 0, 0, 13, 0, 0, 11, 0]].concat(),
        [&[0][..], &[16, 7, 1], join, &[17, 0, 3, 9, 0, 0, 0], message, &[17, 4, 0, 0]].concat(),
    ]
}

/// Programs of `pair`: see `sim/src/fuzz/pair.rs`. The first byte chooses a side and limits.
fn pairs() -> Vec<Vec<u8>> {
    // A frame (operation 0, neighbour 0, what it is, then what that needs).
    let message = |to: u8| vec![0, 0, 0, 4, 0, 9, to, 0, 0, 3, b'a', b'b', b'c'];
    let request = |to: u8, uri: u8| vec![0, 0, 0, 6, 0, 10, to, 0, 0, 0, uri, 2, b'x', b'y'];
    let notification = |to: u8, event: u8| vec![0, 0, 0, 5, 0, 200, to, 0, 0, event];
    let roster = vec![0, 0, 0, 6, 0, 11, 0, 0, 0, 1, 3, 4, 1, 7, 9];
    let session = |which: u8| vec![0, 0, 7, 0, which];
    let wait = |which: u8| vec![17, which, 0];
    let mut all = Vec::new();
    for setup in 0..4u8 {
        let start = vec![setup];
        all.push([start.clone(), message(1), message(4), message(6), message(7), wait(4)].concat());
        all.push(
            [start.clone(), request(1, 0), request(1, 2), request(6, 1), request(0, 3), wait(6)].concat(),
        );
        all.push(
            [start.clone(), vec![16, 0, 7, 3, 2, 0, 0], notification(1, 0), notification(1, 1)].concat(),
        );
        all.push([start.clone(), roster.clone(), session(0), session(1)].concat());
        all.push(
            [start.clone(), vec![13, 0], vec![0, 0, 10, 4, 0, 9, 7, 0, 0, 200, 255], wait(6), wait(7)]
                .concat(),
        );
        all.push([start.clone(), vec![11, 0], message(7), vec![10, 0], vec![19, 0, 0, 0, 0, 0, 0]].concat());
        all.push([start, vec![18, 0], message(1), message(7), vec![18, 0, 16, 6, 0], wait(8)].concat());
    }
    all
}

/// Choices of `schedule`: whatever a generator makes of a few seeds, and the calmest of all.
fn schedules() -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for seed in 1..9 {
        let mut chooser = homing_sim::Chooser::seeded(seed);
        all.push((0..60 * seed).map(|_| chooser.below(256) as u8).collect());
    }
    all
}

/// What a hub and a member were told who met, up to some moment.
fn traces() -> Vec<Vec<u8>> {
    let now = Instant::from_micros(1_000_000);
    let serving = Serving { address: "hub@home".parse().unwrap(), open: true, allow: Default::default() };
    let config = |serving| Config { serving, ..Config::with_provider(std::sync::Arc::new(Fake)) };
    let node = |n: u8, serving| {
        let (key, seed) = (StaticKey::from_bytes([n; 32]), Seed::from_bytes([n; 32]));
        Recorded::new(now, key, seed, config(serving).into(), Some(Tape::new(1 << 16)))
    };
    let (mut hub, mut ada) = (node(1, Some(serving)), node(2, None));
    let mut all = vec![hub.trace().unwrap()];
    ada.serve("/served", "").unwrap();
    let (network, name) = ("home".parse().unwrap(), Some("ada".parse().unwrap()));
    let instance = Some("x".parse().unwrap());
    let target = "hub".to_string();
    ada.dial(now, Dial { target, network, pin: None, name, instance, priority: 0, redial: true }).unwrap();
    let links = [LinkId::accepted(1), drain(&mut ada, now).1.unwrap()];
    hub.handle(now, Input::Accepted { link: links[0] });
    ada.handle(now, Input::Dialed { link: links[1] });
    for turn in 0..8 {
        let (bytes, _) = drain(&mut ada, now);
        hub.handle(now, Input::Data { link: links[0], bytes: &bytes });
        let (bytes, _) = drain(&mut hub, now);
        ada.handle(now, Input::Data { link: links[1], bytes: &bytes });
        if turn == 4 {
            all.push(ada.trace().unwrap());
            ada.send(now, &"hub@home".parse().unwrap(), Message::text("hello")).unwrap();
        }
    }
    all.extend([hub.trace().unwrap(), ada.trace().unwrap()]);
    all
}

/// Does what a node wants: the bytes that it writes, the link that it dials.
fn drain(node: &mut Recorded, now: Instant) -> (Vec<u8>, Option<LinkId>) {
    let (mut out, mut dials) = (Vec::new(), None);
    while let Some(action) = node.poll_action() {
        match action {
            Action::Write { link } => loop {
                let bytes = node.pending(link).to_vec();
                if bytes.is_empty() {
                    break;
                }
                node.handle(now, Input::Wrote { link, n: bytes.len() });
                out.extend(bytes);
            },
            Action::Dial { link, .. } => dials = Some(link),
            Action::Store { id, .. } => node.handle(now, Input::Stored { id, ok: true }),
            Action::Event(Event::Down { why, .. }) => panic!("{why}"),
            Action::Event(_) | Action::Close { .. } => {}
        }
    }
    (out, dials)
}
