//! A byte stream of any sort that does not block.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use crate::mailbox::Mailbox;
use crate::memory::Pipe;

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Memory(Pipe),
}

impl Stream {
    /// Has readiness reported from now on: changes only, so remember it.
    pub(crate) fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => registry.register(stream, token, BOTH),
            #[cfg(unix)]
            Stream::Unix(stream) => registry.register(stream, token, BOTH),
            Stream::Memory(pipe) => {
                pipe.register(mailbox, token);
                Ok(())
            }
        }
    }

    /// Whether the system reports what was there before it was registered.
    pub(crate) fn reports_itself(&self) -> bool {
        !matches!(self, Stream::Memory(_))
    }

    pub(crate) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(out),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.read(out),
            Stream::Memory(pipe) => pipe.read(out),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Memory(pipe) => pipe.write(bytes),
        }
    }

    /// Ends the stream so that what was written still arrives: a socket that is closed with unread
    /// bytes is reset, and a reset may overtake the goodbye. `scratch` is overwritten.
    pub(crate) fn close(mut self, registry: &Registry, scratch: &mut [u8]) {
        match &mut self {
            Stream::Tcp(stream) => {
                let _ = stream.shutdown(Shutdown::Write);
                let _ = registry.deregister(stream);
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                let _ = stream.shutdown(Shutdown::Write);
                let _ = registry.deregister(stream);
            }
            Stream::Memory(pipe) => pipe.end(),
        }
        // As much as can be waiting in a usual receive buffer, and no more.
        for _ in 0..4 {
            if !matches!(self.read(scratch), Ok(n) if n > 0) {
                break;
            }
        }
    }
}
