//! libp2p: TCP, noise and yamux, to a forwarder. The target is its address, with its key.

use std::collections::VecDeque;
use std::error::Error;
use std::future::pending;
use std::process::{ExitCode, exit};
use std::thread;
use std::time::Instant;

use futures::io::AsyncWriteExt;
use homing_bench_peers::streams::{BATCH, Reader, connect, push, runtime};
use homing_bench_worker::{Job, Latencies, Meter, Report, Role, Stage, run};
use libp2p::Stream;
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Waits for the end in this thread, while another does what the connections have still to do.
fn stay(runtime: Runtime, stage: &mut Stage) -> Result<()> {
    thread::spawn(move || runtime.block_on(pending::<()>()));
    stage.stopped()
}

fn send(job: &Job, stage: &mut Stage) -> Result<Report> {
    let runtime = runtime()?;
    let mut stream = runtime.block_on(connect(&job.target, "sender"))?;
    let body = vec![0x5a; job.size];
    let mut out = Vec::with_capacity(2 * BATCH);
    stage.ready()?;
    runtime.block_on(async {
        for _ in 0..job.count {
            push(&mut out, b"receiver", &body);
            if out.len() >= BATCH {
                stream.write_all(&out).await?;
                out.clear();
            }
        }
        stream.write_all(&out).await?;
        stream.flush().await
    })?;
    stay(runtime, stage)?;
    Ok(Report::default())
}

async fn receive(job: &Job, mut stream: Stream) -> Result<Report> {
    let mut reader = Reader::default();
    let mut meter = Meter::new(job.count);
    loop {
        let mut n = 0;
        while let Some(message) = reader.message()? {
            if message.payload.len() != job.size {
                return Err(format!("{} bytes instead of {}", message.payload.len(), job.size).into());
            }
            n += 1;
        }
        if n > 0 && meter.saw(n) {
            return Ok(Report::default());
        }
        reader.fill(&mut stream).await?;
    }
}

async fn ask(job: &Job, mut stream: Stream) -> Result<Report> {
    let body = vec![0x5a; job.size];
    let mut reader = Reader::default();
    let mut latencies = Latencies::new(job.count);
    let (mut open, mut asked) = (VecDeque::new(), 0);
    let mut out = Vec::with_capacity(2 * BATCH);
    loop {
        while open.len() < job.in_flight && asked < job.count {
            open.push_back(Instant::now());
            push(&mut out, b"answerer", &body);
            asked += 1;
        }
        if !out.is_empty() {
            stream.write_all(&out).await?;
            stream.flush().await?;
            out.clear();
        }
        reader.fill(&mut stream).await?;
        while let Some(message) = reader.message()? {
            if message.name != b"answerer" || message.payload.len() != job.size {
                return Err("not an answer".into());
            }
            // There is one answerer, and so answers come in order.
            let start = open.pop_front().ok_or("an answer to nothing")?;
            if latencies.saw(start.elapsed()) {
                return Ok(latencies.report());
            }
        }
    }
}

async fn answer(mut stream: Stream) -> std::io::Result<()> {
    let mut reader = Reader::default();
    let mut out = Vec::with_capacity(2 * BATCH);
    loop {
        reader.fill(&mut stream).await?;
        while let Some(message) = reader.message()? {
            push(&mut out, message.name, message.payload);
        }
        if !out.is_empty() {
            stream.write_all(&out).await?;
            stream.flush().await?;
            out.clear();
        }
    }
}

fn main() -> ExitCode {
    run(|job, stage| {
        let runtime = match job.role {
            Role::Send => return send(job, stage),
            _ => runtime()?,
        };
        match job.role {
            Role::Receive => {
                let stream = runtime.block_on(connect(&job.target, "receiver"))?;
                stage.ready()?;
                runtime.block_on(receive(job, stream))
            }
            Role::Ask => {
                let stream = runtime.block_on(connect(&job.target, "asker"))?;
                stage.ready()?;
                runtime.block_on(ask(job, stream))
            }
            Role::Answer => {
                let stream = runtime.block_on(connect(&job.target, "answerer"))?;
                stage.ready()?;
                runtime.spawn(async move {
                    if let Err(e) = answer(stream).await {
                        eprintln!("no more answers: {e}");
                        exit(1);
                    }
                });
                stay(runtime, stage)?;
                Ok(Report::default())
            }
            other => Err(format!("{} is not what libp2p does here", other.word()).into()),
        }
    })
}
