//! What a hub does about envelopes without a label of their own.

use homing_core::Reason;
use homing_core::wire::frame::types;

use crate::vectors::sessions::reactions::{
    Envelope, List, MESSAGE, NOTIFICATION, REQUEST, and, frame_of, joined, session,
};
use crate::vectors::sessions::replay::Act;
use crate::vectors::sessions::{How, Side};

/// A frame with the id `08` sixteen times.
fn alike(letter: &[u8]) -> Vec<u8> {
    frame_of(types::ALIKE, &[&[8; 16][..], letter].concat())
}

pub(super) fn list(list: &mut List) -> Result<(), String> {
    let closed = |reason| (Side::Responder, How::Close, Some(reason));
    let failed = |reason| (Side::Responder, How::Failed, Some(reason));
    let lives = (Side::Responder, How::Lives, None);
    let empty = b"\x00\x02{}";
    let to = |to: &str| Envelope::new(MESSAGE, to, "{}").frame();
    let ping = frame_of(types::PING, &[0; 8]);
    let notice = Envelope::new(NOTIFICATION, "", r#"{"event":"received"}"#).frame();
    let why = Envelope::new(REQUEST, "", r#"{"method":"get","uri":"/ping"}"#).frame();
    let finishing = session(r#"{"state":"finishing"}"#);
    for (name, why, outcome, frames) in [
        ("alike, behind its like", "it is for the same", lives, vec![to("hub@home"), alike(empty)]),
        (
            "alike, twice",
            "the one before it is alike, too",
            lives,
            vec![to("hub@home"), alike(empty), alike(empty)],
        ),
        (
            "alike, behind other frames",
            "none of them is an envelope",
            lives,
            vec![to("hub@home"), ping.clone(), alike(empty)],
        ),
        (
            "alike, a request",
            "its head is its own",
            lives,
            vec![why, alike(b"\x00\x1E{\"method\":\"get\",\"uri\":\"/ping\"}")],
        ),
        ("alike to none", "no envelope is before it", closed(Reason::MALFORMED), vec![alike(empty)]),
        (
            "alike, behind no envelope",
            "a ping has no label",
            closed(Reason::MALFORMED),
            vec![ping, alike(empty)],
        ),
        (
            "alike, without a whole id",
            "16 bytes",
            closed(Reason::MALFORMED),
            vec![to("hub@home"), frame_of(types::ALIKE, &[8; 15])],
        ),
        (
            "alike to what failed",
            "and fails for the same",
            failed(Reason::NOT_FOUND),
            vec![to("nobody@home"), alike(empty)],
        ),
        (
            "alike, without a letter",
            "two bytes at least",
            failed(Reason::MALFORMED),
            vec![to("hub@home"), alike(b"")],
        ),
        (
            "alike, a letter of 17409",
            "the hub said 17408",
            closed(Reason::LIMIT),
            vec![to("hub@home"), alike(&[b'x'; 17_409])],
        ),
        (
            "alike, a notification of 2049",
            "2048, whatever the options",
            closed(Reason::LIMIT),
            vec![notice, alike(&[b'x'; 2_049])],
        ),
        (
            "alike, behind finishing",
            "its sender has said that none comes",
            closed(Reason::SESSION_STATE),
            vec![to("hub@home"), finishing, alike(empty)],
        ),
    ] {
        list.case(name, why, outcome, and(joined(), Act::Record(frames.concat())))?;
    }
    let apart = and(and(joined(), Act::Record(to("hub@home"))), Act::Record(alike(empty)));
    list.case(
        "alike, in another record",
        "the one before it is not in this one",
        closed(Reason::MALFORMED),
        apart,
    )
}
