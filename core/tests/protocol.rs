//! docs/PROTOCOL.md holds: its tables are the code's, its example is what a hub really says, and a
//! client that was written from it alone ([`client`]) joins, is answered and leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::cast_possible_truncation)] // lengths here are small

#[path = "protocol/client.rs"]
mod client;
mod common;

use std::sync::Arc;
use std::time::Duration;

use client::{Client, Envelope, Frame};
use common::{World, fake};
use homing_core::link::session;
use homing_core::{
    Action, Address, Command, Config, Event, Input, Instant, Invite, Limits, LinkId, Node, PeerId, Reason,
    Seed, StaticKey,
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PROTOCOL.md");

fn document() -> String {
    std::fs::read_to_string(DOCUMENT).unwrap()
}

/// What stands between `<!-- name -->` and `<!-- /name -->`.
fn block<'a>(document: &'a str, name: &str) -> &'a str {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let rest = document.split_once(&begin).unwrap_or_else(|| panic!("{begin}")).1;
    rest.split_once(&end).unwrap_or_else(|| panic!("{end}")).0
}

#[test]
fn the_session_table_is_the_codes() {
    assert_eq!(block(&document(), "session table"), session::table_as_markdown());
}

/// Where the table says nothing, a signal leads nowhere.
#[test]
fn a_session_goes_where_the_table_says_and_nowhere_else() {
    use session::{Signal, State};
    let document = document();
    let lines = block(&document, "session table").lines().skip(2);
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split('|').map(str::trim).collect()).collect();
    let signals = [
        Signal::Open,
        Signal::Hello,
        Signal::Admit,
        Signal::Finish,
        Signal::Finishing,
        Signal::Finished,
        Signal::Fail,
    ];
    for state in [
        State::New,
        State::Negotiating,
        State::Authenticating,
        State::Established,
        State::Finishing,
        State::Finished,
        State::Failed,
    ] {
        for signal in signals {
            let word = format!("{signal:?}").to_lowercase();
            let row = rows.iter().find(|row| row[1..3] == [state.name(), &word]);
            assert_eq!(state.next(signal).map(State::name), row.map(|row| row[3]), "{state:?}, {word}");
        }
    }
}

