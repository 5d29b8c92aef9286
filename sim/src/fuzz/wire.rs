//! The decoders of what is binary: preface, records, frames, labels.

use homing_core::wire::frame::{self, Frame, FrameError};
use homing_core::wire::record::{self, Header, Preface};
use homing_core::wire::{Label, LabelError, label};
use homing_core::{MessageId, Reason};

/// The first bytes of a stream: as a preface, and as the header of a record.
///
/// What is decided stays decided, whatever comes behind it; what is undecided wants more; each decision is
/// that of the bytes that it would be written as.
pub fn record(data: &[u8]) {
    let mut decided = None;
    for cut in 0..=data.len().min(record::PREFACE + 4) {
        let verdict = record::read_preface(&data[..cut]);
        if let Some(before) = decided {
            assert_eq!(verdict, before, "the byte {cut} has changed the verdict");
        } else if verdict != Preface::More {
            decided = Some(verdict);
        }
        match verdict {
            Preface::More => assert_eq!(data[..cut], record::preface(0)[..cut]),
            Preface::Suite(suite) => assert_eq!(data[..8], record::preface(suite)),
            Preface::OtherVersion(version) => {
                assert_eq!(data[..6], record::MAGIC);
                assert_eq!(data[6], version);
                assert_ne!(version, record::VERSION);
            }
            Preface::NotHoming => assert_ne!(data[..cut.min(6)], record::MAGIC[..cut.min(6)]),
        }
    }
    assert!(decided.is_some() || data.len() < record::PREFACE, "a whole preface without a verdict");

    match record::read_header(data) {
        Header::More(all) => {
            assert!(data.len() < all && all <= 2 * record::HEADER);
            let longer = [data, &[7; 4][..all - data.len()]].concat();
            assert!(!matches!(record::read_header(&longer), Header::More(n) if n <= all), "never enough");
        }
        Header::Record(length) => {
            assert!((1..=record::MAX_RECORD).contains(&length));
            assert_eq!(usize::from(u16::from_be_bytes([data[0], data[1]])), length);
        }
        Header::Refusal(reason) => assert_eq!(data[..4], record::refusal(reason)),
    }
}

/// The plaintext of a record, as frames.
///
/// Each frame that is read is written as the bytes that it was read from, and nothing is taken of one that
/// is refused.
pub fn frames(data: &[u8]) {
    let mut rest = data;
    let mut count = 0;
    let mut again = Vec::new();
    while !rest.is_empty() {
        let before = rest;
        match frame::read(&mut rest) {
            Ok(read) => {
                let length = before.len() - rest.len();
                assert!(length >= frame::HEADER, "a frame of no bytes");
                write(read, &before[..length], &mut again);
            }
            Err(error) => {
                assert_eq!(rest, before, "something was taken of a frame that was refused");
                assert!([Reason::MALFORMED, Reason::UNSUPPORTED].contains(&error.reason()));
                assert!(!error.to_string().is_empty());
                assert_ne!(error, FrameError::Empty, "there were bytes");
                break;
            }
        }
        count += 1;
    }
    assert!(count * frame::HEADER <= data.len());
    assert_eq!(again, data[..data.len() - rest.len()]);
    assert_eq!(frame::read(&mut &[][..]), Err(FrameError::Empty));
}

/// Writes a frame that was read from `from`.
fn write(read: Frame<'_>, from: &[u8], out: &mut Vec<u8>) {
    use frame::types;
    match read {
        Frame::Envelope(payload) => frame::write(out, types::ENVELOPE, payload),
        Frame::Alike { id, letter } => frame::write(out, types::ALIKE, &[&id.0, letter].concat()),
        Frame::Ping(n) => frame::write(out, types::PING, &n.to_be_bytes()),
        Frame::Pong(n) => frame::write(out, types::PONG, &n.to_be_bytes()),
        Frame::Ack(n) => frame::write(out, types::ACK, &n.to_be_bytes()),
        Frame::Session(json) => frame::write(out, types::SESSION, json),
        Frame::Close { reason, text } => {
            assert!(text.len() <= frame::MAX_CLOSE_TEXT);
            frame::write_close(out, reason, text);
        }
        Frame::Rekey => frame::write(out, types::REKEY, b""),
        Frame::Extension(kind) => {
            assert!(kind >= types::EXTENSION);
            // What is in it is for those who know it.
            frame::write(out, kind, &from[frame::HEADER..]);
        }
    }
}

/// An envelope, as a label and a letter.
///
/// What is read is written again as it was; what is not is too short, or has a byte that says why.
pub fn label(data: &[u8]) {
    match Label::read(data) {
        Ok((label, letter)) => {
            let mut out = Vec::new();
            label.write(&mut out);
            assert_eq!(out.len(), label.len());
            assert_eq!(label.flags(), data[0]);
            assert!(label.to.len() <= 255 && label.from.len() <= 255);
            out.extend_from_slice(letter);
            assert_eq!(out, data);
            assert_eq!(label.id.to_string().parse(), Ok(label.id));
            let other = MessageId([!data[2]; 16]);
            let alike = label::alike(data, &other, b"letter").expect("nothing is alike to it");
            assert_eq!(Label::read(&alike), Ok((Label { id: other, ..label }, &b"letter"[..])));
            let short = &data[..label.len() - 1];
            assert_eq!(label::alike(short, &other, b""), None, "alike to a label without its last byte");
            assert_eq!(Label::read(short), Err(LabelError::Truncated), "a label without its last byte");
        }
        Err(LabelError::Flags(flags)) => assert_eq!((flags, flags >> 2 & 3), (data[0], 3)),
        Err(LabelError::Text) => assert!(!data.is_ascii()),
        Err(LabelError::Truncated) => assert!(data.len() < 20 + 2 * 255),
    }
}
