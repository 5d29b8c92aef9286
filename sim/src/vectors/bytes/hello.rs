//! PROTOCOL.md, section 7: hellos and session messages.

use homing_core::Reason;
use homing_core::link::session::{InitiatorHello, Options, ResponderHello, SessionMessage};
use homing_core::wire::Letter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::Reject;

/// Reads JSON as the core does: its rules for heads (section 6) hold for all that is JSON.
fn read<T: DeserializeOwned>(json: &[u8], reason: Reason) -> Result<T, Reject> {
    Letter { head: json, body: b"" }.head().map_err(|_| Reject::new("Json", reason))
}

fn write<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

fn options() -> Options {
    Options { idle: 15_000, silence: 45_000, window: 1_048_576, letter: 16_384 }
}

const OPTIONS: &str = r#""options":{"idle":15000,"silence":45000,"window":1048576,"letter":16384}"#;

/// What may be wrong with the options of either hello. `before` are its other fields.
fn bad_options<C: Codec>(cases: &mut Cases<C>, before: &str) {
    let malformed = || Reject::new("Json", Reason::MALFORMED);
    let all = [("idle", "15000"), ("silence", "45000"), ("window", "65536"), ("letter", "16384")];
    let with = |wrong: &str, value: Option<&str>| {
        let mut fields = Vec::new();
        for (name, good) in all {
            match value {
                _ if name != wrong => fields.push(format!("\"{name}\":{good}")),
                Some(value) => fields.push(format!("\"{name}\":{value}")),
                None => {}
            }
        }
        format!("{{{before},\"options\":{{{}}}}}", fields.join(","))
    };
    for (name, _) in all {
        cases.reject(&format!("no {name}"), "all four options are required", with(name, None), malformed());
    }
    for (name, value) in [
        ("idle", "-1"),
        ("idle", "1.5"),
        ("idle", "18446744073709551616"),
        ("silence", "null"),
        ("window", "4294967296"),
        ("letter", "\"16384\""),
    ] {
        let case = format!("{name} {value}").replace('"', "'");
        cases.reject(&case, "an integer within its bits", with(name, Some(value)), malformed());
    }
    cases.reject("no options", "they are required", format!("{{{before}}}"), malformed());
    let array = format!("{{{before},\"options\":[15000,45000,65536,16384]}}");
    cases.reject("options as an array", "an array does not stand for an object", array, malformed());
    cases.reject(
        "options twice",
        "a known field comes once",
        format!("{{{before},{OPTIONS},{OPTIONS}}}"),
        malformed(),
    );
    cases.reject("half", "no whole JSON", format!("{{{before},{OPTIONS}"), malformed());
    cases.reject(
        "more behind",
        "nothing but white space may follow",
        format!("{{{before},{OPTIONS}}}."),
        malformed(),
    );
    cases.reject("nothing", "an empty payload is no JSON", "", malformed());
}

// ---- the responder's

pub(in crate::vectors) struct ResponderHellos;

impl Codec for ResponderHellos {
    const ABOUT: &'static str = "Section 7: the payload of message 2, decrypted. What is wrong with it in form is \
         refused MALFORMED; what is wrong in substance (SCHEME, OPTIONS) stands in reactions.json.";
    const TEXT: bool = true;
    type Value = ResponderHello;

    fn decode(input: &[u8]) -> Result<ResponderHello, Reject> {
        read(input, Reason::MALFORMED)
    }

