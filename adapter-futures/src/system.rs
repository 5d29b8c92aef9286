//! What the driver runs on: an executor's streams, and the dials under way.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use homing_adapter::{Endpoint, Slot, System};
use homing_core::LinkId;

use crate::net::Net;
use crate::polled::{Incoming, Polled};

/// The streams of an executor.
pub(crate) struct Streams<N: Net> {
    pub(crate) net: N,
    dials: FuturesUnordered<Dialing<N>>,
    /// How to give one up.
    abort: HashMap<LinkId, AbortHandle>,
}

/// A dial under way, which knows for which link it is. Boxed, because it need not be `Unpin`.
struct Dialing<N: Net> {
    link: LinkId,
    connecting: Pin<Box<Abortable<N::Connecting>>>,
}

impl<N: Net> Future for Dialing<N> {
    /// None when it was given up.
    type Output = Option<(LinkId, io::Result<N::Stream>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.connecting.as_mut().poll(cx));
        Poll::Ready(result.ok().map(|result| (self.link, result)))
    }
}

impl<N: Net> Streams<N> {
    pub(crate) fn new(net: N) -> Streams<N> {
        Streams { net, dials: FuturesUnordered::new(), abort: HashMap::new() }
    }

    /// The next dial that has ended; none while there is none, and then `cx` is woken when there is.
    pub(crate) fn poll_dialed(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(LinkId, io::Result<Polled<N::Stream>>)> {
        loop {
            match Pin::new(&mut self.dials).poll_next(cx) {
                Poll::Ready(Some(Some((link, result)))) => {
                    self.abort.remove(&link);
                    return Some((link, result.map(Polled::new)));
                }
                Poll::Ready(Some(None)) => {}
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
    }
}

impl<N: Net> System for Streams<N> {
    type Stream = Polled<N::Stream>;
    type Listener = Incoming<N::Listener>;

    fn dial(&mut self, link: LinkId, to: &Endpoint) -> Option<io::Result<Self::Stream>> {
        let (connecting, abort) = futures_util::future::abortable(self.net.connect(to));
        self.abort.insert(link, abort);
        self.dials.push(Dialing { link, connecting: Box::pin(connecting) });
        None
    }

    fn forget(&mut self, link: LinkId) {
        if let Some(abort) = self.abort.remove(&link) {
            abort.abort();
        }
    }

    fn add_stream(&mut self, stream: &mut Self::Stream, slot: Slot<'_>) -> io::Result<()> {
        stream.report(slot);
        Ok(())
    }

    fn remove_stream(&mut self, _: &mut Self::Stream) {}

    fn add_listener(&mut self, listener: &mut Self::Listener, slot: Slot<'_>) -> io::Result<()> {
        listener.report(slot);
        Ok(())
    }
}
