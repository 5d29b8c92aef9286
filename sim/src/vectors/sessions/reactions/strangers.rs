//! Before the responder has read message 3: what is refused in the clear, or not answered at all.

use homing_core::Reason;

use crate::vectors::sessions::reactions::{HELLO, List};
use crate::vectors::sessions::replay::Act;
use crate::vectors::sessions::{How, Side};

pub(super) fn list(list: &mut List) -> Result<(), String> {
    let refused = |reason| (Side::Responder, How::Refusal, Some(reason));
    let silent = |reason| (Side::Responder, How::Silence, Some(reason));
    let raw = |bytes: &[u8]| vec![Act::Raw(bytes.to_vec())];

    list.case(
        "a browser",
        "closed without a word",
        silent(Reason::NOT_HOMING),
        raw(b"GET / HTTP/1.1\r\n\r\n"),
    )?;
    list.case(
        "a wrong sixth byte",
        "the first wrong byte decides",
        silent(Reason::NOT_HOMING),
        raw(b"hominG"),
    )?;
    list.case("version 2", "as soon as byte 6 is there", refused(Reason::VERSION), raw(b"homing\x02"))?;
    list.case("suite 03", "not spoken", refused(Reason::VERSION), raw(b"homing\x01\x03"))?;
    let slow = silent(Reason::HANDSHAKE_TIMEOUT);
    list.case(
        "half a preface, then nothing",
        "nothing is said before the preface is whole",
        slow,
        vec![Act::Raw(b"homin".to_vec()), Act::Wait(10_000)],
    )?;
    let slow = || refused(Reason::HANDSHAKE_TIMEOUT);
    list.case(
        "a preface, then nothing",
        "10 s for the whole handshake",
        slow(),
        vec![Act::Preface, Act::Wait(10_000)],
    )?;
    list.case(
        "message 1, then nothing",
        "10 s for the whole handshake",
        slow(),
        vec![Act::Preface, Act::Handshake(Vec::new()), Act::Wait(10_000)],
    )?;

    let first = |content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap_or(0).to_be_bytes();
        vec![Act::Preface, Act::Raw([&length[..], content].concat())]
    };
    let failed = || refused(Reason::HANDSHAKE);
    list.case(
        "message 1 with a payload",
        "it must be empty",
        failed(),
        vec![Act::Preface, Act::Handshake(b"hello".to_vec())],
    )?;
    list.case("message 1 too short", "31 bytes of a key", failed(), first(&[9; 31]))?;
    list.case("a key of low order", "zero: every agreement with it is zero", failed(), first(&[0; 32]))?;
    let one = [&[1][..], &[0; 31]].concat();
    list.case("another key of low order", "one: every agreement with it is zero", failed(), first(&one))?;
    let prime = [&[0xed][..], &[0xff; 30], &[0x7f]].concat();
    list.case("a key not reduced", "2^255 - 19 is another form of zero", failed(), first(&prime))?;
    let high = [&[9][..], &[0; 30], &[0x80]].concat();
    list.case("a key with its highest bit set", "another form of 9", failed(), first(&high))?;
    list.case(
        "message 1 of 2049",
        "2048 before there are keys; its length is enough",
        refused(Reason::LIMIT),
        vec![Act::Preface, Act::Raw(vec![0x08, 0x01])],
    )?;

    let third = |act: Act| vec![Act::Preface, Act::Handshake(Vec::new()), act];
    list.case(
        "message 3 altered in its key",
        "it does not authenticate",
        failed(),
        third(Act::Altered(HELLO.into(), 5)),
    )?;
    list.case(
        "message 3 altered in its payload",
        "it does not authenticate",
        failed(),
        third(Act::Altered(HELLO.into(), 70)),
    )?;
    list.case(
        "message 3 too short",
        "63 bytes",
        failed(),
        third(Act::Raw([&[0, 63][..], &[7; 63]].concat())),
    )?;
    list.case("message 1 again", "it is no message 3", failed(), third(Act::Again))?;
    list.case(
        "message 3 of 2049",
        "2048 before there are keys",
        refused(Reason::LIMIT),
        third(Act::Raw(vec![0x08, 0x01])),
    )?;
    let told = |reason| (Side::Responder, How::Told, Some(reason));
    let given_up = third(Act::Raw(vec![0, 0, 0, 19]));
    list.case(
        "a refusal in place of message 3",
        "believed, though unproven",
        told(Reason::WRONG_KEY),
        given_up,
    )?;

    list.suite = 2;
    list.case(
        "suite 02: message 3 altered",
        "the other suite, the same",
        failed(),
        third(Act::Altered(HELLO.into(), 70)),
    )?;
    list.suite = 1;
    Ok(())
}
