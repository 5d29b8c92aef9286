//! What the suite needs of an adapter: blocking calls, and objects of any type behind them.

use std::sync::Arc;
use std::time::Duration;

use homing_adapter::{Endpoint, Error, Options};
use homing_core::{
    Address, Command, Dial, Event, Failure, Message, MessageId, Pattern, PeerId, PeerInfo, Receipts, Request,
    Response, SendError, Stage, UplinkId,
};

use crate::{Calls, Outcome};

/// What answers a command. It may block, and it may panic.
pub type Handler = Arc<dyn Fn(&Request) -> Result<Response, Failure> + Send + Sync>;

/// What several peers answered, in the order in which it came.
pub type Answers = Vec<(Address, Result<Response, Failure>)>;

/// An adapter, as the suite sees it: something that starts nodes.
pub trait Adapter: Sync {
    /// What it is called in the report: `std`, `tokio, one thread`. A file is named after it.
    fn name(&self) -> &str;

    /// Starts a node on the executor under test.
    ///
    /// # Errors
    /// Those of the adapter's own `start`.
    fn start(&self, options: Options) -> Result<Box<dyn Subject>, Error>;

    /// Drops the futures of the adapter's calls at each of their await points and sees that nothing is
    /// lost. Only for an adapter that has futures of its own, which the suite does not know: it tries those
    /// of [`Subject::calls`] itself, and one that only blocks has none.
    fn drop_futures(&self) -> Outcome {
        Outcome::DoesNotApply("this adapter has no futures to drop".into())
    }
}

/// One running node under test: the calls of an adapter's `Peer`, each of which blocks until it has
/// its result. They are called from many threads at once. Dropping it drops the last handle.
///
/// With futures, each method is a [`block_on`](crate::block_on): [`Awaiting`](crate::Awaiting) has them ready. A
/// `timeout` is the adapter's own where its call takes one; otherwise
/// [give the future up](crate::block_on_for) when it is over.
pub trait Subject: Send + Sync {
    /// The node's key.
    fn peer_id(&self) -> PeerId;

    /// Lets others dial the node; where it really listens.
    ///
    /// # Errors
    /// Those of the adapter, as for each method below.
    fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error>;

    /// Dials, and waits until the node is in the network: who it is there.
    ///
    /// # Errors
    /// Those of the adapter.
    fn connect(&self, dial: Dial, timeout: Duration) -> Result<Address, Error>;

    /// Dials, and does not wait.
    ///
    /// # Errors
    /// Those of the adapter.
    fn dial(&self, dial: Dial) -> Result<UplinkId, Error>;

    /// Sends; waits while the queue is full.
    ///
    /// # Errors
    /// Those of the adapter.
    fn send(&self, to: &Address, message: Message) -> Result<MessageId, Error>;

    /// Sends, or says at once that it cannot.
    ///
    /// # Errors
    /// Those of the adapter.
    fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError>;

    /// Sends many, one behind the other; waits while the queue is full. The ids of those that were sent are put behind what
    /// is in `ids`. Written anew where the adapter has a call for it.
    ///
    /// # Errors
    /// Those of the adapter, about the first that was not sent.
    fn send_many(&self, to: &Address, messages: &[Message], ids: &mut Vec<MessageId>) -> Result<(), Error> {
        messages.iter().try_for_each(|message| self.send(to, message.clone()).map(|id| ids.push(id)))
    }

    /// Sends, and waits until it has come as far as `until`: the receipts in the order of their
    /// arrival.
    ///
    /// # Errors
    /// Those of the adapter.
    fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Vec<Stage>, Error>;

    /// Calls a command on one peer, and waits for the answer.
    ///
    /// # Errors
    /// Those of the adapter.
    fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error>;

    /// Calls a command on several peers, and waits for all answers.
    ///
    /// # Errors
    /// Those of the adapter.
    fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error>;

    /// Answers the command `path` with `handler`, which blocks in some cases: do not let it hold up
    /// the executor.
    ///
    /// # Errors
    /// Those of the adapter.
    fn serve(&self, path: &str, handler: Handler) -> Result<(), Error>;

    /// The next event; `None` when there is none within `timeout`, or the node is closed.
    fn next_event(&self, timeout: Duration) -> Option<Event>;

    /// All events that there are, one or more; none when none comes within `timeout`, or the node is closed. Written anew
    /// where the adapter has a call for it.
    fn next_events(&self, timeout: Duration) -> Vec<Event> {
        let rest = std::iter::from_fn(|| self.next_event(Duration::ZERO));
        self.next_event(timeout).into_iter().chain(rest).collect()
    }

    /// Who is in `network`, as far as the node knows.
    fn peers(&self, network: &str) -> Option<Vec<PeerInfo>>;

    /// How many links the node has.
    fn links(&self) -> usize;

    /// How often the node's driver has woken up: how often its thread went round, its future was polled.
    fn wakeups(&self) -> u64;

    /// Bytes that the node holds.
    fn memory(&self) -> usize;

    /// Says goodbye to all, and waits until that is done.
    ///
    /// # Errors
    /// Those of the adapter.
    fn close(&self, timeout: Duration) -> Result<(), Error>;

    /// Ends at once, as in a crash.
    fn abort(&self);

    /// The futures behind these calls, to be polled and dropped; none when it only blocks.
    fn calls(&self) -> Option<&dyn Calls> {
        None
    }
}
