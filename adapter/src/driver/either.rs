//! A stream of the system's, or one within the process.

use std::io;
use std::sync::Arc;

use crate::driver::{Listener, Slot, Stream, System};
use crate::mailbox::{Mailbox, Way};
use crate::memory::{MemoryListener, Pipe};

pub(super) enum AnyStream<S> {
    System(S),
    Memory(Pipe),
}

impl<S: Stream> AnyStream<S> {
    pub(super) fn add<Y: System<Stream = S>>(
        &mut self,
        system: &mut Y,
        place: usize,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<()> {
        let slot = Slot { place, mailbox };
        match self {
            AnyStream::System(stream) => system.add_stream(stream, slot),
            AnyStream::Memory(pipe) => {
                pipe.register(slot.waker(Way::Both));
                Ok(())
            }
        }
    }

    pub(super) fn remove<Y: System<Stream = S>>(&mut self, system: &mut Y) {
        if let AnyStream::System(stream) = self {
            system.remove_stream(stream);
        }
    }

    pub(super) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            AnyStream::System(stream) => stream.read(out),
            AnyStream::Memory(pipe) => pipe.read(out),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            AnyStream::System(stream) => stream.write(bytes),
            AnyStream::Memory(pipe) => pipe.write(bytes),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            AnyStream::System(stream) => stream.flush(),
            AnyStream::Memory(_) => Ok(()),
        }
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        match self {
            AnyStream::System(stream) => stream.close(),
            AnyStream::Memory(pipe) => {
                pipe.end();
                Ok(())
            }
        }
    }
}

pub(super) enum AnyListener<L> {
    System(L),
    Memory(MemoryListener),
}

impl<L: Listener> AnyListener<L> {
    pub(super) fn add<Y: System<Stream = L::Stream, Listener = L>>(
        &mut self,
        system: &mut Y,
        place: usize,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<()> {
        let slot = Slot { place, mailbox };
        match self {
            AnyListener::System(listener) => system.add_listener(listener, slot),
            AnyListener::Memory(listener) => {
                listener.register(slot.waker(Way::In));
                Ok(())
            }
        }
    }

    pub(super) fn accept(&mut self) -> io::Result<AnyStream<L::Stream>> {
        match self {
            AnyListener::System(listener) => listener.accept().map(AnyStream::System),
            AnyListener::Memory(listener) => listener.accept().map(AnyStream::Memory),
        }
    }
}
