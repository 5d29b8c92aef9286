//! What the driver needs of the system.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use homing_adapter::{Endpoint, Mailbox, Slot, System};
use homing_core::LinkId;
use mio::{Interest, Registry, Token};

use crate::dial;
use crate::engine::posts::Posts;
use crate::listener::Listener;
use crate::stream::Stream;

/// Registers with the system's event queue; dials on threads of their own.
pub(super) struct Sockets {
    pub(super) registry: Registry,
    pub(super) posts: Posts,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) dial_time: Duration,
}

/// What a token stands for.
pub(super) enum Place {
    Stream(usize),
    Listener(usize),
}

/// What `token`, which is not the bell's, stands for.
pub(super) fn place(Token(token): Token) -> Place {
    if token & 1 == 1 { Place::Listener(token >> 1) } else { Place::Stream(token >> 1) }
}

impl System for Sockets {
    type Stream = Stream;
    type Listener = Listener;

    fn dial(&mut self, link: LinkId, to: &Endpoint) -> Option<io::Result<Stream>> {
        dial::dial(link, to, self.dial_time, &self.posts, &self.mailbox)
    }

    /// Its thread ends by itself, and what it brings is dropped.
    fn forget(&mut self, _: LinkId) {}

    fn add_stream(&mut self, stream: &mut Stream, slot: Slot<'_>) -> io::Result<()> {
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        self.registry.register(stream.source(), Token(slot.place() << 1), interest)
    }

    fn remove_stream(&mut self, stream: &mut Stream) {
        // It fails when it was never registered.
        let _ = self.registry.deregister(stream.source());
    }

    fn add_listener(&mut self, listener: &mut Listener, slot: Slot<'_>) -> io::Result<()> {
        self.registry.register(listener.source(), Token(slot.place() << 1 | 1), Interest::READABLE)
    }
}
