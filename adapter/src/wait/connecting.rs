//! Waiting to be let into a network.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_core::Stream;
use homing_core::{Address, CloseReason, ClosedBy, Dial, PeerId, UplinkId};

use crate::error::Error;
use crate::handle::Handle;
use crate::wait::Patient;
use crate::wait::pending::Join;

/// What a dial that was waited for has led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// For `hang_up`.
    pub uplink: UplinkId,
    /// Who this peer is in the network.
    pub address: Address,
    /// Who let it in.
    pub hub: Address,
    /// The key of who let it in, proven.
    pub hub_key: PeerId,
}

/// Ready when the network has let this node in, or will not.
///
/// Dropped before it is ready, nothing of the dial is left.
#[must_use = "futures do nothing unless they are awaited"]
#[derive(Debug)]
pub struct Connecting {
    handle: Arc<Handle>,
    uplink: UplinkId,
    news: UnboundedReceiver<Join>,
    /// The last failure after which it tries again.
    seen: Option<CloseReason>,
    /// There is nothing to hang up: it is in, or nothing of the dial is left.
    ended: bool,
}

impl Connecting {
    /// Begins to dial.
    ///
    /// # Errors
    /// [`Error::Send`] when the dial makes no sense or there are too many, [`Error::Closed`].
    pub fn new(handle: &Arc<Handle>, dial: Dial) -> Result<Connecting, Error> {
        let (waiter, news) = unbounded();
        let uplink = handle.shared.command(|state, now| {
            let uplink = state.node.dial(now, dial)?;
            state.pending.joins.insert(uplink, waiter);
            Ok(uplink)
        })?;
        Ok(Connecting { handle: Arc::clone(handle), uplink, news, seen: None, ended: false })
    }
}

impl Future for Connecting {
    type Output = Result<Joined, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let result = match ready!(Pin::new(&mut self.news).poll_next(cx)) {
                Some(Join::Down { why, last: false }) => {
                    self.seen = Some(why);
                    continue;
                }
                Some(Join::Up(joined)) => Ok(joined),
                Some(Join::Down { why, last: true }) => {
                    let refused = why.by == ClosedBy::Them || why.reason().is_permanent();
                    Err(if refused { Error::Refused(why) } else { Error::Unreachable(why) })
                }
                None => Err(Error::Closed),
            };
            self.ended = true;
            return Poll::Ready(result);
        }
    }
}

impl Patient for Connecting {
    fn time_is_up(&mut self) -> Self::Output {
        Err(Error::Timeout(self.seen.take()))
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.handle.shared.lock().pending.joins.remove(&self.uplink);
        if !self.ended {
            // Unknown when it has ended at the last moment: then there is nothing to hang up.
            let _ = self.handle.shared.command(|state, now| state.node.hang_up(now, self.uplink));
        }
    }
}