/// The numbers that the document gives are the default limits.
#[test]
fn the_limits_of_the_document_are_the_defaults() {
    let document = document().split_whitespace().collect::<Vec<_>>().join(" ");
    let limits = Limits::default();
    let mib = |bytes: usize| (bytes >> 20, bytes % (1 << 20));
    let two_to = |number: u64| (number.ilog2(), number.is_power_of_two());
    let said = |text: &str| assert!(document.contains(text), "{text}");

    assert_eq!(limits.handshake_time, Duration::from_secs(10));
    said("within 10 seconds (limit `handshake_time`)");
    assert_eq!(limits.handshakes, 1_024);
    said("for 10 s, at most 1 024 of them at once");
    assert_eq!(limits.handshake_record, 2_048);
    said("longer than 2 048 bytes (limit `handshake_record`)");
    assert_eq!((Limits::LEAST_LETTER, Limits::MOST_LETTER, limits.head), (4_096, 61_440, 4_096));
    said("`letter` MUST be at least 4 096");
    said("`letter` SHOULD be at most 61 440");
    said("largest head is 4 096 bytes (limit `head`");
    assert_eq!(limits.letter, 17_408);
    said(r#""letter":17408"#);
    assert_eq!((mib(limits.window), mib(limits.queue), mib(limits.replies)), ((2, 0), (8, 0), (1, 0)));
    said("its window (2 MiB)");
    said("it keeps to 8 MiB at most (limit `queue`)");
    said("(8 MiB, and 1 MiB for notifications;");
    assert_eq!(mib(limits.ahead), (1, 0));
    said("when 1 MiB waits for a hub (limit `ahead`)");
    assert_eq!((limits.queue_time, limits.stall), (Duration::from_secs(30), Duration::from_secs(5)));
    said("more than 30 s (limit `queue_time`)");
    said("for 5 s (limit `stall`)");
    assert_eq!(
        (limits.ack_delay, limits.roster_delay),
        (Duration::from_millis(20), Duration::from_millis(50))
    );
    said("within 20 ms (limit `ack_delay`)");
    said("at most every 50 ms (limit `roster_delay`)");
    assert_eq!(limits.goodbye, Duration::from_secs(2));
    said("may take 2 seconds (limit `goodbye`)");
    assert_eq!((limits.roster, limits.instances), (20_000, 64));
    said("with 20 000 peers (limit `roster`)");
    said("When 64 instances of the name (limit `instances`)");
    assert_eq!((limits.names, limits.names_per_key), (100_000, 16));
    said("100 000 (limit `names`)");
    said("16 (limit `names_per_key`)");
    assert_eq!(limits.patience, Duration::from_secs(24 * 60 * 60));
    said("at 24 hours or more");
    assert_eq!((two_to(limits.rekey_records), two_to(limits.rekey_bytes)), ((16, true), (30, true)));
    said("reached 2^16 records or 2^30 bytes");
    assert_eq!(
        (limits.redial_first, limits.redial_most),
        (Duration::from_millis(500), Duration::from_secs(30))
    );
    said("doubles from 0.5 s to 30 s");
    assert_eq!(limits.hops, 8);
    said("sets `hops` to 8");
    // Of the rest, this is promised: the neighbour is held back by its window before it is not read.
    assert!(limits.deliveries >= 2 * limits.window);
}

#[test]
fn the_reason_table_is_the_codes() {
    let document = document();
    let rows = block(&document, "reason table").lines().skip(2).map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let mut cell = || cells.next().unwrap().to_string();
        (cell().parse().unwrap(), cell(), cell())
    });
    let row = |reason: &Reason| (reason.code(), reason.text().to_string(), reason.name().to_string());
    assert_eq!(rows.collect::<Vec<(u16, String, String)>>(), Reason::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn every_builtin_command_is_in_the_document() {
    let document = document();
    let mut world = World::network(1, fake);
    let now = world.now;
    let hub: Address = "hub@home".parse().unwrap();
    let patience = Duration::from_secs(1);
    world.node(1).request(now, &hub.into(), Command::get("/commands"), patience).unwrap();
    world.run();
    let answer = world.take_events(1).into_iter().find_map(|event| match event {
        Event::Answer { response, .. } => Some(response.unwrap().body),
        _ => None,
    });
    let list: Vec<serde_json::Value> = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert!(!list.is_empty());
    for command in list {
        let row = format!("| `{}` |", command["path"].as_str().unwrap());
        assert!(document.contains(&row), "no row {row}");
    }
}

#[test]
fn the_text_forms_of_the_document_are_read() {
    let document = document();
    let text = block(&document, "text forms");
    let value = |what: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_else(|| panic!("{what}"));
        line.trim().to_string()
    };
    let key = StaticKey::from_bytes([0x33; 32]).peer_id();
    assert_eq!(value("private "), "33".repeat(32));
    assert_eq!(value("public "), key.as_bytes().iter().map(|b| format!("{b:02x}")).collect::<String>());
    assert_eq!(value("key "), key.to_string());
    assert_eq!(value("key ").parse::<PeerId>(), Ok(key));
    assert_eq!(value("fingerprint "), key.fingerprint());
    let invite: Invite = value("invite ").parse().unwrap();
    assert_eq!((invite.key, invite.network.as_str()), (key, "home"));
    assert_eq!(invite.target, "hub.example:4702");
    let address: Address = value("address ").parse().unwrap();
    assert_eq!((address.name(), address.network(), address.instance()), ("ada", "home", Some("laptop")));
}

