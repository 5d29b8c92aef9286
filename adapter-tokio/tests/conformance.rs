//! The conformance suite, on tokio: in a runtime of one thread, and in one of many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use homing_conformance::{Awaiting, run};
use tokio::runtime::{Builder, Handle};

/// Each has the machine to itself: what is measured is its own.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Puts what runs on `runtime` through the suite.
fn keeps_every_promise(name: &str, runtime: Handle) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let start = move |options| {
        let _in_it = runtime.enter();
        homing_tokio::start(options)
    };
    let report = run(Box::leak(Box::new(Awaiting::new(name, start))));
    println!("{report}");
    report.write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance")).unwrap();
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn many_threads_keep_every_promise() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    keeps_every_promise("tokio, many threads", runtime.handle().clone());
}

#[test]
fn one_thread_keeps_every_promise() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    // It runs while somebody waits in it.
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    keeps_every_promise("tokio, one thread", handle);
}
