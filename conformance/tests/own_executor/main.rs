//! An executor of one's own, and how it is put through the conformance suite.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod executor;
mod net;
mod reactor;
mod timer;

use std::path::Path;

use homing_conformance::{Awaiting, run};
use homing_futures::{Error, Options, Peer};

use executor::spawn;
use net::OwnNet;
use timer::OwnTimer;

/// All that an adapter is, once there are an executor, its streams and its timer.
fn start(options: Options) -> Result<Peer, Error> {
    let (peer, driver, server) = homing_futures::start(options, OwnNet, OwnTimer::default())?;
    spawn(driver)?;
    spawn(server)?;
    Ok(peer)
}

#[test]
fn an_executor_of_ones_own_keeps_every_promise() {
    let report = run(Box::leak(Box::new(Awaiting::new("own executor", start))));
    println!("{report}");
    report.write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance")).unwrap();
    assert!(report.failures().is_empty(), "{report}");
}
