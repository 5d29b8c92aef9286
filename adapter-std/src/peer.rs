//! The handle.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use homing_core::trace::{Recorded, Tape};
use homing_core::{
    Address, AddressError, CallId, Command, Dial, Failure, Message, MessageId, NetworkInfo, Pattern, PeerId,
    PeerInfo, Reason, Receipts, Received, Request, Response, Seed, SendError, Stage, UplinkId, Why,
    normal_path,
};
use mio::{Poll, Waker};

use crate::driver::{self, Driver};
use crate::listener::Listener;
use crate::mailbox::{Mail, Mailbox};
use crate::shared::{Join, News, Shared};
use crate::waiting::{Answers, Delivery, Events, Joined, Progress, Tracking, after};
use homing_adapter::Endpoint;
use homing_adapter::Error;
use homing_adapter::Options;

/// One running node: cheap to clone, usable from many threads.
///
/// Nothing here blocks unless it says so. When the last handle is dropped (an [`Events`], a
/// [`Tracking`] and [`Answers`] count as one, and so does a handle that a
/// [served](Peer::serve) command has captured) the node says goodbye to its neighbours in the
/// background; [`close`](Peer::close) waits until it has.
#[derive(Clone)]
pub struct Peer {
    handle: Arc<Handle>,
}

/// What all clones of a peer have in common.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.shared.command(|state, now| {
            state.node.shutdown(now);
            Ok(())
        });
    }
}

impl Peer {
    /// Starts a node, with a thread of its own that moves its bytes and keeps its time.
    ///
    /// # Errors
    /// [`Error::Io`] when the system has no randomness, no event queue or no thread to give, or the
    /// store cannot be read; [`Error::Entry`] when the node cannot make sense of what it holds.
    pub fn start(options: Options) -> Result<Peer, Error> {
        let Options { key, config, seed, mut store, queue, record } = options;
        let seed = match seed {
            Some(seed) => seed,
            None => system_seed()?,
        };
        let config = Arc::new(config);
        let start = Instant::now();
        let (zero, tape) = (homing_core::Instant::ZERO, record.map(Tape::new));
        let mut node = Recorded::new(zero, key, seed, Arc::clone(&config), tape);
        for (index, entry) in store.entries()?.iter().enumerate() {
            node.restore(entry).map_err(|e| Error::Entry { index, why: e.to_string() })?;
        }
        let poll = Poll::new()?;
        let mailbox = Arc::new(Mailbox::new(Waker::new(poll.registry(), driver::WAKER)?));
        let shared = Arc::new(Shared::new(start, node, queue, mailbox));
        let driver = Driver::new(Arc::clone(&shared), poll, store, config.limits.handshake_time);
        std::thread::Builder::new().name("homing".into()).spawn(move || driver.run())?;
        Ok(Peer { handle: Arc::new(Handle { shared }) })
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// This node's key, by which others know it.
    pub fn peer_id(&self) -> PeerId {
        self.shared().id
    }

    /// Lets others dial this node, on `on`, for as long as it runs. Returns where it really listens:
    /// with the port that the system gave, when port 0 was asked for. Blocks while a host name is
    /// looked up.
    ///
    /// # Errors
    /// [`Error::Io`] when the address is taken or not this machine's; [`Error::Closed`].
    pub fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        let (listener, bound) = Listener::bind(on)?;
        // Whatever is posted while the driver is not over is opened or thrown away by it.
        let state = self.shared().lock();
        if state.over {
            return Err(Error::Closed);
        }
        self.shared().mailbox.post(Mail::Listen(listener));
        Ok(bound)
    }

