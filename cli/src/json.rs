//! The one schema of `--json`: each line on stdout is one of these objects, named by its `event`.
//!
//! `JSON.md` beside this crate's sources says the same for readers, with an example of each; a test
//! holds the two together. Fields are added in later versions, never renamed or removed: pass over
//! what you do not know. Times are milliseconds. Addresses are `name@network/instance`.

use data_encoding::BASE64;
use homing_core::{Address, Failure, PeerInfo, Received, Response, Stage};
use serde::Serialize;
use serde_json::Value;

/// One line.
#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Line {
    /// `keygen`: the key that was made.
    Key { key: String, fingerprint: String, file: String },
    /// `hub`: it listens now.
    Hub {
        listening: String,
        address: String,
        network: String,
        key: String,
        fingerprint: String,
        invite: String,
        open: bool,
        allowed: usize,
    },
    /// `hub`: a peer was admitted, or its link ended, or somebody was turned away.
    Link {
        change: LinkChange,
        address: Option<String>,
        key: Option<String>,
        #[serde(flatten)]
        why: Why,
    },
    /// `join`: the hub admitted this key under this name, and it is remembered.
    Joined { address: String, network: String, hub: String, hub_key: String, key: String },
    /// `listen`, `chat`: in the network for the first time.
    Ready { address: String, network: String, hub: String, hub_key: String },
    /// `listen`, `chat`: in the network, each time.
    Up { address: String, network: String, hub: String },
    /// `listen`, `chat`: not in the network; when it is tried again.
    Down {
        network: String,
        retry_in_ms: Option<f64>,
        #[serde(flatten)]
        why: Why,
    },
    /// `listen`, `chat`, `hub`: a message arrived.
    Message {
        id: String,
        from: String,
        to: String,
        metadata: std::collections::BTreeMap<String, String>,
        #[serde(flatten)]
        content: Content,
    },
    /// `peers`: somebody is there. `listen`, `chat`: somebody came or left.
    Peer { change: PeerChange, address: String, name: String, key: String, priority: i8, hub: bool },
    /// `send`, `chat`: on its way.
    Sent { id: String, to: String, bytes: usize },
    /// `send`, `chat`: what became of it.
    Receipt {
        id: String,
        stage: &'static str,
        from: Option<String>,
        count: Option<u32>,
        after_ms: f64,
        #[serde(flatten)]
        why: Why,
    },
    /// `call`: one peer's answer.
    Answer {
        from: String,
        ok: bool,
        after_ms: f64,
        #[serde(flatten)]
        content: Content,
        #[serde(flatten)]
        why: Why,
    },
    /// `call`: no more answers come.
    Called { outcome: &'static str, answered: u32, asked: u32, after_ms: f64 },
    /// `ping`: it answered.
    Pong { from: String, after_ms: f64 },
    /// `why`: one node's part of the way.
    Route { node: String, to: String, text: String, rule: Option<String>, instance: Option<String> },
    /// `demo`: a step begins, or something in it was seen.
    Step { step: u32, text: String, peer: Option<&'static str>, runtime: Option<&'static str> },
    /// `demo`: one row of the table at the end.
    Result { what: String, count: u64, after_ms: Option<f64> },
    /// `vectors`: a case does not hold.
    Case { file: String, name: String, why: String },
    /// `vectors`: a file was gone through.
    Vectors { file: String, vectors: String, cases: usize, failed: usize, missing: usize },
    /// `replay --step`: one entry, and what came of it. Of a tail, which cannot be run, that is not known.
    Entry { entry: u64, after_ms: f64, told: String, given: Option<String>, agrees: Option<bool> },
    /// `replay`: it came to the same end.
    Replayed {
        key: String,
        ciphers: &'static str,
        entries: u64,
        read: u64,
        written: u64,
        events: u64,
        hash: String,
        redacted: Option<String>,
    },
    /// `sim --scenario list`: one of them.
    Scenario { name: String, about: String },
    /// `sim`: a seed failed, and was made smaller.
    Violation {
        scenario: String,
        seed: u64,
        invariant: String,
        why: String,
        steps: usize,
        last: Vec<String>,
        plan: Value,
        test: String,
    },
    /// `sim`: how often a rare situation was reached.
    Situation { name: String, count: u64 },
    /// `sim`: what came of all seeds.
    Simulated {
        scenario: String,
        real: bool,
        from: u64,
        seeds: u64,
        facts: u64,
        world_ms: f64,
        after_ms: f64,
        per_second: f64,
        failed: Option<u64>,
        unreached: Vec<String>,
    },
    /// `sim --plan`: something happened.
    Happening { at_ms: f64, machine: String, text: String },
    /// `sim --plan`: what came of it.
    Ran {
        scenario: String,
        real: bool,
        seed: u64,
        facts: u64,
        world_ms: f64,
        hash: String,
        invariant: Option<String>,
        why: Option<String>,
    },
    /// `hub`, `listen`, `chat`: it ends, having said goodbye.
    Stopped {},
    /// Any command: why it fails. The last line.
    Error { code: Option<u16>, exit: u8, message: String, advice: String },
}

