//! Frames, the content of a record after the handshake: PROTOCOL.md, section 4.

use alloc::vec::Vec;
use core::fmt;

use crate::Reason;
use crate::wire::MessageId;
use crate::wire::record::MAX_PLAINTEXT;

/// The bytes before a frame's payload: type and length.
pub const HEADER: usize = 3;
/// The largest payload: one frame that fills a record.
pub const MAX_PAYLOAD: usize = MAX_PLAINTEXT - HEADER;
/// The longest text of a close frame.
pub const MAX_CLOSE_TEXT: usize = 200;

/// The types, one byte each.
pub mod types {
    /// A label and a letter.
    pub const ENVELOPE: u8 = 0x01;
    /// Asks for a pong.
    pub const PING: u8 = 0x04;
    /// Answers a ping.
    pub const PONG: u8 = 0x05;
    /// Counts envelopes taken.
    pub const ACK: u8 = 0x06;
    /// A session envelope.
    pub const SESSION: u8 = 0x07;
    /// The end, with a reason.
    pub const CLOSE: u8 = 0x08;
    /// The sender's next record uses the next key.
    pub const REKEY: u8 = 0x09;
    /// An id and a letter: the label is else that of the envelope before it.
    pub const ALIKE: u8 = 0x0A;
    /// From here on: extensions, which a peer may ignore.
    pub const EXTENSION: u8 = 0x80;
}

/// One frame, with what it borrows from the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// A label and a letter, not yet looked at.
    Envelope(&'a [u8]),
    /// An envelope that has the label of the one before it in its record, but for the id.
    /// [`alike`](crate::wire::label::alike) puts it together.
    Alike {
        /// Its id.
        id: MessageId,
        /// Its letter, not yet looked at.
        letter: &'a [u8],
    },
    /// Asks for a pong with the same number.
    Ping(u64),
    /// Answers a ping.
    Pong(u64),
    /// This many more envelopes were taken, in the order they were sent.
    Ack(u32),
    /// A session envelope: JSON, not yet looked at.
    Session(&'a [u8]),
    /// The sender ends the link.
    Close {
        /// Why.
        reason: Reason,
        /// More, for people.
        text: &'a str,
    },
    /// The sender's next record uses the next key.
    Rekey,
    /// An extension that this version does not know, by its type.
    Extension(u8),
}

/// Why a record's content is no sequence of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// A record without a frame.
    Empty,
    /// A frame that goes past the end of its record.
    Truncated,
    /// A payload that is not what the type, given here, wants.
    Payload(u8),
    /// A type, given here, that is neither known nor an extension.
    Unknown(u8),
}

impl FrameError {
    /// The reason to close with.
    pub const fn reason(self) -> Reason {
        match self {
            FrameError::Unknown(_) => Reason::UNSUPPORTED,
            _ => Reason::MALFORMED,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Empty => f.write_str("a record without a frame"),
            FrameError::Truncated => f.write_str("a frame goes past the end of its record"),
            FrameError::Payload(kind) => write!(f, "the payload of a frame of type {kind:#04x}"),
            FrameError::Unknown(kind) => write!(f, "a frame of the unknown type {kind:#04x}"),
        }
    }
}

impl core::error::Error for FrameError {}

/// Takes the first frame off `record`, which must not be empty.
///
/// # Errors
/// What is wrong with it; nothing is taken then.
pub fn read<'a>(record: &mut &'a [u8]) -> Result<Frame<'a>, FrameError> {
    let (header, rest) = record.split_first_chunk::<HEADER>().ok_or(match record.len() {
        0 => FrameError::Empty,
        _ => FrameError::Truncated,
    })?;
    let [kind, high, low] = *header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (payload, rest) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
    let frame = parse(kind, payload)?;
    *record = rest;
    Ok(frame)
}

fn parse(kind: u8, payload: &[u8]) -> Result<Frame<'_>, FrameError> {
    let wrong = FrameError::Payload(kind);
    let number = || <[u8; 8]>::try_from(payload).map(u64::from_be_bytes).map_err(|_| wrong);
    Ok(match kind {
        types::ENVELOPE => Frame::Envelope(payload),
        types::PING => Frame::Ping(number()?),
        types::PONG => Frame::Pong(number()?),
        types::ACK => Frame::Ack(u32::from_be_bytes(payload.try_into().map_err(|_| wrong)?)),
        types::SESSION => Frame::Session(payload),
        types::CLOSE => {
            let (reason, text) = payload.split_first_chunk().ok_or(wrong)?;
            if text.len() > MAX_CLOSE_TEXT {
                return Err(wrong);
            }
            Frame::Close {
                reason: Reason::from_code(u16::from_be_bytes(*reason)),
                text: core::str::from_utf8(text).map_err(|_| wrong)?,
            }
        }
        types::ALIKE => {
            let (id, letter) = payload.split_first_chunk().ok_or(wrong)?;
            Frame::Alike { id: MessageId(*id), letter }
        }
        types::REKEY if payload.is_empty() => Frame::Rekey,
        types::REKEY => return Err(wrong),
        types::EXTENSION.. => Frame::Extension(kind),
        _ => return Err(FrameError::Unknown(kind)),
    })
}

