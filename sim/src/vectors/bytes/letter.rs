//! PROTOCOL.md, section 6. A letter does not say its kind, its label does: so each kind has its file.

use std::collections::BTreeMap;

use homing_core::wire::letter::{
    self, MAX_NOTIFICATION, MessageHead, NotificationHead, NotifiedEvent, ReasonJson, RequestHead,
    ResponseHead, Status,
};
use homing_core::wire::{Letter, LetterError};
use homing_core::{Limits, Method, Reason};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::{Reject, error_name};

/// A head in the kind's own type, and the body.
fn read<H: DeserializeOwned>(input: &[u8]) -> Result<(H, Hex), Reject> {
    let reject = |error: LetterError| {
        let reason = match error {
            LetterError::HeadTooLarge => Reason::TOO_LARGE,
            LetterError::Truncated | LetterError::Head(_) => Reason::MALFORMED,
        };
        Reject::new(&error_name(&error), reason)
    };
    let letter = Letter::read(input, Limits::DEFAULT.head).map_err(reject)?;
    Ok((letter.head().map_err(reject)?, Hex::from(letter.body)))
}

fn write<H: Serialize>(head: &H, body: &Hex) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    letter::write(&mut out, head, &body.0, Limits::DEFAULT.head).ok()?;
    Some(out)
}

fn too_large() -> Reject {
    Reject::new("HeadTooLarge", Reason::TOO_LARGE)
}

/// A letter around a head as it is.
fn around(head: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], head, body].concat()
}

/// What no kind of letter takes. `head` is a good one; `large`, what is said to one that is too large.
fn refused<C: Codec>(cases: &mut Cases<C>, head: &str, large: Reject) {
    let malformed = |error: &str| Reject::new(error, Reason::MALFORMED);
    cases.reject("nothing", "two bytes of length at least", b"", malformed("Truncated"));
    cases.reject("half a length", "two bytes of length at least", b"\x00", malformed("Truncated"));
    let whole = around(head.as_bytes(), b"");
    cases.reject("half a head", "past the letter's end", &whole[..whole.len() - 1], malformed("Truncated"));
    let bytes = [&[0x10, 0x01][..], &[b' '; 4097]].concat();
    cases.reject("head of 4097", "the limit is 4096", bytes, large);
    let bytes = [0xff, 0xff];
    let why = "the limit is looked at before the letter's end";
    cases.reject("head of 65535, not there", why, bytes, too_large());
    let mut head_case = |name: &str, why: &str, head: &[u8]| {
        cases.reject(name, why, around(head, b""), malformed("Head"));
    };
    head_case("no head", "an empty text is no JSON", b"");
    head_case("an array", "a head is an object", b"[]");
    head_case("null", "a head is an object", b"null");
    head_case("half an object", "no whole JSON", &head.as_bytes()[..head.len() - 1]);
    head_case("more behind", "nothing but white space may follow", format!("{head} x").as_bytes());
    head_case("two objects", "nothing but white space may follow", format!("{head}{head}").as_bytes());
    head_case("a byte order mark", "none stands before JSON", format!("\u{feff}{head}").as_bytes());
    let rest = head.get(1..).filter(|rest| *rest != "}").map_or("}".into(), |rest| format!(",{rest}"));
    if head.contains("\"type\"") {
        head_case("a type twice", "a known field comes once", format!("{{\"type\":\"b\"{rest}").as_bytes());
        head_case(
            "the same escaped",
            "names are compared unescaped",
            format!("{{\"typ\\u0065\":\"b\"{rest}").as_bytes(),
        );
    }
    head_case("a comment", "JSON has none", format!("/* */{head}").as_bytes());
    head_case("a comma at the end", "JSON has none", format!("{},}}", &head[..head.len() - 1]).as_bytes());
}

/// What every kind of letter takes: `value` in other words than ours.
fn accepted<C: Codec>(cases: &mut Cases<C>, head: &str, value: impl Fn() -> C::Value) {
    let mut case = |name: &str, why: &str, head: String| {
        cases.read(name, why, around(head.as_bytes(), b""), value());
    };
    case("white space", "around and behind the object", format!(" \t\r\n{head}\n "));
    let rest = head.get(1..).filter(|rest| *rest != "}").map_or("}".into(), |rest| format!(",{rest}"));
    case(
        "fields not known",
        "are passed over, whatever they hold",
        format!("{{\"later\":[1.5e300,{{}},null]{rest}"),
    );
    case("a field not known, twice", "two of them are no fault", format!("{{\"later\":1,\"later\":2{rest}"));
    let deep = format!("{{\"later\":{}{}{rest}", "[".repeat(100), "]".repeat(100));
    case("a field not known, nested", "101 deep; up to 128 must be taken", deep);
}

