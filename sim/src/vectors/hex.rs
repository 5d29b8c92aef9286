//! Bytes as they stand in the files.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as hexadecimal digits in lower case.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

impl Hex {
    /// Exactly so many bytes.
    ///
    /// # Errors
    /// When there are more or less.
    pub fn array<const N: usize>(&self) -> Result<[u8; N], String> {
        let wrong = |_| format!("{} bytes where {N} should be", self.0.len());
        self.0.as_slice().try_into().map_err(wrong)
    }
}

impl<T: AsRef<[u8]>> From<T> for Hex {
    fn from(bytes: T) -> Hex {
        Hex(bytes.as_ref().to_vec())
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Hex, D::Error> {
        let text = String::deserialize(d)?;
        HEXLOWER.decode(text.as_bytes()).map(Hex).map_err(serde::de::Error::custom)
    }
}
