//! Frames in words, for people.

use homing_core::wire::frame::{self, Frame};
use homing_core::wire::{Label, label};

/// A line for each frame of a record; as far as they can be read.
pub(super) fn frames(mut plain: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut before: Option<Vec<u8>> = None;
    while !plain.is_empty() {
        let Ok(frame) = frame::read(&mut plain) else {
            lines.push("what is no frame".into());
            break;
        };
        lines.push(match frame {
            Frame::Envelope(payload) => {
                before = Some(payload.to_vec());
                envelope(payload)
            }
            Frame::Alike { id, letter } => {
                match before.as_deref().and_then(|before| label::alike(before, &id, letter)) {
                    Some(whole) => format!("alike: {}", envelope(&whole)),
                    None => "alike to none".into(),
                }
            }
            Frame::Ping(number) => format!("ping {number}"),
            Frame::Pong(number) => format!("pong {number}"),
            Frame::Ack(count) => format!("ack {count}"),
            Frame::Session(json) => format!("session {}", text(json)),
            Frame::Close { reason, text } => format!("close {} ({}) {text}", reason.code(), reason.name()),
            Frame::Rekey => "rekey".into(),
            Frame::Extension(number) => format!("extension {number:02x}"),
        });
    }
    lines
}

fn envelope(payload: &[u8]) -> String {
    let Ok((label, letter)) = Label::read(payload) else { return "what has no label".into() };
    let mut line = format!("{} hops {}", label.kind.name(), label.hops);
    for (word, address) in [("to", label.to), ("from", label.from)] {
        if !address.is_empty() {
            line += &format!(", {word} {address}");
        }
    }
    let length = letter.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    match letter.get(2..).and_then(|rest| rest.split_at_checked(length)) {
        Some((head, [])) => line + &format!(": {}", text(head)),
        Some((head, body)) => line + &format!(": {} {}", text(head), text(body)),
        None => line + ": what is no letter",
    }
}

/// A text, or how long it is.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 400 => text.into(),
        _ => format!("({} bytes)", bytes.len()),
    }
}
