//! Homing's own client: what a user would write with the `Peer` of `homing-std`.

mod bare;
mod crowd;
pub(crate) mod single;

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};

use homing_bench_worker::{Job, Latencies, Meter, Report, Role, Stage};
use homing_std::{
    Answers, Batch, Command, Dial, Event, Invite, Message, Options, Pattern, Peer, Receipts, Response, Seed,
    Stage as Came, StaticKey, Tracking,
};

const OCTETS: &str = "application/octet-stream";
const PATIENCE: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Does `job`, at the hub whose invite its target is.
pub(crate) fn work(job: &Job, stage: &mut Stage) -> Result<Report> {
    let hub: Invite = job.target.parse()?;
    match job.role {
        Role::Send => send(job, stage, &join(&hub, "sender")?),
        Role::Receive => receive(job, stage, &hub),
        Role::Publish => publish(job, stage, &join(&hub, "sender")?),
        Role::Subscribe => crowd::subscribe(job, stage, &hub),
        Role::Ask => ask(job, stage, &join(&hub, "asker")?),
        Role::Answer => answer(stage, &join(&hub, "answerer")?),
        Role::Idle => stage.keep(|| bare::join(&hub, job.links)),
        Role::Login => stage.log_in(job.count, || Ok(join(&hub, "guest")?.close(PATIENCE)?)),
    }
}

/// With a key of its own, which is drawn from its name: it is of no worth.
fn options(name: &str) -> Options {
    let mut seed = [0; 32];
    seed.iter_mut().zip(name.bytes()).for_each(|(seed, byte)| *seed = byte);
    Options::new(StaticKey::generate(&Seed::from_bytes(seed)))
}

fn join(hub: &Invite, name: &str) -> Result<Peer> {
    let peer = Peer::start(options(name))?;
    peer.connect(Dial::invite(hub, name.parse()?), PATIENCE)?;
    Ok(peer)
}

fn body(job: &Job) -> Vec<u8> {
    vec![0x5a; job.size]
}

/// What is larger goes in parts, each a message: a hub takes so much at once, and a head.
const PART: usize = 16 * 1024;

/// A message of the job's, in the parts in which it goes.
fn parts(job: &Job) -> Vec<Message> {
    body(job).chunks(PART).map(|part| Message::new(OCTETS, part)).collect()
}

/// So many bytes are given to the peer at once, about: as much as a program has to send that has much to send.
const AT_ONCE: usize = 256 * 1024;

fn send(job: &Job, stage: &mut Stage, peer: &Peer) -> Result<Report> {
    let (to, parts) = (peer.resolve("receiver")?, parts(job));
    let times = (AT_ONCE / job.size.max(1)).max(1);
    let (many, mut ids) = (parts.iter().cycle().take(times * parts.len()).collect::<Vec<_>>(), Vec::new());
    stage.ready()?;
    let mut left = usize::try_from(job.count)?;
    while left > 0 {
        let now = left.min(times);
        ids.clear();
        peer.send_many(&to, many.get(..now * parts.len()).unwrap_or(&many), &mut ids)?;
        left -= now;
    }
    stage.stopped()?;
    Ok(Report::default())
}

fn receive(job: &Job, stage: &mut Stage, hub: &Invite) -> Result<Report> {
    let peer = join(hub, "receiver")?;
    let (events, mut batch) = (peer.events(), Batch::default());
    let (mut meter, mut whole) = (Meter::new(job.count), Whole::new(job.size));
    stage.ready()?;
    while events.next_batch(&mut batch) {
        let mut count = 0;
        for event in batch.by_ref() {
            if let Event::Message(message) = event {
                count += u64::from(whole.is_with(message.body.len())?);
            }
        }
        if meter.saw(count) {
            return Ok(Report::default());
        }
    }
    Err("the peer was closed".into())
}

/// A message that comes in parts.
struct Whole {
    size: usize,
    got: usize,
}

