//! Who dials this node, and whether it is let in. PROTOCOL.md, section 8.

use alloc::string::ToString;

use crate::link::LinkId;
use crate::link::{Asked, Connection, Responder};
use crate::node::io::{Action, StoreId};
use crate::node::links::Neighbour;
use crate::node::names::{Names, Verdict};
use crate::node::router::Seat;
use crate::node::{Event, Node, PeerInfo, Stopping};
use crate::{Address, Instance, Name, Network, Reason};

/// A name that is being made durable, and who waits for it.
pub(super) struct Storing {
    name: Name,
    waiting: alloc::vec::Vec<(LinkId, Asked)>,
}

impl Node {
    pub(super) fn accepted(&mut self, link: LinkId) {
        // A number that the driver used already is passed over: there is no stream to speak of.
        if !link.is_accepted() || self.links.get(link).is_some() {
            return;
        }
        let limits = &self.config.limits;
        let full = self.links.len() >= limits.links || self.links.newcomers >= limits.handshakes;
        let network = self.config.serving.as_ref().map(|serving| network_of(&serving.address));
        let me = match network {
            Some(Some(network)) if self.stopping == Stopping::No => {
                Responder { network, guests: self.is_open() }
            }
            _ => {
                // Nobody may dial a node without authority; the stream is closed without a word.
                self.actions.push_back(Action::Close { link });
                return;
            }
        };
        let random = self.handshake_stream();
        let mut conn = Connection::responder(self.now, &self.config, &self.key, random, me);
        if full {
            conn.close(self.now, Reason::BUSY, "");
        }
        self.links.newcomers += 1;
        self.links.insert(link, Some(conn), Neighbour::Newcomer);
        self.touch(link);
    }

    fn is_open(&self) -> bool {
        self.config.serving.as_ref().is_some_and(|serving| serving.open)
    }

    /// The handshake is done; who is it?
    pub(super) fn asked(&mut self, link: LinkId, asked: Asked) {
        let Some(serving) = &self.config.serving else { return };
        let Some(name) = asked.name.clone() else {
            let word = self.random.words.word(8);
            return match Names::guest(&word) {
                Some(name) => self.admit(link, &asked, &name),
                None => self.close_link(link, Reason::SESSION_ERROR, ""),
            };
        };
        if let Some(text) = self.no_room(&name, &asked) {
            return self.close_link(link, Reason::BUSY, text);
        }
        match self.names.judge(serving, asked.key, name, &self.config.limits) {
            Verdict::Admit(name) => self.admit(link, &asked, &name),
            Verdict::Refuse(reason, text) => self.close_link(link, reason, text),
            Verdict::Wait(_, id) => {
                if let Some(storing) = self.storing.get_mut(&id) {
                    // Who came and went meanwhile is not kept.
                    storing.waiting.retain(|(link, _)| self.links.get(*link).is_some());
                    storing.waiting.push((link, asked));
                }
            }
            Verdict::Bind(name) => {
                let id = StoreId(self.next_store);
                self.next_store += 1;
                let entry = self.names.bind(name.clone(), asked.key, id).to_bytes();
                self.storing.insert(id, Storing { name, waiting: [(link, asked)].into() });
                self.actions.push_back(Action::Store { id, entry });
                if planted!(AdmittedBeforeStored) {
                    self.stored(id, true);
                }
            }
        }
    }

    /// Why there is no place for a newcomer; one that it has already is always free for it.
    fn no_room(&self, name: &Name, asked: &Asked) -> Option<&'static str> {
        let instance = asked.instance.as_ref().map(Instance::as_str);
        let limits = &self.config.limits;
        if instance.is_some() && self.router.find(name.as_str(), instance).is_ok() {
            None
        } else if self.router.len() + usize::from(!planted!(RosterOffByOne)) >= limits.roster {
            // The hub has a place itself.
            Some("the network is full")
        } else if self.router.instances(name.as_str()).count() >= limits.instances {
            Some("this name is there too often")
        } else {
            None
        }
    }

    pub(super) fn stored(&mut self, id: StoreId, ok: bool) {
        let Some(Storing { name, waiting }) = self.storing.remove(&id) else { return };
        self.names.stored(&name, id, ok);
        for (link, asked) in waiting {
            if ok || planted!(StoreFailureAdmits) {
                self.admit(link, &asked, &name);
            } else {
                self.close_link(link, Reason::STORAGE, "");
            }
        }
    }

    /// Lets a newcomer in, if it is still there.
    fn admit(&mut self, link: LinkId, asked: &Asked, name: &Name) {
        let Some(serving) = &self.config.serving else { return };
        let (Some(network), hub) = (network_of(&serving.address), serving.address.clone()) else { return };
        let word = self.random.words.word(6);
        let instance = asked.instance.clone().or_else(|| word.parse::<Instance>().ok());
        let address = Address::new(name, &network, instance.as_ref());
        if let Some(text) = self.no_room(name, asked) {
            return self.close_link(link, Reason::BUSY, text);
        }
        let Some(entry) = self.links.get_mut(link) else { return };
        let (Some(conn), Neighbour::Newcomer) = (&mut entry.conn, &entry.neighbour) else { return };
        conn.admit(&address, &hub);
        if !conn.is_open() {
            return;
        }
        entry.neighbour = Neighbour::Member { address: address.clone(), snapshot: Some(self.now) };
        self.links.newcomers -= 1;
        self.touch(link);
        let seat = Seat { address: address.clone(), link, key: asked.key, priority: asked.priority };
        let info = peer_info(&seat);
        if let Some(before) = self.router.seat(seat) {
            self.replace(&before);
        }
        self.changes.put(info.clone());
        self.tell_changes_soon();
        self.event(Event::LinkUp { link, address, key: asked.key });
        self.event(Event::PeerUp { peer: info });
    }

    /// The same peer came again; whatever its former link was, it is no more.
    fn replace(&mut self, before: &Seat) {
        if let Some(entry) = self.links.get_mut(before.link).filter(|_| !planted!(StaleSeat)) {
            entry.neighbour = Neighbour::Former(before.address.clone());
        }
        self.event(Event::PeerDown { peer: peer_info(before) });
        self.close_link(before.link, Reason::REPLACED, "");
    }

    /// A member is leaving: nothing more is routed to it.
    pub(super) fn leaving(&mut self, link: LinkId) {
        let Some(entry) = self.links.get_mut(link) else { return };
        if let Neighbour::Member { address, .. } = &entry.neighbour {
            let address = address.clone();
            entry.neighbour = Neighbour::Former(address.clone());
            self.unseat(link, &address);
        }
    }

    /// Takes a member off the table, if it is still the one that sits there.
    pub(super) fn unseat(&mut self, link: LinkId, address: &Address) {
        let there =
            self.router.find(address.name(), address.instance()).is_ok_and(|(seat, _)| seat.link == link);
        if !there && !planted!(StaleSeat) {
            return;
        }
        if let Some(seat) = self.router.unseat(address) {
            self.changes.gone(seat.address.clone());
            self.tell_changes_soon();
            self.event(Event::PeerDown { peer: peer_info(&seat) });
        }
    }
}

pub(super) fn peer_info(seat: &Seat) -> PeerInfo {
    PeerInfo { address: seat.address.clone(), key: seat.key, priority: seat.priority }
}

/// The network of an address that was parsed: always one.
pub(super) fn network_of(address: &Address) -> Option<Network> {
    address.network().to_string().parse().ok()
}
