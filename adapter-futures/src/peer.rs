//! The handle.

use std::borrow::Borrow;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_channel::oneshot;
use homing_adapter::{
    Answers, Calling, Closing, Commands, Connecting, Delivering, Delivery, Endpoint, Error, Events, Handle,
    Joined, Options, Patient, Requesting, Sending, Shared, State, Submitting, Timed, Tracking,
};
use homing_core::{
    Address, Command, Dial, Failure, Message, MessageId, Pattern, Receipts, Received, Request, Response,
};

use crate::driver::Driver;
use crate::listening::{Ask, Heard};
use crate::net::Net;
use crate::server::{Handler, Server};
use crate::timer::Timer;

/// Makes a node that runs on `net` and `timer`, for an executor that spawns both futures.
///
/// # Errors
/// [`Error::Io`] when the system has no randomness, or the store cannot be read; [`Error::Entry`]
/// when the node cannot make sense of what it holds.
pub fn start<N: Net, T: Timer>(
    options: Options,
    net: N,
    timer: T,
) -> Result<(Peer, Driver<N, T>, Server), Error> {
    let made = Handle::make(options, T::now, Waker::noop().clone())?;
    let (asks, asked) = unbounded();
    let commands = Arc::new(Commands::default());
    let server = Server::new(Arc::clone(Shared::of(&made.handle)), Arc::clone(&commands));
    let peer = Peer { handle: Arc::clone(&made.handle), asks, commands };
    Ok((peer, Driver::new(made, net, timer, asked), server))
}

/// One running node: cheap to clone, usable from many tasks and threads, with or without a runtime.
///
/// What need not wait is the [`Handle`]'s, to which this dereferences. Every future here may be
/// dropped at any time, as in a `select`: each method says what that means. Times are kept by the
/// node's driver; a wait that is over is over, whoever polls it.
///
/// When the last handle is dropped ([`Events`], [`Tracking`] and [`Answers`] count as one, and so
/// does a handle that a [served](Peer::serve) command has captured) the node says goodbye to its
/// neighbours in the background; [`close`](Peer::close) waits until it has.
#[derive(Clone)]
pub struct Peer {
    handle: Arc<Handle>,
    asks: UnboundedSender<Ask>,
    commands: Arc<Commands<Handler>>,
}

impl Peer {
    fn shared(&self) -> &Arc<Shared> {
        Shared::of(&self.handle)
    }

    fn after(&self, timeout: Duration) -> Instant {
        self.shared().after(timeout)
    }

    fn until<P: Patient>(&self, what: P, at: Instant) -> Timed<P> {
        Timed::new(self.shared(), what, at)
    }

