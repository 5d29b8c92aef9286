//! What came in on one link, with each record that was opened in the clear, and without the bodies.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::LinkId;
use crate::trace::redact::letters;
use crate::trace::redact::spy::Seen;
use crate::trace::unsealed::{RIGHT, WRONG};
use crate::wire::record;

/// The parts of a handshake that are encrypted for its reader: a key and a hello. Frames come after them.
const HANDSHAKE: usize = 2;
/// A public key in the clear.
const EPHEMERAL: usize = 32;

/// All that came in on one link.
#[derive(Debug)]
pub(super) struct Stream {
    is_accepted: bool,
    bytes: Zeroizing<Vec<u8>>,
    /// Behind what was opened last.
    opened_until: usize,
    opened: usize,
    /// What the second run has been told.
    told: usize,
}

impl Stream {
    pub(super) fn new(link: LinkId) -> Stream {
        let bytes = Zeroizing::new(Vec::new());
        Stream { is_accepted: link.is_accepted(), bytes, opened_until: 0, opened: 0, told: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The node has done this with the next of the bytes. False when it is not there.
    pub(super) fn saw(&mut self, seen: &Seen<'_>) -> bool {
        match seen {
            Seen::Opened { tag, plain } => {
                let Some((content, place)) = self.next(plain.len(), tag) else { return false };
                content.copy_from_slice(plain);
                place.copy_from_slice(&RIGHT);
                if self.opened > HANDSHAKE {
                    let content = self.opened_until - tag.len() - plain.len()..self.opened_until - tag.len();
                    letters::blank_frames(&mut self.bytes[content]);
                }
                true
            }
            Seen::Forged { tag, length } => {
                let Some((content, place)) = self.next(*length, tag) else { return false };
                content.fill(0);
                place.copy_from_slice(&WRONG);
                true
            }
            Seen::Refused { public } => {
                let Some(at) = self.bytes.windows(32).rposition(|key| key == public) else { return false };
                self.bytes[at..at + 32].fill(0);
                true
            }
        }
    }

    /// The next `length` bytes that are encrypted, and the tag behind them, which must be this one.
    fn next(&mut self, length: usize, tag: &[u8; 16]) -> Option<(&mut [u8], &mut [u8])> {
        let start = match self.opened {
            // The third message, behind the preface and the first; or the second, behind its ephemeral key.
            0 if self.is_accepted => {
                let first = self.bytes.get(record::PREFACE..)?.first_chunk()?;
                record::PREFACE + record::HEADER + usize::from(u16::from_be_bytes(*first)) + record::HEADER
            }
            0 => record::HEADER + EPHEMERAL,
            // The hello stands behind the key.
            1 => self.opened_until,
            _ => self.opened_until + record::HEADER,
        };
        let end = start + length + tag.len();
        let found = self.bytes.get_mut(start..end)?;
        self.opened_until = end;
        self.opened += 1;
        let (content, place) = found.split_at_mut(length);
        (place == tag).then_some((content, place))
    }

    /// The next so many bytes for the second run.
    pub(super) fn tell(&mut self, n: usize) -> &[u8] {
        let from = self.told;
        self.told += n;
        self.bytes.get(from..self.told).unwrap_or_default()
    }
}
