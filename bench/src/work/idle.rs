//! Clients that are there and do nothing.

use std::thread;
use std::time::Duration;

use homing_bench_worker::Role;

use super::{Figure, Metric, start};
use crate::Result;
use crate::contender::Broker;
use crate::process::settle;

/// How long so many logins may take, and what they bring with them.
const PATIENCE: Duration = Duration::from_secs(300);

/// For how long they do nothing before it is looked at: what is given back when a link has been idle is given back by
/// then, as heartbeats come every 15 seconds.
const IDLE: Duration = Duration::from_secs(20);

/// What `links` of them cost a broker of memory.
pub(super) fn run(broker: &Broker, links: usize) -> Result<Vec<Figure>> {
    let rest = || settle(PATIENCE, || broker.cpu().unwrap_or_default());
    rest()?;
    thread::sleep(IDLE);
    let without = broker.memory()?;
    let client = start(broker, Role::Idle, &[("links", links as u64)], PATIENCE)?;
    rest()?;
    let with = broker.memory()?;
    client.check()?;
    let kibibytes = with.saturating_sub(without) as f64 / 1024.0;
    Ok(vec![(Metric::Memory, kibibytes / links as f64)])
}
