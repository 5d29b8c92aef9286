//! The application on a simulated machine: what it is told and what it can do.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_core::{
    Address, CallId, Command, Event, Failure, Instant, Message, MessageId, Pattern, PeerInfo, Received,
    Request, RequestId, Response, SendError,
};

use crate::Chooser;
use crate::fact::What;
use crate::host::Machine;

/// What survives a crash: named values that the application wrote, each as a whole.
pub type Disk = BTreeMap<String, Vec<u8>>;

/// Your application, as far as messages reach it.
///
/// Each machine of a world runs one, made anew at each start from what its [`Disk`] holds. It runs in one thread
/// with everything else and must not wait: it is told, it acts through [`Cx`], it returns. Whatever it does must
/// depend on nothing but what it is told, or a seed would not repeat itself.
pub trait Handler {
    /// The node was started. Its commands are served from here.
    fn start(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// A message arrived. Who wants to know is told that it was dealt with, unless this is overridden.
    fn message(&mut self, cx: &mut Cx<'_>, message: &Received) {
        cx.consume(message);
    }

    /// Somebody calls a command that is served here. Answer with [`Cx::respond`], now or later.
    fn request(&mut self, cx: &mut Cx<'_>, request: &Request) {
        let _ = (cx, request);
    }

    /// Anything else: who came and went, receipts, answers.
    fn event(&mut self, cx: &mut Cx<'_>, event: &Event) {
        let _ = (cx, event);
    }

    /// The time that [`Cx::wake`] asked for has come.
    fn timer(&mut self, cx: &mut Cx<'_>, token: u64) {
        let _ = (cx, token);
    }

    /// Somebody uses the application: a workload does this at random moments, with random numbers.
    fn poke(&mut self, cx: &mut Cx<'_>, number: u64) {
        let _ = (cx, number);
    }
}

/// What an application can do while it is told something.
pub struct Cx<'a> {
    pub(crate) machine: &'a mut Machine,
    pub(crate) now: Instant,
    pub(crate) chooser: &'a mut Chooser,
}

impl Cx<'_> {
    /// What this machine's clock shows. It may stand, jump and drift.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The machine's name in the world.
    pub fn name(&self) -> &str {
        &self.machine.identity.name
    }

    /// The addresses that this machine has when it is where it wants to be, one in each network.
    pub fn addresses(&self) -> &[Address] {
        &self.machine.identity.addresses
    }

    /// What survives a crash. What is written here is durable at once.
    pub fn disk(&mut self) -> &mut Disk {
        &mut self.machine.disk
    }

    /// Sends a message; see [`Node::send`](homing_core::Node::send).
    ///
    /// # Errors
    /// As there: nothing was sent then.
    pub fn send(&mut self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.machine.send(self.now, to, message)
    }

    /// Calls a command; see [`Node::request`](homing_core::Node::request).
    ///
    /// # Errors
    /// As there: nobody was asked then.
    pub fn request(
        &mut self,
        to: impl Into<Pattern>,
        command: Command,
        patience: Duration,
    ) -> Result<CallId, SendError> {
        self.machine.request(self.now, &to.into(), command, patience)
    }

    /// Gives a call up.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cancel(&mut self, call: CallId) -> Result<(), SendError> {
        self.machine.cancel(self.now, call)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When nobody waits for it any more, or it cannot be sent now.
    pub fn respond(
        &mut self,
        request: RequestId,
        response: Result<Response, Failure>,
    ) -> Result<(), SendError> {
        self.machine.respond(self.now, request, response)
    }

    /// Says that a message was dealt with, if its sender wants to know and can be told.
    pub fn consume(&mut self, message: &Received) {
        self.machine.deal(self.now, message, None);
    }

    /// Says that a message will not be dealt with.
    pub fn refuse(&mut self, message: &Received, why: Failure) {
        self.machine.deal(self.now, message, Some(why));
    }

    /// Lets others call `path`.
    ///
    /// # Errors
    /// As [`Node::serve`](homing_core::Node::serve).
    pub fn serve(&mut self, path: &str, description: &str) -> Result<(), SendError> {
        self.machine.serve(path, description)
    }

    /// Calls [`Handler::timer`] with `token` after so long a time on this machine's clock. A crash forgets it.
    pub fn wake(&mut self, after: Duration, token: u64) {
        self.machine.timers.push((self.now + after, token));
    }

    /// Who is in a network, as this machine's node knows; nobody, when it is not in it.
    pub fn peers(&self, network: &str) -> Vec<PeerInfo> {
        self.machine.node.as_ref().and_then(|node| node.peers(network)).unwrap_or_default()
    }

    /// Randomness for the application, from where all of it comes.
    pub fn chooser(&mut self) -> &mut Chooser {
        self.chooser
    }

    /// Notes something for the invariants, which see it as [`Fact::noted`](crate::Fact::noted), and for whoever
    /// reads the story of the run. An invariant cannot look into a handler: say here what it has to know.
    pub fn note(&mut self, word: &'static str, number: i64) {
        self.machine.say(What::Noted { word, number });
    }
}

/// An application that deals with whatever comes and does nothing by itself.
#[derive(Clone, Copy, Default, Debug)]
pub struct Idle;

impl Handler for Idle {}
