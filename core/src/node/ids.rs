//! Ids of this node's own, which it knows again.

use siphasher::sip::SipHasher13;

use crate::key::{Purpose, Seed, Stream};
use crate::wire::MessageId;

/// The bytes of an id that are random. Of 2^40 ids, no two are alike with good probability.
const RANDOM: usize = 10;
/// How much is drawn from the stream at once: 128 ids, in whole blocks of the cipher.
const DRAWN: usize = 128 * RANDOM;

/// Gives ids whose last six bytes prove, to this node alone, that it gave them: a keyed hash of the
/// rest. So news of any message can be told from forged news without keeping a list of all messages.
pub(super) struct Ids {
    stream: Stream,
    /// Drawn, and used up to `at`: the stream is slow in small pieces.
    drawn: [u8; DRAWN],
    at: usize,
    hasher: SipHasher13,
}

impl Ids {
    pub(super) fn new(seed: &Seed) -> Ids {
        let mut key = [0; 16];
        seed.stream(Purpose::IdKey, 0).fill(&mut key);
        Ids {
            stream: seed.stream(Purpose::MessageId, 0),
            drawn: [0; DRAWN],
            at: DRAWN,
            hasher: SipHasher13::new_with_key(&key),
        }
    }

    pub(super) fn next(&mut self) -> MessageId {
        if self.at == DRAWN {
            self.stream.fill(&mut self.drawn);
            self.at = 0;
        }
        let mut id = [0; 16];
        id[..RANDOM].copy_from_slice(&self.drawn[self.at..][..RANDOM]);
        self.at += RANDOM;
        let proof = self.proof(&id[..RANDOM]);
        id[RANDOM..].copy_from_slice(&proof);
        MessageId(id)
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
