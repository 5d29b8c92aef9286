//! What the state machine alone costs, part by part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use homing_aws_lc::AwsLc;
use homing_core::Config;

use homing_bench::trio::{Part, Trio};

use crate::Result;

/// Prints nanoseconds for each message and part.
pub(crate) fn run() -> Result<()> {
    const COUNT: u64 = 500_000;
    println!(
        "{:>8} {:>8} {:>8} {:>8} {:>8}   ns a message, state machine alone",
        "size", "send", "seal", "hub", "receive"
    );
    for size in [64, 256, 1024, 8192] {
        let mut trio = Trio::new(|| Config::with_provider(Arc::new(AwsLc)))?;
        trio.run(COUNT / 10, size, |_, work| work())?;
        let mut spent: BTreeMap<Part, Duration> = BTreeMap::new();
        trio.run(COUNT, size, |part, work| {
            let start = Instant::now();
            work();
            *spent.entry(part).or_default() += start.elapsed();
        })?;
        print!("{size:>8}");
        for time in spent.values() {
            print!(" {:>8}", time.as_nanos() / u128::from(COUNT));
        }
        println!();
    }
    Ok(())
}