    fn encode(value: &ResponderHello) -> Option<Vec<u8>> {
        write(value)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |schemes: &[&str], options| ResponderHello {
            schemes: schemes.iter().map(ToString::to_string).collect(),
            options,
        };
        let mut both = |name: &str, why: &str, value: ResponderHello| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("open", "an open hub takes guests, too", value(&["key", "guest"], options()));
        both("closed", "keys only", value(&["key"], options()));
        both("no scheme", "nobody can be let in; the form is right", value(&[], options()));
        both("schemes of later versions", "any strings", value(&["password", "", "é"], options()));
        let most = Options { idle: u64::MAX, silence: u64::MAX, window: u32::MAX, letter: u32::MAX };
        both("the largest numbers", "64 and 32 bits; both sides clamp them", value(&["key"], most));
        let least = Options { idle: 0, silence: 0, window: 0, letter: 0 };
        both(
            "the smallest numbers",
            "the form is right; such a letter is refused OPTIONS",
            value(&["key"], least),
        );
        let json = format!("{{\"version\":[1,{{}}],{OPTIONS} , \"schemes\":[\"key\"]}}\n");
        cases.read(
            "another order and more",
            "what is not known is passed over",
            json,
            value(&["key"], options()),
        );

        bad_options(&mut cases, r#""schemes":["key"]"#);
        let malformed = || Reject::new("Json", Reason::MALFORMED);
        cases.reject("no schemes", "they are required", format!("{{{OPTIONS}}}"), malformed());
        let mut bad = |name: &str, why: &str, schemes: &str| {
            cases.reject(name, why, format!("{{\"schemes\":{schemes},{OPTIONS}}}"), malformed());
        };
        bad("schemes null", "they are required", "null");
        bad("schemes a string", "an array of strings", "\"key\"");
        bad("schemes of numbers", "an array of strings", "[1]");
        bad("schemes an object", "an array of strings", "{\"key\":true}");
        let utf8 = [&b"{\"schemes\":[\"\xff\"],"[..], OPTIONS.as_bytes(), b"}"].concat();
        cases.reject("bad UTF-8", "JSON is UTF-8", utf8, malformed());
        cases
    }
}

// ---- the initiator's

pub(in crate::vectors) struct InitiatorHellos;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct HelloValue {
    scheme: String,
    name: Option<String>,
    instance: Option<String>,
    priority: i8,
    options: Options,
}

impl Codec for InitiatorHellos {
    const ABOUT: &'static str = "Section 7: the payload of message 3, decrypted. `null`: left out. What is wrong with it \
         in form is closed MALFORMED; names that are none, schemes and verdicts stand in reactions.json.";
    const TEXT: bool = true;
    type Value = HelloValue;

    fn decode(input: &[u8]) -> Result<HelloValue, Reject> {
        let InitiatorHello { scheme, name, instance, priority, options } = read(input, Reason::MALFORMED)?;
        Ok(HelloValue { scheme, name, instance, priority, options })
    }

