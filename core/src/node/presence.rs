//! The roster on the way: a hub tells its members, a member keeps its copy. PROTOCOL.md, section 12.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::link::LinkId;
use crate::node::links::Neighbour;
use crate::node::roster::{self, Applied, Update};
use crate::node::submit::Outgoing;
use crate::node::{Event, Node, PeerInfo};
use crate::wire::Kind;
use crate::wire::letter::{Method, RequestHead, parse};
use crate::{Instant, Limits, Reason};

/// A member whose queue is full is told again after so many of the pauses between changes ..
const RETRY: u32 = 20;
/// .. but not sooner than this: each time costs as much as there are peers.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// The largest body of one part of an update: every neighbour takes a letter of it, with its head.
const PART: usize = Limits::LEAST_LETTER - 512;

impl Node {
    // ---- as a hub tells it

    /// The first change is told at once; those that follow closely wait for one another.
    pub(super) fn tell_changes_soon(&mut self) {
        let pause = self.config.limits.roster_delay;
        let at = self.changes_told.map_or(self.now, |told| told + pause).max(self.now);
        // A member that is behind and is told again later holds up nobody's news.
        self.changes_due = Some(self.changes_due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn tell_changes(&mut self) {
        self.changes_due = None;
        self.changes_told = Some(self.now);
        let most = PART;
        let from = self.changes.version();
        let deltas = if self.changes.is_empty() {
            None
        } else {
            let (put, gone) = self.changes.advance();
            Some(encode(roster::parts(Some(from), self.changes.version(), put, gone, most)))
        };
        let mut snapshot = None;
        let links: Vec<LinkId> = self.router.seats().map(|seat| seat.link).collect();
        let pause = self.config.limits.roster_delay.saturating_mul(RETRY).max(LEAST_RETRY);
        let again = self.after(pause);
        let mut next: Option<Instant> = None;
        for link in links {
            let Some(Neighbour::Member { snapshot: wanted, .. }) = self.links.neighbour(link) else {
                continue;
            };
            if let Some(at) = wanted.filter(|at| *at > self.now) {
                next = Some(next.map_or(at, |next| next.min(at)));
                continue;
            }
            let updates: &[Vec<u8>] = if wanted.is_some() {
                snapshot.get_or_insert_with(|| {
                    let everybody = self.served_peers().iter().map(Into::into).collect();
                    encode(roster::parts(None, self.changes.version(), everybody, Vec::new(), most))
                })
            } else {
                deltas.as_deref().unwrap_or_default()
            };
            // A member that does not keep up misses this one, and gets everything when it does.
            let missed =
                !updates.iter().all(|update| self.push_roster(link, update)) && !planted!(MissedWhenFull);
            if let Some(entry) = self.links.get_mut(link)
                && let Neighbour::Member { snapshot, .. } = &mut entry.neighbour
            {
                *snapshot = missed.then_some(again);
            }
            if missed {
                next = Some(next.map_or(again, |next| next.min(again)));
            }
        }
        if let Some(at) = next {
            self.changes_due = Some(self.changes_due.map_or(at, |due| due.min(at)));
        }
    }

    /// Everybody in the network that this node serves, itself first.
    pub(super) fn served_peers(&self) -> Vec<PeerInfo> {
        let Some(serving) = &self.config.serving else { return Vec::new() };
        let hub = PeerInfo { address: serving.address.clone(), key: self.peer_id, priority: 0 };
        core::iter::once(hub).chain(self.router.seats().map(super::admission::peer_info)).collect()
    }

    fn push_roster(&mut self, link: LinkId, update: &[u8]) -> bool {
        let head = RequestHead {
            method: Method::Observe,
            uri: roster::PATH.to_string(),
            content_type: "application/json".into(),
            patience: None,
        };
        let Ok(letter) = self.letter(&head, update) else { return false };
        let outgoing = Outgoing::new(Kind::Request, self.next_id());
        self.push_to_neighbour(link, &outgoing, &letter)
    }

    /// A member has missed something.
    pub(super) fn snapshot_wanted(&mut self, link: LinkId) {
        if let Some(entry) = self.links.get_mut(link)
            && let Neighbour::Member { snapshot, .. } = &mut entry.neighbour
        {
            *snapshot = Some(self.now);
            self.tell_changes_soon();
        }
    }

    // ---- as a member hears it

    pub(super) fn roster_told(&mut self, link: LinkId, body: &[u8]) {
        let Some(Neighbour::Hub(id)) = self.links.neighbour(link).cloned() else {
            return;
        };
        let most = self.config.limits.roster;
        let Some(member) = self.uplinks.membership_mut(id) else { return };
        let applied = match parse::<Update>(body) {
            Ok(update) => {
                let network = member.address.network().to_string();
                member.roster.apply(&update, &network, most)
            }
            Err(_) => Applied::Malformed,
        };
        match applied {
            Applied::Changed { up, down } => {
                for peer in down {
                    self.event(Event::PeerDown { peer });
                }
                for peer in up {
                    self.event(Event::PeerUp { peer });
                }
            }
            Applied::Gap => self.ask_for_snapshot(link),
            Applied::TooLarge => {
                self.close_link(link, Reason::LIMIT, "a roster with more peers than this node holds")
            }
            Applied::Malformed => self.close_link(link, Reason::MALFORMED, "a roster that cannot be read"),
        }
    }

    fn ask_for_snapshot(&mut self, link: LinkId) {
        let head = RequestHead { uri: roster::PATH.to_string(), ..RequestHead::default() };
        if let Ok(letter) = self.letter(&head, &[]) {
            let outgoing = Outgoing::new(Kind::Request, self.next_id());
            self.push_to_neighbour(link, &outgoing, &letter);
        }
    }
}

fn encode(parts: Vec<Update>) -> Vec<Vec<u8>> {
    parts.iter().map(crate::link::session::to_json).collect()
}

/// A list of peers as the built-in `/peers` answers it.
pub(super) fn peers_json(peers: &[PeerInfo]) -> String {
    let list: Vec<roster::PeerJson> = peers.iter().map(Into::into).collect();
    serde_json::to_string(&list).unwrap_or_default()
}
