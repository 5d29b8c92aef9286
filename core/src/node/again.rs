//! Messages of the application's that are like one it sent lately: what stands before their bodies is written already.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;

use crate::Address;
use crate::link::{AT_ONCE, Draft, LaneKind, LinkId, Origin, Sent, envelope_cost};
use crate::node::agenda::ADDRESS_TEXT;
use crate::node::recent::place;
use crate::node::{Message, Node};
use crate::wire::label::{self, Packed};
use crate::wire::letter::ContentType;
use crate::wire::{Kind, Label, MessageId, Priority, Receipts};

const PLACES: usize = 16;

/// A media type that is longer is not kept.
const LONGEST: usize = 64;

/// What the application sent lately over an uplink. Each address has one place, where the last that went there is.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Empty before the first.
    places: Vec<Option<Box<Written>>>,
    /// Where the last was found.
    last: usize,
    #[cfg(test)]
    pub(super) off: bool,
    #[cfg(test)]
    pub(super) used: usize,
}

/// Where a message went, and how it began.
#[derive(Debug)]
struct Written {
    to: Address,
    priority: Priority,
    content_type: ContentType,
    link: LinkId,
    /// Where that is among all links.
    place: usize,
    /// It holds for as long as the uplinks count no change.
    changes: u64,
    /// Its label was this one, but for the id.
    flags: u8,
    hops: u8,
    texts: Box<[u8]>,
    /// How its letter began: the head, and its length.
    opening: Box<[u8]>,
}

impl Written {
    fn is_like(&self, to: &Address, message: &Message) -> bool {
        let Message { content_type, metadata, priority, receipts, .. } = message;
        is_same(self.to.as_str(), to.as_str())
            && self.priority == *priority
            && *receipts == Receipts::Failure
            && metadata.is_empty()
            && is_same(&self.content_type, content_type)
    }

    /// The label of another one.
    const fn label(&self, id: MessageId) -> Packed<'_> {
        Packed { flags: self.flags, hops: self.hops, id, texts: &self.texts }
    }
}

/// Equality, of texts that most often are one and the same.
#[inline]
fn is_same(a: &str, b: &str) -> bool {
    core::ptr::eq(a, b) || a == b
}

impl Again {
    #[inline]
    fn find(&mut self, to: &Address, message: &Message, changes: u64) -> Option<&Written> {
        let is_like = |written: &Option<Box<Written>>| {
            written.as_ref().is_some_and(|written| written.changes == changes && written.is_like(to, message))
        };
        // Most often it is like the one before.
        if !self.places.get(self.last).is_some_and(is_like) {
            let at = place(0, to.as_str().as_bytes(), PLACES);
            self.places.get(at).filter(|written| is_like(written))?;
            self.last = at;
        }
        #[cfg(test)]
        {
            self.used += 1;
        }
        self.places.get(self.last)?.as_deref()
    }

    fn put(&mut self, written: Written) {
        #[cfg(test)]
        if self.off {
            return;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let at = place(0, written.to.as_str().as_bytes(), PLACES);
        match &mut self.places[at] {
            Some(before) => **before = written,
            none => *none = Some(Box::new(written)),
        }
    }

    pub(super) fn memory(&self) -> usize {
        let of = |written: &Written| {
            let written_texts = written.texts.len() + written.opening.len();
            let texts = ADDRESS_TEXT + written.content_type.len() + written_texts;
            size_of::<Written>() + texts
        };
        self.places.capacity() * size_of::<Option<Box<Written>>>()
            + self.places.iter().flatten().map(|written| of(written)).sum::<usize>()
    }
}

impl Node {
    /// Sends messages that are like one before them: the same checks, without looking up again what cannot have
    /// changed. It stops before the first that is unlike, or that something is in the way of: nothing has happened to that
    /// one; and behind the one with which there are [`AT_ONCE`] bytes. `went` is told the ids, and how many bytes it were.
    #[inline]
    pub(super) fn send_again<M: Borrow<Message>>(
        &mut self,
        to: &Address,
        messages: &[M],
        mut went: impl FnMut(MessageId, usize),
    ) {
        let Some(first) = messages.first().map(Borrow::borrow) else { return };
        let (now, expires) = (self.now, self.queue_deadline());
        let Some(written) = self.again.find(to, first, self.uplinks.changes) else { return };
        let limits = &self.config.limits;
        let link = self.links.at(written.place, written.link);
        let Some(conn) = link.and_then(|link| link.conn.as_deref_mut()) else { return };
        if !conn.is_open() || planted!(SmallOnesFirst) {
            return;
        }
        let most = limits.letter.min(conn.letter_limit());
        let lane = LaneKind::from(first.priority);
        let (mut changed, mut bytes) = (false, 0);
        for message in messages.iter().map(Borrow::borrow) {
            if !core::ptr::eq(message, first) && !written.is_like(to, message) {
                break;
            }
            let letter = written.opening.len() + message.body.len();
            let all = label::FIXED + written.texts.len() + letter;
            let waits = conn.queued(lane);
            let fits = letter <= most
                && waits + envelope_cost(all) <= limits.queue
                && (waits < limits.ahead || message.priority == Priority::Urgent);
            if !fits {
                break;
            }
            let id = self.random.ids.next();
            let (kind, receipts) = (Kind::Message, Receipts::Failure);
            let sent = Sent { id, kind, receipts, copy: false, origin: Origin::Local };
            let draft = Draft::ending_in(&written.opening, &message.body);
            let label = written.label(id);
            // Nothing comes between them.
            if bytes > 0 && conn.can_be_followed(lane) {
                conn.push_behind(lane, sent, now..expires, &label, draft);
            } else {
                changed |= conn.push(lane, sent, now..expires, &label, draft);
            }
            // Without what those behind the first need not say again.
            let length = label::FIXED + letter;
            went(id, length);
            bytes += length;
            if bytes >= AT_ONCE {
                break;
            }
        }
        let link = written.link;
        self.touch_if(changed, link);
    }

    /// A message went to `to` over an uplink, with this label, and its letter began so: others that are like it may follow.
    pub(super) fn remember_written(
        &mut self,
        link: LinkId,
        label: &Label<'_>,
        to: &Address,
        message: &Message,
        opening: &[u8],
    ) {
        let Message { content_type, metadata, priority, receipts, .. } = message;
        let Some(place) = self.links.place(link) else { return };
        if *receipts != Receipts::Failure || !metadata.is_empty() || content_type.len() > LONGEST {
            return;
        }
        let (priority, changes) = (*priority, self.uplinks.changes);
        let room = &mut [0; label::TEXTS];
        let Packed { flags, hops, texts, .. } = label.pack(room);
        let (to, content_type) = (to.clone(), content_type.clone());
        let written = Written {
            to,
            priority,
            content_type,
            link,
            place,
            changes,
            flags,
            hops,
            texts: texts.into(),
            opening: opening.into(),
        };
        self.again.put(written);
    }
}
