//! Calls that are pending, receipts and dials that are awaited.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant as Clock;

use futures_channel::mpsc::UnboundedSender;
use homing_core::{Address, CallId, CloseReason, Event, MessageId, Stage, UplinkId};

use crate::wait::answered::Teller;
use crate::wait::{Joined, Summary};

/// Who waits for what; the driver passes on to them what would be events otherwise.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) tracked: HashMap<MessageId, UnboundedSender<Note>, ById>,
    pub(crate) calls: HashMap<CallId, Teller, ById>,
    pub(crate) joins: HashMap<UplinkId, UnboundedSender<Join>>,
}

type ById = BuildHasherDefault<Random>;

/// Of an id that this node has drawn, which is random enough as it is.
#[derive(Default)]
pub(crate) struct Random(u64);

impl Hasher for Random {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 = self.0.rotate_left(29) ^ u64::from_ne_bytes(word);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // All of them are of one length.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A receipt, and when it came.
pub(crate) struct Note {
    pub(crate) at: Clock,
    pub(crate) from: Option<Address>,
    pub(crate) stage: Stage,
}

/// News of a dial that somebody waits for.
pub(crate) enum Join {
    Up(Joined),
    Down { why: CloseReason, last: bool },
}

impl Pending {
    /// Gives `event` to whoever waits for it; gives it back when it is for the application's queue.
    pub(crate) fn pass(&mut self, now: Clock, event: Event) -> Option<Event> {
        match event {
            Event::Receipt { id, from, stage } => {
                let Some(waiter) = self.tracked.get(&id) else {
                    return Some(Event::Receipt { id, from, stage });
                };
                let note = Note { at: now, from, stage };
                let Err(unsent) = waiter.unbounded_send(note) else { return None };
                let note = unsent.into_inner();
                self.tracked.remove(&id);
                Some(Event::Receipt { id, from: note.from, stage: note.stage })
            }
            Event::Answer { call, from, response } => match self.calls.get(&call) {
                Some(teller) => {
                    teller.answer(from, response);
                    None
                }
                None => Some(Event::Answer { call, from, response }),
            },
            Event::CallEnded { call, outcome, answered, asked } => match self.calls.remove(&call) {
                Some(teller) => {
                    teller.end(Summary { outcome, answered, asked });
                    None
                }
                None => Some(Event::CallEnded { call, outcome, answered, asked }),
            },
            event => {
                self.tell_joins(&event);
                Some(event)
            }
        }
    }

    fn tell_joins(&mut self, event: &Event) {
        if self.joins.is_empty() {
            return;
        }
        let (uplink, news) = match event {
            Event::Up { uplink, address, hub, hub_key } => {
                let (address, hub) = (address.clone(), hub.clone());
                (uplink, Join::Up(Joined { uplink: *uplink, address, hub, hub_key: *hub_key }))
            }
            Event::Down { uplink, why, retry, .. } => {
                (uplink, Join::Down { why: why.clone(), last: retry.is_none() })
            }
            _ => return,
        };
        if self.joins.get(uplink).is_some_and(|waiter| waiter.unbounded_send(news).is_err()) {
            self.joins.remove(uplink);
        }
    }
}
