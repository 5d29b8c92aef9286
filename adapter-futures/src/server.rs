//! The commands that the application serves, carried out.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use homing_adapter::{Commands, Shared, panicked, respond};
use homing_core::{Failure, Request, Response};

/// How many handlers run at once. More requests wait in the queue, and then at their senders.
const AT_ONCE: usize = 64;

pub(crate) type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Failure>> + Send + Sync>;

/// Carries out the commands that the application serves. Spawn it beside the
/// [`Driver`](crate::Driver); it is ready when the node has ended.
///
/// Up to 64 handlers run at once, all within this one task: they await, and do not block.
///
/// Dropping it before cuts them off where they stand. Requests for what is still [served](crate::Peer::serve)
/// then wait for nobody until their senders give up; and when the queue is full of them, messages wait too.
#[must_use = "no command is answered without it: spawn it"]
pub struct Server {
    shared: Arc<Shared>,
    commands: Arc<Commands<Handler>>,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>, commands: Arc<Commands<Handler>>) -> Server {
        Server { shared, commands, running: FuturesUnordered::new() }
    }

    fn begin(&mut self, request: Request) {
        let (shared, handler) = (Arc::clone(&self.shared), self.commands.handler(&request));
        self.running.push(Box::pin(async move {
            let id = request.request;
            let answer = match handler {
                Err(failure) => Err(failure),
                Ok(handler) => {
                    let answer = async move { handler(request).await };
                    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
                }
            };
            respond(&shared, id, answer).await;
        }));
    }
}

impl Future for Server {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while self.running.len() < AT_ONCE {
                match self.shared.poll_request(cx) {
                    Poll::Ready(Some(request)) => self.begin(request),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            // No room for more; the end is heard of all the same.
            if self.running.len() >= AT_ONCE && self.shared.poll_no_requests(cx).is_ready() {
                return Poll::Ready(());
            }
            match Pin::new(&mut self.running).poll_next(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // They may own a handle of this very peer.
        self.commands.clear();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("running", &self.running.len()).finish_non_exhaustive()
    }
}
