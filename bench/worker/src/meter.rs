//! Counts what arrives.

use crate::Report;

/// How many messages have come. How long that took is measured by the stand, from `go` to the report: a client that
/// only began to count when it had time would look faster than it is.
#[derive(Debug)]
pub struct Meter {
    seen: u64,
    count: u64,
}

impl Meter {
    /// For `count` messages in all.
    pub fn new(count: u64) -> Meter {
        Meter { seen: 0, count }
    }

    /// `n` more have come. True when it was the last.
    pub fn saw(&mut self, n: u64) -> bool {
        self.seen += n;
        self.seen >= self.count
    }

    /// What was counted.
    pub fn report(&self) -> Report {
        Report { messages: self.seen, ..Report::default() }
    }
}