/// What became of a link.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkChange {
    /// Admitted.
    Up,
    /// Ended.
    Down,
    /// Not admitted.
    Refused,
}

/// What became of a peer.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeerChange {
    /// It is there.
    Here,
    /// It came.
    Up,
    /// It left.
    Down,
}

/// A reason: its number and what it says. Both `null` where nothing went wrong.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Why {
    code: Option<u16>,
    reason: Option<String>,
}

impl From<&Failure> for Why {
    fn from(failure: &Failure) -> Why {
        Why { code: Some(failure.reason.code()), reason: Some(failure.to_string()) }
    }
}

/// A body: as JSON where it is JSON, as text where it is text, else in base64. The others are `null`.
#[derive(Serialize, Clone, PartialEq, Debug, Default)]
pub(crate) struct Content {
    #[serde(rename = "type")]
    content_type: Option<String>,
    json: Option<Value>,
    text: Option<String>,
    base64: Option<String>,
}

impl Content {
    /// The content of a body.
    pub(crate) fn new(content_type: &str, body: &[u8]) -> Content {
        let mut content = Content { content_type: Some(content_type.to_string()), ..Content::default() };
        let is_json = content_type == "application/json" || content_type.ends_with("+json");
        if let Some(value) = is_json.then(|| serde_json::from_slice(body).ok()).flatten() {
            content.json = Some(value);
        } else if let Ok(text) = std::str::from_utf8(body) {
            content.text = Some(text.to_string());
        } else {
            content.base64 = Some(BASE64.encode(body));
        }
        content
    }
}

impl Line {
    /// A peer of the roster.
    pub(crate) fn peer(change: PeerChange, peer: &PeerInfo, hub: Option<&Address>) -> Line {
        Line::Peer {
            change,
            address: peer.address.to_string(),
            name: peer.address.name().to_string(),
            key: peer.key.to_string(),
            priority: peer.priority,
            hub: hub == Some(&peer.address),
        }
    }

    /// A message that arrived.
    pub(crate) fn message(message: &Received) -> Line {
        Line::Message {
            id: message.id.to_string(),
            from: message.from.to_string(),
            to: message.to.to_string(),
            metadata: message.metadata.clone(),
            content: Content::new(&message.content_type, &message.body),
        }
    }

    /// News of a message that was sent.
    pub(crate) fn receipt(id: &str, from: Option<&Address>, stage: &Stage, after_ms: f64) -> Line {
        Line::Receipt {
            id: id.to_string(),
            stage: stage.name(),
            from: from.map(ToString::to_string),
            count: if let Stage::Dispatched { count } = stage { Some(*count) } else { None },
            after_ms,
            why: if let Stage::Failed(failure) = stage { failure.into() } else { Why::default() },
        }
    }

