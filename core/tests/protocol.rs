//! docs/PROTOCOL.md holds: its tables are the code's, its example is what a hub really says, and a
//! client that was written from it alone ([`client`]) joins, is answered and leaves.
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
    Action, Address, Command, Config, Event, Input, Instant, Invite, LinkId, Node, PeerId, Reason, Seed,
    StaticKey,
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

#[test]
fn the_reason_table_is_the_codes() {
    let document = document();
    let rows = block(&document, "reason table").lines().skip(2).map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        (cells.next().unwrap().parse().unwrap(), cells.next().unwrap().to_string())
    });
    let ours = Reason::ALL.iter().map(|reason| (reason.code(), reason.text().to_string()));
    assert_eq!(rows.collect::<Vec<(u16, String)>>(), ours.collect::<Vec<_>>());
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

/// The session of appendix C, as it really happens.
fn session() -> String {
    let mut hub = Hub::new();
    let (mut client, first) = Client::new("home");
    let second = hub.hear(&first);
    let hello = client.second(&second);
    assert!(hello["schemes"].as_array().unwrap().iter().any(|scheme| scheme == "key"));
    assert_eq!(hello["options"]["idle"], 15_000);
    let third = client.third(
        r#"{"scheme":"key","name":"ada","instance":"laptop","options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}}"#,
    );

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
