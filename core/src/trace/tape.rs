//! The tape: entries in blocks, the oldest of which go when it is full.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::trace::bytes::Sink;
use crate::trace::call::{op, op_of, write_input, write_step};
use crate::trace::file;
use crate::trace::header::Header;
use crate::trace::outcome::{Check, Outcome};
use crate::{Action, Input, Instant};

/// A tape has at least so many blocks when it is full: letting go of one loses no more than that part ..
const BLOCKS: usize = 16;
/// .. but none is smaller than this, or what a block itself needs would count ..
const LEAST_BLOCK: usize = 256;
/// .. or larger than this, which would save nothing.
const MOST_BLOCK: usize = 64 * 1024;

/// What is recorded of a node, in memory, up to a size.
///
/// While all of it fits it is *whole*, and can be replayed. When it is full the oldest entries are let go,
/// a block at a time: from then on it is a *tail*, which shows what happened lately but cannot be replayed.
pub struct Tape {
    most: usize,
    header: Zeroizing<Vec<u8>>,
    blocks: VecDeque<Block>,
    /// What their bytes have reserved.
    held: usize,
    /// The time that was told last.
    clock: u64,
    /// How many entries there were.
    entries: u64,
    /// The entry that is being written, and the time before it.
    entry: Vec<u8>,
    before: u64,
    /// Polls that are not written yet: more of them may follow.
    polls: Option<Polls>,
    whole: bool,
}

/// Entries that follow each other.
struct Block {
    /// The first one's number.
    first: u64,
    /// The time before it.
    clock: u64,
    bytes: Vec<u8>,
}

/// Polls of one kind that follow each other.
#[derive(Clone)]
struct Polls {
    of_duty: bool,
    n: u8,
    check: Check,
    quiet: bool,
}

impl Polls {
    fn write(&self, out: &mut Vec<u8>) {
        let duty = if self.of_duty { op::DUTY } else { 0 };
        let quiet = if self.quiet { op::QUIET } else { 0 };
        out.byte(op::POLLS | duty | quiet | (self.n - 1));
        if !self.quiet {
            out.put(&self.check.short().to_le_bytes());
        }
    }
}

impl Tape {
    /// An empty one, which holds at most so many bytes; to be given to
    /// [`Recorded::new`](crate::trace::Recorded::new).
    pub fn new(most_bytes: usize) -> Tape {
        Tape {
            most: most_bytes,
            header: Zeroizing::new(Vec::new()),
            blocks: VecDeque::new(),
            held: 0,
            clock: 0,
            entries: 0,
            entry: Vec::new(),
            before: 0,
            polls: None,
            whole: true,
        }
    }

    /// Whether everything since the beginning is on it, so that it can be replayed.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// The bytes that it holds. They are not among [`Node::memory`](crate::Node::memory).
    pub fn memory(&self) -> usize {
        self.header.capacity()
            + self.entry.capacity()
            + self.blocks.capacity() * size_of::<Block>()
            + self.held
    }

    /// A trace of what is on it, as a file has it. **It contains the node's private key, its seed and
    /// every message in the clear**: keep it as you keep the key, or [`redact`](crate::trace::redact) it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let length: usize = self.blocks.iter().map(|block| block.bytes.len()).sum();
        let mut out = Vec::with_capacity(self.header.len() + length + 64);
        let oldest =
            self.blocks.front().map_or((self.entries, self.clock), |block| (block.first, block.clock));
        file::write_beginning(&mut out, &self.header, oldest, self.whole);
        self.blocks.iter().for_each(|block| out.put(&block.bytes));
        let last = self.polls.as_ref().map_or(0, |polls| {
            polls.write(&mut out);
            1
        });
        file::write_end(&mut out, self.entries - oldest.0 + last);
        out
    }

    /// Begins, with what the node is made of.
    pub(super) fn begin(&mut self, header: &Header) {
        // Room for all of it at once: what grows leaves copies of its secrets behind.
        let allowed = header.serving.as_ref().map_or(0, |serving| serving.allow.len());
        self.header.reserve_exact(1024 + 32 * allowed);
        header.write(&mut self.header);
        self.clock = header.start.as_micros();
    }

    /// Begins an entry; what it was given follows.
    pub(super) fn call(&mut self, op: u8, now: Option<Instant>) -> &mut Vec<u8> {
        self.end_polls();
        self.before = self.clock;
        self.entry.clear();
        self.entry.byte(op);
        if let Some(now) = now {
            write_step(&mut self.entry, self.clock, now.as_micros());
            self.clock = now.as_micros();
        }
        &mut self.entry
    }

    /// Ends an entry with what came of it.
    pub(super) fn came(&mut self, outcome: &impl Outcome) {
        self.entry.put(&Check::of(outcome).short().to_le_bytes());
        self.keep();
    }

    /// Ends an entry that nothing comes of.
    pub(super) fn done(&mut self) {
        self.keep();
    }

    pub(super) fn handle(&mut self, now: Instant, input: &Input<'_>) {
        let entry = self.call(op_of(input), Some(now));
        write_input(entry, input);
        self.keep();
    }

    pub(super) fn pending(&mut self, link: crate::LinkId, bytes: &[u8]) {
        let nothing = bytes.is_empty();
        let entry = self.call(if nothing { op::PENDING_NOTHING } else { op::PENDING }, None);
        entry.number(link.as_u64());
        if !nothing {
            entry.put(&Check::of_bytes(bytes).short().to_le_bytes());
        }
        self.keep();
    }

    pub(super) fn polled(&mut self, of_duty: bool, action: &Option<Action>) {
        let full = |polls: &Polls| polls.of_duty != of_duty || polls.n == op::MOST_POLLS;
        if self.polls.as_ref().is_some_and(full) {
            self.end_polls();
        }
        let empty = Polls { of_duty, n: 0, check: Check::new(), quiet: true };
        let polls = self.polls.get_or_insert(empty);
        polls.n += 1;
        polls.quiet &= action.is_none();
        action.tell(&mut polls.check);
    }

    fn end_polls(&mut self) {
        if let Some(polls) = self.polls.take() {
            self.before = self.clock;
            self.entry.clear();
            polls.write(&mut self.entry);
            self.keep();
        }
    }

    /// Puts the entry behind the others, and lets go of the oldest if there is no room.
    fn keep(&mut self) {
        let size = (self.most / BLOCKS).clamp(LEAST_BLOCK, MOST_BLOCK);
        let length = self.entry.len();
        if self.blocks.back().is_none_or(|block| block.bytes.capacity() - block.bytes.len() < length) {
            let bytes = Vec::with_capacity(size.max(length));
            self.held += bytes.capacity();
            self.blocks.push_back(Block { first: self.entries, clock: self.before, bytes });
        }
        if let Some(block) = self.blocks.back_mut() {
            block.bytes.put(&self.entry);
        }
        self.entries += 1;
        if self.entry.capacity() > size {
            self.entry = Vec::new();
        }
        while self.memory() > self.most
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.held -= oldest.bytes.capacity();
            self.whole = false;
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("entries", &self.entries)
            .field("whole", &self.whole)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}
