//! Streams of an executor: how they are dialed, and how they come in.

use std::future::Future;
use std::io;

use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use homing_adapter::Endpoint;

/// Connects and listens.
///
/// None of its types need be `Send`: what is spawned is `Send` when all of them are, and an executor
/// of one thread does not ask for it. A [`Endpoint::Memory`] never comes here.
///
/// Dropping one of its futures gives up what it was about.
pub trait Net {
    /// A byte stream. Small writes must not wait for anything (TCP: no delay). Closing it says that
    /// nothing more is written, and leaves it open for reading.
    type Stream: AsyncRead + AsyncWrite + Unpin;
    /// Streams that come in. An error does not end it: the driver pauses, then asks again. Dropping
    /// it frees the address, and removes the file of a Unix socket.
    type Listener: Stream<Item = io::Result<Self::Stream>> + Unpin;
    /// A dial under way.
    type Connecting: Future<Output = io::Result<Self::Stream>>;
    /// On the way to listen; the second is what it really listens on, with the port that the system
    /// gave, when port 0 was asked for.
    type Listening: Future<Output = io::Result<(Self::Listener, Endpoint)>>;

    /// Dials `to`; a host name is looked up without blocking, and each of its addresses tried. How
    /// long it may take is not its business.
    ///
    /// It fails with [`Unsupported`](io::ErrorKind::Unsupported) when there are no such streams here.
    fn connect(&self, to: &Endpoint) -> Self::Connecting;

    /// Listens on `on`. The file of a Unix socket that nobody answers any more, left by a process
    /// that was killed, is replaced.
    fn listen(&self, on: &Endpoint) -> Self::Listening;
}
