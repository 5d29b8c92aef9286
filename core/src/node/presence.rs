//! Rosters on the way: a hub tells its members, a member keeps its copy, uplinks come and go.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::link::{Connection, Initiator, Joined};
use crate::node::config::{Dial, UplinkId};
use crate::node::io::{Action, LinkId};
use crate::node::links::Neighbour;
use crate::node::roster::{self, Applied, Roster, Update};
use crate::node::submit::Outgoing;
use crate::node::uplinks::{Membership, Uplink, UplinkState, backoff, backoff_window};
use crate::node::{Event, Node, PeerInfo, SendError, Stopping};
use crate::wire::letter::{Method, RequestHead, parse};
use crate::wire::{Kind, frame};
use crate::{CloseReason, ClosedBy, Instant, Limits, Reason};

/// A member whose queue is full is told again after so many of the pauses between changes ..
const RETRY: u32 = 20;
/// .. but not sooner than this: each time costs as much as there are peers.
const LEAST_RETRY: Duration = Duration::from_secs(1);

/// The largest body of one part of an update: every neighbour takes a letter of it, with its head.
const PART: usize = Limits::LEAST_LETTER - 512;

/// A cause that comes from a driver is for people: no longer than this.
const MAX_CAUSE: usize = 200;

impl Node {
    // ---- uplinks

    /// Comes into a network, and, if `dial` says so, comes back whenever the link is lost.
    ///
    /// [`Event::Up`] says that this node is in; [`Event::Down`] that it is not, why, and when it is tried
    /// again.
    ///
    /// # Errors
    /// When there are too many uplinks, or the node is shutting down.
    pub fn dial(&mut self, now: Instant, dial: Dial) -> Result<UplinkId, SendError> {
        self.begin(now);
        if self.stopping != Stopping::No {
            return Err(SendError::Stopped);
        }
        let limit = self.config.limits.uplinks;
        if self.uplinks.all.len() >= limit {
            return Err(SendError::TooMany { what: "networks", limit });
        }
        let made_up = self.random.words.word(6);
        let instance = match dial.instance.clone() {
            Some(instance) => instance,
            None => made_up.parse().map_err(|e| SendError::Invalid(alloc::format!("{e}")))?,
        };
        let id = UplinkId(self.uplinks.next);
        self.uplinks.next += 1;
        let state = UplinkState::Waiting(self.now);
        let uplink = Uplink { dial, instance, state, attempts: 0, ever_up: false, leaving: false };
        self.uplinks.all.insert(id, uplink);
        self.redial(id);
        self.finish_turn();
        Ok(id)
    }

    /// Leaves a network as one should: what is queued is sent first. [`Event::Down`] says when it is done.
    ///
    /// # Errors
    /// When there is no such uplink.
    pub fn hang_up(&mut self, now: Instant, uplink: UplinkId) -> Result<(), SendError> {
        self.begin(now);
        self.leave(uplink)?;
        self.finish_turn();
        Ok(())
    }

    pub(super) fn leave(&mut self, uplink: UplinkId) -> Result<(), SendError> {
        let entry = self.uplinks.all.get_mut(&uplink).ok_or(SendError::Unknown)?;
        entry.leaving = true;
        match entry.state {
            UplinkState::Waiting(at) => {
                self.uplinks.agenda.remove(at, uplink);
                self.uplink_ended(uplink, CloseReason::new(ClosedBy::Us, Reason::FINISHED, ""));
            }
            UplinkState::Dialing(link) => self.finish_link(link),
            UplinkState::Up(ref member) => {
                let link = member.link;
                self.finish_link(link);
            }
        }
        Ok(())
    }

    pub(super) fn finish_link(&mut self, link: LinkId) {
        let now = self.now;
        if let Some(entry) = self.links.get_mut(link) {
            match &mut entry.conn {
                Some(conn) => {
                    conn.finish(now);
                    self.touch(link);
                }
                // Its stream is not there yet: the driver is told to give it up.
                None => {
                    self.actions.push_back(Action::Close { link });
                    self.lost_before_stream(link, CloseReason::new(ClosedBy::Us, Reason::FINISHED, ""));
                }
            }
        }
        self.leaving(link);
    }

    pub(super) fn redial(&mut self, id: UplinkId) {
        let link = self.links.next_dialed();
        let Some(uplink) = self.uplinks.all.get_mut(&id) else { return };
        uplink.state = UplinkState::Dialing(link);
        let target = uplink.dial.target.clone();
        self.links.insert(link, None, Neighbour::Hub(id));
        self.actions.push_back(Action::Dial { link, target });
    }

    pub(super) fn dialed(&mut self, link: LinkId) {
        let random = self.handshake_stream();
        let Some(entry) = self.links.get_mut(link) else { return };
        let (None, Neighbour::Hub(id)) = (&entry.conn, &entry.neighbour) else { return };
        let Some(uplink) = self.uplinks.all.get(id) else { return };
        let me = Initiator {
            network: uplink.dial.network.clone(),
            pin: uplink.dial.pin,
            name: uplink.dial.name.clone(),
            instance: uplink.instance.clone(),
            priority: uplink.dial.priority,
        };
        let conn = Connection::initiator(self.now, &self.config, &self.key, random, me);
        entry.conn = Some(conn.into());
        self.touch(link);
    }