// ---- message

pub(in crate::vectors) struct Messages;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct MessageValue {
    #[serde(rename = "type")]
    content_type: String,
    metadata: BTreeMap<String, String>,
    body: Hex,
}

impl Codec for Messages {
    const ABOUT: &'static str =
        "Section 6: letters of messages. The value has every field, defaults filled in.";
    type Value = MessageValue;

    fn decode(input: &[u8]) -> Result<MessageValue, Reject> {
        let (head, body) = read::<MessageHead>(input)?;
        Ok(MessageValue { content_type: head.content_type.into(), metadata: head.metadata, body })
    }

    fn encode(value: &MessageValue) -> Option<Vec<u8>> {
        let head =
            MessageHead { content_type: value.content_type.clone().into(), metadata: value.metadata.clone() };
        write(&head, &value.body)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |content_type: &str, metadata: &[(&str, &str)], body: &[u8]| MessageValue {
            content_type: content_type.into(),
            metadata: metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            body: Hex::from(body),
        };
        let octets = letter::OCTETS;
        let mut both = |name: &str, why: &str, value: MessageValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("text", "a media type and a body", value("text/plain", &[], b"hello"));
        both("empty", "both defaults, and no body", value(octets, &[], b""));
        both(
            "bytes",
            "the body is as it is: no base64, no escaping",
            value(octets, &[], &[0, 0xff, 0x22, 0x5c, 0xc3]),
        );
        let metadata = [("subject", "lunch"), ("thread", "7")];
        both(
            "metadata",
            "an object of strings; our keys are in order",
            value("text/plain", &metadata, b"12:30?"),
        );
        let odd = [("", ""), ("a\"b\\", "line\nbreak\u{1}"), ("é", "😀")];
        both("metadata, escaped", "quotes, control characters, beyond ASCII", value("a/b", &odd, b""));
        both(
            "a body like JSON",
            "nobody looks into it",
            value("application/json", &[], b"{\"a\":1,\"a\":2}"),
        );
        let long = "x".repeat(4096 - r#"{"type":""}"#.len());
        both("head of 4096", "the limit", value(&long, &[], b"!"));
        accepted(&mut cases, r#"{"type":"text/plain"}"#, || value("text/plain", &[], b""));
        let mut reads = |name: &str, why: &str, head: &str, value: MessageValue| {
            cases.read(name, why, around(head.as_bytes(), b""), value);
        };
        reads(
            "type said, though default",
            "it may be",
            r#"{"type":"application/octet-stream"}"#,
            value(octets, &[], b""),
        );
        reads("metadata said, though empty", "it may be", r#"{"metadata":{}}"#, value(octets, &[], b""));
        reads("an empty type", "any string is a type here", r#"{"type":""}"#, value("", &[], b""));
        let escaped = r#"{"\u0074ype":"\u0061\/\ud83d\ude00"}"#;
        reads("escapes", "in names and values, a pair of surrogates, too", escaped, value("a/😀", &[], b""));
        let twisted = r#"{"metadata":{"b":"2","a":"1"},"type":"t/t"}"#;
        reads("another order", "fields have none", twisted, value("t/t", &[("a", "1"), ("b", "2")], b""));

        refused(&mut cases, r#"{"type":"text/plain"}"#, too_large());
        let mut bad = |name: &str, why: &str, head: &[u8]| {
            cases.reject(name, why, around(head, b""), Reject::new("Head", Reason::MALFORMED));
        };
        bad("type a number", "it is a string", br#"{"type":1}"#);
        bad("type null", "null stands for left out only where the table says so", br#"{"type":null}"#);
        bad(
            "metadata null",
            "null stands for left out only where the table says so",
            br#"{"metadata":null}"#,
        );
        bad("metadata a list", "it is an object", br#"{"metadata":["a","b"]}"#);
        bad("metadata of numbers", "its values are strings", br#"{"metadata":{"a":1}}"#);
        bad("metadata with a null", "its values are strings", br#"{"metadata":{"a":null}}"#);
        bad("metadata nested", "its values are strings", br#"{"metadata":{"a":{"b":"c"}}}"#);
        bad(
            "a metadata key twice",
            "two readers must not see two things",
            br#"{"metadata":{"a":"1","a":"2"}}"#,
        );
        bad("the same key escaped", "keys are compared unescaped", br#"{"metadata":{"a":"1","\u0061":"1"}}"#);
        bad("metadata twice", "a known field comes once", br#"{"metadata":{},"metadata":{}}"#);
        bad("bad UTF-8", "JSON is UTF-8", b"{\"type\":\"\xff\"}");
        bad("a surrogate in UTF-8", "that is no UTF-8", b"{\"type\":\"\xed\xa0\x80\"}");
        bad("a lone surrogate", "a string is valid Unicode", br#"{"type":"\ud800"}"#);
        bad("a control character", "it must be escaped", b"{\"type\":\"a\nb\"}");
        bad("a string for a head", "a head is an object", br#""text/plain""#);
        bad("an array of the fields", "is no object", br#"["text/plain",{}]"#);
        bad("single quotes", "JSON has none", b"{'type':'a'}");
        cases
    }
}

// ---- notification

pub(in crate::vectors) struct Notifications;

/// A reason object, defaults filled in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct ReasonValue {
    code: u16,
    description: String,
}

impl From<ReasonJson> for ReasonValue {
    fn from(json: ReasonJson) -> ReasonValue {
        ReasonValue { code: json.code, description: json.description }
    }
}

impl From<&ReasonValue> for ReasonJson {
    fn from(value: &ReasonValue) -> ReasonJson {
        ReasonJson { code: value.code, description: value.description.clone() }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct NotificationValue {
    event: NotifiedEvent,
    reason: Option<ReasonValue>,
    count: Option<u32>,
    body: Hex,
}

impl Codec for Notifications {
    const ABOUT: &'static str = "Section 6: letters of notifications. `null`: left out. A larger letter than 2048 bytes \
         closes the link (LIMIT); a head that cannot be read drops the notification: `code` is what a message would \
         have failed with.";
    type Value = NotificationValue;

    fn decode(input: &[u8]) -> Result<NotificationValue, Reject> {
        if input.len() > MAX_NOTIFICATION {
            return Err(Reject::new("TooLarge", Reason::LIMIT));
        }
        let (head, body) = read::<NotificationHead>(input)?;
        Ok(NotificationValue {
            event: head.event,
            reason: head.reason.map(Into::into),
            count: head.count,
            body,
        })
    }

    fn encode(value: &NotificationValue) -> Option<Vec<u8>> {
        let reason = value.reason.as_ref().map(Into::into);
        write(&NotificationHead { event: value.event, reason, count: value.count }, &value.body)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |event, reason: Option<(u16, &str)>, count| NotificationValue {
            event,
            reason: reason.map(|(code, text)| ReasonValue { code, description: text.into() }),
            count,
            body: Hex::default(),
        };
        let mut both = |name: &str, why: &str, value: NotificationValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        for event in [
            NotifiedEvent::Accepted,
            NotifiedEvent::Dispatched,
            NotifiedEvent::Received,
            NotifiedEvent::Consumed,
            NotifiedEvent::Failed,
            NotifiedEvent::Cancelled,
        ] {
            both(&format!("{event:?}").to_lowercase(), "an event alone", value(event, None, None));
        }
        both("dispatched to 3", "to everybody: how many", value(NotifiedEvent::Dispatched, None, Some(3)));
        both("dispatched to 0", "nobody else is there", value(NotifiedEvent::Dispatched, None, Some(0)));
        let failed = NotifiedEvent::Failed;
        both("failed, not found", "a code alone", value(failed, Some((41, "")), None));
        both("failed, with words", "words are for people", value(failed, Some((55, "not \"now\"")), None));
        both("failed, an unknown reason", "any number is one", value(failed, Some((65_535, "")), None));
        accepted(&mut cases, r#"{"event":"received"}"#, || value(NotifiedEvent::Received, None, None));
        let mut reads = |name: &str, why: &str, head: &str, body: &[u8], value: NotificationValue| {
            cases.read(name, why, around(head.as_bytes(), body), value);
        };
        let nulls = r#"{"event":"failed","reason":null,"count":null}"#;
        reads("nulls", "stand for left out here", nulls, b"", value(failed, None, None));
        let described = r#"{"event":"failed","reason":{"code":41,"description":"","later":[]}}"#;
        reads(
            "a reason with more",
            "what is not known is passed over there, too",
            described,
            b"",
            value(failed, Some((41, "")), None),
        );
        let body = NotificationValue { body: Hex::from(b"body"), ..value(failed, None, None) };
        reads("a body", "a reader passes it over", r#"{"event":"failed"}"#, b"body", body);

        refused(&mut cases, r#"{"event":"failed"}"#, Reject::new("TooLarge", Reason::LIMIT));
        let mut bad = |name: &str, why: &str, head: &str| {
            cases.reject(name, why, around(head.as_bytes(), b""), Reject::new("Head", Reason::MALFORMED));
        };
        bad("no event", "it is required", "{}");
        bad("event null", "it is required", r#"{"event":null}"#);
        bad("an unknown event", "one of six", r#"{"event":"read"}"#);
        bad("an event in capitals", "words are compared byte by byte", r#"{"event":"Failed"}"#);
        bad("an event as a number", "it is a string", r#"{"event":4}"#);
        bad("an event as an object", "an object does not stand for a word", r#"{"event":{"failed":null}}"#);
        bad(
            "a reason as an array",
            "an array does not stand for an object",
            r#"{"event":"failed","reason":[41]}"#,
        );
        bad("a reason as a number", "it is an object", r#"{"event":"failed","reason":41}"#);
        bad(
            "a reason without a code",
            "it is required",
            r#"{"event":"failed","reason":{"description":"x"}}"#,
        );
        for (name, code) in [
            ("a code below", "-1"),
            ("a code above", "65536"),
            ("a code with a fraction", "41.0"),
            ("a code with an exponent", "4e1"),
            ("a code as a string", "\"41\""),
            ("a code of minus zero", "-0"),
            ("a code with a zero before", "041"),
        ] {
            let head = format!(r#"{{"event":"failed","reason":{{"code":{code}}}}}"#);
            bad(name, "an integer from 0 to 65535", &head);
        }
        bad("a code twice", "a known field comes once", r#"{"event":"failed","reason":{"code":1,"code":1}}"#);
        let description = r#"{"event":"failed","reason":{"code":1,"description":null}}"#;
        bad("description null", "null stands for left out only where the table says so", description);
        bad("a count above", "32 bits", r#"{"event":"dispatched","count":4294967296}"#);
        bad("a count below", "unsigned", r#"{"event":"dispatched","count":-1}"#);
        let whole = around(br#"{"event":"failed"}"#, &[0; 2048]);
        cases.read(
            "a letter of 2048",
            "the limit, body included",
            &whole[..2048],
            NotificationValue { body: Hex::from(&whole[20..2048]), ..value(failed, None, None) },
        );
        let limit = Reject::new("TooLarge", Reason::LIMIT);
        cases.reject("a letter of 2049", "notifications are small", &whole[..2049], limit);
        cases
    }
}

// ---- request

pub(in crate::vectors) struct Requests;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct RequestValue {
    method: Method,
    uri: String,
    #[serde(rename = "type")]
    content_type: String,
    /// As text: JSON's numbers are not safe beyond 2^53 everywhere.
    patience: Option<String>,
    body: Hex,
}

impl Codec for Requests {
    const ABOUT: &'static str = "Section 6: letters of requests. `patience` is in milliseconds, in decimal digits; \
         `null`: left out, which means 60000.";
    type Value = RequestValue;

    fn decode(input: &[u8]) -> Result<RequestValue, Reject> {
        let (RequestHead { method, uri, content_type, patience }, body) = read(input)?;
        Ok(RequestValue {
            method,
            uri,
            content_type: content_type.into(),
            patience: patience.map(|ms: u64| ms.to_string()),
            body,
        })
    }

    fn encode(value: &RequestValue) -> Option<Vec<u8>> {
        let patience = value.patience.as_ref().map(|ms| ms.parse()).transpose().ok()?;
        let (uri, content_type) = (value.uri.clone(), value.content_type.clone().into());
        write(&RequestHead { method: value.method, uri, content_type, patience }, &value.body)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |method, uri: &str| RequestValue {
            method,
            uri: uri.into(),
            content_type: letter::OCTETS.into(),
            patience: None,
            body: Hex::default(),
        };
        let mut both = |name: &str, why: &str, value: RequestValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        for method in [
            Method::Get,
            Method::Set,
            Method::Delete,
            Method::Subscribe,
            Method::Unsubscribe,
            Method::Observe,
            Method::Merge,
        ] {
            both(&format!("{method:?}").to_lowercase(), "a method and a path", value(method, "/a/b/c"));
        }
        let json = RequestValue {
            content_type: "application/json".into(),
            patience: Some("10000".into()),
            body: Hex::from(br#"{"to":"bob"}"#),
            ..value(Method::Get, "/why")
        };
        both("an argument", "the body, and how long the caller waits", json);
        both(
            "no patience",
            "0 ms is a number like any other",
            RequestValue { patience: Some("0".into()), ..value(Method::Get, "/x") },
        );
        let patience = Some(u64::MAX.to_string());
        both(
            "the longest patience",
            "64 bits; a recipient may cap it",
            RequestValue { patience, ..value(Method::Get, "/x") },
        );
        both("a path that is none", "nothing is under it: RESOURCE_NOT_FOUND", value(Method::Get, ""));
        accepted(&mut cases, r#"{"method":"get","uri":"/ping"}"#, || value(Method::Get, "/ping"));
        let null = around(br#"{"method":"get","uri":"/ping","patience":null}"#, b"");
        cases.read("patience null", "stands for left out here", null, value(Method::Get, "/ping"));

        refused(&mut cases, r#"{"method":"get","uri":"/ping"}"#, too_large());
        let mut bad = |name: &str, why: &str, head: &str| {
            cases.reject(name, why, around(head.as_bytes(), b""), Reject::new("Head", Reason::MALFORMED));
        };
        bad("no method", "it is required", r#"{"uri":"/ping"}"#);
        bad("no uri", "it is required", r#"{"method":"get"}"#);
        bad("uri null", "it is required", r#"{"method":"get","uri":null}"#);
        bad("an unknown method", "one of seven", r#"{"method":"post","uri":"/ping"}"#);
        bad("a method in capitals", "words are compared byte by byte", r#"{"method":"GET","uri":"/ping"}"#);
        bad(
            "a method as an object",
            "an object does not stand for a word",
            r#"{"method":{"get":null},"uri":"/"}"#,
        );
        bad("a method twice", "a known field comes once", r#"{"method":"get","uri":"/","method":"get"}"#);
        for (name, patience) in [
            ("patience below", "-1"),
            ("patience above", "18446744073709551616"),
            ("patience with a fraction", "0.5"),
            ("patience as a string", "\"5\""),
        ] {
            let head = format!(r#"{{"method":"get","uri":"/ping","patience":{patience}}}"#);
            bad(name, "an integer of 64 bits, unsigned", &head);
        }
        cases
    }
}

// ---- response

pub(in crate::vectors) struct Responses;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct ResponseValue {
    status: Status,
    reason: Option<ReasonValue>,
    #[serde(rename = "type")]
    content_type: String,
    body: Hex,
}

impl Codec for Responses {
    const ABOUT: &'static str = "Section 6: letters of responses. `null`: left out, which for a failure means \
         COMMAND_FAILED. A response that cannot be read counts as a failed answer with `code`.";
    type Value = ResponseValue;

    fn decode(input: &[u8]) -> Result<ResponseValue, Reject> {
        let (ResponseHead { status, reason, content_type }, body) = read(input)?;
        Ok(ResponseValue { status, reason: reason.map(Into::into), content_type: content_type.into(), body })
    }

    fn encode(value: &ResponseValue) -> Option<Vec<u8>> {
        let (reason, content_type) =
            (value.reason.as_ref().map(Into::into), value.content_type.clone().into());
        write(&ResponseHead { status: value.status, reason, content_type }, &value.body)
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |status, reason: Option<(u16, &str)>, content_type: &str, body: &[u8]| ResponseValue {
            status,
            reason: reason.map(|(code, text)| ReasonValue { code, description: text.into() }),
            content_type: content_type.into(),
            body: Hex::from(body),
        };
        let (success, failure, octets) = (Status::Success, Status::Failure, letter::OCTETS);
        let mut both = |name: &str, why: &str, value: ResponseValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("success", "a result", value(success, None, "application/json", br#"{"pong":true}"#));
        both("success, empty", "no result, and the default type", value(success, None, octets, b""));
        both("failure", "a reason", value(failure, Some((67, "nothing there")), octets, b""));
        both("failure without a reason", "means COMMAND_FAILED", value(failure, None, octets, b""));
        both(
            "failure with a body",
            "is passed over by who asks only for the reason",
            value(failure, Some((61, "")), "text/plain", b"trace"),
        );
        accepted(&mut cases, r#"{"status":"success"}"#, || value(success, None, octets, b""));
        let null = around(br#"{"status":"success","reason":null}"#, b"");
        cases.read("reason null", "stands for left out here", null, value(success, None, octets, b""));

        refused(&mut cases, r#"{"status":"success"}"#, too_large());
        let mut bad = |name: &str, why: &str, head: &str| {
            cases.reject(name, why, around(head.as_bytes(), b""), Reject::new("Head", Reason::MALFORMED));
        };
        bad("no status", "it is required", "{}");
        bad("an unknown status", "one of two", r#"{"status":"ok"}"#);
        bad("a status as a truth", "it is a string", r#"{"status":true}"#);
        bad("a status twice", "a known field comes once", r#"{"status":"success","status":"success"}"#);
        bad("a reason as a string", "it is an object", r#"{"status":"failure","reason":"no"}"#);
        cases
    }
}