    /// Dials a network and blocks until this node is in it, or cannot be, or `timeout` is over. With
    /// [`Dial::redial`] it tries again after a failure that may pass, and later whenever the link is
    /// lost. When this fails, nothing of the dial is left.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`], [`Error::Timeout`] with the last failure,
    /// [`Error::Send`] when the dial itself makes no sense, [`Error::Closed`].
    pub fn connect(&self, dial: Dial, timeout: Duration) -> Result<Joined, Error> {
        let until = after(timeout);
        let (news, joins) = channel();
        let uplink = self.shared().command(|state, now| {
            let uplink = state.node.dial(now, dial)?;
            state.waiters.joins.insert(uplink, news);
            Ok(uplink)
        })?;
        let result = wait_joined(&joins, until);
        self.shared().lock().waiters.joins.remove(&uplink);
        if let Err(Error::Timeout(_)) = result {
            // Unknown when it has ended at the last moment: then there is nothing to hang up.
            let _ = self.hang_up(uplink);
        }
        result
    }

    /// Dials a network and does not wait: [`Event::Up`](homing_core::Event::Up) or
    /// [`Event::Down`](homing_core::Event::Down) tells.
    ///
    /// # Errors
    /// [`Error::Send`] when the dial makes no sense or there are too many, [`Error::Closed`].
    pub fn dial(&self, dial: Dial) -> Result<UplinkId, Error> {
        Ok(self.shared().command(|state, now| state.node.dial(now, dial))?)
    }

    /// Leaves a network, with a goodbye; ends with an [`Event::Down`](homing_core::Event::Down) that
    /// knows no retry.
    ///
    /// # Errors
    /// [`Error::Send`] with [`SendError::Unknown`] when there is no such uplink, [`Error::Closed`].
    pub fn hang_up(&self, uplink: UplinkId) -> Result<(), Error> {
        Ok(self.shared().command(|state, now| state.node.hang_up(now, uplink))?)
    }

    /// Sends a message; its receipts are among the [`events`](Peer::events). Blocks while the queue
    /// of the link is full.
    ///
    /// # Errors
    /// [`Error::Send`] when the node cannot take it, [`Error::Closed`].
    pub fn send(&self, to: &Address, message: Message) -> Result<MessageId, Error> {
        match self.try_send(to, message.clone()) {
            Err(SendError::Full | SendError::TooMany { .. }) => {}
            result => return Ok(result?),
        }
        self.shared().command_when_free(None, |state, now| state.node.send(now, to, message.clone()))
    }

