//! Counts what arrives.

/// How many messages have come.
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
}
