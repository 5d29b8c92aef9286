//! What Homing is made of, part by part, and how far the whole is from their sum and from the least that could do it.

mod codecs;
mod crypto;
mod machine;
pub(crate) mod pipe;
mod sockets;
mod whole;

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// Measures, and prints.
pub(crate) fn run() -> Result<()> {
    crypto::print()?;
    codecs::print()?;
    machine::print()?;
    whole::print()
}

/// The CPU time of this thread: unlike the clock's, it is nobody else's.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// The nanoseconds of one of the `each` things that `work` does with what `prepare` has made, which is not counted: the
/// median of many times.
fn nanoseconds<T>(each: usize, mut prepare: impl FnMut() -> T, mut work: impl FnMut(&mut T)) -> f64 {
    const LONG: Duration = Duration::from_millis(30);
    let (mut spent, mut took) = (Duration::ZERO, Vec::new());
    while spent < LONG || took.len() < 5 {
        let mut made = prepare();
        let start = Instant::now();
        work(&mut made);
        let time = start.elapsed();
        spent += time;
        took.push(time);
    }
    took.sort_unstable();
    took.get(took.len() / 2).map_or(f64::NAN, |time| time.as_nanos() as f64 / each as f64)
}
