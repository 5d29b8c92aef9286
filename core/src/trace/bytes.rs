//! Numbers, texts and bytes, as the format writes and reads them.

use alloc::vec::Vec;
use core::fmt;

/// Where bytes go: into a file, or into a checksum.
pub(super) trait Sink {
    /// Takes some.
    fn put(&mut self, bytes: &[u8]);

    fn byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that there is more (LEB128).
    fn number(&mut self, mut n: u64) {
        loop {
            let low = n.to_le_bytes()[0] & 0x7F;
            n >>= 7;
            if n == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// Its length, then the bytes.
    fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.put(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Why bytes are no trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceError {
    /// They do not begin as a trace does.
    NotATrace,
    /// It was written in another version of the format.
    Version(u8),
    /// It ends too early: it was cut off, or is still being written.
    Truncated,
    /// It is damaged.
    Malformed {
        /// Where, in bytes from the beginning.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::NotATrace => f.write_str("it is no trace"),
            TraceError::Version(version) => {
                write!(f, "a trace in version {version} of the format, which this program does not read")
            }
            TraceError::Truncated => f.write_str("the trace ends too early"),
            TraceError::Malformed { at, what } => write!(f, "the trace is damaged at byte {at}: {what}"),
        }
    }
}

impl core::error::Error for TraceError {}

/// Reads from the front. There is one way to write each value, and no other is read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How far it is.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) const fn wrong(&self, what: &'static str) -> TraceError {
        TraceError::Malformed { at: self.at, what }
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], TraceError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..n).ok_or(TraceError::Truncated)?;
        self.at += n;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TraceError> {
        self.take(N)?.first_chunk().copied().ok_or(TraceError::Truncated)
    }

    pub(super) fn byte(&mut self) -> Result<u8, TraceError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, TraceError> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7F);
            if low << shift >> shift != low {
                return Err(self.wrong("a number that is too large"));
            }
            n |= low << shift;
            if byte & 0x80 == 0 {
                let longer_than_need_be = byte == 0 && shift > 0;
                return if longer_than_need_be {
                    Err(self.wrong("a number with zeros before it"))
                } else {
                    Ok(n)
                };
            }
        }
        Err(self.wrong("a number that is too large"))
    }

    pub(super) fn size(&mut self) -> Result<usize, TraceError> {
        let n = self.number()?;
        usize::try_from(n).map_err(|_| self.wrong("a size that this machine cannot count"))
    }

    pub(super) fn blob(&mut self) -> Result<&'a [u8], TraceError> {
        let length = self.size()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, TraceError> {
        let bytes = self.blob()?;
        core::str::from_utf8(bytes).map_err(|_| self.wrong("a text that is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_number_comes_back_in_as_few_bytes_as_can_be(n: u64, shift in 0u32..64) {
            let n = n >> shift;
            let mut out = Vec::new();
            out.number(n);
            prop_assert_eq!(out.len(), (64 - n.leading_zeros()).div_ceil(7).max(1) as usize);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Ok(n));
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn what_is_read_is_written_again(bytes in proptest::collection::vec(any::<u8>(), 0..16)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(n) = reader.number() {
                let mut out = Vec::new();
                out.number(n);
                prop_assert_eq!(&out, &bytes[..reader.at()]);
            }
        }
    }

    #[test]
    fn what_is_refused() {
        for (bytes, error) in [
            (&[][..], TraceError::Truncated),
            (&[0x80], TraceError::Truncated),
            (&[0x80, 0], TraceError::Malformed { at: 2, what: "a number with zeros before it" }),
            (&[0xFF; 10], TraceError::Malformed { at: 10, what: "a number that is too large" }),
        ] {
            assert_eq!(Reader::new(bytes).number(), Err(error), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[5, b'a']).blob(), Err(TraceError::Truncated));
        let not_utf8 = TraceError::Malformed { at: 2, what: "a text that is not UTF-8" };
        assert_eq!(Reader::new(&[1, 0xFF]).text(), Err(not_utf8));
    }
}