/// The real hub on the other side of the stream.
struct Hub {
    node: Node,
    now: Instant,
    link: LinkId,
    events: Vec<Event>,
    closed: bool,
}

impl Hub {
    fn new() -> Hub {
        let config = Config { serving: common::serving("hub@home"), ..Config::new() };
        let now = Instant::from_micros(1_000_000);
        let seed = Seed::from_bytes([0x44; 32]);
        let node = Node::new(now, StaticKey::from_bytes([0x33; 32]), seed, Arc::new(config));
        let mut hub = Hub { node, now, link: LinkId::accepted(1), events: Vec::new(), closed: false };
        hub.node.handle(now, Input::Accepted { link: hub.link });
        hub
    }

    /// Hears `bytes` and answers.
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.node.handle(self.now, Input::Data { link: self.link, bytes });
        self.drain()
    }

    /// Lets time go by up to the next deadline; what the hub says then.
    fn wait(&mut self) -> Vec<u8> {
        self.now = self.node.next_deadline().unwrap().at;
        self.node.handle(self.now, Input::Timeout);
        self.drain()
    }

    fn drain(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            while let Some(action) = self.node.poll_action() {
                match action {
                    Action::Event(event) => self.events.push(event),
                    Action::Store { id, .. } => self.node.handle(self.now, Input::Stored { id, ok: true }),
                    Action::Close { .. } => self.closed = true,
                    Action::Write { .. } | Action::Dial { .. } => {}
                }
            }
            let n = self.node.pending(self.link).len();
            if n == 0 {
                return out;
            }
            out.extend_from_slice(self.node.pending(self.link));
            self.node.handle(self.now, Input::Wrote { link: self.link, n });
        }
    }
}

/// Says one record and hears what comes back at once.
fn talk(client: &mut Client, hub: &mut Hub, frames: Vec<Frame>) -> Vec<Frame> {
    let record = client.say(frames);
    client.hear(&hub.hear(&record));
    std::mem::take(&mut client.heard)
}

/// Waits until the hub says something by itself.
fn wait(client: &mut Client, hub: &mut Hub) -> Vec<Frame> {
    loop {
        let bytes = hub.wait();
        if !bytes.is_empty() {
            client.hear(&bytes);
            return std::mem::take(&mut client.heard);
        }
    }
}

fn envelopes(frames: &[Frame]) -> Vec<Envelope> {
    frames.iter().filter(|frame| frame.kind == 0x01).map(|frame| Envelope::read(&frame.payload)).collect()
}

fn only(frames: &[Frame], kind: u8) -> &Frame {
    let [frame] = frames else { panic!("{frames:?}") };
    assert_eq!(frame.kind, kind, "{frames:?}");
    frame
}

const HELLO: &str = r#"{"scheme":"key","name":"ada","instance":"laptop","options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}}"#;

/// Both sides, when the third message is written with this hello, but not sent.
fn introduced(hello: &str) -> (Client, Hub, Vec<u8>) {
    let mut hub = Hub::new();
    let (mut client, first) = Client::new("home");
    let offer = client.second(&hub.hear(&first));
    assert!(offer["schemes"].as_array().unwrap().iter().any(|scheme| scheme == "key"));
    assert_eq!(offer["options"]["idle"], 15_000);
    let third = client.third(hello);
    (client, hub, third)
}

fn joined() -> (Client, Hub) {
    let (mut client, mut hub, third) = introduced(HELLO);
    client.hear(&hub.hear(&third));
    client.heard.clear();
    (client, hub)
}

