//! What every client of the measuring stand shares, so that the same work is measured in the same way.
//!
//! A client is a process. It connects, prints `ready`, waits for the line `go`, does its job, and prints
//! one line of JSON, a [`Report`]. One that sends stays until the line `stop`: what it has sent may
//! still be on its way within it.

#![forbid(unsafe_code)]

mod latencies;
mod meter;
mod stage;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

pub use latencies::Latencies;
pub use meter::Meter;
pub use stage::Stage;

/// One side of a piece of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Role {
    /// Sends `count` messages to the receiver.
    Send,
    /// Receives `count` messages.
    Receive,
    /// Sends `count` messages, each to `links` subscribers.
    Publish,
    /// Receives `count` messages on each of `links` connections.
    Subscribe,
    /// Asks `count` times, with `in_flight` requests open at once.
    Ask,
    /// Answers with what it was asked, until it is stopped.
    Answer,
    /// Opens `links` connections and keeps them.
    Idle,
    /// Connects and goes again, `count` times.
    Login,
}

impl Role {
    /// The word for it on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Send => "send",
            Role::Receive => "receive",
            Role::Publish => "publish",
            Role::Subscribe => "subscribe",
            Role::Ask => "ask",
            Role::Answer => "answer",
            Role::Idle => "idle",
            Role::Login => "login",
        }
    }
}

/// What a client is to do.
#[derive(Clone, Debug, Parser)]
#[command(about)]
pub struct Job {
    /// Which side it is.
    pub role: Role,
    /// Where the broker is, as this kind of client writes it.
    pub target: String,
    /// How many bytes each message has.
    #[arg(long, default_value_t = 256)]
    pub size: usize,
    /// How many messages, requests or logins.
    #[arg(long, default_value_t = 100_000)]
    pub count: u64,
    /// How many requests are open at once.
    #[arg(long, default_value_t = 1)]
    pub in_flight: usize,
    /// How many connections, or subscribers.
    #[arg(long, default_value_t = 1)]
    pub links: usize,
    /// The certificate to trust; without it nothing is encrypted by TLS.
    #[arg(long)]
    pub tls: Option<PathBuf>,
}

/// What a client has measured of itself. How long the whole took is measured by the stand, from `go` to the report: a
/// client that only began to count when it had time would look faster than it is.
#[derive(Clone, Copy, Default, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// CPU time of the whole process from `go` to this report.
    pub cpu: f64,
    /// Half of the requests took at most this many seconds.
    pub p50: Option<f64>,
    /// 99 of 100 took at most this many seconds.
    pub p99: Option<f64>,
}

/// The `main` of a client: reads the job, does it by `work`, and reports.
pub fn run(work: impl FnOnce(&Job, &mut Stage) -> Result<Report, Box<dyn Error>>) -> ExitCode {
    perform(&Job::parse(), work)
}

/// Does `job` by `work`, and reports.
pub fn perform(job: &Job, work: impl FnOnce(&Job, &mut Stage) -> Result<Report, Box<dyn Error>>) -> ExitCode {
    let mut stage = Stage::new();
    match work(job, &mut stage).and_then(|report| stage.report(report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{:?} {}: {e}", job.role, job.target);
            ExitCode::FAILURE
        }
    }
}
