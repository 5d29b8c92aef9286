//! Ctrl-C and its relatives: the first asks for a clean end, the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::exit::{End, Exit, Fault};

/// How long a clean end may take before it is cut short.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command wants done when it is to end.
type Wish = Box<dyn FnOnce() + Send>;

/// Tells whether the user wants the program to end. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<Shared>);

struct Shared {
    hit: AtomicBool,
    wishes: Mutex<Vec<Wish>>,
    exit: Exit,
}

impl Interrupt {
    /// One that ends the program with `exit`.
    pub(crate) fn new(exit: Exit) -> Interrupt {
        Interrupt(Arc::new(Shared { hit: AtomicBool::new(false), wishes: Mutex::default(), exit }))
    }

    /// Begins to watch for Ctrl-C, SIGTERM and SIGHUP.
    pub(crate) fn install(&self) -> Result<(), Fault> {
        let this = self.clone();
        ctrlc::set_handler(move || this.trip(true)).map_err(|e| {
            Fault::new(Exit::Machine, format!("cannot watch for Ctrl-C: {e}"), "try again in another shell")
        })
    }

    /// What a signal does. The second one ends the program at once, if it is `impatient`.
    fn trip(&self, impatient: bool) {
        let wishes = {
            let mut wishes = self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            let again = self.0.hit.swap(true, Ordering::SeqCst);
            if again && !impatient {
                return;
            }
            if again || wishes.is_empty() {
                std::process::exit(self.0.exit.number().into());
            }
            std::mem::take(&mut *wishes)
        };
        let exit = self.0.exit;
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            std::process::exit(exit.number().into());
        });
        thread::spawn(move || wishes.into_iter().for_each(|wish| wish()));
    }

    /// Calls `wish` when the user wants the program to end; at once, when that was before.
    /// Until somebody wishes something, a signal ends the program on the spot.
    pub(crate) fn on(&self, wish: impl FnOnce() + Send + 'static) {
        let mut wishes = self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        if self.hit() {
            drop(wishes);
            wish();
        } else {
            wishes.push(Box::new(wish));
        }
    }

    /// Whether the user wants the program to end.
    pub(crate) fn hit(&self) -> bool {
        self.0.hit.load(Ordering::SeqCst)
    }

    /// With what the program ends then.
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// [`End::Interrupted`] once the user wants the program to end.
    pub(crate) fn check(&self) -> Result<(), End> {
        if self.hit() { Err(End::Interrupted) } else { Ok(()) }
    }

    /// Treats the end of stdin like Ctrl-C: the program that started this one is gone.
    pub(crate) fn trip_at_eof(&self) {
        let this = self.clone();
        thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            this.trip(false);
        });
    }
}
