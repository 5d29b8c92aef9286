//! The work that is measured. Each contender does all that its clients can.

mod login;
mod pair;

use std::time::Duration;

use homing_bench_worker::{Report, Role};

use crate::Result;
use crate::contender::Broker;
use crate::process::Client;

/// The longest that one run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Metric {
    PerSecond,
    CpuOfA,
    CpuOfHub,
    CpuOfB,
    Cpu,
    P50,
    P99,
}

impl Metric {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Metric::PerSecond => "per second",
            Metric::CpuOfA => "CPU of A, µs",
            Metric::CpuOfHub => "CPU of the hub, µs",
            Metric::CpuOfB => "CPU of B, µs",
            Metric::Cpu => "CPU of all, µs",
            Metric::P50 => "p50, µs",
            Metric::P99 => "p99, µs",
        }
    }

    /// Whether more of it is better.
    pub(crate) const fn is_gain(self) -> bool {
        matches!(self, Metric::PerSecond)
    }
}

/// One number of one run.
pub(crate) type Figure = (Metric, f64);

/// A piece of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// A → hub → B, one way.
    OneWay { size: usize },
    /// A asks B through the hub, with so many requests open at once.
    Request { size: usize, in_flight: usize },
    /// A comes in and goes again.
    Login,
}

impl Work {
    /// All of it, in the order of the table.
    pub(crate) const ALL: [Work; 7] = [
        Work::OneWay { size: 64 },
        Work::OneWay { size: 256 },
        Work::OneWay { size: 1024 },
        Work::OneWay { size: 16 * 1024 },
        Work::Request { size: 256, in_flight: 1 },
        Work::Request { size: 256, in_flight: 64 },
        Work::Login,
    ];

    /// What it is called on the command line, in JSON and in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Work::OneWay { .. } => "one way".into(),
            Work::Request { in_flight: 1, .. } => "request".into(),
            Work::Request { in_flight, .. } => format!("{in_flight} requests"),
            Work::Login => "login".into(),
        }
    }

    pub(crate) const fn size(self) -> usize {
        match self {
            Work::OneWay { size } | Work::Request { size, .. } => size,
            Work::Login => 0,
        }
    }

    /// What the clients do in it.
    pub(crate) const fn roles(self) -> &'static [Role] {
        match self {
            Work::OneWay { .. } => &[Role::Send, Role::Receive],
            Work::Request { .. } => &[Role::Ask, Role::Answer],
            Work::Login => &[Role::Login],
        }
    }

    /// How often it is done to find out how long it takes.
    pub(crate) const fn first_count(self) -> u64 {
        match self {
            Work::OneWay { size } => 20_000_000 / (size as u64 + 400),
            Work::Request { in_flight: 1, .. } => 2_000,
            Work::Request { .. } => 20_000,
            Work::Login => 200,
        }
    }

    /// Has it done `count` times at `broker`.
    pub(crate) fn run(self, broker: &Broker, count: u64) -> Result<Vec<Figure>> {
        match self {
            Work::OneWay { size } => {
                let options = [("count", count), ("size", size as u64)];
                pair::run(broker, count, [Role::Send, Role::Receive], Role::Receive, &options)
            }
            Work::Request { size, in_flight } => {
                let options = [("count", count), ("size", size as u64), ("in-flight", in_flight as u64)];
                pair::run(broker, count, [Role::Ask, Role::Answer], Role::Ask, &options)
            }
            Work::Login => login::run(broker, count),
        }
    }
}

/// Starts a client that takes these options.
fn start(broker: &Broker, role: Role, options: &[(&str, u64)]) -> Result<Client> {
    let mut command = broker.client(role);
    for (name, value) in options {
        command.arg(format!("--{name}")).arg(value.to_string());
    }
    Client::start(role.word(), &mut command, PATIENCE)
}

/// What `count` things took in all, and of CPU time in seconds, for each; and what was reported of single ones.
fn figures(count: u64, took: Duration, report: &Report, [a, hub, b]: [f64; 3]) -> Vec<Figure> {
    let each = 1e6 / count as f64;
    let mut figures = vec![
        (Metric::PerSecond, count as f64 / took.as_secs_f64()),
        (Metric::CpuOfA, a * each),
        (Metric::CpuOfHub, hub * each),
        (Metric::CpuOfB, b * each),
        (Metric::Cpu, (a + hub + b) * each),
    ];
    figures.extend(report.p50.map(|p50| (Metric::P50, p50 * 1e6)));
    figures.extend(report.p99.map(|p99| (Metric::P99, p99 * 1e6)));
    figures
}