    fn encode(value: &HelloValue) -> Option<Vec<u8>> {
        let HelloValue { scheme, name, instance, priority, options } = value.clone();
        write(&InitiatorHello { scheme, name, instance, priority, options })
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let ada = || HelloValue {
            scheme: "key".into(),
            name: Some("ada".into()),
            instance: Some("laptop".into()),
            priority: 0,
            options: options(),
        };
        let mut both = |name: &str, why: &str, value: HelloValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("by key", "a name and an instance", ada());
        both("by key, no instance", "the hub makes one up", HelloValue { instance: None, ..ada() });
        both(
            "a guest",
            "has no name",
            HelloValue { scheme: "guest".into(), name: None, instance: None, ..ada() },
        );
        both("a low priority", "the lowest there is", HelloValue { priority: -128, ..ada() });
        both("a high priority", "the highest there is", HelloValue { priority: 127, ..ada() });
        both(
            "a name that is none",
            "the form is right; closed MALFORMED by who looks at it",
            HelloValue { name: Some("A b".into()), ..ada() },
        );
        let nulls =
            format!("{{\"scheme\":\"guest\",\"name\":null,\"instance\":null,\"priority\":0,{OPTIONS}}}");
        let guest = HelloValue { scheme: "guest".into(), name: None, instance: None, ..ada() };
        cases.read("nulls", "stand for left out here", nulls, guest);
        let more = format!(
            "{{\"later\":{{\"a\":[]}},{OPTIONS},\"instance\":\"laptop\",\"name\":\"ada\",\"scheme\":\"key\"}}"
        );
        cases.read("another order and more", "what is not known is passed over", more, ada());

        bad_options(&mut cases, r#""scheme":"key","name":"ada""#);
        let malformed = || Reject::new("Json", Reason::MALFORMED);
        let mut bad = |name: &str, why: &str, fields: &str| {
            cases.reject(name, why, format!("{{{fields},{OPTIONS}}}"), malformed());
        };
        bad("no scheme", "it is required", r#""name":"ada""#);
        bad("scheme null", "it is required", r#""scheme":null,"name":"ada""#);
        bad("a name as a number", "it is a string", r#""scheme":"key","name":1"#);
        bad("a name twice", "a known field comes once", r#""scheme":"key","name":"ada","name":"ada""#);
        for priority in ["128", "-129", "1.0", "null", "\"1\"", "-0"] {
            let name = format!("priority {priority}").replace('"', "'");
            let fields = format!(r#""scheme":"key","name":"ada","priority":{priority}"#);
            bad(&name, "an integer from -128 to 127", &fields);
        }
        cases
    }
}

// ---- session messages

pub(in crate::vectors) struct SessionMessages;

impl Codec for SessionMessages {
    const ABOUT: &'static str = "Section 7: the payload of a session frame. Whether the state allows it, and whether an \
         address is the one that was asked for, stands in reactions.json.";
    const TEXT: bool = true;
    type Value = SessionMessage;

    fn decode(input: &[u8]) -> Result<SessionMessage, Reject> {
        read(input, Reason::SESSION_STATE)
    }

    fn encode(value: &SessionMessage) -> Option<Vec<u8>> {
        write(value)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let established =
            || SessionMessage::Established { address: "ada@home/laptop".into(), hub: "hub@home".into() };
        let mut both = |name: &str, why: &str, value: SessionMessage| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("established", "you are in", established());
        both("finishing", "I shall send no more envelopes", SessionMessage::Finishing);
        both("finished", "nor shall I", SessionMessage::Finished);
        let none = SessionMessage::Established { address: "x".into(), hub: String::new() };
        both("established, no addresses", "the form is right; closed SESSION_STATE by who looks at it", none);
        let twisted =
            r#"{"hub":"hub@home","later":[{"state":1}],"address":"ada@home/laptop","state":"established"}"#;
        cases.read("another order and more", "what is not known is passed over", twisted, established());
        let more = r#"{"state":"finishing","later":1e999999,"hub":"hub@home"}"#;
        cases.read(
            "finishing and more",
            "a number that no machine holds, too",
            more,
            SessionMessage::Finishing,
        );
        cases.read(
            "white space",
            "around the object",
            " {\"state\" :\t\"finished\"}\r\n",
            SessionMessage::Finished,
        );

        let mut bad = |name: &str, why: &str, json: &str| {
            cases.reject(name, why, json, Reject::new("Json", Reason::SESSION_STATE));
        };
        bad("nothing", "an empty payload is no JSON", "");
        bad("no JSON", "words are none", "finishing");
        bad("a string", "it is an object", "\"finishing\"");
        bad("an array", "an array does not stand for an object", r#"["finishing"]"#);
        bad("no state", "it is required", "{}");
        bad("state null", "it is required", r#"{"state":null}"#);
        bad("state a number", "it is a string", r#"{"state":1}"#);
        bad("state an object", "an object does not stand for a word", r#"{"state":{"finishing":null}}"#);
        bad("an unknown state", "one of three", r#"{"state":"new"}"#);
        bad("a state in capitals", "words are compared byte by byte", r#"{"state":"Finished"}"#);
        bad("a state twice", "a known field comes once", r#"{"state":"finishing","state":"finishing"}"#);
        bad("two states", "a known field comes once", r#"{"state":"finishing","state":"finished"}"#);
        bad(
            "established without an address",
            "it is required",
            r#"{"state":"established","hub":"hub@home"}"#,
        );
        bad(
            "established without a hub",
            "it is required",
            r#"{"state":"established","address":"ada@home/x"}"#,
        );
        let null = r#"{"state":"established","address":null,"hub":"hub@home"}"#;
        bad("established, address null", "null stands for left out only where the table says so", null);
        let twice = r#"{"state":"established","address":"a@b/c","address":"a@b/c","hub":"d@b"}"#;
        bad("established, address twice", "a known field comes once", twice);
        bad(
            "finished, hub a number",
            "a known field has its type in every state",
            r#"{"state":"finished","hub":1}"#,
        );
        bad("more behind", "nothing but white space may follow", r#"{"state":"finished"}{}"#);
        cases
    }
}
