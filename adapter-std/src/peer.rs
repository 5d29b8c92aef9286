//! The handle.

use std::borrow::Borrow;
use std::ops::Deref;
use std::slice;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use homing_adapter::{
    Calling, Closing, Commands, Connecting, Delivering, Delivery, Endpoint, Error, Handle, Joined, Mailbox,
    Options, Requesting, Sending, Shared, State, Submitting,
};
use homing_core::{
    Address, Command, Dial, Failure, Message, MessageId, Pattern, Receipts, Received, Request, Response,
};

use crate::engine::{Engine, Post};
use crate::listener::Listener;
use crate::serving::{self, Handler};
use crate::waiting::{Answers, Events, Tracking, wait, wait_for_answer};

/// One running node: cheap to clone, usable from many threads.
///
/// Nothing here blocks unless it says so; what never does is the [`Handle`]'s, to which this
/// dereferences. When the last handle is dropped (an [`Events`], a [`Tracking`] and [`Answers`]
/// count as one, and so does a handle that a [served](Peer::serve) command has captured) the node
/// says goodbye to its neighbours in the background; [`close`](Peer::close) waits until it has.
#[derive(Clone)]
pub struct Peer {
    handle: Arc<Handle>,
    engine: Arc<Engine>,
    server: Arc<Server>,
}

/// The commands that are served, and the thread that does, from the first on.
#[derive(Default)]
struct Server {
    commands: Arc<Commands<Handler>>,
    running: OnceLock<()>,
}

impl Peer {
    /// Starts a node, with a thread of its own that moves its bytes and keeps its time.
    ///
    /// # Errors
    /// [`Error::Io`] when the system has no randomness, no event queue or no thread to give, or the
    /// store cannot be read; [`Error::Entry`] when the node cannot make sense of what it holds.
    pub fn start(options: Options) -> Result<Peer, Error> {
        let (handle, engine) = Engine::start(options)?;
        Ok(Peer::of(handle, engine))
    }

    pub(crate) fn of(handle: Arc<Handle>, engine: Arc<Engine>) -> Peer {
        Peer { handle, engine, server: Arc::default() }
    }

    fn shared(&self) -> &Arc<Shared> {
        Shared::of(&self.handle)
    }

    fn mailbox(&self) -> &Mailbox {
        self.shared().mailbox()
    }

    fn after(&self, timeout: Duration) -> Instant {
        self.shared().after(timeout)
    }

