//! What a hub does about its members.

use homing_core::Reason;
use homing_core::wire::frame::types;

use crate::vectors::sessions::reactions::{
    Envelope, HELLO, List, MESSAGE, NOTIFICATION, REQUEST, RESPONSE, and, bound, frame_of, joined, session,
};
use crate::vectors::sessions::replay::Act;
use crate::vectors::sessions::{How, Side};

const LIVES: (Side, How, Option<Reason>) = (Side::Responder, How::Lives, None);

const fn closed(reason: Reason) -> (Side, How, Option<Reason>) {
    (Side::Responder, How::Close, Some(reason))
}

/// Hellos that are not let in, and some that are.
pub(super) fn hellos(list: &mut List) -> Result<(), String> {
    let options = r#""options":{"idle":15000,"silence":45000,"window":65536,"letter":16384}"#;
    let with = |fields: &str| format!("{{{fields},{options}}}");
    let changed = |from: &str, to: &str| HELLO.replace(from, to);
    let timing = |idle: &str, silence: &str| changed("15000", idle).replace("45000", silence);
    let deny = |reason| Some(reason);
    for (name, why, reason, hello) in [
        (
            "an unknown scheme",
            "it was not offered",
            deny(Reason::SCHEME),
            with(r#""scheme":"password","name":"ada""#),
        ),
        (
            "the hub's own name",
            "may not be had",
            deny(Reason::NAME_RESERVED),
            with(r#""scheme":"key","name":"hub""#),
        ),
        (
            "a guest's name",
            "names of guests are made up",
            deny(Reason::NAME_RESERVED),
            with(r#""scheme":"key","name":"guest-ada""#),
        ),
        ("idle above the offer", "faster, never slower", deny(Reason::OPTIONS), timing("15001", "45000")),
        ("silence above the offer", "faster, never slower", deny(Reason::OPTIONS), timing("15000", "45001")),
        ("idle below the bound", "50 ms", deny(Reason::OPTIONS), timing("49", "150")),
        (
            "silence below twice the idle",
            "it would have been raised",
            deny(Reason::OPTIONS),
            timing("15000", "29999"),
        ),
        ("letters too small", "4096 at least", deny(Reason::OPTIONS), changed("16384", "4095")),
        (
            "options and a name that is none",
            "options are looked at first",
            deny(Reason::OPTIONS),
            timing("15001", "45000").replace("ada", "Ada"),
        ),
        (
            "a name and a scheme that are none",
            "names are looked at before schemes",
            deny(Reason::MALFORMED),
            with(r#""scheme":"password","name":"Ada""#),
        ),
        ("key without a name", "the scheme wants one", deny(Reason::MALFORMED), with(r#""scheme":"key""#)),
        (
            "a guest with a name",
            "it cannot choose one",
            deny(Reason::MALFORMED),
            with(r#""scheme":"guest","name":"ada""#),
        ),
        ("a name that is none", "a capital", deny(Reason::MALFORMED), changed("ada", "Ada")),
        ("an instance that is none", "a space", deny(Reason::MALFORMED), changed("laptop", "my laptop")),
        (
            "a hello without options",
            "they are required",
            deny(Reason::MALFORMED),
            r#"{"scheme":"guest"}"#.into(),
        ),
        ("an empty hello", "no JSON", deny(Reason::MALFORMED), String::new()),
        (
            "the fastest hello",
            "50 ms and 150 ms: faster than offered is an agreement",
            None,
            timing("50", "150"),
        ),
        (
            "the smallest letters and window",
            "4096, and a window of nothing",
            None,
            changed("16384", "4096").replace("65536", "0"),
        ),
    ] {
        let outcome = reason.map_or(LIVES, closed);
        let acts = vec![Act::Preface, Act::Handshake(Vec::new()), Act::Handshake(hello.into_bytes())];
        list.case(name, why, outcome, acts)?;
    }
    list.change = Box::new(|session| session.responder.closed = true);
    list.case("not on the list", "the network is closed", closed(Reason::NOT_ADMITTED), joined())?;
    let guest = with(r#""scheme":"guest""#).into_bytes();
    let guest = vec![Act::Preface, Act::Handshake(Vec::new()), Act::Handshake(guest)];
    list.case("a guest of a closed network", "guest was not offered", closed(Reason::SCHEME), guest)?;
    list.change = Box::new(|session| {
        session.responder.closed = true;
        session.responder.journal = vec![bound("ada", 0x11)];
    });
    list.case("known to a closed network", "the name is bound to this key", LIVES, joined())?;
    list.change = Box::new(|session| session.responder.journal = vec![bound("ada", 0x55)]);
    list.case("another's name", "it is bound to another key", closed(Reason::NAME_TAKEN), joined())?;
    list.change =
        Box::new(|session| session.responder.journal = vec![bound("ada", 0x55), bound("ada", 0x11)]);
    list.case("a name bound twice", "the later entry replaces the earlier", LIVES, joined())?;
    list.change = Box::new(|session| {
        session.responder.journal = (0..16).map(|n| bound(&format!("ada{n}"), 0x11)).collect();
    });
    list.case("a seventeenth name", "16 for one key", closed(Reason::FORBIDDEN), joined())?;
    list.change = Box::new(|_| {});
    Ok(())
}

/// Records and frames that end a session, and some that do not.
pub(super) fn frames(list: &mut List) -> Result<(), String> {
    let ping = frame_of(types::PING, &[0; 8]);
    let record = |plain: Vec<u8>| and(joined(), Act::Record(plain));
    let envelope = |flags: u8, to: &str| Envelope::new(flags, to, "{}").frame();
    let large =
        |body: usize| Envelope { body: &vec![b'x'; body], ..Envelope::new(MESSAGE, "", "{}") }.frame();
    let told = |text: &str| {
        Envelope { body: text.as_bytes(), ..Envelope::new(NOTIFICATION, "", r#"{"event":"received"}"#) }
            .frame()
    };
    let established = r#"{"state":"established","address":"ada@home/laptop","hub":"hub@home"}"#;
    for (name, why, reason, plain) in [
        ("no frame", "a record has one at least", Some(Reason::MALFORMED), Vec::new()),
        ("half a frame", "past the record's end", Some(Reason::MALFORMED), vec![types::PING, 0, 8, 1]),
        (
            "a good frame and half a one",
            "past the record's end",
            Some(Reason::MALFORMED),
            [&ping[..], &[1, 0]].concat(),
        ),
        ("type 0b", "not known, and no extension", Some(Reason::UNSUPPORTED), frame_of(0x0b, b"")),
        ("type 02", "reserved", Some(Reason::UNSUPPORTED), frame_of(0x02, b"")),
        ("ping of 7", "eight bytes", Some(Reason::MALFORMED), frame_of(types::PING, &[0; 7])),
        ("a close text too long", "200 bytes", Some(Reason::MALFORMED), frame_of(types::CLOSE, &[b'x'; 203])),
        (
            "an ack for more",
            "one was sent, the roster",
            Some(Reason::SESSION_STATE),
            frame_of(types::ACK, &[0, 0, 0, 2]),
        ),
        ("an ack for all", "one was sent, the roster", None, frame_of(types::ACK, &[0, 0, 0, 1])),
        ("an ack for nothing", "says nothing", None, frame_of(types::ACK, &[0; 4])),
        ("a pong", "that nobody asked for", None, frame_of(types::PONG, &[0; 8])),
        ("a ping", "is answered", None, ping.clone()),
        ("extension 80", "passed over", None, frame_of(0x80, b"later")),
        ("a session frame without JSON", "it cannot be read", Some(Reason::SESSION_STATE), session("hello")),
        (
            "an initiator that admits",
            "only a responder does",
            Some(Reason::SESSION_STATE),
            session(established),
        ),
        (
            "finished, but nobody asked",
            "not in the table",
            Some(Reason::SESSION_STATE),
            session(r#"{"state":"finished"}"#),
        ),
        (
            "behind a rekeying",
            "it is the last of its record",
            Some(Reason::MALFORMED),
            [frame_of(types::REKEY, b""), ping.clone()].concat(),
        ),
        (
            "half a label",
            "it ends too early",
            Some(Reason::MALFORMED),
            frame_of(types::ENVELOPE, &[MESSAGE; 18]),
        ),
        ("priority 3", "is no value", Some(Reason::MALFORMED), envelope(0x0c, "")),
        (
            "an address that is not ASCII",
            "close, not fail",
            Some(Reason::MALFORMED),
            envelope(MESSAGE, "\u{e9}@home"),
        ),
        ("a letter of 17408", "what the hub takes", None, large(17_404)),
        ("a letter of 17409", "the hub said 17408", Some(Reason::LIMIT), large(17_405)),
        (
            "a notification of 2049",
            "2048, whatever the options",
            Some(Reason::LIMIT),
            told(&"x".repeat(2_027)),
        ),
        ("a close", "nothing answers it", None, Vec::new()),
    ] {
        if name == "a close" {
            let close = frame_of(types::CLOSE, &[0, 11, b'!']);
            list.case(name, why, (Side::Responder, How::Told, Some(Reason::SESSION_ERROR)), record(close))?;
            continue;
        }
        list.case(name, why, reason.map_or(LIVES, closed), record(plain))?;
    }
    let forged = || closed(Reason::FORGED_RECORD);
    list.case(
        "a record altered",
        "it does not authenticate",
        forged(),
        and(joined(), Act::Altered(ping.clone(), 5)),
    )?;
    list.case(
        "a tag altered",
        "it does not authenticate",
        forged(),
        and(joined(), Act::Altered(ping.clone(), 20)),
    )?;
    let again = and(and(joined(), Act::Record(ping.clone())), Act::Again);
    list.case("a record repeated", "its counter is over", forged(), again)?;
    let short = [&[0, 15][..], &[7; 15]].concat();
    list.case("a record of 15", "shorter than its tag", forged(), and(joined(), Act::Raw(short)))?;
    let refusal = and(joined(), Act::Raw(vec![0, 0, 0, 76]));
    list.case(
        "a refusal after the handshake",
        "length zero is malformed by then",
        closed(Reason::MALFORMED),
        refusal,
    )?;
    let rekeyed = and(and(joined(), Act::Record(frame_of(types::REKEY, b""))), Act::Record(ping.clone()));
    list.case("a ping under the next key", "the record after the rekeying has it", LIVES, rekeyed)?;
    let finishing = session(r#"{"state":"finishing"}"#);
    let twice = record([&finishing[..], &finishing].concat());
    list.case("finishing twice", "not in the table", closed(Reason::SESSION_STATE), twice)?;
    let after = record([finishing, envelope(MESSAGE, "hub@home")].concat());
    list.case(
        "an envelope behind finishing",
        "its sender has said that none comes",
        closed(Reason::SESSION_STATE),
        after,
    )?;
    let silent = and(joined(), Act::Wait(61_000));
    list.case("silence", "pinged, then given up after 45 s", closed(Reason::SILENCE), silent)?;
    list.suite = 2;
    list.case(
        "suite 02: a record altered",
        "the other suite, the same",
        forged(),
        and(joined(), Act::Altered(ping, 5)),
    )?;
    list.suite = 1;
    Ok(())
}

/// Envelopes that fail; the link lives on.
pub(super) fn envelopes(list: &mut List) -> Result<(), String> {
    let told = |reason| (Side::Responder, How::Failed, Some(reason));
    let answered = |reason| (Side::Responder, How::Failure, Some(reason));
    let play = |envelope: &Envelope<'_>| and(joined(), Act::Record(envelope.frame()));
    let long = " ".repeat(4_095) + "{}";
    for (name, why, reason, flags, to, head) in [
        ("more", "not defined yet", Reason::UNSUPPORTED, MESSAGE | 0x20, "hub@home", "{}"),
        (
            "sealed, for the hub",
            "its recipient fails it",
            Reason::UNSUPPORTED,
            MESSAGE | 0x10,
            "hub@home",
            "{}",
        ),
        ("to nobody", "no such name", Reason::NOT_FOUND, MESSAGE, "nobody@home", "{}"),
        (
            "to an instance that is not there",
            "the name is",
            Reason::NOT_FOUND,
            MESSAGE,
            "ada@home/elsewhere",
            "{}",
        ),
        (
            "to what is no address",
            "like a name that does not exist",
            Reason::NOT_FOUND,
            MESSAGE,
            "no address",
            "{}",
        ),
        ("to a bare name", "without an @", Reason::NOT_FOUND, MESSAGE, "ada", "{}"),
        ("to another network", "no way there", Reason::NO_ROUTE, MESSAGE, "ada@elsewhere", "{}"),
        ("to everybody elsewhere", "no way there", Reason::NO_ROUTE, MESSAGE, "*@elsewhere", "{}"),
        (
            "a request to nobody",
            "failed takes the response's place",
            Reason::NOT_FOUND,
            REQUEST,
            "nobody@home",
            r#"{"method":"get","uri":"/ping"}"#,
        ),
        ("a head that is no JSON", "its recipient fails it", Reason::MALFORMED, MESSAGE, "", "hello"),
        (
            "a head that is an array",
            "an array is no object",
            Reason::MALFORMED,
            MESSAGE,
            "",
            r#"["text/plain"]"#,
        ),
        (
            "a type twice",
            "a known field comes once",
            Reason::MALFORMED,
            MESSAGE,
            "",
            r#"{"type":"a","type":"a"}"#,
        ),
        (
            "a metadata key twice",
            "two readers must not see two things",
            Reason::MALFORMED,
            MESSAGE,
            "",
            r#"{"metadata":{"a":"1","a":"1"}}"#,
        ),
        ("a head of 4097", "4096", Reason::TOO_LARGE, MESSAGE, "", &long),
        (
            "a request without a method",
            "it is required",
            Reason::MALFORMED,
            REQUEST,
            "",
            r#"{"uri":"/ping"}"#,
        ),
        (
            "patience below zero",
            "unsigned",
            Reason::MALFORMED,
            REQUEST,
            "",
            r#"{"method":"get","uri":"/ping","patience":-1}"#,
        ),
    ] {
        list.case(name, why, told(reason), play(&Envelope::new(flags, to, head)))?;
    }
    let hops = Envelope { hops: 0, ..Envelope::new(MESSAGE, "ada@home", "{}") };
    list.case("no hop left", "to one", told(Reason::HOPS), play(&hops))?;
    let hops = Envelope { hops: 0, ..Envelope::new(MESSAGE, "*@home", "{}") };
    list.case("no hop left, everybody", "to everybody", told(Reason::HOPS), play(&hops))?;
    for (name, from) in [
        ("the hub for a sender", "hub@home"),
        ("a sender without its instance", "ada@home"),
        ("a sender that is no address", "me"),
    ] {
        let forged = Envelope { from, ..Envelope::new(MESSAGE, "hub@home", "{}") };
        list.case(name, "its whole address or nothing", told(Reason::FORGED_SENDER), play(&forged))?;
    }
    let own = Envelope { from: "ada@home/laptop", ..Envelope::new(MESSAGE, "hub@home", "{}") };
    list.case("a sender that is its own", "may be said", LIVES, play(&own))?;
    for (name, why, reason, head) in [
        (
            "a path that is not there",
            "the hub's commands",
            Reason::RESOURCE_NOT_FOUND,
            r#"{"method":"get","uri":"/nothing"}"#,
        ),
        (
            "a method that is not",
            "built-ins know get only",
            Reason::METHOD,
            r#"{"method":"set","uri":"/ping"}"#,
        ),
        ("an argument that is not", "/why wants one", Reason::ARGUMENT, r#"{"method":"get","uri":"/why"}"#),
    ] {
        list.case(name, why, answered(reason), play(&Envelope::new(REQUEST, "", head)))?;
    }
    for (name, why, envelope) in [
        (
            "a notification to nobody",
            "dropped",
            Envelope::new(NOTIFICATION, "nobody@home", r#"{"event":"received"}"#),
        ),
        ("a notification that cannot be read", "dropped", Envelope::new(NOTIFICATION, "", "{}")),
        (
            "a response to nobody",
            "dropped",
            Envelope::new(RESPONSE, "nobody@home", r#"{"status":"success"}"#),
        ),
        (
            "a response with a wrong sender",
            "dropped",
            Envelope { from: "hub@home", ..Envelope::new(RESPONSE, "hub@home", "{}") },
        ),
        ("a response to everybody", "dropped", Envelope::new(RESPONSE, "*@home", r#"{"status":"success"}"#)),
        (
            "sealed, for a member",
            "passed on like any other",
            Envelope::new(MESSAGE | 0x10, "ada@home/laptop", "{}"),
        ),
        (
            "an unknown field",
            "passed over",
            Envelope::new(REQUEST, "", r#"{"later":[1.5,{}],"method":"get","uri":"/ping"}"#),
        ),
        (
            "observe",
            "nobody waits for an answer",
            Envelope::new(REQUEST, "", r#"{"method":"observe","uri":"/nothing"}"#),
        ),
        (
            "the roster asked for",
            "a snapshot, and no response",
            Envelope::new(REQUEST, "", r#"{"method":"get","uri":"/roster"}"#),
        ),
    ] {
        list.case(name, why, LIVES, play(&envelope))?;
    }
    Ok(())
}
