//! Ids of this node's own, which it knows again.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use crate::key::{Purpose, Seed};
use crate::wire::MessageId;

/// How many are made at once: one block is encrypted in the time of several.
const BATCH: usize = 64;

/// Gives ids that are the numbers 0, 1, 2 .., each encrypted as one block of AES-128 under a key that nobody else has. To
/// others they are random, and no two are alike; this node decrypts one and sees whether it gave it. So news of any
/// message can be told from forged news without keeping a list of all messages.
pub(super) struct Ids {
    cipher: Aes128,
    /// How many were given.
    given: u64,
    /// Made ahead. One that was put together a moment ago, in pieces, is read slowly.
    made: [MessageId; BATCH],
}

impl Ids {
    pub(super) fn new(seed: &Seed) -> Ids {
        let mut key = Zeroizing::new([0; 16]);
        seed.stream(Purpose::IdKey, 0).fill(&mut *key);
        Ids { cipher: Aes128::new((&*key).into()), given: 0, made: [MessageId([0; 16]); BATCH] }
    }

    #[inline]
    pub(super) fn next(&mut self) -> MessageId {
        #[allow(clippy::cast_possible_truncation)] // less than a batch
        let at = (self.given % BATCH as u64) as usize;
        if at == 0 {
            self.make();
        }
        self.given += 1;
        self.made[at]
    }

    #[cold]
    fn make(&mut self) {
        let mut blocks = [[0; 16]; BATCH];
        for (number, block) in (u128::from(self.given)..).zip(&mut blocks) {
            *block = number.to_be_bytes();
        }
        self.cipher.encrypt_blocks(Array::cast_slice_from_core_mut(&mut blocks));
        self.made = blocks.map(MessageId);
    }

    pub(super) fn is_ours(&self, id: MessageId) -> bool {
        let mut block = id.0.into();
        self.cipher.decrypt_block(&mut block);
        u128::from_be_bytes(block.into()) < u128::from(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn a_node_knows_its_own_ids_and_no_others() {
        let seed = |n| Seed::from_bytes([n; 32]);
        let (mut ours, mut theirs) = (Ids::new(&seed(1)), Ids::new(&seed(2)));
        let mut seen = BTreeSet::new();
        for _ in 0..3 * BATCH {
            let (id, other) = (ours.next(), theirs.next());
            assert!(ours.is_ours(id) && !theirs.is_ours(id) && !ours.is_ours(other));
            assert!(seen.insert(id), "twice");
            for bit in 0..128 {
                let mut wrong = id;
                wrong.0[bit / 8] ^= 1 << (bit % 8);
                assert!(!ours.is_ours(wrong));
            }
        }
    }

    #[test]
    fn what_is_made_and_was_not_given_is_nobodys() {
        let seed = Seed::from_bytes([1; 32]);
        let (mut ids, mut ahead) = (Ids::new(&seed), Ids::new(&seed));
        for _ in 0..2 * BATCH {
            let id = ahead.next();
            assert!(!ids.is_ours(id));
            assert!(ids.next() == id && ids.is_ours(id));
        }
    }
}
