//! Measures Homing beside others: the same work, in one run.

mod client;
mod compare;
mod contender;
mod floor;
mod process;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use homing_bench_worker::{Job, perform};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures Homing beside others: the same work, in one run.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example: cargo run --release -p homing-bench -- compare --quick\n\
    First, for the others: bench/setup. For Homing: cargo build --release -p homing-cli."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The same work on Homing and on others, in turns; ratios, and whether they are what they must be
    Compare(compare::Compare),
    /// A page with charts of what `compare --json` wrote
    Report(compare::Report),
    /// What the state machine costs without sockets, part by part
    Floor,
    /// One client of Homing's, as `compare` starts it
    #[command(hide = true)]
    Client(Job),
    /// The same, which sends and takes its messages one by one
    #[command(hide = true)]
    SingleClient(Job),
    /// The hub of the ideal pipe
    #[command(hide = true)]
    IdealHub,
    /// One client of the ideal pipe's
    #[command(hide = true)]
    Ideal(Job),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Client(job) => return perform(&job, client::work),
        Command::SingleClient(job) => return perform(&job, client::single::work),
        Command::Ideal(job) => return perform(&job, floor::pipe::work),
        Command::IdealHub => floor::pipe::run_hub(),
        Command::Compare(compare) => compare.run(),
        Command::Report(report) => report.run(),
        Command::Floor => floor::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
