//! What all handles of a peer can do, whatever they wait with.

use std::borrow::Borrow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Instant as Clock;

use homing_core::trace::{Recorded, Tape};
use homing_core::{
    Address, AddressError, Dial, Instant, Message, MessageId, NetworkInfo, PeerId, PeerInfo, Seed, SendError,
    UplinkId, Why,
};

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::mailbox::Mail;
use crate::memory::MemoryListener;
use crate::options::Options;
use crate::shared::Shared;
use crate::store::Store;

/// One running node, as all clones of its handle have it in common: what can be done without waiting.
///
/// When the last handle is dropped (streams and iterators of events, receipts and answers count as
/// one, and so does a handle that the handler of a served command has captured) the node says
/// goodbye to its neighbours in the background.
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

/// A node that is made and restored, and waits for its driver.
pub struct Made {
    /// For the handles.
    pub handle: Arc<Handle>,
    /// For the driver.
    pub store: Box<dyn Store>,
    /// How long a dial may take.
    pub dial_time: std::time::Duration,
}

impl Handle {
    /// Makes the node that `options` ask for. Its driver will be woken by `waker`; `clock` tells the
    /// time.
    ///
    /// # Errors
    /// [`Error::Io`] when the system has no randomness, or the store cannot be read;
    /// [`Error::Entry`] when the node cannot make sense of what it holds.
    pub fn make(options: Options, clock: fn() -> Clock, waker: Waker) -> Result<Made, Error> {
        let Options { key, config, seed, mut store, queue, record } = options;
        let seed = match seed {
            Some(seed) => seed,
            None => system_seed()?,
        };
        let config = Arc::new(config);
        let dial_time = config.limits.handshake_time;
        let mut node = Recorded::new(Instant::ZERO, key, seed, config, record.map(Tape::new));
        for (index, entry) in store.entries()?.iter().enumerate() {
            node.restore(entry).map_err(|e| Error::Entry { index, why: e.to_string() })?;
        }
        let shared = Arc::new(Shared::new(clock, node, queue, waker));
        Ok(Made { handle: Arc::new(Handle { shared }), store, dial_time })
    }

    /// This node's key, by which others know it.
    pub fn peer_id(&self) -> PeerId {
        self.shared.id
    }

    /// Dials a network and does not wait: [`Event::Up`](homing_core::Event::Up) or
    /// [`Event::Down`](homing_core::Event::Down) tells.
    ///
    /// # Errors
    /// [`Error::Send`] when the dial makes no sense or there are too many, [`Error::Closed`].
    pub fn dial(&self, dial: Dial) -> Result<UplinkId, Error> {
        Ok(self.shared.command(|state, now| state.node.dial(now, dial))?)
    }

    /// Leaves a network, with a goodbye; ends with an [`Event::Down`](homing_core::Event::Down) that
    /// knows no retry.
    ///
    /// # Errors
    /// [`Error::Send`] with [`SendError::Unknown`] when there is no such uplink, [`Error::Closed`].
    pub fn hang_up(&self, uplink: UplinkId) -> Result<(), Error> {
        Ok(self.shared.command(|state, now| state.node.hang_up(now, uplink))?)
    }

    /// Sends a message, or says at once that it cannot.
    ///
    /// # Errors
    /// [`SendError::Full`] when the queue is full, [`SendError::Stopped`] when the peer is closed,
    /// and what else the node says.
    pub fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.shared.command(|state, now| state.node.send(now, to, message))
    }

    /// Sends messages, one behind the other, as many as there is room for now and no more than some 60 KiB; how many that is.
    /// Each goes as with [`try_send`](Handle::try_send), at less than the price of one. Their ids are put behind what is in
    /// `ids`.
    ///
    /// # Errors
    /// As there, when the first cannot be sent.
    pub fn try_send_many<M: Borrow<Message>>(
        &self,
        to: &Address,
        messages: &[M],
        ids: &mut Vec<MessageId>,
    ) -> Result<usize, SendError> {
        self.shared.command(|state, now| state.node.send_many(now, to, messages, ids))
    }

    /// How many events were dropped because nobody took them. Messages never are: their senders
    /// wait.
    pub fn missed(&self) -> u64 {
        self.shared.inbox.missed()
    }

    /// The networks that this node is in now.
    pub fn networks(&self) -> Vec<NetworkInfo> {
        self.shared.lock().node.networks()
    }

    /// Who is in `network`, this node and the hub included; `None` when this node is not.
    pub fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        self.shared.lock().node.peers(network)
    }

    /// Which way a message to `to` would take, and why.
    pub fn why(&self, to: &Address) -> Why {
        self.shared.lock().node.why(to)
    }

    /// The address that a person means: a bare name is of the first network that this node is in.
    ///
    /// # Errors
    /// When it is no address, or there is no network to take it from.
    pub fn resolve(&self, text: &str) -> Result<Address, AddressError> {
        self.shared.lock().node.resolve(text)
    }

    /// How many links the node has, those that are not admitted yet included.
    pub fn links(&self) -> usize {
        self.shared.lock().node.links()
    }

    /// Bytes that the node holds in its queues, tables and buffers.
    pub fn memory(&self) -> usize {
        self.shared.lock().node.memory()
    }

    /// A copy of the tape that [`Options::record`] asks for, as a file has it: what this node was told until
    /// now, for [`homing_core::trace`]. After the peer was closed, too. **It contains the private key and
    /// every message in the clear**; [`redact`](homing_core::trace::redact) makes one that does not.
    pub fn trace(&self) -> Option<Vec<u8>> {
        self.shared.lock().node.trace()
    }

    /// How often the node's driver has woken up. An idle node wakes for its heartbeats alone.
    pub fn wakeups(&self) -> u64 {
        self.shared.wakeups.load(Relaxed)
    }

    /// The time now, as the node counts it: what the retry of an
    /// [`Event::Down`](homing_core::Event::Down) is to be compared with.
    pub fn now(&self) -> Instant {
        self.shared.now()
    }
}

impl Shared {
    /// What the driver of `handle` and its handles share.
    pub fn of(handle: &Handle) -> &Arc<Shared> {
        &handle.shared
    }

    /// Listens within the process, under `name`.
    ///
    /// # Errors
    /// [`Error::Io`] when somebody does already, [`Error::Closed`].
    pub fn listen_in_memory(&self, name: &str) -> Result<Endpoint, Error> {
        let listener = MemoryListener::bind(name)?;
        // Whatever is posted while the driver is not over is opened or thrown away by it.
        let state = self.lock();
        if state.over {
            return Err(Error::Closed);
        }
        self.mailbox.post(Mail::Listen(listener));
        Ok(Endpoint::Memory(name.into()))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.shut_down();
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Made").field(&self.handle).finish()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.shared.id).finish()
    }
}

fn system_seed() -> Result<Seed, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::Io(io::Error::other(e.to_string())))?;
    Ok(Seed::from_bytes(bytes))
}
