//! Overwriting what applications say to each other, and nothing that a node reads.

use alloc::string::String;
use alloc::vec;

use crate::node::Message;
use crate::wire::frame::{self, Frame, FrameError};
use crate::wire::letter::{Letter, MAX_HEAD, MessageHead, RequestHead};
use crate::wire::{Kind, Label};
use crate::{Command, Response};

/// What is written over it.
const BLANK: u8 = b'x';
/// Where hubs and members tell each other who is there: PROTOCOL.md, section 12.
const ROSTER: &str = "/roster";

/// Whether the node itself reads the body of a request.
fn is_read(path: &str, to_neighbour: bool) -> bool {
    path == "/why" || (to_neighbour && path == ROSTER)
}

/// The bodies in a record.
pub(super) fn blank_frames(record: &mut [u8]) {
    let mut at = 0;
    // What the last envelope is, of which those that are alike have the label.
    let mut last = None;
    while at < record.len() {
        let mut rest = &record[at..];
        let all = rest.len();
        let read = frame::read(&mut rest).map(|frame| match frame {
            Frame::Envelope(envelope) => {
                let label = Label::read(envelope).ok().map(|(label, letter)| (Of::new(&label), letter.len()));
                last = label.map(|(of, _)| of);
                label.map_or(Content::Read, |(of, letter)| Content::Letter(of, letter))
            }
            // Like none: the link ends with it, and its letter is not read.
            Frame::Alike { letter, .. } => Content::Letter(last.unwrap_or(Of::NOBODY), letter.len()),
            Frame::Extension(_) => Content::Unread,
            _ => Content::Read,
        });
        let payload = at + frame::HEADER..at + (all - rest.len());
        match read {
            Ok(Content::Letter(of, length)) => {
                blank_letter(&mut record[payload.end - length..payload.end], of);
            }
            Ok(Content::Unread) => record[payload.clone()].fill(BLANK),
            Ok(Content::Read) => {}
            Err(error) => return blank_wrong(&mut record[at..], error),
        }
        at = payload.end;
    }
}

enum Content {
    /// It ends with a letter of so many bytes.
    Letter(Of, usize),
    Read,
    Unread,
}

/// What the label of a letter says of it.
#[derive(Clone, Copy)]
struct Of {
    kind: Kind,
    sealed: bool,
    to_neighbour: bool,
}

impl Of {
    /// Nobody reads it.
    const NOBODY: Of = Of { kind: Kind::Message, sealed: true, to_neighbour: false };

    const fn new(label: &Label<'_>) -> Of {
        Of { kind: label.kind, sealed: label.sealed, to_neighbour: label.to.is_empty() }
    }
}