impl Whole {
    const fn new(size: usize) -> Whole {
        Whole { size, got: 0 }
    }

    /// One more part; whether it is the last.
    fn is_with(&mut self, part: usize) -> Result<bool> {
        self.got += part;
        if self.got > self.size {
            return Err(format!("{} bytes instead of {}", self.got, self.size).into());
        }
        let is_whole = self.got == self.size;
        if is_whole {
            self.got = 0;
        }
        Ok(is_whole)
    }
}

/// Of the messages to everybody one is followed now and then until everybody has it: a hub does not hold back who
/// writes to everybody, and what a link has no room for is refused. The more there are, the fewer go out at once.
fn stride(links: usize) -> u64 {
    (200_000 / links.max(1) as u64).clamp(200, 800)
}

/// So many are followed at once.
const FOLLOWED: usize = 2;

fn publish(job: &Job, stage: &mut Stage, peer: &Peer) -> Result<Report> {
    let to = peer.resolve("*")?;
    let (message, events) = (Message::new(OCTETS, body(job)), peer.events());
    let (mut followed, stride) = (VecDeque::new(), stride(job.links));
    let (many, mut ids) = (vec![&message; usize::try_from(stride)?], Vec::new());
    stage.ready()?;
    let mut left = job.count;
    while left > 0 {
        let now = left.min(stride);
        ids.clear();
        peer.send_many(&to, many.get(1..usize::try_from(now)?).unwrap_or_default(), &mut ids)?;
        left -= now;
        followed.push_back(peer.track(&to, message.clone().with_receipts(Receipts::Received))?);
        if followed.len() >= FOLLOWED {
            arrived(followed.pop_front())?;
        }
        while let Some(event) = events.try_next() {
            if let Event::Receipt { stage: Came::Failed(failure), .. } = event {
                return Err(failure.to_string().into());
            }
        }
    }
    followed.into_iter().try_for_each(|tracking| arrived(Some(tracking)))?;
    stage.stopped()?;
    Ok(Report::default())
}

/// Waits until everybody has what is followed.
fn arrived(tracking: Option<Tracking>) -> Result<()> {
    for (_, came) in tracking.into_iter().flatten() {
        if let Came::Failed(failure) = came {
            return Err(failure.to_string().into());
        }
    }
    Ok(())
}

fn ask(job: &Job, stage: &mut Stage, peer: &Peer) -> Result<Report> {
    let to = peer.resolve("answerer")?;
    let command = Command::get("mirror").with_body(OCTETS, body(job));
    let mut latencies = Latencies::new(job.count);
    stage.ready()?;
    if job.in_flight == 1 {
        loop {
            let start = Instant::now();
            peer.request(&to, command.clone(), PATIENCE)?;
            if latencies.saw(start.elapsed()) {
                return Ok(latencies.report());
            }
        }
    }
    let to = Pattern::One(to);
    let mut open = VecDeque::new();
    for _ in 0..job.count {
        if open.len() >= job.in_flight && answered(&mut open)?.is_some_and(|took| latencies.saw(took)) {
            break;
        }
        open.push_back((Instant::now(), peer.request_many(&to, command.clone(), PATIENCE)?));
    }
    while let Some(took) = answered(&mut open)? {
        latencies.saw(took);
    }
    Ok(latencies.report())
}

/// How long the oldest of the open requests took.
fn answered(open: &mut VecDeque<(Instant, Answers)>) -> Result<Option<Duration>> {
    let Some((start, mut answers)) = open.pop_front() else { return Ok(None) };
    let (_, answer) = answers.next().ok_or("no answer")?;
    answer.map_err(|failure| failure.to_string())?;
    Ok(Some(start.elapsed()))
}

fn answer(stage: &mut Stage, peer: &Peer) -> Result<Report> {
    peer.serve("/mirror", "answers with what it was asked", |request| {
        Ok(Response::new(OCTETS, request.body.clone()))
    })?;
    stage.ready()?;
    stage.stopped()?;
    Ok(Report::default())
}
