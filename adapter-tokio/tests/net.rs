//! The binding to tokio, on real sockets: in a runtime of one thread, and in one of many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../adapter-futures/tests/binding/mod.rs"]
#[macro_use]
mod binding;

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use homing_futures::Timer;
use homing_tokio::{TokioNet, TokioTimer};
use tokio::runtime::Builder;

fn on_one_thread(test: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn on_many_threads(test: impl Future<Output = ()>) {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

mod one_thread {
    use super::*;
    binding_tests!(on_one_thread, TokioNet, TokioTimer);
}

mod many_threads {
    use super::*;
    binding_tests!(on_many_threads, TokioNet, TokioTimer);
}

#[test]
fn all_is_send() {
    binding::all_is_send::<TokioNet, TokioTimer>();
}

#[test]
fn a_paused_clock_is_obeyed() {
    let (began, hour) = (Instant::now(), Duration::from_secs(3600));
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut timer = TokioTimer::default();
        let at = TokioTimer::now() + hour;
        timer.set(at);
        // There is nothing else to do, so the runtime puts the clock forward.
        binding::due(&mut timer).await;
        assert!(TokioTimer::now() >= at);

        timer.set(TokioTimer::now() + hour);
        assert!(binding::due(&mut timer).now_or_never().is_none());
        tokio::time::advance(hour).await;
        assert!(binding::due(&mut timer).now_or_never().is_some());
    });
    assert!(began.elapsed() < hour);
}
