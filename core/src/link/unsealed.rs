//! A record before it is encrypted.

use crate::buffer::Buffer;
use crate::noise::Transport;
use crate::wire::record;

/// A record at the end of what is to be written, whose frames are put together where they are encrypted.
pub(super) struct Unsealed<'a> {
    out: &'a mut Buffer,
    /// Where its header is.
    start: usize,
}

impl<'a> Unsealed<'a> {
    pub(super) fn begin(out: &'a mut Buffer, frames: &[u8]) -> Unsealed<'a> {
        let start = out.len();
        out.extend_from_slice(&[0; record::HEADER]);
        out.extend_from_slice(frames);
        Unsealed { out, start }
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.start + record::HEADER
    }

    /// Appends frames, or a part of one.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Encrypts what was added, and `last` behind it; the bytes of the record. If there is nothing, there is no record.
    pub(super) fn seal(mut self, transport: &mut Transport, last: &[u8]) -> usize {
        let Unsealed { start, .. } = self;
        let begin = start + record::HEADER;
        let sealed = if self.is_empty() {
            if last.is_empty() {
                self.out.truncate(start);
                return 0;
            }
            transport.seal(last, self.out)
        } else {
            self.add(last);
            transport.seal_there(self.out, begin)
        };
        let length = self.out.len() - begin;
        // The frames fit: nothing longer is ever put together. A nonce is 64 bits: it does not run out. Were it
        // otherwise, the neighbour must not get half a record.
        match (sealed, u16::try_from(length), self.out.get_mut(start..begin)) {
            (Ok(()), Ok(length), Some(header)) => header.copy_from_slice(&length.to_be_bytes()),
            _ => {
                self.out.truncate(start);
                return 0;
            }
        }
        length
    }
}
