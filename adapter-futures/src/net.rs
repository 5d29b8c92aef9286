//! Streams of an executor: how they are dialed, and how they come in.

use std::future::Future;
use std::io;

use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use homing_adapter::Endpoint;

/// Connects and listens, for one driver, which polls all that comes of it in its own task.
///
/// None of its types need be `Send`: what is spawned is `Send` when all of them are, and an executor
/// of one thread does not ask for it. An [`Endpoint::Memory`] never comes here.
///
/// Dropping one of its futures gives up what it was about.
pub trait Net {
    /// A byte stream. Small writes must not wait for anything (TCP: no delay). Closing it says that
    /// nothing more is written, and leaves it open for reading.
    ///
    /// Reading and writing are polled with different wakers, and one must not displace the other.
    type Stream: AsyncRead + AsyncWrite + Unpin;
    /// Streams that come in. An error does not end it: after one that is about a single stream (it was
    /// [aborted](io::ErrorKind::ConnectionAborted)) the driver asks for the next, after another it pauses
    /// for a tenth of a second. Dropping it frees the address, and removes the file of a Unix socket.
    type Listener: Stream<Item = io::Result<Self::Stream>> + Unpin;
    /// A dial under way.
    type Connecting: Future<Output = io::Result<Self::Stream>>;
    /// On the way to listen; the second is what it really listens on, with the port that the system
    /// gave, when port 0 was asked for.
    type Listening: Future<Output = io::Result<(Self::Listener, Endpoint)>>;

    /// Dials `to`; a host name is looked up without blocking, and each of its addresses tried
    /// ([`bind::connect_first`](crate::bind::connect_first)). How long it may take is not its business: the
    /// driver drops what takes longer than [`Limits::handshake_time`](crate::Limits::handshake_time).
    ///
    /// It fails with [`Unsupported`](io::ErrorKind::Unsupported) when there are no such streams here.
    fn connect(&self, to: &Endpoint) -> Self::Connecting;

    /// Listens on `on`. The file of a Unix socket that nobody answers any more, left by a process
    /// that was killed, is replaced ([`bind::bind_unix`](crate::bind::bind_unix)).
    fn listen(&self, on: &Endpoint) -> Self::Listening;
}
