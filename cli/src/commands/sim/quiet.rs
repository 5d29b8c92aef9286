//! Panics that are results, and are not to be printed as accidents.

use std::panic::{self, PanicHookInfo};
use std::thread;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// While this lives, nothing is printed when something panics: a node that does, within a simulated world, violates
/// an invariant and is reported so, and a run that is made smaller does it hundreds of times.
pub(super) struct Quiet {
    before: Option<Hook>,
}

impl Quiet {
    pub(super) fn begin() -> Quiet {
        let before = Some(panic::take_hook());
        panic::set_hook(Box::new(|_| {}));
        Quiet { before }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A thread that panics may not change the hook; the program ends then.
        if let Some(before) = self.before.take()
            && !thread::panicking()
        {
            panic::set_hook(before);
        }
    }
}