    pub(super) fn dial_failed(&mut self, link: LinkId, cause: &str) {
        let why = CloseReason::new(ClosedBy::Network, Reason::UNREACHABLE, frame::cut(cause, MAX_CAUSE));
        self.lost_before_stream(link, why);
    }

    fn lost_before_stream(&mut self, link: LinkId, why: CloseReason) {
        if self.links.get(link).is_none_or(|entry| entry.conn.is_some()) {
            return;
        }
        if let Some(entry) = self.links.remove(link)
            && let Neighbour::Hub(id) = entry.neighbour
        {
            self.uplink_ended(id, why);
        }
    }

    pub(super) fn joined(&mut self, link: LinkId, joined: Joined) {
        let Some(Neighbour::Hub(id)) = self.links.get(link).map(|entry| entry.neighbour.clone()) else {
            return;
        };
        let Some(uplink) = self.uplinks.all.get_mut(&id) else { return };
        let Joined { address, hub, key } = joined;
        uplink.ever_up = true;
        uplink.state = UplinkState::Up(Membership {
            link,
            address: address.clone(),
            hub: hub.clone(),
            hub_key: key,
            roster: Roster::default(),
            since: self.now,
        });
        self.event(Event::Up { uplink: id, address, hub, hub_key: key });
    }

    /// An uplink's link is no more: why, and is it tried again?
    pub(super) fn uplink_ended(&mut self, id: UplinkId, why: CloseReason) {
        let (now, limits) = (self.now, &self.config.limits);
        let Some(uplink) = self.uplinks.all.get_mut(&id) else { return };
        if let UplinkState::Up(member) = &uplink.state
            && now.saturating_since(member.since) > backoff_window(uplink.attempts, limits)
        {
            uplink.attempts = 0;
        }
        let network = uplink.dial.network.clone();
        // What only a hub that has proven its key can say ends an uplink that has worked; anybody on
        // the way could say the rest.
        let hopeless = if uplink.ever_up { why.is_verdict() } else { why.reason().is_permanent() };
        let retry = if uplink.leaving || hopeless || !uplink.dial.redial || self.stopping != Stopping::No {
            self.uplinks.all.remove(&id);
            None
        } else {
            let at = now + backoff(uplink.attempts, limits, &mut self.random.redial);
            let at = at.max(now + Duration::from_micros(1));
            uplink.attempts = uplink.attempts.saturating_add(1);
            uplink.state = UplinkState::Waiting(at);
            self.uplinks.agenda.add(at, id);
            Some(at)
        };
        self.event(Event::Down { uplink: id, network, why, retry });
    }

    // ---- the roster, as a hub tells it

    /// The first change is told at once; those that follow closely wait for one another.
    pub(super) fn tell_changes_soon(&mut self) {
        if self.changes_due.is_none() {
            let pause = self.config.limits.roster_delay;
            let at = self.changes_told.map_or(self.now, |told| told + pause);
            self.changes_due = Some(at.max(self.now));
        }
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
        let mut behind = false;
        for link in links {
            let wants_snapshot = matches!(
                self.links.get(link).map(|entry| &entry.neighbour),
                Some(Neighbour::Member { wants_snapshot: true, .. })
            );
            let updates: &[Vec<u8>] = if wants_snapshot {
                snapshot.get_or_insert_with(|| {
                    let everybody = self.served_peers().iter().map(Into::into).collect();
                    encode(roster::parts(None, self.changes.version(), everybody, Vec::new(), most))
                })
            } else {
                deltas.as_deref().unwrap_or_default()
            };
            // A member that does not keep up misses this one, and gets everything when it does.
            let missed = !updates.iter().all(|update| self.push_roster(link, update));
            if let Some(entry) = self.links.get_mut(link)
                && let Neighbour::Member { wants_snapshot: wants, .. } = &mut entry.neighbour
            {
                *wants = missed;
                behind |= missed;
            }
        }
        if behind {
            let pause = self.config.limits.roster_delay.saturating_mul(RETRY).max(LEAST_RETRY);
            self.changes_due = Some(self.after(pause));
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
            content_type: "application/json".to_string(),
            patience: None,
        };
        let Ok(letter) = self.letter(&head, update) else { return false };
        let outgoing = Outgoing::new(Kind::Request, self.next_id());
        self.push_to_neighbour(link, &outgoing, &letter)
    }

    /// A member has missed something.
    pub(super) fn snapshot_wanted(&mut self, link: LinkId) {
        if let Some(entry) = self.links.get_mut(link)
            && let Neighbour::Member { wants_snapshot, .. } = &mut entry.neighbour
        {
            *wants_snapshot = true;
            self.tell_changes_soon();
        }
    }

    // ---- the roster, as a member hears it

    pub(super) fn roster_told(&mut self, link: LinkId, body: &[u8]) {
        let Some(Neighbour::Hub(id)) = self.links.get(link).map(|entry| entry.neighbour.clone()) else {
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
