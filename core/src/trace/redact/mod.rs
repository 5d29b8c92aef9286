//! Traces without secrets, which still replay.
//!
//! The trace is run with a provider that notes what it opens. Then each record in it is replaced by its
//! plaintext, in which what applications say to each other is overwritten, and the keys by ones that are
//! nobody's; and that is run with a provider that encrypts nothing, so that what is replayed is what was
//! written down. Nothing changes its length, and so nothing its place.

mod letters;
mod spy;
mod stream;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::crypto::Provider;
use crate::trace::bytes::Reader;
use crate::trace::call::Call;
use crate::trace::file::Trace;
use crate::trace::header::Ciphers;
use crate::trace::outcome::{Check, Outcome};
use crate::trace::part::Part;
use crate::trace::recorded::Recorded;
use crate::trace::replay::{Departed, Given, Replay, ReplayError};
use crate::trace::tape::Tape;
use crate::trace::unsealed::Unsealed;
use crate::wire::record::MAX_RECORD;
use crate::{Action, Event, Input, LinkId, StaticKey};

use spy::{Notes, Spy};
use stream::Stream;

/// Why a trace was not redacted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RedactError {
    /// It does not replay: what a node was told can only be read by a node that is told it.
    Replay(ReplayError),
    /// At this entry, the node does something else without the secrets than with them. Somebody sent what
    /// is malformed in a way that could not be kept.
    Differs {
        /// Its number.
        entry: u64,
    },
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedactError::Replay(error) => error.fmt(f),
            RedactError::Differs { entry } => {
                write!(f, "without its secrets the trace goes another way at entry {entry}")
            }
        }
    }
}

impl core::error::Error for RedactError {}

impl From<ReplayError> for RedactError {
    fn from(error: ReplayError) -> RedactError {
        RedactError::Replay(error)
    }
}

/// The same trace without private keys and without what applications said: it can be given away. It
/// replays to its end with [`Unsealed`], and does what the other does, at the same entries, to the same
/// lengths.
///
/// Overwritten with as many `x`: the bodies of messages, requests and answers, and the values of metadata.
/// Left out: the private key, and what ephemeral keys come from. What stays: who was there, under which
/// public keys and addresses, when, how much they said to whom, commands' paths and media types, the words of
/// failures, the question of `/why`, and whatever was never opened, as it came. docs/TRACE.md has the list.
///
/// # Errors
/// [`RedactError`]. A tail cannot be redacted: without its beginning there are no keys to read it with.
pub fn redact(trace: &Trace, provider: Arc<dyn Provider>) -> Result<Trace, RedactError> {
    if trace.ciphers() == Ciphers::Unsealed {
        // It has none any more; but whether it is sound is asked of every trace.
        super::replay(trace, provider)?;
        return Ok(trace.clone());
    }
    let (mut streams, shapes) = listen(trace, provider)?;
    let mut node = nameless(trace);
    for (entry, shape) in trace.entries().zip(shapes) {
        let given = match blank(entry.call) {
            Call::Handle(Input::Data { link, bytes }) => {
                let bytes = streams.get_mut(&link).map_or(&[][..], |stream| stream.tell(bytes.len()));
                Call::Handle(Input::Data { link, bytes }).apply(&mut node, entry.now)
            }
            call => call.apply(&mut node, entry.now),
        };
        if shape_of(given) != shape {
            return Err(RedactError::Differs { entry: entry.number });
        }
    }
    let bytes = node.trace().unwrap_or_default();
    // It was just written.
    Trace::from_bytes(bytes).map_err(|_| RedactError::Differs { entry: trace.len() })
}

/// The first run: what came in on each link, in the clear, and the shape of what each call gave.
fn listen(
    trace: &Trace,
    provider: Arc<dyn Provider>,
) -> Result<(BTreeMap<LinkId, Stream>, Vec<u64>), RedactError> {
    // Whether it is the right provider is said before it hides behind the spy.
    Replay::new(trace, provider.clone())?;
    let most = trace.entries().map(|entry| match entry.call {
        Call::Handle(Input::Data { bytes, .. }) => bytes.len(),
        _ => 0,
    });
    let notes = Arc::new(Notes::new(most.max().unwrap_or(0) + MAX_RECORD));
    let spy = Arc::new(Spy { provider, notes: notes.clone() });
    let (mut streams, mut shapes) = (BTreeMap::<LinkId, Stream>::new(), Vec::new());
    for step in Replay::unchecked(trace, spy, None)? {
        let entry = step.entry.number;
        if !step.agrees() {
            let (now, expected, found) = (step.entry.now, step.entry.expected, step.found);
            return Err(ReplayError::Departed(Departed { entry, now, expected, found }).into());
        }
        let seen = notes.take();
        let mut seen = Reader::new(&seen);
        if let Call::Handle(Input::Data { link, bytes }) = step.entry.call {
            let stream = streams.entry(link).or_insert_with(|| Stream::new(link));
            stream.push(bytes);
            let differs = RedactError::Differs { entry };
            while let Some(seen) = spy::read(&mut seen).map_err(|_| differs)? {
                if !stream.saw(&seen) {
                    return Err(differs);
                }
            }
        }
        shapes.push(shape_of(step.given));
    }
    Ok((streams, shapes))
}

/// A node like the recorded one, with the public key in the place of the private one.
fn nameless(trace: &Trace) -> Recorded {
    let header = trace.header();
    let key = StaticKey::from_bytes(*trace.peer_id().as_bytes());
    let config = Arc::new(header.config(Arc::new(Unsealed)));
    Recorded::new(header.start, key, header.seed.without_secrets(), config, Some(Tape::new(usize::MAX)))
}

/// The same call without what an application says in it.
fn blank(mut call: Call<'_>) -> Call<'_> {
    match &mut call {
        Call::Send { message, .. } => letters::blank_message(message),
        Call::Request { command, .. } => letters::blank_command(command),
        Call::Respond { response: Ok(response), .. } => letters::blank_response(response),
        _ => {}
    }
    call
}

/// What must be the same with and without the secrets: all but them.
fn shape_of(given: Given) -> u64 {
    let mut check = Check::new();
    match given {
        Given::Nothing => {}
        Given::Actions(actions) => {
            for mut action in actions {
                blank_action(&mut action);
                Some(action).tell(&mut check);
            }
        }
        Given::Pending(bytes) => bytes.len().write(&mut check),
        Given::Restored(result) => result.tell(&mut check),
        Given::Dialed(result) => result.tell(&mut check),
        Given::Sent(result) => result.tell(&mut check),
        Given::Called(result) => result.tell(&mut check),
        Given::Done(result) => result.tell(&mut check),
        Given::Unserved(was) => was.tell(&mut check),
    }
    check.long()
}

fn blank_action(action: &mut Action) {
    match action {
        Action::Event(Event::Message(message)) => {
            message.body = alloc::vec![0; message.body.len()].into();
            Arc::make_mut(&mut message.head).metadata.values_mut().for_each(|value| value.clear());
        }
        Action::Event(Event::Request(request)) => request.body.fill(0),
        Action::Event(Event::Answer { response: Ok(response), .. }) => response.body.fill(0),
        _ => {}
    }
}
