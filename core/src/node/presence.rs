//! The roster on the way: a hub tells its members, a member keeps its copy. PROTOCOL.md, section 12.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::iter;
use core::time::Duration;

use crate::link::LinkId;
use crate::link::session::to_json;
use crate::node::admission::peer_info;
use crate::node::crowd::Copies;
use crate::node::links::Neighbour;
use crate::node::roster::{self, Applied, PeerJson, Update};
use crate::node::router::Router;
use crate::node::submit::Outgoing;
use crate::node::{Event, Node, PeerInfo, with_buffer};
use crate::wire::Kind;
use crate::wire::letter::{Method, RequestHead, parse};
use crate::{Instant, Reason};

/// A member whose queue is full is told again after so many of the pauses between changes ..
const RETRY: u32 = 20;
/// .. but not sooner than this: each time costs as much as there are peers.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// What a letter needs for its head, besides the body of one part of an update.
const HEAD: usize = 512;

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
        let links: Vec<LinkId> = self.router.seats().map(|seat| seat.link).collect();
        let most = self.largest_part(&links);
        let from = self.changes.version();
        let mut changed = (!self.changes.is_empty()).then(|| self.changes.advance());
        // Each is written for the first who gets it.
        let (mut deltas, mut snapshot) = (None, None);
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
            let letters = if wanted.is_some() {
                snapshot.get_or_insert_with(|| self.snapshot_letters(most))
            } else {
                deltas.get_or_insert_with(|| match changed.take() {
                    Some((put, gone)) => self.roster_letters(Some(from), put, gone, most),
                    None => Some(Vec::new()),
                })
            };
            // A member that does not keep up misses this one, and gets everything when it does.
            let told = letters.as_ref().is_some_and(|letters| self.push_copies(link, letters));
            let missed = !told && !planted!(MissedWhenFull);
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

    /// The largest body of one part of an update that all of these take, and this node may send.
    fn largest_part(&self, links: &[LinkId]) -> usize {
        let conns = links.iter().filter_map(|link| self.links.get(*link)?.conn.as_ref());
        let open = conns.filter(|conn| conn.is_open()).map(|conn| conn.letter_limit());
        open.chain([self.config.limits.letter]).min().map_or(0, |letter| letter.saturating_sub(HEAD))
    }

    /// Everybody in the network that this node serves, itself first.
    pub(super) fn served_peers(&self) -> Vec<PeerInfo> {
        self.itself().into_iter().flat_map(|hub| everybody(hub, &self.router)).collect()
    }

    fn itself(&self) -> Option<PeerInfo> {
        let address = self.config.serving.as_ref()?.address.clone();
        Some(PeerInfo { address, key: self.peer_id, priority: 0 })
    }

    /// Everybody, for who knows nobody yet.
    fn snapshot_letters(&mut self, most: usize) -> Option<Vec<Copies>> {
        let hub = self.itself()?;
        with_buffer(
            self,
            |node| &mut node.router,
            |node, router| {
                let peers = everybody(hub, router).map(|peer| PeerJson::from(&peer));
                node.roster_letters(None, peers, [], most)
            },
        )
    }

    /// Word of what leads to the roster's present version, which any number of members get: what a thousand newcomers
    /// are told is held once. None when it cannot be told at all, because heads must be shorter than its own.
    fn roster_letters(
        &mut self,
        from: Option<u64>,
        put: impl IntoIterator<Item = PeerJson>,
        gone: impl IntoIterator<Item = String>,
        most: usize,
    ) -> Option<Vec<Copies>> {
        let head = RequestHead {
            method: Method::Observe,
            uri: roster::PATH.to_string(),
            content_type: "application/json".into(),
            patience: None,
        };
        let hub = self.itself()?.address;
        let (to, hops) = (self.changes.version(), self.config.limits.hops);
        let mut letters = Some(Vec::new());
        roster::parts(from, to, put, gone, most, |part| {
            let Ok(letter) = self.letter(&head, &to_json(part)) else { return letters = None };
            let outgoing = Outgoing::new(Kind::Request, self.next_id());
            let (label, sent) = outgoing.envelope(hops, hub.as_str());
            let copies = self.copies(&label, &letter, sent, false);
            if let Some(letters) = &mut letters {
                letters.push(copies);
            }
        });
        letters
    }

    /// Queues all of them on a link; false when there is no room, or nobody.
    fn push_copies(&mut self, link: LinkId, letters: &[Copies]) -> bool {
        let Some(conn) = self.links.conn(link) else { return false };
        let now = self.now;
        let mut changed = false;
        let all = letters.iter().all(|letter| letter.push(conn, now).inspect(|new| changed |= new).is_ok());
        self.touch_if(changed, link);
        all
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

fn everybody(hub: PeerInfo, router: &Router) -> impl Iterator<Item = PeerInfo> {
    iter::once(hub).chain(router.seats().map(peer_info))
}

/// A list of peers as the built-in `/peers` answers it.
pub(super) fn peers_json(peers: &[PeerInfo]) -> String {
    let list: Vec<PeerJson> = peers.iter().map(Into::into).collect();
    serde_json::to_string(&list).unwrap_or_default()
}
