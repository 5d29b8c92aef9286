//! The streams of a driver, and which of them have something to do.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use homing_core::LinkId;
use mio::{Registry, Token};

use crate::mailbox::Mailbox;
use crate::stream::Stream;

/// Links by their place in a table; the place is the token under which the system knows them.
///
/// Places are used again. A queue may then name a place whose link is another now: that one is
/// looked at once for nothing.
#[derive(Default)]
pub(super) struct Links {
    places: Vec<Option<Link>>,
    free: Vec<usize>,
    by_id: HashMap<LinkId, usize>,
    /// To be read.
    pub(super) reads: VecDeque<usize>,
    /// To be written.
    pub(super) writes: VecDeque<usize>,
    /// To be read when the application has taken something.
    parked: Vec<usize>,
}

pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) stream: Stream,
    /// What the system has said and no `WouldBlock` has taken back.
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The node has something to write.
    pub(super) wants_write: bool,
    /// It is in one of the queues for reading, or parked.
    pub(super) read_queued: bool,
    pub(super) write_queued: bool,
    /// Writing has failed for this cause. What has arrived is read before the link is given up: it
    /// may say why.
    pub(super) broken: Option<String>,
}

impl Links {
    pub(super) fn add(
        &mut self,
        id: LinkId,
        mut stream: Stream,
        registry: &Registry,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<()> {
        let place = self.free.last().copied().unwrap_or(self.places.len());
        stream.register(registry, Token(place << 1), mailbox)?;
        if self.free.pop().is_none() {
            self.places.push(None);
        }
        let look = !stream.reports_itself();
        self.places[place] = Some(Link {
            id,
            stream,
            readable: look,
            writable: true,
            wants_write: false,
            read_queued: look,
            write_queued: false,
            broken: None,
        });
        self.by_id.insert(id, place);
        if look {
            self.reads.push_back(place);
        }
        Ok(())
    }

    pub(super) fn get(&mut self, place: usize) -> Option<&mut Link> {
        self.places.get_mut(place)?.as_mut()
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Link> {
        let link = self.places.get_mut(place)?.take()?;
        self.by_id.remove(&link.id);
        self.free.push(place);
        Some(link)
    }

    pub(super) fn close(&mut self, id: LinkId, registry: &Registry, scratch: &mut [u8]) {
        let place = self.by_id.get(&id).copied();
        if let Some(link) = place.and_then(|place| self.remove(place)) {
            link.stream.close(registry, scratch);
        }
    }

    /// The system says that a link may be read or written.
    pub(super) fn ready(&mut self, place: usize, read: bool, write: bool) {
        let Some(link) = self.get(place) else { return };
        link.readable |= read;
        link.writable |= write;
        if read {
            self.queue_read(place);
        }
        if write {
            self.queue_write(place);
        }
    }

    pub(super) fn wants_write(&mut self, id: LinkId) {
        let Some(&place) = self.by_id.get(&id) else { return };
        if let Some(link) = self.get(place) {
            link.wants_write = link.broken.is_none();
        }
        self.queue_write(place);
    }

    pub(super) fn queue_read(&mut self, place: usize) {
        let Some(Some(link)) = self.places.get_mut(place) else { return };
        if link.readable && !link.read_queued {
            link.read_queued = true;
            self.reads.push_back(place);
        }
    }

    pub(super) fn queue_write(&mut self, place: usize) {
        let Some(Some(link)) = self.places.get_mut(place) else { return };
        if link.writable && link.wants_write && !link.write_queued {
            link.write_queued = true;
            self.writes.push_back(place);
        }
    }

    /// Leaves a link unread until the application has taken something.
    pub(super) fn park(&mut self, place: usize) {
        if let Some(link) = self.get(place) {
            link.read_queued = true;
            self.parked.push(place);
        }
    }

    pub(super) fn unpark(&mut self) {
        self.reads.extend(self.parked.drain(..));
    }

    /// The same for those that `may_be_read`: what was in their way may have ended by itself.
    pub(super) fn unpark_if(&mut self, may_be_read: impl Fn(LinkId) -> bool) {
        let Links { places, reads, parked, .. } = self;
        parked.retain(|&place| {
            let stays = places.get(place).and_then(Option::as_ref).is_some_and(|link| !may_be_read(link.id));
            if !stays {
                reads.push_back(place);
            }
            stays
        });
    }

    pub(super) fn has_work(&self) -> bool {
        !self.reads.is_empty() || !self.writes.is_empty()
    }
}
