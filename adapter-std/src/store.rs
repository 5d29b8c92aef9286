//! The thread that keeps what a hub must not forget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use homing_adapter::Store;
use homing_core::StoreId;

use crate::mailbox::{Mail, Mailbox};

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