    /// Lets others dial this node, on `on`, for as long as it runs. Returns where it really listens:
    /// with the port that the system gave, when port 0 was asked for.
    ///
    /// Dropped before it is ready, it does not listen.
    ///
    /// # Errors
    /// [`Error::Io`] when the address is taken or not this machine's; [`Error::Closed`].
    pub async fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        if let Endpoint::Memory(name) = on {
            return self.shared().listen_in_memory(name);
        }
        let (answer, answered) = oneshot::channel();
        let ask = Ask { on: on.clone(), answer };
        self.asks.unbounded_send(ask).map_err(|_| Error::Closed)?;
        let Heard { bound, confirm } = answered.await.map_err(|_| Error::Closed)??;
        confirm.send(()).map_err(|()| Error::Closed)?;
        Ok(bound)
    }

    /// Dials a network and is ready when this node is in it, or cannot be, or `timeout` is over. With
    /// [`Dial::redial`] it tries again after a failure that may pass, and later whenever the link is
    /// lost. When this fails, nothing of the dial is left.
    ///
    /// Dropped before it is ready, nothing of the dial is left.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`], [`Error::Timeout`] with the last failure,
    /// [`Error::Send`] when the dial itself makes no sense, [`Error::Closed`].
    pub async fn connect(&self, dial: Dial, timeout: Duration) -> Result<Joined, Error> {
        let until = self.after(timeout);
        self.until(Connecting::new(&self.handle, dial)?, until).await
    }

    /// Sends a message; its receipts are among the [`events`](Peer::events). Waits while the queue
    /// of the link is full.
    ///
    /// Dropped before it is ready, nothing was sent.
    ///
    /// A message that is sent again, or to others, need not be copied: `&message` will do.
    ///
    /// # Errors
    /// [`Error::Send`] when the node cannot take it, [`Error::Closed`].
    pub async fn send(&self, to: &Address, message: impl Borrow<Message>) -> Result<MessageId, Error> {
        let message = message.borrow();
        Submitting::new(self.shared(), |state, now| state.node.send(now, to, message)).await
    }

    /// Sends messages, one behind the other, at less than the price of each. Waits while the queue of the link is full. The
    /// ids of those that were sent are put behind what is in `ids`, also when this fails.
    ///
    /// Dropped before it is ready, those were sent whose ids are there.
    ///
    /// # Errors
    /// Those of [`send`](Peer::send), about the first that was not sent.
    pub async fn send_many<M: Borrow<Message>>(
        &self,
        to: &Address,
        messages: &[M],
        ids: &mut Vec<MessageId>,
    ) -> Result<(), Error> {
        let mut rest = messages;
        while !rest.is_empty() {
            let send = |state: &mut State, now| state.node.send_many(now, to, rest, ids);
            let sent = Submitting::new(self.shared(), send).await?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sends a message and is ready when it has come as far as `until`, for everybody it is for.
    /// A message to everybody counts as delivered although some could not be given it: the receipts
    /// tell.
    ///
    /// Dropped while the queue of the link is full, nothing was sent; after that the message goes
    /// its way, and every receipt of it is among the [`events`](Peer::events), as after a timeout.
    ///
    /// # Errors
    /// [`Error::NotDelivered`], [`Error::Timeout`] after `timeout`, and those of [`send`](Peer::send).
    pub async fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Delivery, Error> {
        let end = self.after(timeout);
        if until == Receipts::Failure {
            let submitting = Submitting::new(self.shared(), |state, now| state.node.send(now, to, &message));
            return Ok(Delivery { id: self.until(submitting, end).await?, receipts: Vec::new() });
        }
        self.until(Delivering::new(&self.handle, to, message, until), end).await
    }

    /// Sends a message and follows it. One that asks for no receipts is followed to the hub, as with
    /// [`Receipts::Route`]. Waits as [`send`](Peer::send) does.
    ///
    /// Dropped before it is ready, nothing was sent.
    ///
    /// # Errors
    /// Those of [`send`](Peer::send).
    pub async fn track(&self, to: &Address, message: Message) -> Result<Tracking, Error> {
        Sending::new(&self.handle, to, message).await
    }

    /// Calls a command on one peer and is ready when it answers, after `timeout` at most.
    ///
    /// Dropped before it is ready, the call is given up, and its handler may run or not.
    ///
    /// # Errors
    /// [`Error::Command`] when it answers with a failure, [`Error::Timeout`], [`Error::Send`],
    /// [`Error::Closed`].
    pub async fn request(
        &self,
        to: &Address,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, Error> {
        let until = self.after(timeout);
        self.until(Requesting::new(&self.handle, to, command, until)?, until).await
    }

    /// Calls a command on one, several or all peers of a network. Waits only while the queue is
    /// full; the answers come by the stream that it returns.
    ///
    /// Dropped before it is ready, nothing was called. Dropping the stream gives the call up.
    ///
    /// # Errors
    /// [`Error::Send`], [`Error::Timeout`], [`Error::Closed`].
    pub async fn request_many(
        &self,
        to: &Pattern,
        command: Command,
        timeout: Duration,
    ) -> Result<Answers, Error> {
        let until = self.after(timeout);
        self.until(Calling::new(&self.handle, to.clone(), command, until), until).await
    }

    /// Answers the command `path` with `handler`, from now on. `description` is for people: the
    /// built-in `/commands` lists it.
    ///
    /// Handlers run within the task of the [`Server`], many at once. They await and do not block, and
    /// may use the peer; a panic in one is answered with
    /// [`COMMAND_FAILED`](homing_core::Reason::COMMAND_FAILED) and ends nothing.
    ///
    /// # Errors
    /// [`Error::Send`] when the path is none, or is a built-in one; [`Error::Closed`].
    pub fn serve<F>(
        &self,
        path: &str,
        description: &str,
        handler: impl Fn(Request) -> F + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Response, Failure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        self.commands.serve(self.shared(), path, description, handler)
    }

    /// Answers the command `path` no more. False when it was not served.
    pub fn unserve(&self, path: &str) -> bool {
        self.commands.unserve(self.shared(), path)
    }

    /// What happens to this peer, as a stream. Receipts and answers that somebody waits for are not
    /// among it.
    ///
    /// An event is taken when it is given: giving up waiting for one loses none.
    pub fn events(&self) -> Events {
        Events::new(&self.handle)
    }

    /// Tells the sender that its message was dealt with, if it wants to know. Waits while the queue
    /// of the link is full.
    ///
    /// Dropped before it is ready, nothing was told.
    ///
    /// # Errors
    /// [`Error::Send`] when the network is not connected any more, [`Error::Closed`].
    pub async fn consume(&self, message: &Received) -> Result<(), Error> {
        Submitting::new(self.shared(), |state, now| state.node.consume(now, message)).await
    }

    /// Tells the sender that its message was not accepted, and why. Waits as
    /// [`consume`](Peer::consume) does.
    ///
    /// Dropped before it is ready, nothing was told.
    ///
    /// # Errors
    /// Those of [`consume`](Peer::consume).
    pub async fn refuse(&self, message: &Received, failure: Failure) -> Result<(), Error> {
        Submitting::new(self.shared(), |state, now| state.node.refuse(now, message, failure.clone())).await
    }

    /// Says goodbye to every neighbour and is ready when all links are closed and the driver has
    /// ended. Whatever was not sent within `timeout` is cut off. All clones are closed with it; their
    /// [`events`](Peer::events) end, after [`Event::Stopped`](homing_core::Event::Stopped) if nothing
    /// had to be cut off.
    ///
    /// Once it was polled the node is on its way out; dropped after that, the goodbye goes on, for as
    /// long as the node's own [limit](homing_core::Limits::goodbye) lets each link take.
    ///
    /// # Errors
    /// [`Error::Timeout`] when links had to be cut off.
    pub async fn close(&self, timeout: Duration) -> Result<(), Error> {
        let until = self.after(timeout);
        self.shared().shut_down();
        if self.until(Closing::new(self.shared()), until).await {
            return Ok(());
        }
        self.abort();
        Closing::new(self.shared()).await;
        Err(Error::Timeout(None))
    }

    /// Ends the driver at its next step: its sockets are closed without a goodbye, as in a crash.
    /// [`close`](Peer::close) after this waits until they are. A store that is in the middle of
    /// writing is waited for.
    pub fn abort(&self) {
        self.shared().abort();
    }
}

impl Deref for Peer {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Peer").field(&self.peer_id()).finish()
    }
}
