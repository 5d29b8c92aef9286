//! The application of docs/GUIDE.md: a desk that takes jobs, a worker that runs them, and what a thousand seeds
//! say of three ways to write it. `cargo run --release -p homing-sim --example job_queue`

#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use homing_core::{CallId, Command, Event, Pattern, Request, Response};
use homing_sim::{Class, Cx, Disk, Fact, Handler, Invariant, Scene, Simulation, app, hub, idle, member};

/// Takes jobs, keeps them until the worker has answered, and asks again while it has not.
#[derive(Default)]
pub struct Desk {
    asked: BTreeMap<CallId, u64>,
}

impl Desk {
    fn ask(&mut self, cx: &mut Cx<'_>, job: u64) {
        if !cx.disk().contains_key(&format!("job {job:06}")) {
            return; // it was answered meanwhile
        }
        let run = Command::get("run").with_body("text/plain", job.to_string());
        let worker = Pattern::One("worker@shop".parse().expect("an address"));
        match cx.request(worker, run, Duration::from_secs(5)) {
            Ok(call) => _ = self.asked.insert(call, job),
            Err(_) => cx.wake(Duration::from_secs(1), job), // not connected, or too much under way
        }
    }
}

impl Handler for Desk {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let jobs: Vec<u64> =
            cx.disk().keys().filter_map(|key| key.strip_prefix("job ")?.parse().ok()).collect();
        for job in jobs {
            cx.wake(Duration::from_secs(1), job);
        }
    }

    /// Somebody orders a job.
    fn poke(&mut self, cx: &mut Cx<'_>, _number: u64) {
        let last = cx.disk().get("last").and_then(|text| String::from_utf8_lossy(text).parse().ok());
        let job: u64 = last.unwrap_or(0) + 1;
        cx.disk().insert("last".into(), job.to_string().into());
        cx.disk().insert(format!("job {job:06}"), Vec::new());
        cx.note("ordered", job.cast_signed());
        self.ask(cx, job);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: &Event) {
        match event {
            Event::Answer { call, response: Ok(_), .. } => {
                if let Some(job) = self.asked.get(call) {
                    cx.disk().remove(&format!("job {job:06}"));
                }
            }
            Event::CallEnded { call, .. } => {
                if let Some(job) = self.asked.remove(call) {
                    cx.wake(Duration::from_secs(1), job);
                }
            }
            _ => {}
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, job: u64) {
        self.ask(cx, job);
    }
}

/// What a worker remembers of the jobs that it has run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Memory {
    /// Nothing: it runs what it is asked to.
    Nothing,
    /// All of them, in a variable.
    UntilCrash,
    /// All of them, on its disk.
    OnDisk,
}

/// Runs what it is asked to run.
pub struct Worker {
    memory: Memory,
    ran: BTreeSet<String>,
}

impl Worker {
    fn new(memory: Memory, disk: &Disk) -> Worker {
        Worker { memory, ran: disk.keys().cloned().collect() }
    }
}

impl Handler for Worker {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.serve("/run", "runs a job").expect("there is room for a command");
    }

    fn request(&mut self, cx: &mut Cx<'_>, request: &Request) {
        let job = String::from_utf8_lossy(&request.body).into_owned();
        if !self.ran.contains(&job) {
            // Here the job is run: a page printed, a card charged.
            cx.note("ran", job.parse().unwrap_or(-1));
            if self.memory != Memory::Nothing {
                self.ran.insert(job.clone());
            }
            if self.memory == Memory::OnDisk {
                cx.disk().insert(job, Vec::new());
            }
        }
        // Who cannot be answered now will ask again.
        let _ = cx.respond(request.request, Ok(Response::new("text/plain", "done")));
    }
}

/// What the shop promises: every job that was ordered runs, and none runs twice.
#[derive(Default)]
pub struct RunsOnce {
    ordered: BTreeSet<i64>,
    ran: BTreeSet<i64>,
}

impl Invariant for RunsOnce {
    fn name(&self) -> &'static str {
        "runs-once"
    }

    fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        self.ordered.extend(fact.noted("ordered"));
        match fact.noted("ran") {
            Some(job) if !self.ran.insert(job) => Err(format!("job {job} ran twice")),
            _ => Ok(()),
        }
    }

    fn drained(&mut self, _: &Scene<'_>) -> Result<(), String> {
        match self.ordered.difference(&self.ran).next() {
            Some(job) => Err(format!("job {job} was ordered and never ran")),
            None => Ok(()),
        }
    }
}

/// The shop, with a worker of this memory.
pub fn shop(memory: Memory) -> Simulation {
    Simulation::new("shop", move |_| {
        vec![
            hub("hub@shop", idle()),
            member("desk@shop", 1, app(|_| Desk::default())),
            member("worker@shop", 2, app(move |disk| Worker::new(memory, disk))),
        ]
    })
    .invariant(RunsOnce::default)
    // A disk that is lost takes the jobs with it: no program can promise otherwise.
    .without(&[Class::Amnesia])
}

#[allow(dead_code)] // the tests take the rest of this file
fn main() {
    for memory in [Memory::Nothing, Memory::UntilCrash, Memory::OnDisk] {
        let start = Instant::now();
        let report = shop(memory).run(0..1000);
        println!("a worker that remembers {memory:?}: {} seeds in {:.1?}", report.seeds, start.elapsed());
        match report.failed {
            Some(failed) => println!("{failed}"),
            None => println!("clean"),
        }
    }
}
