//! Many subscribers in one process, and one thread for all of them.

use std::error::Error;

use homing_bench_worker::{Job, Meter, Report, Stage};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{CreateFlags, EventData, EventFlags, add, create, wait};

use crate::wire::Wire;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// So many connections are asked about at once.
const EVENTS: usize = 1024;

/// A connection that has subscribed.
pub trait Subscriber {
    /// Its bytes.
    fn wire(&mut self) -> &mut Wire;

    /// Takes what is there of messages of `size` bytes, and says how many there were.
    ///
    /// # Errors
    /// When something else is there.
    fn take(&mut self, size: usize) -> Result<u64>;
}

/// The work of [`Role::Receive`](homing_bench_worker::Role::Receive), over the connection that `connect` makes.
///
/// # Errors
/// When the connection fails, or something else comes.
pub fn receive<S: Subscriber>(
    job: &Job,
    stage: &mut Stage,
    connect: impl FnOnce() -> Result<S>,
) -> Result<Report> {
    let mut subscriber = connect()?;
    let mut meter = Meter::new(job.count);
    stage.ready()?;
    while !meter.saw(subscriber.take(job.size)?) {}
    Ok(Report::default())
}

/// The work of [`Role::Subscribe`](homing_bench_worker::Role::Subscribe), over connections that `connect` makes.
///
/// # Errors
/// When a connection fails, or more comes than was sent.
pub fn subscribe<S: Subscriber>(
    job: &Job,
    stage: &mut Stage,
    mut connect: impl FnMut() -> Result<S>,
) -> Result<Report> {
    let ready = create(CreateFlags::CLOEXEC)?;
    let mut subscribers = Vec::with_capacity(job.links);
    for n in 0..job.links {
        let mut subscriber = connect()?;
        let socket = subscriber.wire().socket();
        socket.set_nonblocking(true)?;
        add(&ready, socket, EventData::new_u64(n as u64), EventFlags::IN)?;
        subscribers.push(subscriber);
    }
    let (mut seen, mut waiting) = (vec![0; job.links], job.links);
    let mut events = Vec::with_capacity(EVENTS);
    stage.ready()?;
    while waiting > 0 {
        wait(&ready, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            let n = event.data.u64() as usize;
            let taken = subscribers[n].take(job.size)?;
            seen[n] += taken;
            if seen[n] > job.count {
                return Err(format!("{} messages instead of {}", seen[n], job.count).into());
            }
            if taken > 0 && seen[n] == job.count {
                waiting -= 1;
            }
        }
    }
    Ok(Report::default())
}
