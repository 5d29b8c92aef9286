//! Beginning to listen, so that whoever has asked and gone leaves no listener behind.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot::{Receiver, Sender, channel};
use homing_adapter::Endpoint;

use crate::net::Net;

/// What a handle asks the driver for: to listen.
pub(crate) struct Ask {
    pub(crate) on: Endpoint,
    pub(crate) answer: Sender<io::Result<Heard>>,
}

/// Where a listener listens; whoever has heard it says so, or the listener is dropped.
pub(crate) struct Heard {
    pub(crate) bound: Endpoint,
    pub(crate) confirm: Sender<()>,
}

/// On the way from an [`Ask`] to a listener; none when it could not be, or nobody wants it any more.
pub(crate) struct Listening<N: Net> {
    step: Step<N>,
}

enum Step<N: Net> {
    /// Boxed, because it need not be `Unpin`.
    Binding(Pin<Box<N::Listening>>, Option<Sender<io::Result<Heard>>>),
    Confirming(Option<N::Listener>, Receiver<()>),
}

impl<N: Net> Listening<N> {
    pub(crate) fn new(net: &N, Ask { on, answer }: Ask) -> Listening<N> {
        Listening { step: Step::Binding(Box::pin(net.listen(&on)), Some(answer)) }
    }
}

impl<N: Net> Future for Listening<N> {
    type Output = Option<N::Listener>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.step {
                Step::Binding(binding, answer) => {
                    if answer.as_mut().is_none_or(|answer| answer.poll_canceled(cx).is_ready()) {
                        return Poll::Ready(None);
                    }
                    let result = ready!(binding.as_mut().poll(cx));
                    let Some(answer) = answer.take() else { return Poll::Ready(None) };
                    let (listener, bound) = match result {
                        Ok(bound) => bound,
                        Err(e) => {
                            // Nobody is there to hear of it: then nobody needs to.
                            let _ = answer.send(Err(e));
                            return Poll::Ready(None);
                        }
                    };
                    let (confirm, confirmed) = channel();
                    if answer.send(Ok(Heard { bound, confirm })).is_err() {
                        return Poll::Ready(None);
                    }
                    self.step = Step::Confirming(Some(listener), confirmed);
                }
                Step::Confirming(listener, confirmed) => {
                    return Poll::Ready(match ready!(Pin::new(confirmed).poll(cx)) {
                        Ok(()) => listener.take(),
                        Err(_) => None,
                    });
                }
            }
        }
    }
}
