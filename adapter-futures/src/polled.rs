//! Streams that are polled, as the driver wants them: tried, and reported when they may go on.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use homing_adapter::{Slot, Way};

/// What is pending blocks.
fn tried<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

/// A byte stream, and by whom it reports.
pub(crate) struct Polled<S> {
    stream: S,
    /// None until the driver has a place for it.
    wakers: Option<(Waker, Waker)>,
}

impl<S> Polled<S> {
    pub(crate) fn new(stream: S) -> Polled<S> {
        Polled { stream, wakers: None }
    }

    pub(crate) fn report(&mut self, slot: Slot<'_>) {
        self.wakers = Some((slot.waker(Way::Read), slot.waker(Way::Write)));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> homing_adapter::Stream for Polled<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let waker = self.wakers.as_ref().map_or(Waker::noop(), |(read, _)| read);
        tried(Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(waker), out))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let waker = self.wakers.as_ref().map_or(Waker::noop(), |(_, write)| write);
        tried(Pin::new(&mut self.stream).poll_write(&mut Context::from_waker(waker), bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let waker = self.wakers.as_ref().map_or(Waker::noop(), |(_, write)| write);
        tried(Pin::new(&mut self.stream).poll_flush(&mut Context::from_waker(waker)))
    }

    fn close(&mut self) -> io::Result<()> {
        let waker = self.wakers.as_ref().map_or(Waker::noop(), |(_, write)| write);
        tried(Pin::new(&mut self.stream).poll_close(&mut Context::from_waker(waker)))
    }
}

/// A listener, and by whom it reports.
pub(crate) struct Incoming<L> {
    /// None when it has ended: nobody comes in any more.
    listener: Option<L>,
    waker: Option<Waker>,
}

impl<L> Incoming<L> {
    pub(crate) fn new(listener: L) -> Incoming<L> {
        Incoming { listener: Some(listener), waker: None }
    }

    pub(crate) fn report(&mut self, slot: Slot<'_>) {
        self.waker = Some(slot.waker(Way::In));
    }
}

impl<S, L> homing_adapter::Listener for Incoming<L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Stream<Item = io::Result<S>> + Unpin,
{
    type Stream = Polled<S>;

    fn accept(&mut self) -> io::Result<Polled<S>> {
        let Some(listener) = &mut self.listener else { return Err(ErrorKind::WouldBlock.into()) };
        let waker = self.waker.as_ref().unwrap_or(Waker::noop());
        match Pin::new(listener).poll_next(&mut Context::from_waker(waker)) {
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
            Poll::Ready(Some(result)) => result.map(Polled::new),
            Poll::Ready(None) => {
                self.listener = None;
                Err(ErrorKind::WouldBlock.into())
            }
        }
    }
}
