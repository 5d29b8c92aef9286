//! What the state machine alone costs, by whose work it is.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_bench::trio::{Part, Trio};
use homing_core::Config;

use super::{cpu, pipe};
use crate::Result;

/// What a message takes of the state machine: µs of each part, and bytes on the way to the hub and from it.
pub(super) struct Machine {
    pub(super) spent: BTreeMap<Part, f64>,
    pub(super) wire: [f64; 2],
}

/// Measures messages of `size` bytes.
pub(super) fn measure(size: usize) -> Result<Machine> {
    const COUNT: u64 = 200_000;
    let mut trio = Trio::new(|| Config::with_provider(pipe::provider()))?;
    trio.run(COUNT / 10, size, |_, work| work())?;
    let (mut spent, before): (BTreeMap<Part, Duration>, _) = (BTreeMap::new(), trio.carried());
    trio.run(COUNT, size, |part, work| {
        let start = cpu();
        work();
        *spent.entry(part).or_default() += cpu() - start;
    })?;
    let [up, down] = trio.carried();
    let each = COUNT as f64;
    Ok(Machine {
        spent: spent.into_iter().map(|(part, time)| (part, time.as_secs_f64() * 1e6 / each)).collect(),
        wire: [(up - before[0]) as f64 / each, (down - before[1]) as f64 / each],
    })
}

/// Prints nanoseconds for each message and part.
pub(super) fn print() -> Result<()> {
    println!("\nns a message, state machine and encryption, no sockets");
    println!("  {:>8} {:>8} {:>8} {:>8} {:>8}", "size", "send", "seal", "hub", "receive");
    for size in [64, 256, 1024, 8192] {
        print!("  {size:>8}");
        measure(size)?.spent.values().for_each(|micros| print!(" {:>8.0}", micros * 1e3));
        println!();
    }
    Ok(())
}
