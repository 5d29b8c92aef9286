//! What a hub must remember, as small versioned entries. PROTOCOL.md, appendix B.

use alloc::vec::Vec;
use core::fmt;

use crate::{Name, PeerId};

const VERSION: u8 = 1;
const BOUND: u8 = 1;

/// One thing to remember.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// This name belongs to this key from now on.
    Bound { name: Name, key: PeerId },
}

/// Why an entry could not be read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryError {
    /// It was written by a later version.
    Version(u8),
    /// It is damaged, or it is no entry.
    Malformed,
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntryError::Version(v) => {
                write!(f, "a journal entry of the later version {v}: update this program")
            }
            EntryError::Malformed => f.write_str("a journal entry is damaged"),
        }
    }
}

impl core::error::Error for EntryError {}

impl Entry {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Entry::Bound { name, key } = self;
        [&[VERSION, BOUND][..], key.as_bytes(), name.as_str().as_bytes()].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Entry, EntryError> {
        let malformed = EntryError::Malformed;
        match bytes {
            [VERSION, BOUND, rest @ ..] => {
                let (key, name) = rest.split_first_chunk().ok_or(malformed)?;
                let name = core::str::from_utf8(name).map_err(|_| malformed)?;
                let name = name.parse().map_err(|_| malformed)?;
                Ok(Entry::Bound { name, key: PeerId::from_bytes(*key) })
            }
            [VERSION, ..] | [] => Err(malformed),
            [version, ..] => Err(EntryError::Version(*version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            name in "[a-z0-9._-]{0,70}",
            whole: bool,
        ) {
            let bytes = if whole { [&[1, 1][..], &[7; 32], name.as_bytes()].concat() } else { bytes };
            match Entry::from_bytes(&bytes) {
                Ok(entry) => prop_assert_eq!(entry.to_bytes(), bytes),
                Err(EntryError::Version(v)) => prop_assert_eq!(v, bytes[0]),
                Err(EntryError::Malformed) => prop_assert!(!whole || name.parse::<Name>().is_err()),
            }
        }
    }
}
