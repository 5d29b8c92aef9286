//! The conformance suite, on blocking threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binding;

use std::path::Path;

#[test]
fn std_keeps_every_promise() {
    let report = homing_conformance::run(&binding::Std);
    println!("{report}");
    report.write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance")).unwrap();
    assert!(report.failures().is_empty(), "{report}");
}
