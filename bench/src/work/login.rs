//! Clients that come in and go again, one after the other.

use std::time::Instant;

use homing_bench_worker::Role;

use super::{Figure, Metric, PATIENCE, start};
use crate::Result;
use crate::contender::Broker;

pub(super) fn run(broker: &Broker, count: u64) -> Result<Vec<Figure>> {
    let mut client = start(broker, Role::Login, &[("count", count)], PATIENCE)?;
    let (before, start) = (broker.cpu(), Instant::now());
    client.say("go")?;
    let came = client.report(PATIENCE)?;
    let (after, took) = (broker.cpu(), start.elapsed());
    let each = 1e6 / count as f64;
    let mut figures =
        vec![(Metric::PerSecond, count as f64 / took.as_secs_f64()), (Metric::CpuOfA, came.cpu * each)];
    figures.extend(after.zip(before).map(|(after, before)| (Metric::CpuOfHub, (after - before) * each)));
    Ok(figures)
}
