//! What somebody says who has the keys of a session and none of the manners: any frame, mostly almost right.

use homing_core::wire::frame::types;
use homing_core::wire::record::MAX_PLAINTEXT;

use super::bytes::Bytes;
use super::raw::frame_of;

/// Addresses that mean something in the networks of these functions, or nothing.
pub(super) const ADDRESSES: &[&str] = &[
    "",
    "hub@home",
    "ada@home",
    "ada@home/x",
    "witness@home/x",
    "witness@home",
    "*@home",
    "eve@home/x",
    "eve@home",
    "hub@home/x",
    "nobody@home",
    "hub@work",
    "*@work",
    "x@nowhere",
    "@",
    "a@b@c",
    "*@home/x",
    "*",
    "guest-x@home",
    "ADA@home",
];

const URIS: &[&str] =
    &["/ping", "/echo", "/served", "/roster", "/peers", "/why", "/commands", "/nothing", "", "served"];

const METHODS: &[&str] = &["get", "observe", "set", "subscribe", "delete", "merge", "unsubscribe", "got"];

const EVENTS: &[&str] = &["failed", "received", "consumed", "cancelled", "dispatched", "accepted", "lost"];

/// A key as its text.
const KEY: &str = "pmgupwjue74dcelapaohy4z73cpyrfyk55eq3cva5ym2js4kdmkhws6g";

const SESSIONS: &[&str] = &[
    r#"{"state":"finishing"}"#,
    r#"{"state":"finished"}"#,
    r#"{"state":"established","address":"ada@home/x","hub":"hub@home"}"#,
    r#"{"state":"established","address":"eve@home/x","hub":"*@home"}"#,
    r#"{"state":"new"}"#,
    "{}",
    "",
];

/// Appends one frame, or a few of it, or one that is altered.
pub(super) fn frame(bytes: &mut Bytes<'_>, ids: &[[u8; 16]], out: &mut Vec<u8>) {
    let start = out.len();
    match bytes.u8() % 13 {
        0..=4 => out.extend(frame_of(types::ENVELOPE, &envelope(bytes, ids))),
        5 => out.extend(frame_of(types::ACK, &u32::from(bytes.u8()).to_be_bytes())),
        6 => out.extend(frame_of(bytes.pick(&[types::PING, types::PONG]), &bytes.u64().to_be_bytes())),
        7 => {
            let json = if bytes.one_in(4) { bytes.few() } else { bytes.pick(SESSIONS).as_bytes() };
            out.extend(frame_of(types::SESSION, json));
        }
        8 => out.extend(frame_of(types::CLOSE, &[&bytes.u16().to_be_bytes(), bytes.few()].concat())),
        9 => out.extend(frame_of(bytes.u8(), bytes.few())),
        10 => {
            // The same again, as often as it goes into a record.
            frame_once(bytes, ids, out);
            let one = out[start..].to_vec();
            for _ in 0..u16::from(bytes.u8()) * 4 {
                if out.len() + one.len() > MAX_PLAINTEXT {
                    break;
                }
                out.extend_from_slice(&one);
            }
        }
        11 => {
            // A few that are like the one before them; sometimes there is none.
            let first = envelope(bytes, ids);
            if !bytes.one_in(8) {
                out.extend(frame_of(types::ENVELOPE, &first));
            }
            for _ in 0..bytes.u8() % 4 {
                let alike = [&[bytes.u8(); 16][..], &letter(bytes, first[0] & 3)].concat();
                let short = if bytes.one_in(16) { usize::from(bytes.u8()) } else { alike.len() };
                out.extend(frame_of(types::ALIKE, &alike[..short.min(alike.len())]));
            }
        }
        _ => {
            frame_once(bytes, ids, out);
            for _ in 0..=bytes.u8() % 3 {
                let at = start + usize::from(bytes.u16()) % (out.len() - start);
                out[at] = bytes.u8();
            }
        }
    }
}

/// An envelope, to be repeated or altered.
fn frame_once(bytes: &mut Bytes<'_>, ids: &[[u8; 16]], out: &mut Vec<u8>) {
    out.extend(frame_of(types::ENVELOPE, &envelope(bytes, ids)));
}

fn address<'a>(bytes: &mut Bytes<'a>) -> &'a [u8] {
    match bytes.u8() {
        255 => bytes.few(),
        n => ADDRESSES[usize::from(n) % ADDRESSES.len()].as_bytes(),
    }
}

