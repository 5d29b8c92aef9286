//! Two clients at one broker, of whom one measures and the other stays until that is done.

use std::time::Instant;

use homing_bench_worker::Role;

use super::{Figure, PATIENCE, figures, start};
use crate::Result;
use crate::contender::Broker;
use crate::process::settle;

/// Two clients, and what they do.
pub(super) struct Pair<'a> {
    /// A comes when B is there.
    pub(super) a: Role,
    pub(super) b: Role,
    /// The role of the one who knows when all is done.
    pub(super) measuring: Role,
    pub(super) options: &'a [(&'a str, u64)],
    /// How many things are done in all.
    pub(super) count: u64,
}

impl Pair<'_> {
    /// Has them do it.
    pub(super) fn run(&self, broker: &Broker) -> Result<Vec<Figure>> {
        let mut second = start(broker, self.b, self.options, PATIENCE)?;
        let mut first = start(broker, self.a, self.options, PATIENCE)?;
        settle(PATIENCE, || first.cpu() + second.cpu() + broker.cpu().unwrap_or_default())?;
        let (before, began) = (broker.cpu(), Instant::now());
        second.say("go")?;
        first.say("go")?;
        let a_measures = self.measuring == self.a;
        let (measures, stays) = if a_measures { (&first, &mut second) } else { (&second, &mut first) };
        let measured = measures.report_beside(stays, PATIENCE)?;
        let took = began.elapsed();
        let hub = broker.cpu().zip(before).map(|(now, before)| now - before);
        stays.say("stop")?;
        let stayed = stays.report(PATIENCE)?;
        let [of_a, of_b] = if a_measures { [measured.cpu, stayed.cpu] } else { [stayed.cpu, measured.cpu] };
        Ok(figures(self.count, took, &measured, [of_a, of_b], hub))
    }
}
