//! Counts what arrives on many connections.

/// How many messages have come on each connection.
#[derive(Debug)]
pub struct Crowd {
    seen: Vec<u64>,
    count: u64,
    waiting: usize,
}

impl Crowd {
    /// For `count` messages on each of `links` connections.
    pub fn new(links: usize, count: u64) -> Crowd {
        Crowd { seen: vec![0; links], count, waiting: if count == 0 { 0 } else { links } }
    }

    /// `n` more have come on connection number `link`. True when all have all.
    ///
    /// # Errors
    /// When these are more than were sent to it.
    pub fn saw(&mut self, link: usize, n: u64) -> Result<bool, String> {
        let seen = self.seen.get_mut(link).ok_or("a connection that nobody made")?;
        *seen += n;
        if *seen > self.count {
            return Err(format!("{seen} messages instead of {}", self.count));
        }
        if *seen == self.count && n > 0 {
            self.waiting -= 1;
        }
        Ok(self.waiting == 0)
    }
}
