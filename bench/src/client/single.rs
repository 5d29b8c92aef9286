//! The same for who sends and takes messages one by one.

use homing_bench_worker::{Job, Meter, Report, Role, Stage};
use homing_std::{Event, Invite};

use super::{Result, Whole, join, parts};

/// Sends or receives, as `job` says, one way.
pub(crate) fn work(job: &Job, stage: &mut Stage) -> Result<Report> {
    let hub: Invite = job.target.parse()?;
    match job.role {
        Role::Send => send(job, stage, &hub),
        Role::Receive => receive(job, stage, &hub),
        other => Err(format!("{} is not measured one by one", other.word()).into()),
    }
}

fn send(job: &Job, stage: &mut Stage, hub: &Invite) -> Result<Report> {
    let peer = join(hub, "sender")?;
    let (to, parts) = (peer.resolve("receiver")?, parts(job));
    stage.ready()?;
    for _ in 0..job.count {
        for part in &parts {
            peer.send(&to, part)?;
        }
    }
    stage.stopped()?;
    Ok(Report::default())
}

fn receive(job: &Job, stage: &mut Stage, hub: &Invite) -> Result<Report> {
    let peer = join(hub, "receiver")?;
    let (mut meter, mut whole) = (Meter::new(job.count), Whole::new(job.size));
    stage.ready()?;
    for event in peer.events() {
        if let Event::Message(message) = event
            && whole.is_with(message.body.len())?
            && meter.saw(1)
        {
            return Ok(Report::default());
        }
    }
    Err("the peer was closed".into())
}
