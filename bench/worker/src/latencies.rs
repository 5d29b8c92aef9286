//! How long requests took.

use std::time::Duration;

use crate::Report;

/// The time of each request. The first tenth is not measured: pipes fill and caches warm.
#[derive(Debug)]
pub struct Latencies {
    took: Vec<u32>,
    count: u64,
    seen: u64,
}

impl Latencies {
    /// For `count` requests in all.
    pub fn new(count: u64) -> Latencies {
        let room = usize::try_from(count).unwrap_or_default();
        Latencies { took: Vec::with_capacity(room), count, seen: 0 }
    }

    /// One was answered after `took`. True when it was the last.
    pub fn saw(&mut self, took: Duration) -> bool {
        self.seen += 1;
        if self.seen > self.count / 10 {
            self.took.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        }
        self.seen >= self.count
    }

    /// What was measured.
    pub fn report(mut self) -> Report {
        self.took.sort_unstable();
        let at = |part: usize| self.took.get(self.took.len() * part / 100).map(|ns| f64::from(*ns) / 1e9);
        Report { p50: at(50), p99: at(99), ..Report::default() }
    }
}
