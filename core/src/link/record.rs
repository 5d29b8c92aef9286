//! A record while it is put together.

use crate::buffer::Buffer;
use crate::noise::Transport;
use crate::wire::record;

/// A record at the end of what is to be written, whose frames are put together where they are encrypted. Until it is
/// sealed it is not to be written: given up, in whatever way, it is gone.
pub(super) struct Record<'a> {
    out: &'a mut Buffer,
    /// Where its header is.
    start: usize,
    is_sealed: bool,
}

impl<'a> Record<'a> {
    /// One that begins with these frames.
    pub(super) fn begin(out: &'a mut Buffer, frames: &[u8]) -> Record<'a> {
        let start = out.len();
        let this = Record { out, start, is_sealed: false };
        this.out.extend_from_slice(&[0; record::HEADER]);
        this.out.extend_from_slice(frames);
        this
    }

    /// Where its frames begin.
    const fn frames(&self) -> usize {
        self.start + record::HEADER
    }

    /// Appends frames, or a part of one.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// What was added.
    #[cfg(test)]
    pub(super) fn unsealed(&self) -> &[u8] {
        &self.out[self.frames()..]
    }

    /// Encrypts what was added, and `last` behind it; the bytes of the record. If there is nothing, there is no record.
    pub(super) fn seal(mut self, transport: &mut Transport, last: &[u8]) -> usize {
        let begin = self.frames();
        let is_last_all = self.out.len() == begin;
        if is_last_all && last.is_empty() {
            return 0;
        }
        let sealed = if is_last_all {
            transport.seal(last, self.out)
        } else {
            self.add(last);
            transport.seal_there(self.out, begin)
        };
        let length = self.out.len() - begin;
        // The frames fit: nothing longer is ever put together. A nonce is 64 bits: it does not run out. Were it
        // otherwise, the neighbour must not get half a record.
        let (Ok(()), Ok(header)) = (sealed, u16::try_from(length)) else { return 0 };
        let Some(room) = self.out.get_mut(self.start..begin) else { return 0 };
        room.copy_from_slice(&header.to_be_bytes());
        self.is_sealed = true;
        length
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.is_sealed {
            self.out.truncate(self.start);
        }
    }
}
