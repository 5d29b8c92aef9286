//! A trace, run again.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::crypto::Provider;
use crate::node::{Received, ReceivedHead, UplinkId};
use crate::trace::bytes::Sink;
use crate::trace::call::{About, Call, Entry, Expected};
use crate::trace::file::{Entries, Trace};
use crate::trace::header::Ciphers;
use crate::trace::outcome::{Check, Outcome};
use crate::trace::recorded::Recorded;
use crate::{Action, CallId, EntryError, Input, Instant, MessageId, Node, SendError};

/// A node made as the recorded one was, which is told the same again, entry by entry.
#[derive(Debug)]
pub struct Replay<'a> {
    node: Recorded,
    entries: Entries<'a>,
}

/// An entry, and what came of it this time.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// What was told.
    pub entry: Entry<'a>,
    /// What came out.
    pub given: Given,
    /// The checksum of that, in the place of the one of then.
    pub found: Expected,
    long: u64,
}

impl Step<'_> {
    /// Whether the same came out as then.
    pub fn agrees(&self) -> bool {
        self.entry.expected == self.found
    }
}

/// What comes out of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Given {
    /// Such a call gives nothing.
    Nothing,
    /// What was polled.
    Actions(Vec<Action>),
    /// The bytes that are pending.
    Pending(Vec<u8>),
    /// Whether an entry was restored.
    Restored(Result<(), EntryError>),
    /// Whether a network is dialed, and which uplink that is.
    Dialed(Result<UplinkId, SendError>),
    /// Whether a message was sent, and its id.
    Sent(Result<MessageId, SendError>),
    /// Whether a call was made, and its id.
    Called(Result<CallId, SendError>),
    /// Whether it was carried out.
    Done(Result<(), SendError>),
    /// Whether the path had been served.
    Unserved(bool),
}

/// What a whole replay came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// How many entries there were.
    pub entries: u64,
    /// How many bytes the node was given by its links.
    pub read: u64,
    /// How many bytes it gave to them that were written.
    pub written: u64,
    /// How many events it told.
    pub events: u64,
    /// A hash of everything that came out. Two runs that gave the same have the same.
    pub hash: u64,
}

/// Where a replay went another way than the recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departed {
    /// The entry's number.
    pub entry: u64,
    /// When that was, by the driver's clock.
    pub now: Instant,
    /// The checksum of what came out when it was recorded.
    pub expected: Expected,
    /// Of what came out now.
    pub found: Expected,
}

/// Why a trace was not replayed to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// The trace is a tail: it does not begin when the node did.
    Tail,
    /// The provider is of another kind than the recorded node's.
    Ciphers {
        /// What the trace needs.
        needed: Ciphers,
        /// What was given.
        given: Ciphers,
    },
    /// The node did something else than then.
    Departed(Departed),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Tail => f.write_str("the trace is only the end of a longer one"),
            ReplayError::Ciphers { needed, given } => {
                write!(f, "the trace needs {needed} cryptography, not {given}")
            }
            ReplayError::Departed(Departed { entry, now, .. }) => {
                write!(f, "the node departs from the trace at entry {entry}, at {now:?}")
            }
        }
    }
}

impl core::error::Error for ReplayError {}

/// Runs a trace to its end.
///
/// # Errors
/// [`ReplayError::Departed`] at the first entry of which something else comes than then; the others
/// when the trace cannot be replayed at all, or not with this provider.
pub fn replay(trace: &Trace, provider: Arc<dyn Provider>) -> Result<Summary, ReplayError> {
    let (mut summary, mut hash) = (Summary::default(), Check::new());
    for step in Replay::new(trace, provider)? {
        if !step.agrees() {
            let Entry { number, now, expected, .. } = step.entry;
            return Err(ReplayError::Departed(Departed { entry: number, now, expected, found: step.found }));
        }
        hash.put(&step.long.to_le_bytes());
        summary.add(&step);
    }
    summary.hash = hash.long();
    Ok(summary)
}

impl Summary {
    fn add(&mut self, step: &Step<'_>) {
        self.entries += 1;
        match &step.entry.call {
            Call::Handle(Input::Data { bytes, .. }) => self.read += bytes.len() as u64,
            Call::Handle(Input::Wrote { n, .. }) => self.written = self.written.saturating_add(*n as u64),
            _ => {}
        }
        if let Given::Actions(actions) = &step.given {
            self.events += actions.iter().filter(|action| matches!(action, Action::Event(_))).count() as u64;
        }
    }
}

