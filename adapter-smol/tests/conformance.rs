//! The conformance suite, on smol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use homing_conformance::{Awaiting, run};

#[test]
fn smol_keeps_every_promise() {
    let report = run(Box::leak(Box::new(Awaiting::new("smol", homing_smol::start))));
    println!("{report}");
    report.write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance")).unwrap();
    assert!(report.failures().is_empty(), "{report}");
}
