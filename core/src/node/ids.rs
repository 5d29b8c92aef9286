//! Ids of this node's own, which it knows again.

use siphasher::sip::SipHasher13;

use crate::key::{Purpose, Seed, Stream};
use crate::wire::MessageId;

/// The bytes of an id that are random. Of 2^40 ids, no two are alike with good probability.
const RANDOM: usize = 10;
/// How many are made at once: the stream is slow in small pieces, and goes by whole blocks of its cipher.
const BATCH: usize = 64;

/// Gives ids whose last six bytes prove, to this node alone, that it gave them: a keyed hash of the
/// rest. So news of any message can be told from forged news without keeping a list of all messages.
pub(super) struct Ids {
    stream: Stream,
    /// Made ahead, and given from `at` on. One that was put together a moment ago, in pieces, is read slowly.
    made: [MessageId; BATCH],
    at: usize,
    hasher: SipHasher13,
}

impl Ids {
    pub(super) fn new(seed: &Seed) -> Ids {
        let mut key = [0; 16];
        seed.stream(Purpose::IdKey, 0).fill(&mut key);
        Ids {
            stream: seed.stream(Purpose::MessageId, 0),
            made: [MessageId([0; 16]); BATCH],
            at: BATCH,
            hasher: SipHasher13::new_with_key(&key),
        }
    }

    pub(super) fn next(&mut self) -> MessageId {
        if self.at == BATCH {
            self.make();
        }
        let id = self.made[self.at];
        self.at += 1;
        id
    }

    #[cold]
    fn make(&mut self) {
        let mut drawn = [0; BATCH * RANDOM];
        self.stream.fill(&mut drawn);
        for (at, random) in drawn.chunks_exact(RANDOM).enumerate() {
            let proof = self.proof(random);
            let (first, last) = self.made[at].0.split_at_mut(RANDOM);
            first.copy_from_slice(random);
            last.copy_from_slice(&proof);
        }
        self.at = 0;
    }

    pub(super) fn is_ours(&self, id: MessageId) -> bool {
        self.proof(&id.0[..RANDOM]) == id.0[RANDOM..]
    }

    fn proof(&self, random: &[u8]) -> [u8; 16 - RANDOM] {
        let [.., a, b, c, d, e, f] = self.hasher.hash(random).to_be_bytes();
        [a, b, c, d, e, f]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_knows_its_own_ids_and_no_others() {
        let seed = |n| Seed::from_bytes([n; 32]);
        let (mut ours, mut theirs) = (Ids::new(&seed(1)), Ids::new(&seed(2)));
        for _ in 0..100 {
            let (id, other) = (ours.next(), theirs.next());
            assert!(ours.is_ours(id) && !theirs.is_ours(id) && !ours.is_ours(other));
            for bit in 0..128 {
                let mut wrong = id;
                wrong.0[bit / 8] ^= 1 << (bit % 8);
                assert!(!ours.is_ours(wrong));
            }
        }
    }
}
