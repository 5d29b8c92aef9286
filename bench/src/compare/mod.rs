//! The same work on Homing and on others, in turns, in one run.

mod goals;
mod report;
mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;

use clap::Args;

use crate::Result;
use crate::contender::{ALL, Contender};
use crate::process::raise_open_files;
use crate::work::{Metric, Work};
pub(crate) use report::Report;
use table::Table;

/// What is compared, and how long.
#[derive(Clone, Debug, Args)]
pub(crate) struct Compare {
    /// Three short rounds in place of seven: a first impression.
    #[arg(long)]
    quick: bool,
    /// Writes a line of JSON for each row of the table to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws a page with charts to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Only these works, by a part of their names: `one way`, `request`.
    #[arg(long, value_name = "WORD")]
    work: Vec<String>,
    /// Only these sizes, in bytes.
    #[arg(long, value_name = "BYTES")]
    size: Vec<usize>,
    /// Only these beside Homing: `nats-tls` ..
    #[arg(long, value_name = "KEY")]
    with: Vec<String>,
    /// How many rounds.
    #[arg(long)]
    rounds: Option<usize>,
}

impl Compare {
    fn wants(&self, work: Work) -> bool {
        let named = self.work.is_empty() || self.work.iter().any(|word| work.name().contains(word.as_str()));
        named && (self.size.is_empty() || self.size.contains(&work.size()))
    }

    fn takes(&self, contender: &Contender) -> bool {
        self.with.is_empty()
            || contender.key == ALL[0].key
            || self.with.iter().any(|key| key == contender.key)
    }

    /// Measures, prints, and writes what was asked for.
    pub(crate) fn run(&self) -> Result<()> {
        let (rounds, seconds) = if self.quick { (3, 0.6) } else { (7, 2.0) };
        let rounds = self.rounds.unwrap_or(rounds);
        let run = report::Run::begin(rounds, seconds);
        raise_open_files()?;
        let mut rows = Vec::new();
        for work in Work::ALL.into_iter().filter(|work| self.wants(*work)) {
            let all = ALL.iter().filter(|contender| self.takes(contender) && contender.can(work.roles()));
            let measured = measure(work, &all.collect::<Vec<_>>(), rounds, seconds)?;
            let table = Table::of(work, &measured);
            print!("{table}");
            rows.extend(table.rows);
        }
        let lines: Vec<_> = rows.iter().map(|row| row.to_json(&run)).collect();
        if let Some(path) = &self.json {
            let mut file = File::create(path)?;
            lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
        }
        if let Some(path) = &self.html {
            report::write(&lines, path)?;
        }
        Ok(())
    }
}

/// What each contender reached, a number for each round.
type Measured = Vec<(&'static Contender, BTreeMap<Metric, Vec<f64>>)>;

/// Has `work` done by all of them, in turns. Who cannot be started is named, and left out.
fn measure(work: Work, all: &[&'static Contender], rounds: usize, seconds: f64) -> Result<Measured> {
    let mut ready = Vec::new();
    for contender in all.iter().copied() {
        progress(&format!("{} {} B: {}, how long it takes", work.name(), work.size(), contender.name));
        match contender.start().and_then(|broker| work.run(&broker, work.first_count())) {
            Ok(figures) => {
                let rate = figures.iter().find(|(metric, _)| *metric == Metric::PerSecond);
                #[expect(clippy::cast_possible_truncation, reason = "rates are far below 2^53")]
                let count = (rate.map_or(1.0, |(_, rate)| *rate) * seconds) as u64 / work.share();
                let mut measured = BTreeMap::<_, Vec<f64>>::new();
                if work.is_steady() {
                    measured.extend(figures.into_iter().map(|(metric, value)| (metric, vec![value])));
                }
                ready.push((contender, count.max(work.first_count()), measured));
            }
            Err(e) if contender.key != ALL[0].key => {
                progress("");
                eprintln!("{}: not measured: {e}", contender.name);
            }
            Err(e) => return Err(e),
        }
    }
    let rounds = if work.is_steady() { 0 } else { rounds };
    for round in 0..rounds {
        for (contender, count, measured) in &mut ready {
            let (name, size) = (work.name(), work.size());
            progress(&format!("{name} {size} B: {}, round {} of {rounds}", contender.name, round + 1));
            // A broker of its own each time: none is warmer than the others.
            for (metric, value) in work.run(&contender.start()?, *count)? {
                measured.entry(metric).or_default().push(value);
            }
        }
    }
    progress("");
    Ok(ready.into_iter().map(|(contender, _, measured)| (contender, measured)).collect())
}

/// What is being done, for those who watch.
fn progress(what: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