impl<'a> Replay<'a> {
    /// Makes the node.
    ///
    /// # Errors
    /// [`ReplayError::Tail`] and [`ReplayError::Ciphers`].
    pub fn new(trace: &'a Trace, provider: Arc<dyn Provider>) -> Result<Replay<'a>, ReplayError> {
        let (needed, given) = (trace.ciphers(), Ciphers::of(&*provider));
        if needed != given {
            return Err(ReplayError::Ciphers { needed, given });
        }
        Replay::unchecked(trace, provider, None)
    }

    /// With a provider that is taken for what is needed, and a tape for what it does this time.
    pub(super) fn unchecked(
        trace: &'a Trace,
        provider: Arc<dyn Provider>,
        tape: Option<super::Tape>,
    ) -> Result<Replay<'a>, ReplayError> {
        if !trace.is_whole() {
            return Err(ReplayError::Tail);
        }
        let header = trace.header();
        let config = Arc::new(header.config(provider));
        let node = Recorded::new(header.start, header.key.clone(), header.seed.clone(), config, tape);
        Ok(Replay { node, entries: trace.entries() })
    }

    /// The node, as it is after the last step.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

impl<'a> Iterator for Replay<'a> {
    type Item = Step<'a>;

    /// The next step. It goes on behind a step that does not agree; what comes then means little.
    fn next(&mut self) -> Option<Step<'a>> {
        let entry = self.entries.next()?;
        let (given, check) = apply(&mut self.node, entry.now, &entry.call);
        let found = match (&given, &check) {
            (Given::Nothing, _) => Expected::Nothing,
            (Given::Actions(actions), _) if actions.is_empty() => Expected::Quiet,
            (Given::Pending(bytes), _) if bytes.is_empty() => Expected::Quiet,
            _ => Expected::Check(check.short()),
        };
        Some(Step { entry, given, found, long: check.long() })
    }
}

impl Call<'_> {
    /// Makes the call, at this time.
    pub fn apply(&self, node: &mut Recorded, now: Instant) -> Given {
        apply(node, now, self).0
    }
}

fn apply(node: &mut Recorded, now: Instant, call: &Call<'_>) -> (Given, Check) {
    match call {
        Call::Handle(input) => {
            node.handle(now, *input);
            nothing()
        }
        Call::Restore(entry) => checked(node.restore(entry), Given::Restored),
        Call::Dial(dial) => checked(node.dial(now, dial.clone()), Given::Dialed),
        Call::HangUp(uplink) => checked(node.hang_up(now, *uplink), Given::Done),
        Call::Send { to, message } => checked(node.send(now, to, message.clone()), Given::Sent),
        Call::Consume(about) => checked(node.consume(now, &about.received()), Given::Done),
        Call::Refuse(about, failure) => {
            checked(node.refuse(now, &about.received(), failure.clone()), Given::Done)
        }
        Call::Request { to, command, patience } => {
            checked(node.request(now, to, command, *patience), Given::Called)
        }
        Call::Cancel(call) => checked(node.cancel(now, *call), Given::Done),
        Call::Respond { request, response } => checked(node.respond(now, *request, response), Given::Done),
        Call::Serve { path, description } => checked(node.serve(path, description), Given::Done),
        Call::Unserve(path) => checked(node.unserve(path), Given::Unserved),
        Call::Shutdown => {
            node.shutdown(now);
            nothing()
        }
        Call::Polls(n) => polled(*n, || node.poll_action()),
        Call::PollsOfDuty(n) => polled(*n, || node.poll_duty()),
        Call::Pending(link) => {
            let bytes = node.pending(*link);
            (Given::Pending(bytes.to_vec()), Check::of_bytes(bytes))
        }
    }
}

fn nothing() -> (Given, Check) {
    (Given::Nothing, Check::new())
}

fn checked<T: Outcome>(outcome: T, given: impl FnOnce(T) -> Given) -> (Given, Check) {
    let check = Check::of(&outcome);
    (given(outcome), check)
}

fn polled(n: u8, mut poll: impl FnMut() -> Option<Action>) -> (Given, Check) {
    let (mut actions, mut check) = (Vec::new(), Check::new());
    for _ in 0..n {
        let action = poll();
        action.tell(&mut check);
        actions.extend(action);
    }
    (Given::Actions(actions), check)
}

impl About {
    /// A message with what the node looks at.
    fn received(&self) -> Received {
        let head = ReceivedHead {
            from: self.from.clone(),
            to: self.from.clone(),
            content_type: Default::default(),
            metadata: Default::default(),
            receipts: self.receipts,
        };
        Received { id: self.id, body: Default::default(), head: head.into() }
    }
}
