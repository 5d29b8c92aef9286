//! The work that is measured. Each contender does all that its clients can.

mod idle;
mod login;
mod pair;

use std::time::Duration;

use homing_bench_worker::{Report, Role};

use crate::Result;
use crate::contender::Broker;
use crate::process::{Client, open_files};
use pair::Pair;

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
    Memory,
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
            Metric::Memory => "memory of the hub, KiB",
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
    /// A → hub → each of so many.
    FanOut { recipients: usize, size: usize },
    /// A asks B through the hub, with so many requests open at once.
    Request { size: usize, in_flight: usize },
    /// A comes in and goes again.
    Login,
    /// So many are in, and do nothing.
    Idle { links: usize },
}

impl Work {
    /// All of it, in the order of the table.
    pub(crate) const ALL: [Work; 13] = [
        Work::OneWay { size: 64 },
        Work::OneWay { size: 256 },
        Work::OneWay { size: 1024 },
        Work::OneWay { size: 16 * 1024 },
        Work::OneWay { size: 64 * 1024 },
        Work::FanOut { recipients: 10, size: 256 },
        Work::FanOut { recipients: 100, size: 256 },
        Work::FanOut { recipients: 1_000, size: 256 },
        Work::Request { size: 256, in_flight: 1 },
        Work::Request { size: 256, in_flight: 64 },
        Work::Login,
        Work::Idle { links: 1_000 },
        Work::Idle { links: 5_000 },
    ];

    /// What it is called on the command line, in JSON and in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Work::OneWay { .. } => "one way".into(),
            Work::FanOut { recipients, .. } => format!("fan-out to {recipients}"),
            Work::Request { in_flight: 1, .. } => "request".into(),
            Work::Request { in_flight, .. } => format!("{in_flight} requests"),
            Work::Login => "login".into(),
            Work::Idle { links } => format!("{links} idle links"),
        }
    }

    /// Of each message, in bytes; 0 where there are none.
    pub(crate) const fn size(self) -> usize {
        match self {
            Work::OneWay { size } | Work::FanOut { size, .. } | Work::Request { size, .. } => size,
            Work::Login | Work::Idle { .. } => 0,
        }
    }

    /// What the clients do in it.
    pub(crate) const fn roles(self) -> &'static [Role] {
        match self {
            Work::OneWay { .. } => &[Role::Send, Role::Receive],
            Work::FanOut { .. } => &[Role::Publish, Role::Subscribe],
            Work::Request { .. } => &[Role::Ask, Role::Answer],
            Work::Login => &[Role::Login],
            Work::Idle { .. } => &[Role::Idle],
        }
    }

    /// How often it is done to find out how long it takes.
    pub(crate) const fn first_count(self) -> u64 {
        match self {
            Work::OneWay { size } => 20_000_000 / (size as u64 + 400),
            Work::FanOut { recipients, .. } => 100_000 / recipients as u64,
            Work::Request { in_flight: 1, .. } => 2_000,
            Work::Request { .. } => 20_000,
            Work::Login => 200,
            Work::Idle { .. } => 1,
        }
    }

    /// How many things are counted of one that is done.
    pub(crate) const fn share(self) -> u64 {
        match self {
            Work::FanOut { recipients, .. } => recipients as u64,
            _ => 1,
        }
    }

    /// Whether it says the same each time: then once is enough, and the first time counts.
    pub(crate) const fn is_steady(self) -> bool {
        matches!(self, Work::Idle { .. })
    }

    /// How many files a process has to open for it, about.
    const fn files(self) -> usize {
        match self {
            Work::FanOut { recipients: links, .. } | Work::Idle { links } => links + 100,
            _ => 100,
        }
    }

    /// Has it done `count` times at `broker`.
    pub(crate) fn run(self, broker: &Broker, count: u64) -> Result<Vec<Figure>> {
        let most = open_files();
        if most < self.files() as u64 {
            return Err(
                format!("{} files may be open, and {} are needed: ulimit -Hn", most, self.files()).into()
            );
        }
        let pair = |a, b, measuring, links: usize, in_flight: usize| {
            let options = [
                ("count", count),
                ("size", self.size() as u64),
                ("links", links as u64),
                ("in-flight", in_flight as u64),
            ];
            Pair { a, b, measuring, options: &options, count: count * self.share() }.run(broker)
        };
        match self {
            Work::OneWay { .. } => pair(Role::Send, Role::Receive, Role::Receive, 1, 1),
            Work::FanOut { recipients, .. } => {
                pair(Role::Publish, Role::Subscribe, Role::Subscribe, recipients, 1)
            }
            Work::Request { in_flight, .. } => pair(Role::Ask, Role::Answer, Role::Ask, 1, in_flight),
            Work::Login => login::run(broker, count),
            Work::Idle { links } => idle::run(broker, links),
        }
    }
}

/// Starts a client that takes these options.
fn start(broker: &Broker, role: Role, options: &[(&str, u64)], patience: Duration) -> Result<Client> {
    let mut command = broker.client(role);
    for (name, value) in options {
        command.arg(format!("--{name}")).arg(value.to_string());
    }
    Client::start(role.word(), &mut command, patience)
}

/// What `count` things took in all, and of CPU time in seconds, for each; and what was reported of single ones.
fn figures(count: u64, took: Duration, report: &Report, [a, b]: [f64; 2], hub: Option<f64>) -> Vec<Figure> {
    let each = 1e6 / count as f64;
    let mut figures = vec![
        (Metric::PerSecond, count as f64 / took.as_secs_f64()),
        (Metric::CpuOfA, a * each),
        (Metric::CpuOfB, b * each),
        (Metric::Cpu, (a + hub.unwrap_or_default() + b) * each),
    ];
    figures.extend(hub.map(|hub| (Metric::CpuOfHub, hub * each)));
    figures.extend(report.p50.map(|p50| (Metric::P50, p50 * 1e6)));
    figures.extend(report.p99.map(|p99| (Metric::P99, p99 * 1e6)));
    figures
}
