//! How bytes travel when nothing is wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Chooser;

/// The weather between machines: how long bytes take, and in which pieces they are moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Conditions {
    /// The least time that bytes are on their way, in microseconds.
    pub latency: u64,
    /// What may come on top of it, each time anew, in microseconds. Order is kept within a stream.
    pub jitter: u64,
    /// Bytes a second in each direction of a stream; 0 is without a bound.
    pub bandwidth: u64,
    /// What a stream holds that was written and not read: then writing has to wait.
    pub capacity: usize,
    /// A write takes at most so many bytes at once; 0 is as many as there is room for.
    pub write_most: usize,
    /// A read gives at most so many bytes at once; 0 is all that there are.
    pub read_most: usize,
}

impl Conditions {
    /// Bytes arrive at once and whole.
    pub const IDEAL: Conditions =
        Conditions { latency: 0, jitter: 0, bandwidth: 0, capacity: 1 << 20, write_most: 0, read_most: 0 };

    /// A network within a building.
    pub const LAN: Conditions = Conditions { latency: 200, jitter: 300, ..Conditions::IDEAL };

    /// Draws some; the calmest is [`LAN`](Conditions::LAN).
    pub fn draw(chooser: &mut Chooser) -> Conditions {
        let pick = |chooser: &mut Chooser, from: &[u64]| chooser.pick(from).copied().unwrap_or(0);
        let size = |chooser: &mut Chooser, from: &[usize]| chooser.pick(from).copied().unwrap_or(0);
        Conditions {
            latency: pick(chooser, &[200, 0, 2_000, 40_000, 300_000]),
            jitter: pick(chooser, &[300, 0, 5_000, 100_000]),
            bandwidth: pick(chooser, &[0, 0, 1_000_000, 20_000]),
            capacity: size(chooser, &[1 << 20, 64 << 10, 4096, 300]),
            write_most: size(chooser, &[0, 0, 1000, 50]),
            read_most: size(chooser, &[0, 0, 700, 30]),
        }
    }

    /// A good line from now on; it still moves bytes in the same pieces.
    pub(crate) fn clear_up(&mut self) {
        self.bandwidth = 0;
        self.capacity = self.capacity.max(64 << 10);
        self.latency = self.latency.min(5_000);
        self.jitter = self.jitter.min(5_000);
    }

    /// How long bytes are on their way this time.
    pub(crate) fn delay(&self, chooser: &mut Chooser) -> Duration {
        Duration::from_micros(
            self.latency + if self.jitter == 0 { 0 } else { chooser.below(self.jitter + 1) },
        )
    }

    /// How long so many bytes take to be sent.
    pub(crate) fn sending(&self, bytes: usize) -> Duration {
        match (bytes as u64).saturating_mul(1_000_000).checked_div(self.bandwidth) {
            Some(micros) => Duration::from_micros(micros),
            None => Duration::ZERO,
        }
    }

    /// How many of `most` bytes go in one piece.
    pub(crate) fn piece(limit: usize, most: usize, chooser: &mut Chooser) -> usize {
        if limit == 0 || most <= 1 {
            return most;
        }
        let most = most.min(limit);
        // Zero, the calmest, is the largest piece.
        most - chooser.index(most)
    }
}
