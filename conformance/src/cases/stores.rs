//! What a hub must remember: stores that are slow, or fail.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::scope;
use std::time::Duration;

use homing_adapter::{Error, Options, Store};
use homing_core::{Dial, Reason};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{Lab, TCP, dial, hub_options, options};
use crate::wait::{Check, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "stores that are slow or fail",
    promise: "A newcomer is let in only when what must be remembered is durable; a store that takes its time \
              holds up nobody else, and one that fails is said to the newcomer alone.",
    check,
};

/// What a store is told to do, and what it holds.
#[derive(Default)]
struct Disk {
    entries: Mutex<Vec<Vec<u8>>>,
    changed: Condvar,
    /// Writing waits while this holds.
    stuck: AtomicBool,
    broken: AtomicBool,
    panics: AtomicBool,
    /// How many have begun to write.
    begun: AtomicUsize,
}

impl Disk {
    fn entries(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self) {
        let entries = self.entries();
        self.stuck.store(false, SeqCst);
        drop(entries);
        self.changed.notify_all();
    }
}

struct Slow(Arc<Disk>);

impl Store for Slow {
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.0.entries().clone())
    }

    fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        let disk = &*self.0;
        disk.begun.fetch_add(1, SeqCst);
        if disk.panics.load(SeqCst) {
            std::panic::resume_unwind(Box::new("as asked"));
        }
        if disk.broken.load(SeqCst) {
            return Err(ErrorKind::StorageFull.into());
        }
        let mut entries = disk.entries();
        while disk.stuck.load(SeqCst) {
            let waited = disk.changed.wait_timeout(entries, Duration::from_secs(1));
            entries = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        entries.push(entry.to_vec());
        Ok(())
    }
}

/// Lets a store go on, however the case ends: the node waits for it when it is dropped.
struct Release<'a>(&'a Disk);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

fn with_store(disk: &Arc<Disk>) -> Options {
    let mut options = hub_options();
    // The newcomer waits as long as the test of it takes.
    options.config.limits.handshake_time = Duration::from_secs(60);
    options.store = Box::new(Slow(Arc::clone(disk)));
    options
}

fn once(dial: Dial) -> Dial {
    Dial { redial: false, ..dial }
}

fn check(lab: &Lab) -> Verdict {
    let disk = Arc::new(Disk::default());
    let _release = Release(&disk);
    let (hub, at) = lab.hub(with_store(&disk), TCP)?;
    let ada = lab.join(options(2), &hub, &at, "ada")?;
    ensure(!disk.entries().is_empty(), || "ada was let in, and nothing is durable".into())?;
    let _bob = lab.join(options(3), &hub, &at, "bob")?;

    // Slow: cat waits, ada and bob do not.
    disk.stuck.store(true, SeqCst);
    let (begun, durable) = (disk.begun.load(SeqCst), disk.entries().len());
    let mut patient = options(4);
    patient.config.limits.handshake_time = Duration::from_secs(60);
    let cat = lab.start("cat", patient)?;
    scope(|scope| {
        let joining = scope.spawn(|| -> Check<usize> {
            cat.connect(once(dial(&hub, &at, "cat")?))?;
            Ok(disk.entries().len())
        });
        let chat = (|| -> Check {
            until("cat is to be remembered", lab.patience, || disk.begun.load(SeqCst) > begun)?;
            for n in 0..100u32 {
                ada.echo("bob@home", &n.to_be_bytes())?;
            }
            ensure(!joining.is_finished(), || "cat was let in, and nothing is durable".into())
        })();
        disk.release();
        let then = joined(joining);
        chat?;
        ensure(then? > durable, || "cat was let in before her entry was durable".into())
    })?;
    cat.ping("ada@home")?;

    // Broken, then worse: the newcomer is told, and nobody else notices.
    for (failure, name) in [(&disk.broken, "dan"), (&disk.panics, "eve")] {
        failure.store(true, SeqCst);
        let newcomer = lab.start(name, options(5))?;
        let refused = newcomer.subject().connect(once(dial(&hub, &at, name)?), lab.patience);
        ensure(matches!(&refused, Err(Error::Refused(why)) if why.reason() == Reason::STORAGE), || {
            format!("the store cannot keep {name}, but: {refused:?}")
        })?;
        ada.ping("bob@home")?;
        failure.store(false, SeqCst);
    }
    hub.close()?;

    // Started again, the hub remembers.
    let (hub, at) = lab.hub(with_store(&disk), TCP)?;
    let thief = lab.start("a thief", options(9))?;
    let refused = thief.subject().connect(dial(&hub, &at, "ada")?, lab.patience);
    ensure(matches!(&refused, Err(Error::Refused(why)) if why.reason() == Reason::NAME_TAKEN), || {
        format!("another key asks for ada's name, but: {refused:?}")
    })?;
    let entries = disk.entries().len();
    Ok(format!("{entries} entries; 100 rounds of others while one was written"))
}
