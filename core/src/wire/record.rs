//! The preface and the records: PROTOCOL.md, sections 2 and 3.

use crate::Reason;

/// The length of the preface.
pub const PREFACE: usize = 8;
/// The first six bytes of the preface.
pub const MAGIC: [u8; 6] = *b"homing";
/// The protocol's version, the seventh byte.
pub const VERSION: u8 = 1;
/// The bytes before a record's content: its length.
pub const HEADER: usize = 2;
/// The largest content of a record: a Noise message (Noise specification, section 3).
pub const MAX_RECORD: usize = 65_535;
/// The bytes that authenticate a record.
pub const TAG: usize = 16;
/// The largest plaintext of a record after the handshake.
pub const MAX_PLAINTEXT: usize = MAX_RECORD - TAG;

/// The preface of an initiator that chose `suite`.
pub const fn preface(suite: u8) -> [u8; PREFACE] {
    let [a, b, c, d, e, f] = MAGIC;
    [a, b, c, d, e, f, VERSION, suite]
}

/// What the first bytes from an initiator are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preface {
    /// So far it is one; more is to come.
    More,
    /// It is one, of this version, with this suite's byte.
    Suite(u8),
    /// It is one, of another version.
    OtherVersion(u8),
    /// It is something else: to be closed without an answer.
    NotHoming,
}

/// Reads a preface from the first bytes of a stream. The first wrong byte decides.
pub fn read_preface(bytes: &[u8]) -> Preface {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Preface::NotHoming;
    }
    match bytes.get(MAGIC.len()) {
        Some(&version) if version != VERSION => Preface::OtherVersion(version),
        Some(_) => bytes.get(PREFACE - 1).map_or(Preface::More, |&suite| Preface::Suite(suite)),
        None => Preface::More,
    }
}

/// What the next bytes of a stream of records are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// Not enough bytes to tell: this many are needed in all.
    More(usize),
    /// A record whose content is this long; it begins at [`HEADER`].
    Record(usize),
    /// A refusal: length zero, then a reason.
    Refusal(Reason),
}

/// Reads what `bytes` begin with. Whether a length or a refusal is allowed is for the caller,
/// who knows the state.
pub fn read_header(bytes: &[u8]) -> Header {
    match *bytes {
        [0, 0, high, low, ..] => Header::Refusal(Reason::from_code(u16::from_be_bytes([high, low]))),
        [0, 0, ..] => Header::More(2 * HEADER),
        [high, low, ..] => Header::Record(usize::from(u16::from_be_bytes([high, low]))),
        _ => Header::More(HEADER),
    }
}

/// The bytes of a refusal.
pub const fn refusal(reason: Reason) -> [u8; 4] {
    let [high, low] = reason.code().to_be_bytes();
    [0, 0, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_told_at_its_first_wrong_byte() {
        let whole = preface(2);
        assert_eq!(&whole, b"homing\x01\x02");
        for cut in 0..PREFACE {
            assert_eq!(read_preface(&whole[..cut]), Preface::More);
        }
        assert_eq!(read_preface(&whole), Preface::Suite(2));
        assert_eq!(read_preface(b"G"), Preface::NotHoming);
        assert_eq!(read_preface(b"GET / HTTP/1.1\r\n\r\n"), Preface::NotHoming);
        assert_eq!(read_preface(b"homing\x02"), Preface::OtherVersion(2));
        for at in 0..MAGIC.len() {
            for bit in 0..8 {
                let mut wrong = whole;
                wrong[at] ^= 1 << bit;
                assert_eq!(read_preface(&wrong), Preface::NotHoming);
            }
        }
    }

    #[test]
    fn headers() {
        assert_eq!(read_header(&[]), Header::More(2));
        assert_eq!(read_header(&[1]), Header::More(2));
        assert_eq!(read_header(&[0, 0, 1]), Header::More(4));
        assert_eq!(read_header(&[0xFF, 0xFF]), Header::Record(MAX_RECORD));
        assert_eq!(read_header(&refusal(Reason::BUSY)), Header::Refusal(Reason::BUSY));
    }
}
