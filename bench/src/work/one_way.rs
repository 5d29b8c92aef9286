//! A → hub → B, as fast as it goes.

use std::time::Instant;

use homing_bench_worker::Role;

use super::{Figure, PATIENCE, figures, start};
use crate::Result;
use crate::contender::Broker;

pub(super) fn run(broker: &Broker, count: u64, size: usize) -> Result<Vec<Figure>> {
    let options = [("count", count), ("size", size as u64)];
    let mut receiver = start(broker, Role::Receive, &options)?;
    let mut sender = start(broker, Role::Send, &options)?;
    let (before, start) = (broker.cpu(), Instant::now());
    receiver.say("go")?;
    sender.say("go")?;
    let received = receiver.report_beside(&sender, PATIENCE)?;
    let (hub, took) = (broker.cpu() - before, start.elapsed());
    sender.say("stop")?;
    let sent = sender.report(PATIENCE)?;
    Ok(figures(count, took, &received, [sent.cpu, hub, received.cpu]))
}
