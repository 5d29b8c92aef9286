//! Who is in a network: what a hub tells, and what a peer keeps of it. PROTOCOL.md, section 12.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use crate::node::agenda::{ADDRESS_TEXT, tree_memory};
use crate::node::event::PeerInfo;
use crate::wire::letter::objects;
use crate::{Address, PeerId};

/// The path under which rosters are told and asked for.
pub(crate) const PATH: &str = "/roster";

/// One part of an update: the body of `observe /roster`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Update {
    /// The version that it changes; none for a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<u64>,
    /// The version that it leads to.
    pub(crate) to: u64,
    /// Whether further parts of the same update follow.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) more: bool,
    /// Who came or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "objects")]
    pub(crate) put: Vec<PeerJson>,
    /// Who left, by full address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) gone: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
const fn is_false(more: &bool) -> bool {
    !*more
}

/// A peer as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PeerJson {
    /// Its full address.
    pub(crate) address: String,
    /// Its key's text.
    pub(crate) key: String,
    /// Its priority.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) priority: i8,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
const fn is_zero(priority: &i8) -> bool {
    *priority == 0
}

impl From<&PeerInfo> for PeerJson {
    fn from(peer: &PeerInfo) -> PeerJson {
        PeerJson { address: peer.address.to_string(), key: peer.key.to_string(), priority: peer.priority }
    }
}

impl PeerJson {
    fn read(&self) -> Option<PeerInfo> {
        let address: Address = self.address.parse().ok()?;
        let key: PeerId = self.key.parse().ok()?;
        Some(PeerInfo { address, key, priority: self.priority })
    }
}

/// Cuts an update into parts, each small enough for a letter of `most` bytes, and tells them to `each`, one after the
/// other: no more than one is held at a time.
pub(crate) fn parts(
    from: Option<u64>,
    to: u64,
    put: impl IntoIterator<Item = PeerJson>,
    gone: impl IntoIterator<Item = String>,
    most: usize,
    mut each: impl FnMut(&Update),
) {
    // JSON around one entry, and a priority: what is not text of its own.
    const AROUND: usize = 48;
    let mut part = Update { from, to, ..Update::default() };
    let mut size = AROUND * 2;
    let mut turn = |part: &mut Update, add: usize| {
        if size + add > most && !(part.put.is_empty() && part.gone.is_empty()) {
            part.more = true;
            each(part);
            // The parts that follow change the version that the first one began.
            *part = Update { from: Some(to), to, ..Update::default() };
            size = AROUND * 2;
        }
        size += add;
    };
    // Those who left make room for those who came.
    for address in gone {
        turn(&mut part, address.len() + AROUND);
        part.gone.push(address);
    }
    for peer in put {
        turn(&mut part, peer.address.len() + peer.key.len() + AROUND);
        part.put.push(peer);
    }
    each(&part);
}

/// What changed at a hub and is not told yet.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    version: u64,
    /// By full address; none: it left.
    waiting: BTreeMap<Address, Option<PeerInfo>>,
}

impl Changes {
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn put(&mut self, peer: PeerInfo) {
        if planted!(BackTooSoon) && self.waiting.contains_key(&peer.address) {
            return;
        }
        self.waiting.insert(peer.address.clone(), Some(peer));
    }

    pub(crate) fn gone(&mut self, address: Address) {
        self.waiting.insert(address, None);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next version: who came, and who left.
    pub(crate) fn advance(&mut self) -> (Vec<PeerJson>, Vec<String>) {
        self.version += 1;
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        for (address, change) in mem::take(&mut self.waiting) {
            match change {
                Some(peer) => put.push(PeerJson::from(&peer)),
                None => gone.push(address.to_string()),
            }
        }
        (put, gone)
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(Address, Option<PeerInfo>)>(self.waiting.len()) + self.waiting.len() * ADDRESS_TEXT
    }
}

/// A peer's own copy of its network's roster.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// None before the first snapshot is whole.
    version: Option<u64>,
    peers: BTreeMap<Address, PeerInfo>,
    /// A snapshot, by version, whose parts are still coming.
    incoming: Option<(u64, BTreeMap<Address, PeerInfo>)>,
}