    /// Sends a message, or says at once that it cannot.
    ///
    /// # Errors
    /// [`SendError::Full`] when the queue is full, [`SendError::Stopped`] when the peer is closed,
    /// and what else the node says.
    pub fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.shared().command(|state, now| state.node.send(now, to, message))
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
        let end = after(timeout);
        if until == Receipts::Failure {
            let id =
                self.shared().command_when_free(Some(end), |s, now| s.node.send(now, to, message.clone()))?;
            return Ok(Delivery { id, receipts: Vec::new() });
        }
        let mut tracking = self.follow(to, message, until, Some(end))?;
        let mut receipts = Vec::new();
        while let Some((after, from, stage)) = tracking.take_next(Some(end)) {
            match stage {
                Stage::Failed(failure) if from.is_none() || !to.is_everyone() => {
                    return Err(Error::NotDelivered(failure));
                }
                stage => receipts.push((after, from, stage)),
            }
        }
        match tracking.is_done() {
            true if self.shared().lock().over && receipts.is_empty() => Err(Error::Closed),
            true => Ok(Delivery { id: tracking.id(), receipts }),
            false => Err(Error::Timeout(None)),
        }
    }

    /// Sends a message and follows it. One that asks for no receipts is followed to the hub, as with
    /// [`Receipts::Route`]. Blocks as [`send`](Peer::send) does.
    ///
    /// # Errors
    /// Those of [`send`](Peer::send).
    pub fn track(&self, to: &Address, message: Message) -> Result<Tracking, Error> {
        let until = message.receipts.max(Receipts::Route);
        self.follow(to, message, until, None)
    }

    fn follow(
        &self,
        to: &Address,
        mut message: Message,
        until: Receipts,
        end: Option<Instant>,
    ) -> Result<Tracking, Error> {
        message.receipts = message.receipts.max(until);
        let (waiter, notes) = channel();
        let sent = Instant::now();
        let id = self.shared().command_when_free(end, |state, now| {
            let id = state.node.send(now, to, message.clone())?;
            state.waiters.tracked.insert(id, waiter.clone());
            Ok(id)
        })?;
        Ok(Tracking::new(Arc::clone(&self.handle), id, sent, notes, Progress::new(to, until)))
    }

    /// Calls a command on one peer and blocks until it answers, `timeout` at most.
    ///
    /// # Errors
    /// [`Error::Command`] when it answers with a failure, [`Error::Timeout`], [`Error::Send`],
    /// [`Error::Closed`].
    pub fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        if to.is_everyone() {
            let text = "this calls one peer: call everybody with request_many";
            return Err(Error::Send(SendError::Invalid(text.into())));
        }
        let (_, news) = self.call(&Pattern::One(to.clone()), command, timeout)?;
        match news.recv() {
            Ok(News::Answer(_, Ok(response))) => Ok(response),
            Ok(News::Answer(_, Err(failure))) => Err(failed(failure)),
            Ok(News::Ended(..)) => Err(Error::Timeout(None)),
            Err(_) => Err(Error::Closed),
        }
    }

    /// Calls a command on one, several or all peers of a network. Blocks only while the queue is
    /// full; the answers are waited for with the iterator that it returns.
    ///
    /// # Errors
    /// [`Error::Send`], [`Error::Timeout`], [`Error::Closed`].
    pub fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        let (call, news) = self.call(to, command, timeout)?;
        Ok(Answers::new(Arc::clone(&self.handle), call, news))
    }

    fn call(
        &self,
        to: &Pattern,
        command: Command,
        timeout: Duration,
    ) -> Result<(CallId, Receiver<News>), Error> {
        let end = after(timeout);
        let (waiter, news) = channel();
        let call = self.shared().command_when_free(Some(end), |state, now| {
            let left = end.saturating_duration_since(Instant::now());
            let call = state.node.request(now, to, command.clone(), left)?;
            state.waiters.calls.insert(call, waiter.clone());
            Ok(call)
        })?;
        Ok((call, news))
    }

    /// Answers the command `path` with `handler`, from now on. `description` is for people: the
    /// built-in `/commands` lists it.
    ///
    /// Handlers run one at a time on a thread of their own. They may block, and use the peer; a
    /// panic in one is answered with [`COMMAND_FAILED`](Reason::COMMAND_FAILED) and ends nothing.
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
        let path = normal_path(path);
        // Before the handler is known, nothing may arrive for it: the driver waits for this lock.
        let mut state = self.shared().lock();
        if state.over {
            return Err(Error::Closed);
        }
        state.node.serve(&path, description)?;
        let served = self.shared().work.serve(&self.handle.shared, path.clone(), Arc::new(handler));
        if served.is_err() {
            state.node.unserve(&path);
        }
        drop(state);
        served.map(drop)
    }

    /// Answers the command `path` no more. False when it was not served.
    pub fn unserve(&self, path: &str) -> bool {
        let path = normal_path(path);
        let known = self.shared().lock().node.unserve(&path);
        self.shared().work.unserve(&path) && known
    }

    /// What happens to this peer. Receipts and answers that somebody waits for are not among it.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.handle))
    }

    /// How many events were dropped because nobody took them. Messages never are: their senders
    /// wait.
    pub fn missed(&self) -> u64 {
        self.shared().inbox.missed()
    }

    /// Tells the sender that its message was dealt with, if it wants to know. Blocks while the
    /// queue of the link is full.
    ///
    /// # Errors
    /// [`Error::Send`] when the network is not connected any more, [`Error::Closed`].
    pub fn consume(&self, message: &Received) -> Result<(), Error> {
        self.shared().command_when_free(None, |state, now| state.node.consume(now, message))
    }

    /// Tells the sender that its message was not accepted, and why. Blocks as
    /// [`consume`](Peer::consume) does.
    ///
    /// # Errors
    /// Those of [`consume`](Peer::consume).
    pub fn refuse(&self, message: &Received, failure: Failure) -> Result<(), Error> {
        self.shared().command_when_free(None, |state, now| state.node.refuse(now, message, failure.clone()))
    }

    /// The networks that this node is in now.
    pub fn networks(&self) -> Vec<NetworkInfo> {
        self.shared().lock().node.networks()
    }

    /// Who is in `network`, this node and the hub included; `None` when this node is not.
    pub fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        self.shared().lock().node.peers(network)
    }

    /// Which way a message to `to` would take, and why.
    pub fn why(&self, to: &Address) -> Why {
        self.shared().lock().node.why(to)
    }

    /// The address that a person means: a bare name is of the first network that this node is in.
    ///
    /// # Errors
    /// When it is no address, or there is no network to take it from.
    pub fn resolve(&self, text: &str) -> Result<Address, AddressError> {
        self.shared().lock().node.resolve(text)
    }

    /// How many links the node has, those that are not admitted yet included.
    pub fn links(&self) -> usize {
        self.shared().lock().node.links()
    }

    /// Bytes that the node holds in its queues, tables and buffers.
    pub fn memory(&self) -> usize {
        self.shared().lock().node.memory()
    }

    /// A copy of the tape that [`Options::record`] asks for, as a file has it: what this node was told until
    /// now, for [`homing_core::trace`]. After [`close`](Peer::close), too. **It contains the private key and
    /// every message in the clear**; [`redact`](homing_core::trace::redact) makes one that does not.
    pub fn trace(&self) -> Option<Vec<u8>> {
        self.shared().lock().node.trace()
    }

    /// How often the node's thread has woken up. An idle node wakes for its heartbeats alone.
    pub fn wakeups(&self) -> u64 {
        self.shared().wakeups.load(Relaxed)
    }

    /// The time now, as the node counts it: what the retry of an
    /// [`Event::Down`](homing_core::Event::Down) is to be compared with.
    pub fn now(&self) -> homing_core::Instant {
        self.shared().now()
    }

    /// Says goodbye to every neighbour and blocks until all links are closed and the node's thread
    /// has ended. Whatever was not sent within `timeout` is cut off. All clones are closed with it;
    /// their [`events`](Peer::events) end after
    /// [`Event::Stopped`](homing_core::Event::Stopped).
    ///
    /// # Errors
    /// [`Error::Timeout`] when links had to be cut off.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        let _ = self.shared().command(|state, now| {
            state.node.shutdown(now);
            Ok(())
        });
        if self.shared().wait_over(after(timeout)) {
            return Ok(());
        }
        self.abort();
        Err(Error::Timeout(None))
    }

    /// Ends the node's thread at once. Its sockets are closed without a goodbye, as in a crash.
    /// Blocks until they are: a moment.
    pub fn abort(&self) {
        self.shared().abort.store(true, SeqCst);
        self.shared().mailbox.wake();
        // A store that is in the middle of writing is waited for; nothing else can hold it up.
        while !self.shared().wait_over(Instant::now() + Duration::from_secs(60)) {}
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Peer").field(&self.peer_id()).finish()
    }
}

fn wait_joined(joins: &Receiver<Join>, until: Instant) -> Result<Joined, Error> {
    let mut seen = None;
    loop {
        match joins.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Join::Up(joined)) => return Ok(joined),
            Ok(Join::Down { why, last: true }) => {
                let theirs = why.by == homing_core::ClosedBy::Them;
                let refused = theirs || why.reason().is_permanent();
                return Err(if refused { Error::Refused(why) } else { Error::Unreachable(why) });
            }
            Ok(Join::Down { why, last: false }) => seen = Some(why),
            Err(RecvTimeoutError::Timeout) => return Err(Error::Timeout(seen)),
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Closed),
        }
    }
}

/// A call that nobody answered comes as an answer that says so.
fn failed(failure: Failure) -> Error {
    if failure.reason == Reason::TIMEOUT { Error::Timeout(None) } else { Error::Command(failure) }
}

fn system_seed() -> Result<Seed, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::Io(std::io::Error::other(e.to_string())))?;
    Ok(Seed::from_bytes(bytes))
}