    /// One peer's answer to a call.
    pub(crate) fn answer(from: &Address, response: &Result<Response, Failure>, after_ms: f64) -> Line {
        let (content, why) = match response {
            Ok(response) => (Content::new(&response.content_type, &response.body), Why::default()),
            Err(failure) => (Content::default(), failure.into()),
        };
        Line::Answer { from: from.to_string(), ok: response.is_ok(), after_ms, content, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_core::Reason;

    /// One line of each kind. The `match` makes sure that a new kind is not forgotten.
    fn one_of_each() -> Vec<Line> {
        let s = || "x".to_string();
        let why = || Why::from(&Failure::from(Reason::NOT_FOUND));
        let all = vec![
            Line::Key { key: s(), fingerprint: s(), file: s() },
            Line::Hub {
                listening: s(),
                address: s(),
                network: s(),
                key: s(),
                fingerprint: s(),
                invite: s(),
                open: true,
                allowed: 1,
            },
            Line::Link { change: LinkChange::Up, address: None, key: None, why: why() },
            Line::Joined { address: s(), network: s(), hub: s(), hub_key: s(), key: s() },
            Line::Ready { address: s(), network: s(), hub: s(), hub_key: s() },
            Line::Up { address: s(), network: s(), hub: s() },
            Line::Down { network: s(), retry_in_ms: None, why: why() },
            Line::Message {
                id: s(),
                from: s(),
                to: s(),
                metadata: Default::default(),
                content: Content::new("text/plain", b"hello"),
            },
            Line::Peer {
                change: PeerChange::Here,
                address: s(),
                name: s(),
                key: s(),
                priority: 0,
                hub: false,
            },
            Line::Sent { id: s(), to: s(), bytes: 5 },
            Line::receipt("x", None, &Stage::Dispatched { count: 3 }, 0.5),
            Line::Answer { from: s(), ok: true, after_ms: 0.5, content: Content::default(), why: why() },
            Line::Called { outcome: "complete", answered: 1, asked: 1, after_ms: 0.5 },
            Line::Pong { from: s(), after_ms: 0.5 },
            Line::Route { node: s(), to: s(), text: s(), rule: None, instance: None },
            Line::Step { step: 1, text: s(), peer: None, runtime: None },
            Line::Result { what: s(), count: 1, after_ms: None },
            Line::Case { file: s(), name: s(), why: s() },
            Line::Vectors { file: s(), vectors: s(), cases: 1, failed: 0, missing: 0 },
            Line::Entry { entry: 0, after_ms: 0.5, told: s(), given: Some(s()), agrees: Some(true) },
            Line::Replayed {
                key: s(),
                ciphers: "real",
                entries: 1,
                read: 1,
                written: 1,
                events: 1,
                hash: s(),
                redacted: None,
            },
            Line::Scenario { name: s(), about: s() },
            Line::Violation {
                scenario: s(),
                seed: 7,
                invariant: s(),
                why: s(),
                steps: 40,
                last: vec![s()],
                plan: Value::Null,
                test: s(),
            },
            Line::Situation { name: s(), count: 1 },
            Line::Simulated {
                scenario: s(),
                real: false,
                from: 0,
                seeds: 1,
                facts: 1,
                world_ms: 0.5,
                after_ms: 0.5,
                per_second: 2.0,
                failed: None,
                unreached: vec![s()],
            },
            Line::Happening { at_ms: 0.5, machine: s(), text: s() },
            Line::Ran {
                scenario: s(),
                real: false,
                seed: 7,
                facts: 1,
                world_ms: 0.5,
                hash: s(),
                invariant: None,
                why: None,
            },
            Line::Stopped {},
            Line::Error { code: None, exit: 2, message: s(), advice: s() },
        ];
        let kinds = all.iter().map(|line| match line {
            Line::Key { .. } => 0,
            Line::Hub { .. } => 1,
            Line::Link { .. } => 2,
            Line::Joined { .. } => 3,
            Line::Ready { .. } => 4,
            Line::Up { .. } => 5,
            Line::Down { .. } => 6,
            Line::Message { .. } => 7,
            Line::Peer { .. } => 8,
            Line::Sent { .. } => 9,
            Line::Receipt { .. } => 10,
            Line::Answer { .. } => 11,
            Line::Called { .. } => 12,
            Line::Pong { .. } => 13,
            Line::Route { .. } => 14,
            Line::Step { .. } => 15,
            Line::Result { .. } => 16,
            Line::Case { .. } => 17,
            Line::Vectors { .. } => 18,
            Line::Entry { .. } => 19,
            Line::Replayed { .. } => 20,
            Line::Scenario { .. } => 21,
            Line::Violation { .. } => 22,
            Line::Situation { .. } => 23,
            Line::Simulated { .. } => 24,
            Line::Happening { .. } => 25,
            Line::Ran { .. } => 26,
            Line::Stopped {} => 27,
            Line::Error { .. } => 28,
        });
        assert!(kinds.eq(0..29));
        all
    }

    /// JSON.md has, for each kind, a heading, a row for each field, and an example with those fields.
    #[test]
    fn the_document_has_every_kind_and_every_field() {
        let document = include_str!("../JSON.md");
        for line in one_of_each() {
            let value = serde_json::to_value(&line).unwrap();
            let kind = value["event"].as_str().unwrap();
            let section = document.split(&format!("\n## `{kind}`\n")).nth(1);
            let section = section.unwrap_or_else(|| panic!("JSON.md lacks {kind}"));
            let section = section.split("\n## ").next().unwrap();
            let example: Value = section
                .lines()
                .find(|line| line.starts_with(&format!("{{\"event\":\"{kind}\"")))
                .map(|line| serde_json::from_str(line).unwrap())
                .unwrap_or_else(|| panic!("JSON.md has no example of {kind}"));
            let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&example), keys(&value), "{kind}");
            for field in keys(&value).iter().filter(|field| *field != "event") {
                assert!(section.contains(&format!("| `{field}` |")), "JSON.md lacks {kind}.{field}");
            }
        }
        assert_eq!(document.matches("\n## `").count(), one_of_each().len());
    }

    #[test]
    fn bodies_by_what_they_are() {
        let json =
            |content_type, body: &[u8]| serde_json::to_value(Content::new(content_type, body)).unwrap();
        assert_eq!(json("application/json", b"{\"n\":1}")["json"]["n"], 1);
        assert_eq!(json("application/json", b"{broken")["text"], "{broken");
        assert_eq!(json("text/plain", "grüße".as_bytes())["text"], "grüße");
        assert_eq!(json("image/png", &[0x89, 0xff])["base64"], "if8=");
    }
}
