//! Addresses that came lately: most envelopes of a link are from the same few and for the same few.

use alloc::boxed::Box;

use crate::node::agenda::ADDRESS_TEXT;
use crate::{Address, AddressError};

const SLOTS: usize = 64;

/// Addresses that need not be parsed and copied again. Each text has one place, where the last that
/// came is: what is not found is parsed.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// None before the first.
    slots: Option<Box<[Option<Address>; SLOTS]>>,
}

impl Recent {
    /// The address that `text` says.
    pub(super) fn address(&mut self, text: &str) -> Result<Address, AddressError> {
        let slots = self.slots.get_or_insert_with(|| Box::new([const { None }; SLOTS]));
        let slot = &mut slots[place(0, text.as_bytes(), SLOTS)];
        if let Some(address) = slot.as_ref().filter(|address| address.as_str() == text) {
            return Ok(address.clone());
        }
        let address: Address = text.parse()?;
        *slot = Some(address.clone());
        Ok(address)
    }

    pub(super) fn memory(&self) -> usize {
        let Some(slots) = &self.slots else { return 0 };
        size_of_val(&**slots) + slots.iter().flatten().count() * ADDRESS_TEXT
    }
}

/// Where `text`, beside a number, has its place among so many: any will do, as nothing but speed depends on it.
pub(super) fn place(number: u64, text: &[u8], places: usize) -> usize {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = text.as_chunks();
    let hash = words.iter().fold(number, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    usize::try_from(mix(hash, rest) >> 32).unwrap_or_default() % places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_a_parser_says() {
        let mut recent = Recent::default();
        assert_eq!(recent.memory(), 0);
        for round in 0..3 {
            for n in 0..500 {
                let text = alloc::format!("n{n}@home/i{}", n % 7);
                assert_eq!(recent.address(&text), text.parse(), "{round}");
            }
            for text in ["", "ada", "Ada@home", "ada@", "@home", "*@home", "ada@home"] {
                assert_eq!(recent.address(text), text.parse());
            }
        }
        assert!(recent.memory() <= SLOTS * (ADDRESS_TEXT + 64));
    }
}
