//! The clients of the ideal pipe.

use std::collections::VecDeque;
use std::error::Error;
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use homing_bench_worker::{Job, Latencies, Meter, Report, Role, Stage};

use super::{Input, Output, Side, shake};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is larger goes in parts, as Homing's does.
const PART: usize = 15 * 1024;

/// Does `job`, at the hub whose address its target is.
pub(crate) fn work(job: &Job, stage: &mut Stage) -> Result<Report> {
    let (mut input, mut output) = shake(TcpStream::connect(&job.target)?, Side::Client)?;
    let body = vec![0x5a; job.size];
    match job.role {
        Role::Send => send(job, stage, &mut output, &body),
        Role::Receive => receive(job, stage, &mut input),
        Role::Ask => ask(job, stage, &mut input, &mut output, &body),
        Role::Answer => {
            stage.ready()?;
            thread::spawn(move || {
                if let Err(e) = answer(&mut input, &mut output) {
                    eprintln!("{e}");
                }
            });
            stage.stopped()?;
            Ok(Report::default())
        }
        role => Err(format!("it cannot {}", role.word()).into()),
    }
}

fn send(job: &Job, stage: &mut Stage, output: &mut Output, body: &[u8]) -> Result<Report> {
    stage.ready()?;
    for _ in 0..job.count {
        for part in body.chunks(PART) {
            output.send(part)?;
        }
    }
    output.flush()?;
    stage.stopped()?;
    Ok(Report::default())
}

fn receive(job: &Job, stage: &mut Stage, input: &mut Input) -> Result<Report> {
    let (mut meter, mut got, mut done) = (Meter::new(job.count), 0, false);
    stage.ready()?;
    while !done {
        let more = input.messages(|message| {
            got += message.len();
            if got > job.size {
                return Err(format!("{got} bytes instead of {}", job.size).into());
            }
            if got == job.size {
                got = 0;
                done = meter.saw(1);
            }
            Ok(())
        })?;
        if !more {
            return Err("the hub has gone".into());
        }
    }
    Ok(Report::default())
}

fn ask(job: &Job, stage: &mut Stage, input: &mut Input, output: &mut Output, body: &[u8]) -> Result<Report> {
    let (mut latencies, mut open, mut sent, mut done) =
        (Latencies::new(job.count), VecDeque::new(), 0, false);
    stage.ready()?;
    while !done {
        while open.len() < job.in_flight && sent < job.count {
            open.push_back(Instant::now());
            output.send(body)?;
            sent += 1;
        }
        output.flush()?;
        // Answers come in the order of the questions.
        let more = input.messages(|message| {
            let start = open.pop_front().ok_or("an answer to nothing")?;
            if message.len() != body.len() {
                return Err("another answer than was asked for".into());
            }
            done = latencies.saw(start.elapsed());
            Ok(())
        })?;
        if !more {
            return Err("the hub has gone".into());
        }
    }
    Ok(latencies.report())
}

fn answer(input: &mut Input, output: &mut Output) -> Result<()> {
    while input.messages(|message| output.send(message))? {
        output.flush()?;
    }
    Ok(())
}
