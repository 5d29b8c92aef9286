//! NATS by the official client for Rust. The target is `HOST:PORT`.

use std::error::Error;
use std::process::{ExitCode, exit};
use std::thread;
use std::time::Instant;

use async_nats::{Client, ConnectOptions, Event, Subject, Subscriber};
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use homing_bench_peers::tls;
use homing_bench_worker::{Job, Latencies, Meter, Report, Role, Stage, run};
use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RECEIVER: Subject = Subject::from_static("receiver");
const ANSWERER: Subject = Subject::from_static("answerer");

async fn connect(job: &Job) -> Result<Client> {
    let room = usize::try_from(job.count)?.max(64 * 1024);
    let mut options = ConnectOptions::new()
        // What a subscriber has no room for is thrown away.
        .subscription_capacity(room)
        .skip_subject_validation(true)
        // It would connect anew and go on, and a message would be missing.
        .event_callback(async |event| match event {
            Event::Connected | Event::Closed | Event::Draining => (),
            event => {
                eprintln!("{event}");
                exit(1)
            }
        });
    if let Some(trusted) = &job.tls {
        options = options.require_tls(true).tls_client_config((*tls::config(trusted)?).clone());
    }
    Ok(options.connect(&job.target).await?)
}

/// A subscription that the broker knows of.
async fn subscribe(client: &Client, subject: Subject) -> Result<Subscriber> {
    let subscriber = client.subscribe(subject).await?;
    // The broker takes things in order: once this one has come back, it has seen the other too.
    let inbox = client.new_inbox();
    let mut echo = client.subscribe(inbox.clone()).await?;
    client.publish(inbox, Bytes::new()).await?;
    echo.next().await.ok_or("the subscription has ended")?;
    Ok(subscriber)
}

fn body(job: &Job) -> Bytes {
    vec![0x5a; job.size].into()
}

fn send(runtime: &Runtime, job: &Job, stage: &mut Stage) -> Result<Report> {
    let client = runtime.block_on(connect(job))?;
    let body = body(job);
    stage.ready()?;
    runtime.block_on(async {
        for _ in 0..job.count {
            client.publish(RECEIVER, body.clone()).await?;
        }
        client.flush().await?;
        Ok::<_, Box<dyn Error>>(())
    })?;
    stage.stopped()?;
    Ok(Report::default())
}

fn receive(runtime: &Runtime, job: &Job, stage: &mut Stage) -> Result<Report> {
    let client = runtime.block_on(connect(job))?;
    let mut messages = runtime.block_on(subscribe(&client, RECEIVER))?;
    let mut meter = Meter::new(job.count);
    stage.ready()?;
    // Without a budget it takes all that the connection has read each time; with one it takes far less than
    // that, and what it has not taken piles up.
    runtime.block_on(unconstrained(async {
        while let Some(message) = messages.next().await {
            let (mut next, mut n) = (Some(message), 0);
            // All that is there counts as come at once: what only waits here must not look fast.
            while let Some(message) = next {
                if message.payload.len() != job.size {
                    return Err("a message of another size".into());
                }
                n += 1;
                next = messages.next().now_or_never().flatten();
            }
            if meter.saw(n) {
                return Ok(Report::default());
            }
        }
        Err("the subscription has ended".into())
    }))
}

fn ask(runtime: &Runtime, job: &Job, stage: &mut Stage) -> Result<Report> {
    let client = runtime.block_on(connect(job))?;
    let body = body(job);
    let mut latencies = Latencies::new(job.count);
    stage.ready()?;
    let request = async || -> Result<_> {
        let start = Instant::now();
        let answer = client.request(ANSWERER, body.clone()).await?;
        if answer.payload.len() != job.size {
            return Err("an answer of another size".into());
        }
        Ok(start.elapsed())
    };
    runtime.block_on(async {
        let mut open = FuturesUnordered::new();
        let mut asked = 0;
        loop {
            while open.len() < job.in_flight && asked < job.count {
                open.push(request());
                asked += 1;
            }
            let took = open.next().await.ok_or("nothing is asked")??;
            if latencies.saw(took) {
                return Ok(latencies.report());
            }
        }
    })
}

fn answer(runtime: Runtime, job: &Job, stage: &mut Stage) -> Result<Report> {
    let client = runtime.block_on(connect(job))?;
    let mut requests = runtime.block_on(subscribe(&client, ANSWERER))?;
    stage.ready()?;
    thread::spawn(move || {
        let served: Result<()> = runtime.block_on(async {
            while let Some(request) = requests.next().await {
                client.publish(request.reply.ok_or("nobody to answer")?, request.payload).await?;
            }
            Ok(())
        });
        if let Err(e) = served {
            eprintln!("{e}");
            exit(1);
        }
    });
    stage.stopped()?;
    Ok(Report::default())
}

fn login(runtime: &Runtime, job: &Job, stage: &mut Stage) -> Result<Report> {
    stage.ready()?;
    for _ in 0..job.count {
        runtime.block_on(connect(job))?;
    }
    Ok(Report::default())
}

fn main() -> ExitCode {
    run(|job, stage| {
        // One thread does more than two here: no message has to wake another one.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        match job.role {
            Role::Send => send(&runtime, job, stage),
            Role::Receive => receive(&runtime, job, stage),
            Role::Ask => ask(&runtime, job, stage),
            Role::Answer => answer(runtime, job, stage),
            Role::Login => login(&runtime, job, stage),
            other => Err(format!("{} is not what it does here", other.word()).into()),
        }
    })
}
