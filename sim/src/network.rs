//! The streams between machines.

use std::collections::VecDeque;
use std::time::Duration;

use homing_core::{Instant, LinkId};

use crate::fact::HostId;

/// One byte stream between two machines: reliable and in order, until it is not.
pub(crate) struct Stream {
    /// Who dialed, who accepted.
    pub(crate) ends: [End; 2],
    /// What the dialing end, what the accepting end has written.
    pub(crate) pipes: [Pipe; 2],
    /// Nothing passes any more, and nobody is told: the other end is gone without a word.
    pub(crate) dead: bool,
    /// It is dead, and both ends will be told.
    pub(crate) cut: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) host: HostId,
    pub(crate) link: LinkId,
    /// Whether the machine still has it.
    pub(crate) open: bool,
    /// The machine will find that the stream is broken.
    pub(crate) broken: bool,
    /// The machine has something to write and there is no room.
    pub(crate) waits: bool,
}

/// One direction of a stream.
#[derive(Default)]
pub(crate) struct Pipe {
    /// What is on its way, in order.
    pub(crate) flight: VecDeque<Chunk>,
    /// What has arrived and was not read.
    pub(crate) ready: VecDeque<u8>,
    /// When the first of it arrived, or something before it that was read since.
    pub(crate) since: Instant,
    /// The end has arrived behind all that is ready.
    pub(crate) ended: bool,
    /// Bytes on their way.
    pub(crate) flying: usize,
    /// When the last of them will be there.
    last: Instant,
    /// How often something was written that the node had sealed by itself: a bound from below for its records.
    pub(crate) writes: u64,
}

pub(crate) struct Chunk {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
    /// Nothing comes after it.
    pub(crate) last: bool,
}

impl Pipe {
    /// How many bytes it takes now.
    pub(crate) fn room(&self, capacity: usize) -> usize {
        capacity.saturating_sub(self.flying + self.ready.len())
    }

    /// Puts bytes, or the end, on their way; says when they will be there.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        sending: Duration,
        delay: Duration,
        bytes: Vec<u8>,
        last: bool,
    ) -> Instant {
        // What was written before is there before.
        let at = (now + delay).max(self.last) + sending;
        self.last = at;
        self.flying += bytes.len();
        self.flight.push_back(Chunk { at, bytes, last });
        at
    }

    /// Lets what is due arrive; whether anything did.
    pub(crate) fn arrive(&mut self, now: Instant) -> bool {
        let mut arrived = false;
        while self.flight.front().is_some_and(|chunk| chunk.at <= now) {
            let Some(chunk) = self.flight.pop_front() else { break };
            self.flying -= chunk.bytes.len();
            if self.ready.is_empty() {
                self.since = now;
            }
            self.ready.extend(chunk.bytes);
            self.ended |= chunk.last;
            arrived = true;
        }
        arrived
    }

    /// Forgets what is on its way and what was not read.
    pub(crate) fn clear(&mut self) {
        self.flight.clear();
        self.ready.clear();
        self.flying = 0;
    }
}

/// Which ways between machines are blocked: bytes wait there, as TCP's do.
#[derive(Default)]
pub(crate) struct Walls {
    machines: usize,
    /// How many walls there are from one to another.
    blocked: Vec<u16>,
}

impl Walls {
    /// There is one machine more; the walls that stand stay.
    pub(crate) fn grow(&mut self, machines: usize) {
        let mut blocked = vec![0; machines * machines];
        for (from, row) in self.blocked.chunks(self.machines.max(1)).enumerate() {
            blocked[from * machines..][..row.len()].copy_from_slice(row);
        }
        (self.machines, self.blocked) = (machines, blocked);
    }

    /// All of them fall.
    pub(crate) fn fall(&mut self) {
        self.blocked.fill(0);
    }

    pub(crate) fn blocked(&self, from: HostId, to: HostId) -> bool {
        self.blocked.get(from * self.machines + to).is_some_and(|n| *n > 0)
    }

    /// Between those in `side` and all others: from it, and to it unless it is one-way.
    pub(crate) fn build(&mut self, side: u64, one_way: bool) {
        self.change(side, one_way, |n| *n = n.saturating_add(1));
    }

    pub(crate) fn tear_down(&mut self, side: u64, one_way: bool) {
        self.change(side, one_way, |n| *n = n.saturating_sub(1));
    }

    fn change(&mut self, side: u64, one_way: bool, change: impl Fn(&mut u16)) {
        let inside = |host: usize| host < 64 && side >> host & 1 == 1;
        for from in 0..self.machines {
            for to in 0..self.machines {
                let crosses = inside(from) && !inside(to) || !one_way && !inside(from) && inside(to);
                if let (true, Some(n)) = (crosses, self.blocked.get_mut(from * self.machines + to)) {
                    change(n);
                }
            }
        }
    }
}