fn envelope(bytes: &mut Bytes<'_>, ids: &[[u8; 16]]) -> Vec<u8> {
    let flags = bytes.u8();
    let hops = if bytes.one_in(8) { 0 } else { 8 };
    let id = match bytes.u8() {
        n @ 0..128 => [n; 16],
        n => ids.get(usize::from(n) % ids.len().max(1)).copied().unwrap_or([n; 16]),
    };
    let mut out = [&[flags, hops][..], &id].concat();
    let to = address(bytes);
    let from = if bytes.one_in(4) { address(bytes) } else { b"" };
    for text in [to, from] {
        out.push(u8::try_from(text.len()).unwrap());
        out.extend_from_slice(text);
    }
    out.extend(letter(bytes, flags & 3));
    out
}

fn letter(bytes: &mut Bytes<'_>, kind: u8) -> Vec<u8> {
    let how = bytes.u8();
    if how == 255 {
        return bytes.few().to_vec();
    }
    let kind = if how == 254 { bytes.u8() & 3 } else { kind };
    let mut is_roster = false;
    let head = match kind {
        _ if how >= 250 => String::from_utf8_lossy(bytes.few()).into_owned(),
        0 if how & 1 == 0 => r#"{"type":"text/plain","metadata":{"a":"b"}}"#.into(),
        0 => "{}".into(),
        1 => {
            let event = bytes.pick(EVENTS);
            match how & 3 {
                0 => format!(r#"{{"event":"{event}"}}"#),
                1 => format!(r#"{{"event":"{event}","count":{}}}"#, bytes.u32()),
                _ => format!(r#"{{"event":"{event}","reason":{{"code":{}}}}}"#, bytes.u16()),
            }
        }
        2 => {
            let (method, uri) = (bytes.pick(METHODS), bytes.pick(URIS));
            is_roster = uri == "/roster";
            let patience =
                if how & 1 == 0 { String::new() } else { format!(r#","patience":{}"#, bytes.u64()) };
            format!(r#"{{"method":"{method}","uri":"{uri}"{patience}}}"#)
        }
        _ => {
            let status = bytes.pick(&["success", "failure", "maybe"]);
            format!(r#"{{"status":"{status}","type":"text/plain"}}"#)
        }
    };
    let body = if is_roster { roster(bytes).into_bytes() } else { body(bytes) };
    [&u16::try_from(head.len()).unwrap().to_be_bytes()[..], head.as_bytes(), &body].concat()
}

fn body(bytes: &mut Bytes<'_>) -> Vec<u8> {
    match bytes.u8() {
        n @ 0..128 => bytes.take(usize::from(n) % 16).to_vec(),
        // Large ones are cheap to ask for.
        n => vec![b'x'; (usize::from(n) - 127) * 136],
    }
}

/// A part of the roster, mostly one that can be read.
fn roster(bytes: &mut Bytes<'_>) -> String {
    let how = bytes.u8();
    if how == 255 {
        return String::from_utf8_lossy(bytes.few()).into_owned();
    }
    let from = if how & 1 == 0 { String::new() } else { format!(r#""from":{},"#, bytes.u8() % 8) };
    let more = how & 2 != 0;
    let to = if how == 254 { u64::MAX } else { u64::from(bytes.u8() % 8) };
    let put: Vec<String> = (0..how >> 2 & 7)
        .map(|_| {
            let (address, n) = (bytes.pick(ADDRESSES), bytes.u8());
            let address = if n < 200 { format!("p{n}@home/x") } else { address.to_string() };
            format!(r#"{{"address":"{address}","key":"{KEY}","priority":{}}}"#, i16::from(n) % 130)
        })
        .collect();
    let gone: Vec<String> = (0..how >> 5 & 3).map(|_| format!(r#""p{}@home/x""#, bytes.u8())).collect();
    format!(r#"{{{from}"to":{to},"more":{more},"put":[{}],"gone":[{}]}}"#, put.join(","), gone.join(","))
}

/// A hello of an initiator: of this name, or altered.
pub(super) fn hello(bytes: &mut Bytes<'_>, name: &str) -> Vec<u8> {
    let how = bytes.u8();
    let window = bytes.pick(&[1_048_576u32, 4_096, 1, 0, u32::MAX]);
    let letter = bytes.pick(&[16_384u32, 4_096, 4_095, u32::MAX]);
    let idle = bytes.pick(&[15_000u64, 50, 1, 600_000]);
    let options = format!(
        r#""options":{{"idle":{idle},"silence":{},"window":{window},"letter":{letter}}}"#,
        if idle == 15_000 { 45_000 } else { idle.saturating_mul(3) }
    );
    match how {
        255 => bytes.few().to_vec(),
        240..255 => format!(r#"{{"scheme":"guest",{options}}}"#).into_bytes(),
        230..240 => format!(r#"{{"scheme":"key","name":"{name}","priority":-1,{options}}}"#).into_bytes(),
        _ => format!(r#"{{"scheme":"key","name":"{name}","instance":"x",{options}}}"#).into_bytes(),
    }
}
