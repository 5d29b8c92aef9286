//! The whole, beside the sum of its parts and beside the ideal pipe.

use std::collections::BTreeMap;

use homing_bench::trio::Part;

use super::{machine, sockets};
use crate::Result;
use crate::contender::{ALL, Contender};
use crate::work::{Metric, Work};

/// µs of CPU for a message: A, the hub, B, and all of them.
type Shares = [f64; 4];

const COLUMNS: [Metric; 4] = [Metric::CpuOfA, Metric::CpuOfHub, Metric::CpuOfB, Metric::Cpu];

/// Prints µs of CPU for each message.
pub(super) fn print() -> Result<()> {
    let sockets = sockets::measure()?;
    let [written, read] = sockets.map(|micros| micros * 1e3 * 1024.0);
    println!("\nloopback TCP, ns of CPU a KiB: {written:.0} to write, {read:.0} to read");
    for size in [64, 256, 1024] {
        println!("\n{size:>5} B, µs of CPU a message       A      hub        B    whole");
        let [machine, bytes] = parts(size, sockets)?;
        row("state machine and encryption", machine);
        row("its bytes through sockets", bytes);
        let sum = [0, 1, 2, 3].map(|at| machine[at] + bytes[at]);
        row("sum of the parts", sum);
        match whole(size) {
            Ok([homing, ideal]) => {
                row("Homing", homing);
                row("ideal pipe", ideal);
                row("Homing / sum of the parts", [0, 1, 2, 3].map(|at| homing[at] / sum[at]));
                row("Homing / ideal pipe", [0, 1, 2, 3].map(|at| homing[at] / ideal[at]));
            }
            Err(e) => println!("  the whole is not measured: {e}"),
        }
    }
    Ok(())
}

fn row(name: &str, shares: Shares) {
    print!("  {name:28}");
    shares.iter().for_each(|share| print!(" {share:>8.3}"));
    println!();
}

/// What the state machine takes, and what its bytes take on their way.
fn parts(size: usize, [write, read]: [f64; 2]) -> Result<[Shares; 2]> {
    let machine = machine::measure(size)?;
    let [send, seal, hub, receive] = [Part::Send, Part::Seal, Part::Hub, Part::Receive]
        .map(|part| machine.spent.get(&part).copied().unwrap_or_default());
    let [up, down] = machine.wire;
    Ok([with_sum([send + seal, hub, receive]), with_sum([up * write, up * read + down * write, down * read])])
}

fn with_sum([a, hub, b]: [f64; 3]) -> Shares {
    [a, hub, b, a + hub + b]
}

/// Homing and the ideal pipe, in turns: the medians of a few rounds.
fn whole(size: usize) -> Result<[Shares; 2]> {
    const ROUNDS: usize = 5;
    let ideal = ALL.iter().find(|contender| contender.key == "ideal").ok_or("there is no ideal pipe")?;
    let (mut measured, work) = ([Vec::new(), Vec::new()], Work::OneWay { size });
    for _ in 0..ROUNDS {
        // As many messages as take about as long.
        for ((contender, times), rounds) in [(&ALL[0], 10), (ideal, 60)].into_iter().zip(&mut measured) {
            rounds.push(round(contender, work, work.first_count() * times)?);
        }
    }
    Ok(measured.map(|rounds| [0, 1, 2, 3].map(|at| median(rounds.iter().map(|shares| shares[at])))))
}

fn round(contender: &Contender, work: Work, count: u64) -> Result<Shares> {
    let figures: BTreeMap<Metric, f64> = work.run(&contender.start()?, count)?.into_iter().collect();
    Ok(COLUMNS.map(|metric| figures.get(&metric).copied().unwrap_or(f64::NAN)))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
