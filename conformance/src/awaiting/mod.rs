//! The binding of every adapter that is built on `homing-futures`.

mod calls;
mod offload;
mod subject;

use homing_adapter::{Error, Options};

use crate::{Adapter, Subject};

pub use calls::{Call, Calls};
pub use offload::offload;
use subject::Awaited;

/// An adapter whose nodes are [`homing_futures::Peer`]s: it needs a name and how one is started.
///
/// ```ignore
/// let smol = Awaiting::new("smol", homing_smol::start);
/// let report = homing_conformance::run(Box::leak(Box::new(smol)));
/// ```
///
/// The suite waits for each future on the thread that calls, so nothing is asked of the executor but that it runs
/// what `start` has spawned. Handlers that block are given a thread each. The futures themselves are polled and
/// dropped step by step, too.
#[derive(Debug)]
pub struct Awaiting<S> {
    name: String,
    start: S,
}

impl<S, C> Awaiting<S>
where
    S: Fn(Options) -> Result<C, Error> + Sync,
    C: Calls + 'static,
{
    /// The adapter `name`, which begins a node by `start`: from any thread, and spawned when it returns.
    pub fn new(name: &str, start: S) -> Awaiting<S> {
        Awaiting { name: name.into(), start }
    }
}

impl<S, C> Adapter for Awaiting<S>
where
    S: Fn(Options) -> Result<C, Error> + Sync,
    C: Calls + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn start(&self, options: Options) -> Result<Box<dyn Subject>, Error> {
        Ok(Box::new(Awaited((self.start)(options)?)))
    }
}
