//! A asks B, and waits for the answers.

use std::time::Instant;

use homing_bench_worker::Role;

use super::{Figure, PATIENCE, figures, start};
use crate::Result;
use crate::contender::Broker;

pub(super) fn run(broker: &Broker, count: u64, size: usize, in_flight: usize) -> Result<Vec<Figure>> {
    let options = [("count", count), ("size", size as u64), ("in-flight", in_flight as u64)];
    let mut answerer = start(broker, Role::Answer, &options)?;
    let mut asker = start(broker, Role::Ask, &options)?;
    let (before, start) = (broker.cpu(), Instant::now());
    answerer.say("go")?;
    asker.say("go")?;
    let asked = asker.report_beside(&answerer, PATIENCE)?;
    let (hub, took) = (broker.cpu() - before, start.elapsed());
    answerer.say("stop")?;
    let answered = answerer.report(PATIENCE)?;
    Ok(figures(count, took, &asked, [asked.cpu, hub, answered.cpu]))
}
