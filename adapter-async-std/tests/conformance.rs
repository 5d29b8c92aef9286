//! The conformance suite, on async-std.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use homing_conformance::{Awaiting, run};

#[test]
fn async_std_keeps_every_promise() {
    let report = run(Box::leak(Box::new(Awaiting::new("async-std", homing_async_std::start))));
    println!("{report}");
    report.write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance")).unwrap();
    assert!(report.failures().is_empty(), "{report}");
}
