//! Coming into networks, leaving them, and coming back.

use core::time::Duration;

use crate::link::{Connection, Initiator, Joined, LinkId};
use crate::node::dial::{Dial, UplinkId};
use crate::node::io::Action;
use crate::node::links::Neighbour;
use crate::node::roster::Roster;
use crate::node::uplinks::{Membership, Uplink, UplinkState, backoff, backoff_window};
use crate::node::{Event, Node, SendError, Stopping};
use crate::wire::frame;
use crate::{CloseReason, ClosedBy, Instant, Reason};

/// A cause that comes from a driver is for people: no longer than this.
const MAX_CAUSE: usize = 200;

impl Node {
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

    /// Leaves a network as one should: what is queued is sent first. [`Event::Down`] says when it is done;
    /// who dials the same network before is in it twice until then.
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
            UplinkState::Waiting(_) if planted!(HangUpWhileWaiting) => {}
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
        let Some(Neighbour::Hub(id)) = self.links.neighbour(link).cloned() else {
            return;
        };
        let Some(uplink) = self.uplinks.all.get_mut(&id) else { return };
        let Joined { address, hub, key } = joined;
        self.uplinks.changes += 1;
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
        self.uplinks.changes += 1;
        if let UplinkState::Up(member) = &uplink.state
            && now.saturating_since(member.since) > backoff_window(uplink.attempts, limits)
        {
            uplink.attempts = 0;
        }
        let network = uplink.dial.network.clone();
        // What only a hub that has proven its key can say ends an uplink that has worked; anybody on
        // the way could say the rest.
        let hopeless = if uplink.ever_up { why.is_verdict() } else { why.reason().is_permanent() };
        let retry = if uplink.leaving
            || hopeless
            || (planted!(GivesUp) && uplink.attempts >= 4)
            || !uplink.dial.redial
            || self.stopping != Stopping::No
        {
            self.uplinks.all.remove(&id);
            None
        } else {
            let at = now + backoff(uplink.attempts, limits, &mut self.random.redial);
            let at = at.max(now + Duration::from_micros(1));
            uplink.attempts = uplink.attempts.saturating_add(1);
            uplink.state = UplinkState::Waiting(at);
            if !planted!(FailedDialForgotten) || why.reason() != Reason::UNREACHABLE {
                self.uplinks.agenda.add(at, id);
            }
            Some(at)
        };
        self.event(Event::Down { uplink: id, network, why, retry });
    }
}
