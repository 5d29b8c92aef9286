//! What a peer is started with.

use std::fmt;
use std::sync::Arc;

use homing_core::{Config, Seed, StaticKey};
use homing_native::Native;

use crate::store::{Forget, Store};

/// What a peer is started with.
pub struct Options {
    /// Who it is.
    pub key: StaticKey,
    /// How its node behaves; what it serves, if it is a hub.
    pub config: Config,
    /// Where its randomness comes from; the system's, when there is none. With a seed that anybody
    /// else knows its links are not secret: for tests.
    pub seed: Option<Seed>,
    /// Where a hub's memory is kept.
    pub store: Box<dyn Store>,
    /// How many messages are kept for the application, and how many other events; at least 1. When
    /// that many messages wait, no more are taken from the links, and their senders wait. Of the
    /// other events the oldest are dropped then, and counted: `Peer::missed`.
    pub queue: usize,
    /// Of how many bytes at most a tape of all that the node is told is kept in memory, for
    /// `Peer::trace`. None is kept when there is none, as at first. It holds the
    /// private key and every message: do not leave it on without need.
    pub record: Option<usize>,
}

impl Options {
    /// A peer that only dials and remembers nothing, with cryptography in native code, the system's
    /// randomness, a queue of 1024 and no tape.
    pub fn new(key: StaticKey) -> Options {
        Options {
            key,
            config: Config::with_provider(Arc::new(Native)),
            seed: None,
            store: Box::new(Forget),
            queue: 1024,
            record: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("key", &self.key.peer_id())
            .field("config", &self.config)
            .field("queue", &self.queue)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