    /// Lets others dial this node, on `on`, for as long as it runs. Returns where it really listens:
    /// with the port that the system gave, when port 0 was asked for. Blocks while a host name is
    /// looked up.
    ///
    /// # Errors
    /// [`Error::Io`] when the address is taken or not this machine's; [`Error::Closed`].
    pub fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        if let Endpoint::Memory(name) = on {
            return self.shared().listen_in_memory(name);
        }
        let (listener, bound) = Listener::bind(on)?;
        match self.engine.posts().put(Post::Listen(listener), self.mailbox()) {
            true => Ok(bound),
            false => Err(Error::Closed),
        }
    }

    /// Dials a network and blocks until this node is in it, or cannot be, or `timeout` is over. With
    /// [`Dial::redial`] it tries again after a failure that may pass, and later whenever the link is
    /// lost. When this fails, nothing of the dial is left.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`], [`Error::Timeout`] with the last failure,
    /// [`Error::Send`] when the dial itself makes no sense, [`Error::Closed`].
    pub fn connect(&self, dial: Dial, timeout: Duration) -> Result<Joined, Error> {
        let until = self.after(timeout);
        wait(&self.engine, Connecting::new(&self.handle, dial)?, Some(until))
    }

    /// Sends a message; its receipts are among the [`events`](Peer::events). Blocks while the queue
    /// of the link is full.
    ///
    /// A message that is sent again, or to others, need not be copied: `&message` will do.
    ///
    /// # Errors
    /// [`Error::Send`] when the node cannot take it, [`Error::Closed`].
    pub fn send(&self, to: &Address, message: impl Borrow<Message>) -> Result<MessageId, Error> {
        let message = message.borrow();
        let is_recent = self.engine.is_collecting();
        // Most often there is room, and nothing to wait for.
        let at_once = self.engine.promptly(|| {
            self.shared().try_command(is_recent, |state, now| state.node.send(now, to, message))
        });
        let id = at_once.unwrap_or_else(|| {
            let submitting = Submitting::new(self.shared(), |state, now| state.node.send(now, to, message));
            wait(&self.engine, submitting, None)
        })?;
        self.engine.gave_messages(slice::from_ref(message));
        Ok(id)
    }

    /// Sends messages, one behind the other, at less than the price of each. Blocks while the queue of the link is full. The
    /// ids of those that were sent are put behind what is in `ids`, also when this fails.
    ///
    /// ```
    /// use homing_std::{Address, Error, Message, Peer};
    ///
    /// fn report(peer: &Peer, to: &Address, lines: &[&str]) -> Result<(), Error> {
    ///     let messages: Vec<_> = lines.iter().map(|line| Message::text(*line)).collect();
    ///     peer.send_many(to, &messages, &mut Vec::new())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`send`](Peer::send), about the first that was not sent.
    pub fn send_many<M: Borrow<Message>>(
        &self,
        to: &Address,
        messages: &[M],
        ids: &mut Vec<MessageId>,
    ) -> Result<(), Error> {
        let mut rest = messages;
        while !rest.is_empty() {
            let is_recent = self.engine.is_collecting();
            let at_once = self.engine.promptly(|| {
                self.shared().try_command(is_recent, |state, now| state.node.send_many(now, to, rest, ids))
            });
            let sent = at_once.unwrap_or_else(|| {
                let send = |state: &mut State, now| state.node.send_many(now, to, rest, ids);
                wait(&self.engine, Submitting::new(self.shared(), send), None)
            })?;
            let (gone, left) = rest.split_at_checked(sent).unwrap_or((rest, &[]));
            self.engine.gave_messages(gone);
            rest = left;
        }
        Ok(())
    }

    /// Sends a message and blocks until it has come as far as `until`, for everybody it is for.
    /// A message to everybody counts as delivered although some could not be given it: the receipts
    /// tell.
    ///
    /// # Errors
    /// [`Error::NotDelivered`], [`Error::Timeout`] after `timeout`, and those of [`send`](Peer::send).
    pub fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Delivery, Error> {
        let end = self.after(timeout);
        if until == Receipts::Failure {
            let submitting = Submitting::new(self.shared(), |state, now| state.node.send(now, to, &message));
            return Ok(Delivery { id: wait(&self.engine, submitting, Some(end))?, receipts: Vec::new() });
        }
        wait_for_answer(&self.engine, Delivering::new(&self.handle, to, message, until), Some(end))
    }

    /// Sends a message and follows it. One that asks for no receipts is followed to the hub, as with
    /// [`Receipts::Route`]. Blocks as [`send`](Peer::send) does.
    ///
    /// # Errors
    /// Those of [`send`](Peer::send).
    pub fn track(&self, to: &Address, message: Message) -> Result<Tracking, Error> {
        wait(&self.engine, Sending::new(&self.handle, to, message), None)
            .map(|tracking| Tracking::new(&self.engine, tracking))
    }

    /// Calls a command on one peer and blocks until it answers, `timeout` at most.
    ///
    /// # Errors
    /// [`Error::Command`] when it answers with a failure, [`Error::Timeout`], [`Error::Send`],
    /// [`Error::Closed`].
    pub fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        let until = self.after(timeout);
        wait_for_answer(&self.engine, Requesting::new(&self.handle, to, command, until)?, Some(until))
    }

    /// Calls a command on one, several or all peers of a network. Blocks only while the queue is
    /// full; the answers are waited for with the iterator that it returns.
    ///
    /// # Errors
    /// [`Error::Send`], [`Error::Timeout`], [`Error::Closed`].
    pub fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        let until = self.after(timeout);
        let body = command.body.len();
        let answers =
            wait(&self.engine, Calling::new(&self.handle, to.clone(), command, until), Some(until))?;
        self.engine.gave_call(body);
        Ok(Answers::new(&self.engine, answers))
    }

    /// Answers the command `path` with `handler`, from now on. `description` is for people: the
    /// built-in `/commands` lists it.
    ///
    /// Handlers run one at a time on a thread of their own. They may block, and use the peer; a
    /// panic in one is answered with [`COMMAND_FAILED`](homing_core::Reason::COMMAND_FAILED) and ends
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Send`] when the path is none, or is a built-in one; [`Error::Io`] when there is no
    /// thread to be had; [`Error::Closed`].
    pub fn serve(
        &self,
        path: &str,
        description: &str,
        handler: impl Fn(&Request) -> Result<Response, Failure> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.run_server()?;
        self.server.commands.serve(self.shared(), path, description, Arc::new(handler))
    }

    fn run_server(&self) -> Result<(), Error> {
        // Two threads that serve for the first time at once: one starts it, the other's ends at once.
        if self.server.running.get().is_some() {
            return Ok(());
        }
        let (shared, commands) = (Arc::clone(self.shared()), Arc::clone(&self.server.commands));
        let engine = Arc::clone(&self.engine);
        let (go, may) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("homing-serve".into());
        thread.spawn(move || may.recv().map(|()| serving::run(&engine, &shared, &commands)))?;
        if self.server.running.set(()).is_ok() {
            let _ = go.send(());
        }
        Ok(())
    }

    /// Answers the command `path` no more. False when it was not served.
    pub fn unserve(&self, path: &str) -> bool {
        self.server.commands.unserve(self.shared(), path)
    }

    /// What happens to this peer. Receipts and answers that somebody waits for are not among it.
    pub fn events(&self) -> Events {
        Events::new(&self.engine, homing_adapter::Events::new(&self.handle))
    }

    /// Tells the sender that its message was dealt with, if it wants to know. Blocks while the
    /// queue of the link is full.
    ///
    /// # Errors
    /// [`Error::Send`] when the network is not connected any more, [`Error::Closed`].
    pub fn consume(&self, message: &Received) -> Result<(), Error> {
        wait(
            &self.engine,
            Submitting::new(self.shared(), |state, now| state.node.consume(now, message)),
            None,
        )
    }

    /// Tells the sender that its message was not accepted, and why. Blocks as
    /// [`consume`](Peer::consume) does.
    ///
    /// # Errors
    /// Those of [`consume`](Peer::consume).
    pub fn refuse(&self, message: &Received, failure: Failure) -> Result<(), Error> {
        let refuse = |state: &mut State, now| state.node.refuse(now, message, failure.clone());
        wait(&self.engine, Submitting::new(self.shared(), refuse), None)
    }

    /// Says goodbye to every neighbour and blocks until all links are closed and the node's thread
    /// has ended. Whatever was not sent within `timeout` is cut off. All clones are closed with it;
    /// their [`events`](Peer::events) end, after [`Event::Stopped`](homing_core::Event::Stopped) if
    /// nothing had to be cut off.
    ///
    /// # Errors
    /// [`Error::Timeout`] when links had to be cut off.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        let until = self.after(timeout);
        self.shared().shut_down();
        if wait(&self.engine, Closing::new(self.shared()), Some(until)) {
            return Ok(());
        }
        self.abort();
        Err(Error::Timeout(None))
    }

    /// Ends the node's thread at once. Its sockets are closed without a goodbye, as in a crash.
    /// Blocks until they are: a moment. A store that is in the middle of writing is waited for.
    pub fn abort(&self) {
        self.shared().abort();
        wait(&self.engine, Closing::new(self.shared()), None);
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
