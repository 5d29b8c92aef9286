//! The streams of a driver, and which of them have something to do.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use homing_core::LinkId;

use crate::driver::System;
use crate::driver::buffer::Lent;
use crate::driver::either::AnyStream;
use crate::mailbox::Mailbox;

/// How long a stream may take to send what was written before it is closed.
pub(super) const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Links by their place in a table; the place is what readiness is reported for.
///
/// Places are used again. A queue may then name a place whose link is another now: that one is
/// looked at once for nothing.
pub(super) struct Links<S> {
    places: Vec<Option<Link<S>>>,
    free: Vec<usize>,
    by_id: HashMap<LinkId, usize>,
    /// To be read.
    pub(super) reads: VecDeque<usize>,
    /// To be written.
    pub(super) writes: VecDeque<usize>,
    /// To be read when the application has taken something.
    parked: Vec<usize>,
    /// Being closed, and until when: the next to be given up first.
    leaving: BTreeSet<(Clock, usize)>,
}

pub(super) struct Link<S> {
    pub(super) id: LinkId,
    pub(super) stream: AnyStream<S>,
    /// What the system has said and no `WouldBlock` has taken back.
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The node has something to write, or what was written is to be flushed.
    pub(super) wants_write: bool,
    pub(super) wants_flush: bool,
    /// It is in one of the queues for reading, or parked.
    pub(super) read_queued: bool,
    pub(super) write_queued: bool,
    /// Writing has failed for this cause. What has arrived is read before the link is given up: it
    /// may say why.
    pub(super) broken: Option<String>,
    /// The node knows it no more; it is only being closed, until then.
    leaving: Option<Clock>,
}

impl<S: super::Stream> Links<S> {
    pub(super) fn new() -> Links<S> {
        Links {
            places: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            parked: Vec::new(),
            leaving: BTreeSet::new(),
        }
    }

    pub(super) fn add<Y: System<Stream = S>>(
        &mut self,
        id: LinkId,
        mut stream: AnyStream<S>,
        system: &mut Y,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<()> {
        let place = self.free.last().copied().unwrap_or(self.places.len());
        stream.add(system, place, mailbox)?;
        if self.free.pop().is_none() {
            self.places.push(None);
        }
        self.places[place] = Some(Link {
            id,
            stream,
            readable: true,
            writable: true,
            wants_write: false,
            wants_flush: false,
            read_queued: true,
            write_queued: false,
            broken: None,
            leaving: None,
        });
        self.by_id.insert(id, place);
        self.reads.push_back(place);
        Ok(())
    }

    fn get(&mut self, place: usize) -> Option<&mut Link<S>> {
        self.places.get_mut(place)?.as_mut()
    }

    /// The link at `place`, if the node knows it.
    pub(super) fn live(&mut self, place: usize) -> Option<&mut Link<S>> {
        self.get(place).filter(|link| link.leaving.is_none())
    }

    pub(super) fn remove<Y: System<Stream = S>>(&mut self, place: usize, system: &mut Y) -> Option<LinkId> {
        let mut link = self.places.get_mut(place)?.take()?;
        link.stream.remove(system);
        match link.leaving {
            Some(until) => drop(self.leaving.remove(&(until, place))),
            None => drop(self.by_id.remove(&link.id)),
        }
        self.free.push(place);
        Some(link.id)
    }

    /// Ends the stream so that what was written still arrives.
    pub(super) fn close<Y: System<Stream = S>>(&mut self, id: LinkId, system: &mut Y, now: Clock) {
        let Some(place) = self.by_id.remove(&id) else { return };
        if let Some(link) = self.get(place) {
            let until = now + CLOSE_TIME;
            link.leaving = Some(until);
            link.wants_write = false;
            self.leaving.insert((until, place));
            self.leave(place, system);
        }
    }

    /// Goes on closing a stream. One that is dropped with unread bytes is reset, and a reset may
    /// overtake the goodbye: some are read before it is. The other side may also be waiting for that,
    /// to say its own.
    fn leave<Y: System<Stream = S>>(&mut self, place: usize, system: &mut Y) {
        let Some(link) = self.get(place).filter(|link| link.leaving.is_some()) else { return };
        let closed = link.stream.close();
        let mut scratch = Lent::new();
        // As much as can be waiting in a usual receive buffer, and no more.
        for _ in 0..4 {
            if !matches!(link.stream.read(&mut scratch.0), Ok(n) if n > 0) {
                break;
            }
        }
        if !matches!(closed, Err(e) if e.kind() == ErrorKind::WouldBlock) {
            self.remove(place, system);
        }
    }

    /// Gives up the streams that have not closed in time.
    pub(super) fn give_up_leaving<Y: System<Stream = S>>(&mut self, now: Clock, system: &mut Y) {
        while let Some(&(_, place)) = self.leaving.first().filter(|(until, _)| *until <= now) {
            self.remove(place, system);
        }
    }

    /// Until when the first of those that are being closed is waited for.
    pub(super) fn leaving_until(&self) -> Option<Clock> {
        self.leaving.first().map(|(until, _)| *until)
    }

    /// Drops all of them.
    pub(super) fn clear<Y: System<Stream = S>>(&mut self, system: &mut Y) {
        for place in 0..self.places.len() {
            self.remove(place, system);
        }
    }

    /// The system says that a link may be read or written.
    pub(super) fn ready<Y: System<Stream = S>>(
        &mut self,
        place: usize,
        (read, write): (bool, bool),
        system: &mut Y,
    ) {
        let Some(link) = self.get(place) else { return };
        link.readable |= read;
        link.writable |= write;
        if link.leaving.is_some() {
            return self.leave(place, system);
        }
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
        if link.readable && !link.read_queued && link.leaving.is_none() {
            link.read_queued = true;
            self.reads.push_back(place);
        }
    }

    pub(super) fn queue_write(&mut self, place: usize) {
        let Some(Some(link)) = self.places.get_mut(place) else { return };
        if link.writable && (link.wants_write || link.wants_flush) && !link.write_queued {
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

    /// Those that `may_be_read` again are: the application has taken something, or what was in their
    /// way has ended by itself.
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
