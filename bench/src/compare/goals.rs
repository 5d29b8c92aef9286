//! What is to be reached: ratios of Homing to another in one run, and bounds.

use crate::work::{Metric, Work};

/// What must be reached, and what is aimed at. For what costs, these are upper bounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Goal {
    pub(super) must: f64,
    pub(super) aim: f64,
}

/// The goal for `metric` of `work` against the contender `key`, if there is one: ratios.
pub(super) fn goal(work: Work, metric: Metric, key: &str) -> Option<Goal> {
    let of = |must, aim| Some(Goal { must, aim });
    match (work, metric, key) {
        (Work::OneWay { size: 64 }, Metric::PerSecond, "nats-tls") => of(1.5, 2.5),
        (Work::OneWay { size: 256 }, Metric::PerSecond, "nats-tls") => of(2.0, 2.5),
        (Work::OneWay { .. }, Metric::PerSecond, "nats-tls") => of(1.7, 2.2),
        (Work::OneWay { size: 64 | 256 }, Metric::PerSecond, "nats-async") => of(3.0, 5.0),
        (Work::OneWay { size: 64 | 256 }, Metric::PerSecond, "nats-plain") => of(1.0, 1.5),
        (Work::OneWay { size: 256.. }, Metric::PerSecond, "zeromq" | "mosquitto" | "libp2p") => of(2.5, 4.0),
        (Work::OneWay { size: 256 }, Metric::CpuOfHub, "nats-tls") => of(0.5, 1.0 / 3.0),
        (Work::OneWay { size: 256 }, Metric::Cpu, "ideal") => of(2.0, 1.5),
        (Work::FanOut { .. }, Metric::PerSecond, "nats-tls") => of(1.5, 2.5),
        (Work::Request { in_flight: 1, .. }, Metric::P50 | Metric::P99, "nats-tls") => of(1.0, 0.8),
        (Work::Request { in_flight: 1, .. }, Metric::P50, "tonic") => of(0.5, 1.0 / 3.0),
        (Work::Request { in_flight: 64, .. }, Metric::PerSecond, "nats-async") => of(2.5, 4.0),
        (Work::Request { in_flight: 64, .. }, Metric::PerSecond, "tonic") => of(4.0, 8.0),
        (Work::Login, Metric::CpuOfHub, "rustls-login") => of(1.0, 0.5),
        (Work::Idle { links: 5_000 }, Metric::Memory, "nats-tls") => of(1.0 / 6.0, 1.0 / 12.0),
        _ => None,
    }
}

/// The goal for Homing's own figure, whatever others reach: in the unit of `metric`.
pub(super) fn bound(work: Work, metric: Metric) -> Option<Goal> {
    match (work, metric) {
        (Work::Idle { links: 5_000 }, Metric::Memory) => Some(Goal { must: 6.0, aim: 3.0 }),
        _ => None,
    }
}