/// What is no frame ends the link: what stands behind its beginning is not read, but for a payload that is
/// not what it should be.
fn blank_wrong(rest: &mut [u8], error: FrameError) {
    let keep = match (error, &rest) {
        (FrameError::Payload(_), [_, high, low, ..]) => {
            frame::HEADER + usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => frame::HEADER,
    };
    if let Some(unread) = rest.get_mut(keep..) {
        unread.fill(BLANK);
    }
}

fn blank_letter(letter: &mut [u8], Of { kind, sealed, to_neighbour }: Of) {
    if kind == Kind::Notification && !sealed {
        return;
    }
    let read = Letter::read(letter, MAX_HEAD).ok().filter(|_| !sealed);
    let Some(read) = read else {
        // The length that is wrong stays wrong.
        if let Some(rest) = letter.get_mut(2..) {
            rest.fill(BLANK);
        }
        return;
    };
    let body_stays = kind == Kind::Request
        && read.head::<RequestHead>().is_ok_and(|head| is_read(&head.uri, to_neighbour));
    let has_metadata = kind == Kind::Message && read.head::<MessageHead>().is_ok();
    let head = 2..2 + read.head.len();
    if !body_stays {
        letter[head.end..].fill(BLANK);
    }
    if has_metadata {
        blank_values(&mut letter[head]);
    }
}

/// Each text in a message's head that is neither the name of something nor the body's type. The head is
/// well-formed JSON.
fn blank_values(head: &mut [u8]) {
    let (mut at, mut depth, mut is_type) = (0, 0u32, false);
    while at < head.len() {
        match head[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let start = at + 1;
                at = start;
                while at < head.len() && head[at] != b'"' {
                    at += if head[at] == b'\\' { 2 } else { 1 };
                }
                let end = at.min(head.len());
                let next =
                    head.get(end + 1..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace());
                if next == Some(&b':') {
                    is_type = depth == 1 && &head[start..end] == b"type";
                } else if !is_type {
                    head[start..end].fill(BLANK);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// A message to send, of the same size on the wire.
pub(super) fn blank_message(message: &mut Message) {
    message.body = alloc::vec![BLANK; message.body.len()].into();
    for value in message.metadata.values_mut() {
        // Serializing a text cannot fail; were it so, the sizes differ and the redaction says so.
        let quoted = serde_json::to_string(value).map_or(2, |json| json.len());
        *value = String::from_utf8(vec![BLANK; quoted.saturating_sub(2)]).unwrap_or_default();
    }
}

/// A command to call.
pub(super) fn blank_command(command: &mut Command) {
    if !is_read(&command.path, false) {
        command.body.fill(BLANK);
    }
}

/// An answer.
pub(super) fn blank_response(response: &mut Response) {
    response.body.fill(BLANK);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    #[test]
    fn of_a_head_the_values_go_and_it_still_parses() {
        let mut head = *b"{\"type\":\"text/plain\",\"metadata\":{\"a\\\"b\":\"s\\\"e\\u00e9\", \"c\" : \"\"},\"type2\":\"s\"}";
        blank_values(&mut head);
        assert_eq!(
            core::str::from_utf8(&head).unwrap(),
            "{\"type\":\"text/plain\",\"metadata\":{\"a\\\"b\":\"xxxxxxxxxx\", \"c\" : \"\"},\"type2\":\"x\"}",
        );
        let read: MessageHead = Letter { head: &head, body: b"" }.head().unwrap();
        let expected: BTreeMap<_, _> =
            [("a\"b", "xxxxxxxxxx"), ("c", "")].map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!(read.metadata, expected);
    }

    #[test]
    fn of_a_record_the_bodies_go_and_the_rest_stays() {
        let label = |kind, to| Label {
            kind,
            priority: crate::wire::Priority::Normal,
            sealed: false,
            more: false,
            receipts: crate::Receipts::Failure,
            hops: 8,
            id: crate::MessageId([7; 16]),
            to,
            from: "a@n",
        };
        let envelope = |kind, to, head: &str, body: &[u8]| {
            let mut out = Vec::new();
            label(kind, to).write(&mut out);
            let length = u16::try_from(head.len()).unwrap().to_be_bytes();
            out.extend([&length[..], head.as_bytes(), body].concat());
            out
        };
        let (request, why) = ("{\"method\":\"get\",\"uri\":\"/x\"}", "{\"method\":\"get\",\"uri\":\"/why\"}");
        let roster = "{\"method\":\"observe\",\"uri\":\"/roster\"}";
        let alike = |head: &str, body: &[u8]| {
            let length = u16::try_from(head.len()).unwrap().to_be_bytes();
            [&[8; 16][..], &length, head.as_bytes(), body].concat()
        };
        let record = |secret: &[u8], kept: &[u8]| {
            let mut out = Vec::new();
            // Alike to none: it ends the link, and whoever replays it must see that.
            frame::write(
                &mut out,
                frame::types::ALIKE,
                &alike(if secret == b"secret" { "{}" } else { "xx" }, secret),
            );
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Message, "b@n", "{}", secret));
            frame::write(&mut out, frame::types::SESSION, kept);
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Request, "b@n", request, secret));
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Request, "b@n", why, kept));
            frame::write(&mut out, frame::types::ALIKE, &alike(request, secret));
            frame::write(&mut out, frame::types::ALIKE, &alike(why, kept));
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Request, "", roster, kept));
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Request, "b@n", roster, secret));
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Response, "b@n", "{}", secret));
            frame::write(&mut out, frame::types::ENVELOPE, &envelope(Kind::Notification, "b@n", "{}", kept));
            frame::write(&mut out, 0x90, secret);
            frame::write(&mut out, 0x7F, secret);
            out
        };
        let mut bytes = record(b"secret", b"kept");
        blank_frames(&mut bytes);
        assert_eq!(bytes, record(b"xxxxxx", b"kept"));
    }
}