/// What an update came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Applied {
    /// These came, and these left.
    Changed { up: Vec<PeerInfo>, down: Vec<PeerInfo> },
    /// It does not follow on what is known: a snapshot must be asked for.
    Gap,
    /// It is not what an update should be.
    Malformed,
    /// More peers than this node holds.
    TooLarge,
}

impl Roster {
    /// Applies one part, of the roster of `network`, which may have `most` entries.
    pub(crate) fn apply(&mut self, update: &Update, network: &str, most: usize) -> Applied {
        let mut put = Vec::with_capacity(update.put.len());
        for peer in &update.put {
            match peer.read() {
                Some(peer) if peer.address.network() == network && !peer.address.is_everyone() => {
                    put.push(peer);
                }
                _ => return Applied::Malformed,
            }
        }
        let mut gone = Vec::with_capacity(update.gone.len());
        for address in &update.gone {
            match address.parse::<Address>() {
                Ok(address) => gone.push(address),
                Err(_) => return Applied::Malformed,
            }
        }
        let incoming = match (update.from, self.incoming.take()) {
            (None, _) => Some((update.to, BTreeMap::new())),
            // The parts behind a snapshot's first continue what that one began.
            (Some(from), Some(begun)) if from == begun.0 && update.to == begun.0 => Some(begun),
            (from, _) if from == self.version => None,
            _ => return Applied::Gap,
        };
        let known = incoming.as_ref().map_or(&self.peers, |(_, peers)| peers);
        let new = put.iter().filter(|peer| !known.contains_key(&peer.address)).count();
        // In a snapshot nobody leaves.
        let left = match incoming {
            Some(_) => 0,
            None if planted!(GoneStillCounts) => 0,
            None => gone.iter().filter(|a| known.contains_key(*a)).collect::<BTreeSet<_>>().len(),
        };
        if (known.len() + new).saturating_sub(left) > most {
            return Applied::TooLarge;
        }
        if let Some((version, mut peers)) = incoming {
            peers.extend(put.into_iter().map(|peer| (peer.address.clone(), peer)));
            if update.more {
                self.incoming = Some((version, peers));
                return Applied::Changed { up: Vec::new(), down: Vec::new() };
            }
            self.version = Some(version);
            return self.replace(peers);
        }
        self.version = Some(update.to);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for address in gone {
            down.extend(self.peers.remove(&address));
        }
        for peer in put {
            match self.peers.insert(peer.address.clone(), peer.clone()) {
                Some(before) if before == peer => {}
                Some(before) => {
                    down.push(before);
                    up.push(peer);
                }
                None => up.push(peer),
            }
        }
        Applied::Changed { up, down }
    }