/// A frame's header, of `length` bytes of payload: no more than [`MAX_PAYLOAD`].
pub(crate) fn header(kind: u8, length: usize) -> [u8; HEADER] {
    debug_assert!(length <= MAX_PAYLOAD);
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [kind, high, low]
}

/// Appends a frame's header; `length` bytes of payload must follow.
///
/// The caller has made sure that they fit in a record: see [`MAX_PAYLOAD`].
pub fn write_header(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.extend_from_slice(&header(kind, length));
}

/// Appends a whole frame. The payload must not be longer than [`MAX_PAYLOAD`].
pub fn write(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    write_header(out, kind, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a close frame; a longer text is cut at [`MAX_CLOSE_TEXT`].
pub fn write_close(out: &mut Vec<u8>, reason: Reason, text: &str) {
    let text = cut(text, MAX_CLOSE_TEXT);
    write_header(out, types::CLOSE, 2 + text.len());
    out.extend_from_slice(&reason.code().to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The first whole characters of `text`, at most `most` bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(mut record: &[u8]) -> Result<Vec<Frame<'_>>, FrameError> {
        let mut frames = Vec::new();
        while !record.is_empty() {
            frames.push(read(&mut record)?);
        }
        Ok(frames)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        write(&mut out, types::ENVELOPE, b"letter");
        write(&mut out, types::ALIKE, b"sixteen bytes idletter");
        write(&mut out, types::PING, &7u64.to_be_bytes());
        write(&mut out, types::ACK, &9u32.to_be_bytes());
        write_close(&mut out, Reason::BUSY, "later");
        write(&mut out, types::REKEY, b"");
        write(&mut out, 0x80, b"anything");
        assert_eq!(
            read_all(&out).unwrap(),
            [
                Frame::Envelope(b"letter"),
                Frame::Alike { id: MessageId(*b"sixteen bytes id"), letter: b"letter" },
                Frame::Ping(7),
                Frame::Ack(9),
                Frame::Close { reason: Reason::BUSY, text: "later" },
                Frame::Rekey,
                Frame::Extension(0x80),
            ]
        );
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(read(&mut &[][..]), Err(FrameError::Empty));
        for (bytes, error) in [
            (&[1][..], FrameError::Truncated),
            (&[1, 0], FrameError::Truncated),
            (&[1, 0, 1], FrameError::Truncated),
            (&[1, 0xFF, 0xFF, 0], FrameError::Truncated),
            (&[0, 0, 0], FrameError::Unknown(0)),
            (&[2, 0, 0], FrameError::Unknown(2)),
            (&[3, 0, 0], FrameError::Unknown(3)),
            (&[0x7F, 0, 0], FrameError::Unknown(0x7F)),
            (&[4, 0, 0], FrameError::Payload(4)),
            (&[4, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0], FrameError::Payload(4)),
            (&[6, 0, 2, 0, 0], FrameError::Payload(6)),
            (&[8, 0, 1, 0], FrameError::Payload(8)),
            (&[8, 0, 3, 0, 1, 0xFF], FrameError::Payload(8)),
            (&[9, 0, 1, 0], FrameError::Payload(9)),
            (&[10, 0, 0], FrameError::Payload(10)),
            (&[10, 0, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], FrameError::Payload(10)),
            (&[11, 0, 0], FrameError::Unknown(11)),
        ] {
            assert_eq!(read(&mut &*bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn a_long_close_text_is_cut_between_characters() {
        let mut out = Vec::new();
        write_close(&mut out, Reason::MALFORMED, &"é".repeat(150));
        let Ok(Frame::Close { text, .. }) = read(&mut &out[..]) else { panic!("{out:?}") };
        assert_eq!(text.len(), 200);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_loop(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(frames) = read_all(&bytes) {
                prop_assert!(frames.len() * HEADER <= bytes.len());
            }
        }
    }
}
