//! Waiting for what must come, and saying what did not.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

/// What a step of a case gives, or what went wrong, in words.
pub(crate) type Check<T = ()> = Result<T, String>;

/// An end to waiting.
#[derive(Clone, Copy)]
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn after(patience: Duration) -> Until {
        Until(Instant::now() + patience)
    }

    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) -> Check {
    let end = Until::after(patience);
    while !condition() {
        if end.is_over() {
            return Err(format!("waited {patience:?} in vain: {what}"));
        }
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Fails, for `why`, unless `held`.
pub(crate) fn ensure(held: bool, why: impl FnOnce() -> String) -> Check {
    if held { Ok(()) } else { Err(why()) }
}

/// Puts what was being done before what went wrong.
pub(crate) trait Saying<T> {
    fn saying(self, what: &str) -> Check<T>;
}

impl<T, E: Debug> Saying<T> for Result<T, E> {
    fn saying(self, what: &str) -> Check<T> {
        self.map_err(|e| format!("{what}: {e:?}"))
    }
}

impl<T> Saying<T> for Option<T> {
    fn saying(self, what: &str) -> Check<T> {
        self.ok_or_else(|| format!("{what}: nothing"))
    }
}

/// Says that it is over when it is dropped, so that no thread goes on after a step that failed.
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// What a thread of a case came to.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, Check<T>>) -> Check<T> {
    thread.join().unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(&*panic))))
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
