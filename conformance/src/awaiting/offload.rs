//! Blocking work away from an executor.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::Builder;

use futures_channel::oneshot::channel;

/// Has a thread of its own do `work`, and is ready when it has: what every executor can do, none fast. A panic is
/// passed on.
///
/// # Errors
/// When the system gives no thread.
pub async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, result) = channel();
    Builder::new().name("offloaded".into()).spawn(move || {
        // Nobody waits for it any more: then nobody needs it.
        let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
    })?;
    let lost = |_| io::Error::other("the thread was lost");
    Ok(result.await.map_err(lost)?.unwrap_or_else(|panic| resume_unwind(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;

    #[test]
    fn results_and_panics_come_back() {
        assert_eq!(block_on(offload(|| 7)).unwrap(), 7);
        let panicking = || block_on(offload(|| std::panic::panic_any("as planned")));
        let panic = catch_unwind(panicking).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"as planned"));
    }
}