/// The session of appendix C, as it really happens.
fn session() -> String {
    let (mut client, mut hub, third) = introduced(HELLO);

    // Joined: the session's message, then the roster.
    client.hear(&hub.hear(&third));
    let frames = std::mem::take(&mut client.heard);
    assert_eq!(frames[0].kind, 0x07);
    let established = frames[0].json();
    assert_eq!(established["state"], "established");
    assert_eq!(established["address"], "ada@home/laptop");
    let roster = &envelopes(&frames)[0];
    assert_eq!((roster.kind(), &roster.head["uri"]), ("request", &"/roster".into()));
    let update: serde_json::Value = serde_json::from_slice(&roster.body).unwrap();
    assert_eq!(update["put"].as_array().unwrap().len(), 2);

    // A message with receipts. 0x84: kind message, priority normal, receipts "received".
    let head = r#"{"type":"text/plain"}"#;
    let message = Frame::envelope(0x84, 8, [0xaa; 16], established["hub"].as_str().unwrap(), head, b"hello");
    let frames = talk(&mut client, &mut hub, vec![message]);
    let events: Vec<_> = envelopes(&frames).iter().map(|e| e.head["event"].to_string()).collect();
    assert_eq!(events, [r#""accepted""#, r#""dispatched""#, r#""received""#]);
    assert!(envelopes(&frames).iter().all(|e| e.kind() == "notification" && e.id == [0xaa; 16]));
    let got = hub.events.iter().find_map(|event| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    });
    let got = got.unwrap();
    assert_eq!((got.from.as_str(), &got.body[..]), ("ada@home/laptop", &b"hello"[..]));
    let acked = |frames: &[Frame]| frames.iter().filter(|f| f.kind == 0x06).map(Frame::number).sum::<u64>();
    let mut taken = acked(&frames);

    // A request to the neighbour itself. 0x06: kind request, priority normal.
    let head = r#"{"method":"get","uri":"/ping"}"#;
    let frames = talk(&mut client, &mut hub, vec![Frame::envelope(0x06, 8, [0xbb; 16], "", head, b"")]);
    let answer = &envelopes(&frames)[0];
    assert_eq!(
        (answer.kind(), answer.id, &answer.head["status"]),
        ("response", [0xbb; 16], &"success".into())
    );
    assert_eq!(answer.body, b"{\"pong\":true}");
    taken += acked(&frames);

    // An acknowledgement that found no company within the hub's delay.
    if taken < 2 {
        taken += acked(&wait(&mut client, &mut hub));
    }
    assert_eq!(taken, 2);
    let nothing = talk(&mut client, &mut hub, Vec::new());
    assert_eq!(nothing, []);

    // Rekeying, then a ping under the new key.
    let nothing = talk(&mut client, &mut hub, vec![Frame::new(0x09, [])]);
    assert_eq!(nothing, []);
    let ping = Frame::new(0x04, 7u64.to_be_bytes());
    assert_eq!(only(&talk(&mut client, &mut hub, vec![ping]), 0x05).number(), 7);

    // The hub's heartbeat.
    let frames = wait(&mut client, &mut hub);
    let ping = only(&frames, 0x04).number();
    let nothing = talk(&mut client, &mut hub, vec![Frame::new(0x05, ping.to_be_bytes())]);
    assert_eq!(nothing, []);

    // The goodbye.
    let frames = talk(&mut client, &mut hub, vec![Frame::new(0x07, *br#"{"state":"finishing"}"#)]);
    assert_eq!(frames.last().unwrap().json()["state"], "finished");
    assert!(hub.closed);
    let why = hub.events.iter().find_map(|event| match event {
        Event::LinkDown { why, .. } => Some(why.reason()),
        _ => None,
    });
    assert_eq!(why, Some(Reason::FINISHED));
    client.transcript
}

#[test]
fn the_worked_example_is_what_happens() {
    let now = format!("```text\n{}```\n", session());
    let document = document();
    let told = block(&document, "worked example");
    if told == now {
        return;
    }
    if std::env::var_os("HOMING_BLESS").is_some_and(|value| value == "1") {
        let begin = told.as_ptr() as usize - document.as_ptr() as usize;
        let blessed = [&document[..begin], &now, &document[begin + told.len()..]].concat();
        std::fs::write(DOCUMENT, blessed).unwrap();
        return;
    }
    panic!("PROTOCOL.md, appendix C, should be (HOMING_BLESS=1 writes it there):\n{now}");
}

/// The reason of the close frame that a record of `plain` is answered with.
fn closed_for(plain: &[u8]) -> u16 {
    let (mut client, mut hub) = joined();
    let record = client.seal(plain);
    client.hear(&hub.hear(&record));
    assert!(hub.closed);
    let close = only(&client.heard, 0x08);
    u16::from_be_bytes([close.payload[0], close.payload[1]])
}

#[test]
fn what_closes_a_session() {
    let frame = |kind, payload: &[u8]| Frame::new(kind, payload).bytes();
    let envelope = |flags, to, body: &[u8]| Frame::envelope(flags, 8, [1; 16], to, "{}", body).bytes();
    let cases: [(&str, u16, Vec<u8>); 19] = [
        ("no frame", 21, Vec::new()),
        ("half a frame", 21, vec![0x04, 0, 8, 1]),
        ("a type not known", 23, frame(0x0b, b"")),
        ("an id of fifteen bytes", 21, [envelope(0x04, "", b""), frame(0x0a, &[1; 15])].concat()),
        ("alike to none", 21, frame(0x0a, &[1; 20])),
        (
            "a letter too large, its label left out",
            75,
            [envelope(0x04, "", b""), frame(0x0a, &[0; 16 + 17_409])].concat(),
        ),
        ("a reserved type", 23, frame(0x02, b"")),
        ("a ping of seven bytes", 21, frame(0x04, &[0; 7])),
        ("a close text too long", 21, frame(0x08, &[b'x'; 203])),
        ("more acknowledged than sent", 12, frame(0x06, &[0, 0, 0, 9])),
        ("no JSON", 12, frame(0x07, b"hello")),
        (
            "an initiator that admits",
            12,
            frame(0x07, br#"{"state":"established","address":"a@b/c","hub":"d@b"}"#),
        ),
        ("finished, but nobody asked", 12, frame(0x07, br#"{"state":"finished"}"#)),
        ("a state twice", 12, frame(0x07, br#"{"state":"finishing","state":"finishing"}"#)),
        ("a frame behind the rekeying", 21, [frame(0x09, b""), frame(0x05, &[0; 8])].concat()),
        ("half a label", 21, frame(0x01, &[0x04; 18])),
        ("a priority that is none", 21, envelope(0x0c, "", b"")),
        ("an address that is not ASCII", 21, envelope(0x04, "\u{e9}@home", b"")),
        ("a letter too large", 75, envelope(0x04, "", &[0; 17_408])),
    ];
    for (what, reason, plain) in cases {
        assert_eq!(closed_for(&plain), reason, "{what}");
    }
    let (mut client, mut hub) = joined();
    let mut record = client.seal(&frame(0x04, &[0; 8]));
    record[5] ^= 1;
    client.hear(&hub.hear(&record));
    assert_eq!(only(&client.heard, 0x08).payload[..2], [0, 77], "an altered record");
    let (mut client, mut hub) = joined();
    client.hear(&hub.hear(&[0, 0, 0, 76]));
    assert_eq!(only(&client.heard, 0x08).payload[..2], [0, 21], "a refusal after the handshake");
}

#[test]
fn what_fails_one_envelope() {
    let (message, request) = (0x04, 0x06);
    let cases: [(u16, u8, u8, &str, &str); 16] = [
        (23, message | 0x20, 8, "hub@home", "{}"),
        (23, message | 0x10, 8, "hub@home", "{}"),
        (41, message, 8, "nobody@home", "{}"),
        (41, message, 8, "ada@home/elsewhere", "{}"),
        (41, message, 8, "no address", "{}"),
        (42, message, 8, "ada@elsewhere", "{}"),
        (43, message, 0, "ada@home", "{}"),
        (43, message, 0, "*@home", "{}"),
        (21, message, 8, "", r#"{"type":1}"#),
        (21, message, 8, "", r#"{"type":"a","type":"a"}"#),
        (21, message, 8, "", r#"{"metadata":{"a":"1","a":"1"}}"#),
        (21, request, 8, "", r#"{"uri":"/ping"}"#),
        (21, request, 8, "", r#"{"method":"get","uri":"/ping","patience":-1}"#),
        (67, request, 8, "", r#"{"method":"get","uri":"/nothing"}"#),
        (62, request, 8, "", r#"{"method":"set","uri":"/ping"}"#),
        (63, request, 8, "", r#"{"method":"get","uri":"/why"}"#),
    ];
    let (mut client, mut hub) = joined();
    for (reason, flags, hops, to, head) in cases {
        let frames = talk(&mut client, &mut hub, vec![Frame::envelope(flags, hops, [7; 16], to, head, b"")]);
        let answers = envelopes(&frames);
        let [answer] = &answers[..] else { panic!("{to} {head}: {frames:?}") };
        assert_eq!((&answer.head["reason"]["code"], answer.id), (&reason.into(), [7; 16]), "{to} {head}");
        let word = if reason > 60 { &answer.head["status"] } else { &answer.head["event"] };
        assert_eq!(word, if reason > 60 { "failure" } else { "failed" }, "{to} {head}");
    }
    // A sender that is not its own: `from` stands behind `to`, which is absent.
    let mut forged = Frame::envelope(message, 8, [7; 16], "", "{}", b"");
    forged.payload.splice(19..20, *b"\x08hub@home");
    let frames = talk(&mut client, &mut hub, vec![forged]);
    assert_eq!(envelopes(&frames)[0].head["reason"]["code"], 31);
    // What is passed over, and an extension.
    let head = r#"{"later":[1.5,{}],"method":"get","uri":"/ping"}"#;
    let request = Frame::envelope(request, 8, [7; 16], "hub@home", head, b"");
    let frames = talk(&mut client, &mut hub, vec![Frame::new(0x80, *b"later"), request]);
    assert_eq!(envelopes(&frames)[0].head["status"], "success");
    assert!(!hub.closed);
}

#[test]
fn what_is_refused_in_the_clear() {
    let (_, first) = Client::new("home");
    let refused = |reason: u16| [[0, 0], reason.to_be_bytes()].concat();
    assert_eq!(Hub::new().hear(b"homing\x02"), refused(78));
    assert_eq!(Hub::new().hear(b"homing\x01\x03"), refused(78));
    let mut hub = Hub::new();
    assert_eq!(hub.hear(b"GET / HTTP/1.1\r\n"), b"");
    assert!(hub.closed);
    assert_eq!(
        Hub::new().hear(&[&first[..8], &[0, 33], &first[10..], &[0]].concat()),
        refused(71),
        "a payload"
    );
    assert_eq!(Hub::new().hear(&[&first[..8], &[0, 31], &first[10..41]].concat()), refused(71), "too short");
    assert_eq!(Hub::new().hear(&[&first[..8], &[8, 1]].concat()), refused(75), "2049 bytes");
    let mut hub = Hub::new();
    hub.hear(&first);
    assert_eq!(hub.wait(), refused(72), "too slow");
}

#[test]
fn what_is_said_to_hellos_that_are_not_let_in() {
    let options = r#""options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}"#;
    for (reason, hello) in [
        (13, format!(r#"{{"scheme":"password","name":"ada",{options}}}"#)),
        (16, format!(r#"{{"scheme":"key","name":"hub",{options}}}"#)),
        (16, format!(r#"{{"scheme":"key","name":"guest-ada",{options}}}"#)),
        (17, HELLO.replace("15000", "15001")),
        (17, HELLO.replace("15000", "49").replace("45000", "150")),
        (17, HELLO.replace("45000", "29999")),
        (17, HELLO.replace("16384", "4095")),
        (21, format!(r#"{{"scheme":"key",{options}}}"#)),
        (21, format!(r#"{{"scheme":"guest","name":"ada",{options}}}"#)),
        (21, format!(r#"{{"scheme":"key","name":"Ada",{options}}}"#)),
        (21, r#"{"scheme":"guest"}"#.into()),
    ] {
        let (mut client, mut hub, third) = introduced(&hello);
        client.hear(&hub.hear(&third));
        let close = only(&client.heard, 0x08);
        assert_eq!(u16::from_be_bytes([close.payload[0], close.payload[1]]), reason, "{hello}");
        assert!(hub.closed);
    }
    // Faster than offered is an agreement, and a guest is let in.
    for hello in
        [HELLO.replace("15000", "50").replace("45000", "150"), format!(r#"{{"scheme":"guest",{options}}}"#)]
    {
        let (mut client, mut hub, third) = introduced(&hello);
        client.hear(&hub.hear(&third));
        assert_eq!(client.heard[0].json()["state"], "established", "{hello}");
    }
}

#[test]
fn a_key_of_low_order_is_refused() {
    let said = Hub::new().hear(&[&b"homing\x01\x01\x00\x20"[..], &[0; 32]].concat());
    assert_eq!(said, [0, 0, 0, 71]);
}

#[test]
fn a_large_network_is_joined() {
    let mut world = World::network(40, Config::new);
    world.advance(Duration::from_secs(1));
    let late = world.add(60, Config::new());
    let now = world.now;
    world.node(late).dial(now, common::dial("hub", "late")).unwrap();
    world.run();
    let events = world.take_events(late);
    assert!(matches!(events[0], Event::Up { .. }), "{:?}", events[0]);
    assert_eq!(world.node(late).peers("home").unwrap().len(), 42);
}

#[test]
fn what_is_no_object_is_no_head() {
    let (mut client, mut hub) = joined();
    for head in ["[]", r#"["text/plain"]"#] {
        let frames = talk(&mut client, &mut hub, vec![Frame::envelope(0x84, 8, [7; 16], "", head, b"")]);
        assert_eq!(envelopes(&frames)[0].head["event"], "failed", "{head}");
    }
    let head = r#"{"method":{"get":null},"uri":"/ping"}"#;
    let frames = talk(&mut client, &mut hub, vec![Frame::envelope(0x06, 8, [7; 16], "", head, b"")]);
    assert_eq!(envelopes(&frames)[0].head["event"], "failed", "{head}");
    assert_eq!(closed_for(&Frame::new(0x07, *br#"["finishing"]"#).bytes()), 12);
}

#[test]
fn what_a_finishing_side_takes_is_not_reported_lost() {
    let mut world = World::network(1, fake);
    world.advance(Duration::from_secs(1));
    let now = world.now;
    world.node(0).send(now, &"p0@home".parse().unwrap(), homing_core::Message::text("x")).unwrap();
    world.node(1).shutdown(now);
    world.advance(Duration::from_secs(5));
    assert!(world.take_events(1).iter().any(|event| matches!(event, Event::Message(_))));
    let told = world.take_events(0);
    assert!(!told.iter().any(|event| matches!(event, Event::Receipt { .. })), "{told:?}");
}

#[test]
fn a_refusal_by_the_recipient_is_always_told() {
    let mut world = World::network(2, fake);
    world.advance(Duration::from_secs(1));
    let now = world.now;
    world.node(1).send(now, &"p1@home".parse().unwrap(), homing_core::Message::text("x")).unwrap();
    world.run();
    let got = world.take_events(2).into_iter().find_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    world.node(2).refuse(now, &got.unwrap(), Reason::REFUSED.into()).unwrap();
    world.run();
    let told = world.take_events(1);
    assert!(told.iter().any(|event| matches!(event, Event::Receipt { .. })), "{told:?}");
}
