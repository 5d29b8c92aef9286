//! What a member does about its hub.

use homing_core::Reason;
use homing_core::wire::frame::types;

use crate::vectors::Hex;
use crate::vectors::sessions::reactions::{
    ESTABLISHED, Envelope, List, MESSAGE, OFFER, REQUEST, admitted, and, frame_of, session,
};
use crate::vectors::sessions::replay::Act;
use crate::vectors::sessions::{How, Side};

type Expected = (Side, How, Option<Reason>);

const LIVES: Expected = (Side::Initiator, How::Lives, None);

const fn closed(reason: Reason) -> Expected {
    (Side::Initiator, How::Close, Some(reason))
}

const fn refused(reason: Reason) -> Expected {
    (Side::Initiator, How::Refusal, Some(reason))
}

/// Up to message 3.
pub(super) fn handshakes(list: &mut List) -> Result<(), String> {
    let told = |reason| (Side::Initiator, How::Told, Some(reason));
    let failed = || refused(Reason::HANDSHAKE);
    for reason in [Reason::BUSY, Reason::VERSION, Reason::HANDSHAKE] {
        let [high, low] = reason.code().to_be_bytes();
        let name = format!("refused {}", reason.name());
        list.case(&name, "in place of message 2", told(reason), vec![Act::Raw(vec![0, 0, high, low])])?;
    }
    let second = |hello: &str| vec![Act::Handshake(hello.into())];
    list.case(
        "an offer altered in its key",
        "it does not authenticate",
        failed(),
        vec![Act::Altered(OFFER.into(), 40)],
    )?;
    list.case(
        "an offer altered",
        "it does not authenticate",
        failed(),
        vec![Act::Altered(OFFER.into(), 90)],
    )?;
    let short = [&[0, 95][..], &[7; 95]].concat();
    list.case("message 2 too short", "95 bytes", failed(), vec![Act::Raw(short)])?;
    let zero = [&[0, 96][..], &[0; 96]].concat();
    list.case("message 2 with a key of low order", "zero", failed(), vec![Act::Raw(zero)])?;
    let silent = (Side::Initiator, How::Silence, Some(Reason::NOT_HOMING));
    list.case("message 2 of 2049", "closed without a word", silent, vec![Act::Raw(vec![8, 1])])?;
    let slow = vec![Act::Wait(10_000)];
    list.case("no message 2", "10 s for the whole handshake", refused(Reason::HANDSHAKE_TIMEOUT), slow)?;

    for (name, why, reason, hello) in [
        ("an offer that is no JSON", "it cannot be read", Reason::MALFORMED, "hello".to_string()),
        ("an empty offer", "it cannot be read", Reason::MALFORMED, String::new()),
        ("an offer without options", "they are required", Reason::MALFORMED, r#"{"schemes":["key"]}"#.into()),
        (
            "an offer for guests only",
            "the initiator wants key",
            Reason::SCHEME,
            OFFER.replace("\"key\",", ""),
        ),
        ("an offer of small letters", "4096 at least", Reason::OPTIONS, OFFER.replace("16384", "4095")),
        (
            "schemes before options",
            "schemes are looked at first",
            Reason::SCHEME,
            OFFER.replace("\"key\",", "").replace("16384", "1"),
        ),
    ] {
        list.case(name, why, refused(reason), second(&hello))?;
    }
    list.case(
        "a fast offer",
        "the faster holds",
        LIVES,
        second(&OFFER.replace("15000", "0").replace("45000", "0")),
    )?;

    list.change = Box::new(|session| session.responder.network = "work".into());
    list.case(
        "another network",
        "the prologues differ: message 2 does not authenticate",
        failed(),
        second(OFFER),
    )?;
    list.change = Box::new(|session| session.initiator.pin = Some(Hex(vec![9; 32])));
    list.case(
        "another key than the invite's",
        "before anything is said of itself",
        refused(Reason::WRONG_KEY),
        second(OFFER),
    )?;
    let small = second(&OFFER.replace("16384", "1"));
    list.case(
        "another key, and a bad offer",
        "the key is looked at first",
        refused(Reason::WRONG_KEY),
        small,
    )?;
    list.change = Box::new(|_| {});
    Ok(())
}

/// From message 3 on.
pub(super) fn sessions(list: &mut List) -> Result<(), String> {
    let started = |act: Act| vec![Act::Handshake(OFFER.into()), act];
    let said = |plain: Vec<u8>| started(Act::Record(plain));
    let told = |reason| (Side::Initiator, How::Told, Some(reason));
    let refusal = started(Act::Raw(vec![0, 0, 0, 71]));
    list.case(
        "a refusal after message 3",
        "the hub may not have read it: believed",
        told(Reason::HANDSHAKE),
        refusal,
    )?;
    let close = frame_of(types::CLOSE, &[0, 15]);
    list.case("a verdict", "a close frame: proven", told(Reason::NAME_TAKEN), said(close))?;
    let late = and(said(frame_of(types::PING, &[0; 8])), Act::Raw(vec![0, 0, 0, 71]));
    list.case("a refusal after a record", "the hub has keys by then", closed(Reason::MALFORMED), late)?;
    let slow = started(Act::Wait(10_000));
    list.case("never established", "10 s for the whole handshake", closed(Reason::HANDSHAKE_TIMEOUT), slow)?;
    let altered = started(Act::Altered(session(ESTABLISHED), 9));
    list.case("established, altered", "it does not authenticate", closed(Reason::FORGED_RECORD), altered)?;

    let state = Reason::SESSION_STATE;
    for (name, why, json) in [
        ("under another name", "ada was asked for", ESTABLISHED.replace("ada@", "eve@")),
        ("under another instance", "laptop was asked for", ESTABLISHED.replace("laptop", "phone")),
        ("without an instance", "a whole address", ESTABLISHED.replace("/laptop", "")),
        ("in another network", "home was asked for", ESTABLISHED.replace("@home", "@work")),
        ("by a hub of another network", "home was asked for", ESTABLISHED.replace("hub@home", "hub@work")),
        ("by everybody", "a hub has a name", ESTABLISHED.replace("hub@home", "*@home")),
        ("by what is no address", "a hub has an address", ESTABLISHED.replace("hub@home", "hub")),
        ("as everybody", "an address of its own", ESTABLISHED.replace("ada@home/laptop", "*@home")),
        ("finishing before it", "not in the table", r#"{"state":"finishing"}"#.into()),
        ("finished before it", "not in the table", r#"{"state":"finished"}"#.into()),
    ] {
        let name = format!("established {name}").replace("established fin", "fin");
        list.case(&name, why, closed(state), said(session(&json)))?;
    }
    let early = said(Envelope::new(MESSAGE, "", "{}").frame());
    list.case("an envelope before established", "not in this state", closed(state), early)?;
    let pinged = said(frame_of(types::PING, &[0; 8]));
    list.case("a ping before established", "always allowed, and answered", LIVES, pinged)?;
    let then = |plain: Vec<u8>| and(admitted(), Act::Record(plain));
    list.case("established twice", "not in the table", closed(state), then(session(ESTABLISHED)))?;
    roster(list)?;

    for (name, why, reason, to, from) in [
        (
            "a sender of another network",
            "the hub has no authority there",
            Reason::FORGED_SENDER,
            "ada@home",
            "eve@work",
        ),
        ("for somebody else", "it is not its own address", Reason::NOT_FOUND, "bob@home", "eve@home/x"),
        (
            "for another instance",
            "it is not its own address",
            Reason::NOT_FOUND,
            "ada@home/phone",
            "eve@home/x",
        ),
    ] {
        let envelope = Envelope { from, ..Envelope::new(MESSAGE, to, "{}") };
        list.case(name, why, (Side::Initiator, How::Failed, Some(reason)), then(envelope.frame()))?;
    }
    let nobody = Envelope { from: "Eve@home", ..Envelope::new(MESSAGE, "ada@home", "{}") };
    list.case("a sender of this network that is no address", "dropped", LIVES, then(nobody.frame()))?;
    let all = Envelope { from: "eve@home/x", ..Envelope::new(MESSAGE, "*@home", "{}") };
    list.case("for everybody", "it is one of them", LIVES, then(all.frame()))?;
    let sealed = Envelope { from: "eve@home/x", ..Envelope::new(MESSAGE | 0x10, "ada@home", "{}") };
    let unsupported = (Side::Initiator, How::Failed, Some(Reason::UNSUPPORTED));
    list.case("sealed, for this member", "its recipient fails it", unsupported, then(sealed.frame()))?;
    Ok(())
}

/// What a hub may say of who is there.
fn roster(list: &mut List) -> Result<(), String> {
    let key = homing_core::StaticKey::from_bytes([0x33; 32]).peer_id().to_string();
    let peer = |address: &str| format!(r#"{{"address":"{address}","key":"{key}"}}"#);
    let put = |more: &str, address: &str| format!(r#"{{"to":1{more},"put":[{}]}}"#, peer(address));
    let part = |body: &str| {
        let head = r#"{"method":"observe","uri":"/roster","type":"application/json"}"#;
        Envelope { body: body.as_bytes(), ..Envelope::new(REQUEST, "", head) }.frame()
    };
    let malformed = || closed(Reason::MALFORMED);
    for (name, why, body, outcome) in [
        ("a snapshot", "without from", put("", "hub@home"), LIVES),
        ("an empty snapshot", "put and gone may be left out", r#"{"to":1}"#.into(), LIVES),
        ("a snapshot's first part", "staged", put(r#","more":true"#, "hub@home"), LIVES),
        ("a from that is null", "stands for left out", put(r#","from":null"#, "hub@home"), LIVES),
        (
            "a part of another version",
            "a gap: it asks for a snapshot",
            put(r#","from":7"#, "hub@home"),
            LIVES,
        ),
        (
            "one who is gone and was not there",
            "in a snapshot gone removes nothing",
            r#"{"to":1,"gone":["eve@home/x"]}"#.into(),
            LIVES,
        ),
        ("a roster that is no JSON", "it cannot be read", "hello".into(), malformed()),
        ("a roster without to", "it is required", r#"{"put":[]}"#.into(), malformed()),
        ("a roster in an array", "an array is no object", "[null,1,false,[],[]]".into(), malformed()),
        (
            "a peer in an array",
            "an array is no object",
            format!(r#"{{"to":1,"put":[["hub@home","{key}",0]]}}"#),
            malformed(),
        ),
        ("a peer of another network", "the hub has no authority there", put("", "hub@work"), malformed()),
        ("a peer who is everybody", "a peer has a name", put("", "*@home"), malformed()),
        ("a peer who is no address", "it cannot be read", put("", "hub"), malformed()),
        (
            "a peer whose key is none",
            "its checksum is wrong",
            put("", "hub@home").replacen("pmgu", "pmgo", 1),
            malformed(),
        ),
        (
            "a peer with a priority of 128",
            "127 at most",
            put("", "hub@home").replace("\"key\"", "\"priority\":128,\"key\""),
            malformed(),
        ),
        (
            "one who is gone and no address",
            "it cannot be read",
            r#"{"to":1,"gone":["eve"]}"#.into(),
            malformed(),
        ),
        ("a version twice", "a known field comes once", r#"{"to":1,"to":1}"#.into(), malformed()),
    ] {
        list.case(&format!("roster: {name}"), why, outcome, and(admitted(), Act::Record(part(&body))))?;
    }
    Ok(())
}