    fn replace(&mut self, mut new: BTreeMap<Address, PeerInfo>) -> Applied {
        if planted!(SnapshotMerged) {
            new.append(&mut self.peers.clone());
        }
        let old = mem::replace(&mut self.peers, new);
        let down = old.values().filter(|peer| self.peers.get(&peer.address) != Some(peer)).cloned().collect();
        let up = self.peers.values().filter(|peer| old.get(&peer.address) != Some(peer)).cloned().collect();
        Applied::Changed { up, down }
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerInfo> {
        self.peers.values()
    }

    pub(crate) fn memory(&self) -> usize {
        let entries = self.peers.len() + self.incoming.as_ref().map_or(0, |(_, peers)| peers.len());
        tree_memory::<(Address, PeerInfo)>(entries) + entries * ADDRESS_TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(n: u8, priority: i8) -> PeerInfo {
        PeerInfo {
            address: alloc::format!("p{n}@home/x").parse().unwrap(),
            key: PeerId::from_bytes([n; 32]),
            priority,
        }
    }

    fn snapshot_of(hub: &BTreeMap<Address, PeerInfo>, version: u64, most: usize) -> Vec<Update> {
        all_parts(None, version, hub.values().map(PeerJson::from).collect(), Vec::new(), most)
    }

    fn all_parts(
        from: Option<u64>,
        to: u64,
        put: Vec<PeerJson>,
        gone: Vec<String>,
        most: usize,
    ) -> Vec<Update> {
        let mut all = Vec::new();
        parts(from, to, put, gone, most, |part| all.push(part.clone()));
        all
    }

    #[test]
    fn what_is_refused() {
        let mut roster = Roster::default();
        let mut update = Update { to: 1, put: alloc::vec![(&peer(1, 0)).into()], ..Update::default() };
        assert_eq!(roster.apply(&update, "other", 9), Applied::Malformed);
        assert_eq!(roster.apply(&update, "home", 0), Applied::TooLarge);
        update.from = Some(0);
        assert_eq!(roster.apply(&update, "home", 9), Applied::Gap);
        update.put[0].key.clear();
        assert_eq!(roster.apply(&update, "home", 9), Applied::Malformed);
        assert_eq!(roster.peers().count(), 0);
    }

    proptest! {
        /// Whatever comes, goes, is lost on the way and asked for again: in the end the peer knows
        /// what the hub knows, and was told of each difference.
        #[test]
        fn a_peer_follows_its_hub(
            rounds in proptest::collection::vec((proptest::collection::vec((0u8..9, 0i8..2, any::<bool>()), 0..6), any::<bool>()), 1..20),
            most in 100usize..2000,
        ) {
            let (mut hub, mut changes) = (BTreeMap::new(), Changes::default());
            let (mut roster, mut told) = (Roster::default(), BTreeMap::new());
            let mut tell = |roster: &mut Roster, update: &Update| -> Result<bool, TestCaseError> {
                match roster.apply(update, "home", 100) {
                    Applied::Changed { up, down } => {
                        for peer in down { prop_assert_eq!(told.remove(&peer.address), Some(peer)); }
                        for peer in up { prop_assert_eq!(told.insert(peer.address.clone(), peer), None); }
                        prop_assert!(roster.incoming.is_some() || told.values().eq(roster.peers()));
                        Ok(true)
                    }
                    Applied::Gap => Ok(false),
                    refused => Err(TestCaseError::fail(alloc::format!("{refused:?}"))),
                }
            };
            for (steps, lost) in rounds {
                for (n, priority, there) in steps {
                    let peer = peer(n, priority);
                    if there {
                        hub.insert(peer.address.clone(), peer.clone());
                        changes.put(peer);
                    } else if hub.remove(&peer.address).is_some() {
                        changes.gone(peer.address);
                    }
                }
                let from = changes.version();
                let (put, gone) = changes.advance();
                if lost { continue; }
                for part in all_parts(Some(from), from + 1, put, gone, most) {
                    if !tell(&mut roster, &part)? {
                        for part in snapshot_of(&hub, from + 1, most) {
                            prop_assert!(tell(&mut roster, &part)?);
                        }
                        break;
                    }
                }
                prop_assert!(roster.peers().eq(hub.values()));
            }
        }

        #[test]
        fn parts_are_small_enough(n in 0u8..60, most in 200usize..3000) {
            let put: Vec<PeerJson> = (0..n).map(|n| (&peer(n, -100)).into()).collect();
            let gone = (0..n).map(|n| peer(n, 0).address.to_string()).collect();
            let all = all_parts(Some(7), 8, put, gone, most);
            prop_assert_eq!(all.iter().map(|p| p.put.len() + p.gone.len()).sum::<usize>(), 2 * usize::from(n));
            prop_assert_eq!(all.iter().filter(|p| !p.more).count(), 1);
            for part in &all {
                prop_assert!(serde_json::to_vec(part).unwrap().len() <= most);
            }
        }
    }
}
