//! A trace as a file has it. docs/TRACE.md specifies it.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::trace::bytes::{Reader, Sink, TraceError};
use crate::trace::call::{Entry, op, read_entry};
use crate::trace::header::{Ciphers, Header};
use crate::trace::part::Part;
use crate::{Instant, PeerId};

/// How a trace begins: not as a text does, and not whole when line ends were changed on the way.
const MAGIC: [u8; 8] = *b"\x89HOMTR\r\n";
/// The format's version.
pub(super) const VERSION: u8 = 3;

/// What comes before the entries. `oldest` is the first entry's number and the time before it.
pub(super) fn write_beginning(out: &mut Vec<u8>, header: &[u8], oldest: (u64, u64), whole: bool) {
    out.put(&MAGIC);
    out.byte(VERSION);
    out.put(header);
    whole.write(out);
    out.number(oldest.0);
    out.number(oldest.1);
}

/// What comes after them.
pub(super) fn write_end(out: &mut Vec<u8>, entries: u64) {
    out.byte(op::END);
    out.number(entries);
}

/// What a node was told, and checksums of what came of it.
///
/// It has been read from front to back: each entry in it is well formed. Whether it is true is for a
/// [replay](crate::trace::replay) to say. **Unless it is [redacted](crate::trace::redact), it contains the
/// node's private key and all that was said**; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Trace {
    bytes: Zeroizing<Vec<u8>>,
    header: Header,
    whole: bool,
    /// Where the entries begin.
    entries: usize,
    first: u64,
    clock: Instant,
    count: u64,
}

impl Trace {
    /// Reads a trace. What it needs is in proportion to the bytes, whatever they say.
    ///
    /// # Errors
    /// [`TraceError`]: what is wrong with the bytes, and where.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Trace, TraceError> {
        let bytes = Zeroizing::new(bytes.into());
        let mut input = Reader::new(&bytes);
        match input.take(MAGIC.len()) {
            Ok(magic) if magic == MAGIC => {}
            Err(e) if !bytes.is_empty() && MAGIC.starts_with(&bytes) => return Err(e),
            _ => return Err(TraceError::NotATrace),
        }
        match input.byte()? {
            VERSION => {}
            version => return Err(TraceError::Version(version)),
        }
        let header = Header::read(&mut input)?;
        let whole = bool::read(&mut input)?;
        let first = input.number()?;
        let clock = Instant::from_micros(input.number()?);
        if whole && (first, clock) != (0, header.start) {
            return Err(input.wrong("a whole trace that does not begin at its beginning"));
        }
        let entries = input.at();
        let (mut count, mut now) = (0u64, clock);
        while let Some(entry) = read_entry(&mut input, first.wrapping_add(count), now)? {
            (count, now) = (count + 1, entry.now);
        }
        if input.number()? != count || first.checked_add(count).is_none() {
            return Err(input.wrong("another number of entries than it says"));
        }
        if !input.is_at_end() {
            return Err(input.wrong("something behind its end"));
        }
        Ok(Trace { header, whole, entries, first, clock, count, bytes })
    }

    /// The bytes that it was read from.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it begins when the node did. Only such a trace can be replayed.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whose cryptography it is to be replayed with.
    pub const fn ciphers(&self) -> Ciphers {
        self.header.ciphers
    }

    /// When the node was made, by its driver's clock.
    pub const fn start(&self) -> Instant {
        self.header.start
    }

    /// The node's public key.
    pub fn peer_id(&self) -> PeerId {
        let provider = self.header.ciphers.provider();
        PeerId::from_bytes(provider.public_key(self.header.key.expose()))
    }

    /// How many entries it has.
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Its entries, in the order in which they happened.
    pub fn entries(&self) -> Entries<'_> {
        let mut input = Reader::new(&self.bytes);
        // They begin within the bytes: they were read.
        let _ = input.take(self.entries);
        Entries { input, number: self.first, now: self.clock }
    }

    pub(super) const fn header(&self) -> &Header {
        &self.header
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("ciphers", &self.header.ciphers)
            .field("whole", &self.whole)
            .field("entries", &self.count)
            .finish_non_exhaustive()
    }
}

/// The entries of a trace: [`Trace::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    input: Reader<'a>,
    number: u64,
    now: Instant,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        // All of them have been read once without an error.
        let mut ahead = self.input.clone();
        let entry = read_entry(&mut ahead, self.number, self.now).ok().flatten()?;
        (self.input, self.number, self.now) = (ahead, self.number + 1, entry.now);
        Some(entry)
    }
}
