//! The thread that keeps what a hub must not forget.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};

use homing_core::StoreId;

use crate::mailbox::{Mail, Mailbox};
use crate::store::Store;

/// The store behind a thread that is started when it is first needed.
pub(super) enum Keeper {
    Idle(Box<dyn Store>),
    Running {
        /// None when nothing more will be asked for.
        work: Option<Sender<(StoreId, Vec<u8>)>>,
        /// The thread has ended, and the store is closed.
        over: Arc<AtomicBool>,
    },
    /// The thread could not be started: nothing can be made durable.
    Broken,
}

impl Keeper {
    pub(super) fn new(store: Box<dyn Store>) -> Keeper {
        Keeper::Idle(store)
    }

    /// Has `entry` made durable; the answer comes by mail. False when there is nobody to do it.
    pub(super) fn store(&mut self, id: StoreId, entry: Vec<u8>, mailbox: &Arc<Mailbox>) -> bool {
        if let Keeper::Idle(_) = self {
            *self = match std::mem::replace(self, Keeper::Broken) {
                Keeper::Idle(store) => Keeper::start(store, mailbox),
                other => other,
            };
        }
        match self {
            Keeper::Running { work: Some(work), .. } => work.send((id, entry)).is_ok(),
            _ => false,
        }
    }

    fn start(store: Box<dyn Store>, mailbox: &Arc<Mailbox>) -> Keeper {
        let (work, jobs) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let end = End { mailbox: Arc::clone(mailbox), over: Arc::clone(&over) };
        let thread = std::thread::Builder::new().name("homing-store".into());
        match thread.spawn(move || keep(end, store, &jobs)) {
            Ok(_) => Keeper::Running { work: Some(work), over },
            Err(_) => Keeper::Broken,
        }
    }

    /// Asks for nothing more. True once everything that was asked for is durable; until then, the
    /// mailbox is rung when it is.
    pub(super) fn finish(&mut self) -> bool {
        match self {
            Keeper::Running { work, over } => {
                *work = None;
                over.load(SeqCst)
            }
            _ => {
                *self = Keeper::Broken;
                true
            }
        }
    }
}

/// Says that the thread is over, however it ends.
struct End {
    mailbox: Arc<Mailbox>,
    over: Arc<AtomicBool>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        self.mailbox.wake();
    }
}

/// `end` comes first, so that it is dropped last: the store is closed when it says so.
fn keep(end: End, mut store: Box<dyn Store>, jobs: &Receiver<(StoreId, Vec<u8>)>) {
    for (id, entry) in jobs {
        // A store that panics has stored nothing, and somebody waits for the word.
        let ok = catch_unwind(AssertUnwindSafe(|| store.append(&entry).is_ok())).unwrap_or(false);
        end.mailbox.post(Mail::Stored { id, ok });
    }
}
