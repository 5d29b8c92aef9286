//! Two clients at one broker, of whom one measures and the other stays until that is done.

use std::time::Instant;

use homing_bench_worker::Role;

use super::{Figure, PATIENCE, figures, start};
use crate::Result;
use crate::contender::Broker;

/// Has A and B do `count` things with each other, by these options. B is there first; `measuring` is the role of
/// the one who knows when all is done.
pub(super) fn run(
    broker: &Broker,
    count: u64,
    [a, b]: [Role; 2],
    measuring: Role,
    options: &[(&str, u64)],
) -> Result<Vec<Figure>> {
    let mut second = start(broker, b, options)?;
    let mut first = start(broker, a, options)?;
    let (before, began) = (broker.cpu(), Instant::now());
    second.say("go")?;
    first.say("go")?;
    let (measures, stays) = if measuring == a { (&first, &mut second) } else { (&second, &mut first) };
    let measured = measures.report_beside(stays, PATIENCE)?;
    let (hub, took) = (broker.cpu() - before, began.elapsed());
    stays.say("stop")?;
    let stayed = stays.report(PATIENCE)?;
    let [of_a, of_b] = if measuring == a { [measured.cpu, stayed.cpu] } else { [stayed.cpu, measured.cpu] };
    Ok(figures(count, took, &measured, [of_a, hub, of_b]))
}
