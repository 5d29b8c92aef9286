//! What a driver needs of the system that it runs on.

use std::io;
use std::sync::Arc;
use std::task::Waker;

use homing_core::LinkId;

use crate::endpoint::Endpoint;
use crate::mailbox::{Mailbox, Seat, Way};

/// A place of the driver's for a stream or a listener, by which readiness is reported.
///
/// Readiness is reported as the system's edge-triggered interfaces do: once, after something has
/// answered [`WouldBlock`](io::ErrorKind::WouldBlock) and may go on.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    pub(crate) place: usize,
    pub(crate) mailbox: &'a Arc<Mailbox>,
}

impl Slot<'_> {
    /// Which of the driver's streams, or which of its listeners: a small number, used again.
    pub fn place(&self) -> usize {
        self.place
    }

    /// A waker by which it says, from any thread, that it may go on.
    pub fn waker(&self, way: Way) -> Waker {
        Seat::waker(self.mailbox, self.place, way)
    }
}

/// A byte stream that does not block: what cannot go on fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock), and readiness is reported when it can.
pub trait Stream {
    /// Reads some bytes; 0 at the end.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock); any other means that nothing more will be read.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize>;

    /// Writes some of `bytes`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock); any other means that nothing more will be written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends what was written on its way. Most streams have done so.
    ///
    /// # Errors
    /// As [`write`](Stream::write).
    fn flush(&mut self) -> io::Result<()>;

    /// Says that nothing more is written. What was written still arrives, and reading goes on.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it is not said yet: it is asked again.
    fn close(&mut self) -> io::Result<()>;
}

/// Where streams come in. It does not block.
pub trait Listener {
    /// What comes in.
    type Stream: Stream;

    /// The next one.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nobody waits.
    fn accept(&mut self) -> io::Result<Self::Stream>;
}

/// Dials, and reports readiness.
pub trait System {
    /// Its streams.
    type Stream: Stream;
    /// Its listeners.
    type Listener: Listener<Stream = Self::Stream>;

    /// Begins to dial `to` for `link`. The answer comes at once, or later by
    /// [`Driver::dialed`](crate::driver::Driver::dialed).
    fn dial(&mut self, link: LinkId, to: &Endpoint) -> Option<io::Result<Self::Stream>>;

    /// Nobody waits for this dial any more.
    fn forget(&mut self, link: LinkId);

    /// Has readiness of `stream` reported for `slot`, from now on. Without anything to report, it is
    /// tried once.
    ///
    /// # Errors
    /// When the system is out of something; the stream is given up then.
    fn add_stream(&mut self, stream: &mut Self::Stream, slot: Slot<'_>) -> io::Result<()>;

    /// The stream is about to be dropped.
    fn remove_stream(&mut self, stream: &mut Self::Stream);

    /// The same for a listener; that somebody waits is reported as readiness to [read](Way::Read), or
    /// by a waker for [`Way::In`].
    ///
    /// # Errors
    /// When the system is out of something.
    fn add_listener(&mut self, listener: &mut Self::Listener, slot: Slot<'_>) -> io::Result<()>;
}
