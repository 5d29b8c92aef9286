//! What a hub must not forget, and the thread that keeps it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use homing_core::StoreId;

use crate::mailbox::{Mail, Mailbox};

/// Where a node keeps what it must remember when it is started again: names and their keys, bans.
///
/// Entries are a few dozen bytes each; their form is the node's business. [`Journal`](crate::Journal)
/// is one that keeps them in a file.
pub trait Store: Send {
    /// All entries, in the order they were appended. Asked once, by [`Peer::start`](crate::Peer::start).
    ///
    /// # Errors
    /// When they cannot be read; the peer is not started then.
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>>;

    /// Keeps `entry`; when this returns, it is durable. Called on a thread of its own: it may block.
    ///
    /// # Errors
    /// When it is not durable; whoever it was about is then told that the hub could not store it.
    fn append(&mut self, entry: &[u8]) -> io::Result<()>;
}

/// Keeps nothing: for peers that only dial, and for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forget;

impl Store for Forget {
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }

    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// The store behind a thread that is started when it is first needed.
pub(crate) enum Keeper {
    Idle(Box<dyn Store>),
    Running {
        work: Sender<(StoreId, Vec<u8>)>,
        thread: JoinHandle<()>,
    },
    /// The thread could not be started: nothing can be made durable.
    Broken,
}

impl Keeper {
    pub(crate) fn new(store: Box<dyn Store>) -> Keeper {
        Keeper::Idle(store)
    }

    /// Has `entry` made durable; the answer comes by mail. False when there is nobody to do it.
    pub(crate) fn store(&mut self, id: StoreId, entry: Vec<u8>, mailbox: &Arc<Mailbox>) -> bool {
        if let Keeper::Idle(_) = self {
            *self = match std::mem::replace(self, Keeper::Broken) {
                Keeper::Idle(store) => Keeper::start(store, mailbox),
                other => other,
            };
        }
        match self {
            Keeper::Running { work, .. } => work.send((id, entry)).is_ok(),
            _ => false,
        }
    }

    fn start(store: Box<dyn Store>, mailbox: &Arc<Mailbox>) -> Keeper {
        let (work, jobs) = channel();
        let mailbox = Arc::clone(mailbox);
        let thread = std::thread::Builder::new().name("homing-store".into());
        match thread.spawn(move || keep(store, &jobs, &mailbox)) {
            Ok(thread) => Keeper::Running { work, thread },
            Err(_) => Keeper::Broken,
        }
    }

    /// Waits until everything that was asked for is durable.
    pub(crate) fn finish(self) {
        if let Keeper::Running { work, thread } = self {
            drop(work);
            let _ = thread.join();
        }
    }
}

fn keep(mut store: Box<dyn Store>, jobs: &Receiver<(StoreId, Vec<u8>)>, mailbox: &Mailbox) {
    for (id, entry) in jobs {
        // A store that panics has stored nothing, and somebody waits for the word.
        let ok = catch_unwind(AssertUnwindSafe(|| store.append(&entry).is_ok())).unwrap_or(false);
        mailbox.post(Mail::Stored { id, ok });
    }
}
