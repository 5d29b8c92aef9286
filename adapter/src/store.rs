//! What a hub must not forget.

use std::io;

/// Where a node keeps what it must remember when it is started again: names and their keys, bans.
///
/// Entries are a few dozen bytes each; their form is the node's business. [`Journal`](crate::Journal)
/// is one that keeps them in a file.
pub trait Store: Send {
    /// All entries, in the order they were appended. Asked once, when the peer is started.
    ///
    /// # Errors
    /// When they cannot be read; the peer is not started then.
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>>;

    /// Keeps `entry`; when this returns, it is durable. Called on a thread of its own: it may block.
    ///
    /// # Errors
    /// When it is not durable; whoever it was about is then told that the hub could not store it.
    fn append(&mut self, entry: &[u8]) -> io::Result<()>;
}

/// Keeps nothing: for peers that only dial, and for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forget;

impl Store for Forget {
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
