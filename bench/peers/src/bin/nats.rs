//! NATS by its bare protocol: as little as an honest client can do. The target is `HOST:PORT`.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Instant;

use homing_bench_peers::crowd::{Subscriber, receive, subscribe};
use homing_bench_peers::tls;
use homing_bench_peers::wire::Wire;
use homing_bench_worker::{Job, Latencies, Report, Role, Stage, run};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A connection after the greeting.
struct Nats(Wire);

/// A message that has come: where its reply goes, and its payload.
struct Msg<'a> {
    subject: &'a [u8],
    reply: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl Nats {
    fn connect(job: &Job) -> Result<Nats> {
        let mut stream = TcpStream::connect(&job.target)?;
        stream.set_nodelay(true)?;
        // INFO comes in the clear, and nothing behind it before we have spoken.
        let mut byte = [0];
        while byte != [b'\n'] {
            stream.read_exact(&mut byte)?;
        }
        let mut nats = Nats(match &job.tls {
            None => Wire::new(stream),
            Some(trusted) => Wire::new(tls::wrap(stream, &tls::config(trusted)?)?),
        });
        nats.0.out.extend(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
        nats.0.flush()?;
        nats.line_of("PONG")?;
        Ok(nats)
    }

    /// The length of the line that comes next, if all of it is there.
    fn line(&self) -> Option<usize> {
        let end = self.0.there().iter().position(|byte| *byte == b'\n')?;
        Some(end + 1)
    }

    fn line_of(&mut self, word: &str) -> Result<()> {
        loop {
            if let Some(len) = self.line() {
                let line = &self.0.there()[..len];
                if line.starts_with(b"-ERR") {
                    return Err(String::from_utf8_lossy(line).into());
                }
                let found = line.starts_with(word.as_bytes());
                self.0.skip(len);
                if found {
                    return Ok(());
                }
            } else {
                self.0.fill()?;
            }
        }
    }

    /// Takes the messages that are there: at least one, or none on a socket that does not wait.
    fn messages(&mut self, mut take: impl FnMut(Msg<'_>, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let mut some = false;
        loop {
            let Some(len) = self.line() else {
                if some || !self.0.fill()? {
                    return Ok(());
                }
                continue;
            };
            let (there, out) = self.0.split();
            let line = &there[..len];
            if line.starts_with(b"PING") {
                out.extend(b"PONG\r\n");
                self.0.skip(len);
                continue;
            }
            if line.starts_with(b"-ERR") {
                return Err(String::from_utf8_lossy(line).into());
            }
            if !line.starts_with(b"MSG ") {
                self.0.skip(len);
                continue;
            }
            // MSG subject sid [reply] size
            let mut words = line[4..len - 2].split(|byte| *byte == b' ');
            let subject = words.next().ok_or("no subject")?;
            words.next();
            let (mut reply, mut size) = (None, words.next().ok_or("no size")?);
            if let Some(last) = words.next() {
                (reply, size) = (Some(size), last);
            }
            let size: usize = std::str::from_utf8(size)?.parse()?;
            let whole = len + size + 2;
            if there.len() < whole {
                if some || !self.0.fill()? {
                    return Ok(());
                }
                continue;
            }
            take(Msg { subject, reply, payload: &there[len..][..size] }, out)?;
            self.0.skip(whole);
            some = true;
        }
    }

    fn subscribe(&mut self, subject: &str) -> Result<()> {
        self.0.out.extend(format!("SUB {subject} 1\r\nPING\r\n").bytes());
        self.0.flush()?;
        self.line_of("PONG")
    }
}

fn publish(out: &mut Vec<u8>, subject: &[u8], reply: Option<&[u8]>, payload: &[u8]) {
    out.extend_from_slice(b"PUB ");
    out.extend_from_slice(subject);
    out.push(b' ');
    if let Some(reply) = reply {
        out.extend_from_slice(reply);
        out.push(b' ');
    }
    let _ = write!(out, "{}\r\n", payload.len());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

fn send(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut nats = Nats::connect(job)?;
    let body = vec![0x5a; job.size];
    stage.ready()?;
    for _ in 0..job.count {
        publish(&mut nats.0.out, b"receiver", None, &body);
        nats.0.flush_batch()?;
    }
    nats.0.flush()?;
    stage.stopped()?;
    Ok(Report::default())
}

fn receiver(job: &Job) -> Result<Nats> {
    let mut nats = Nats::connect(job)?;
    nats.subscribe("receiver")?;
    Ok(nats)
}

impl Subscriber for Nats {
    fn wire(&mut self) -> &mut Wire {
        &mut self.0
    }

    fn take(&mut self, size: usize) -> Result<u64> {
        let mut n = 0;
        self.messages(|msg, _| {
            if msg.payload.len() != size {
                return Err("a message of another size".into());
            }
            n += 1;
            Ok(())
        })?;
        Ok(n)
    }
}

fn ask(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut nats = Nats::connect(job)?;
    nats.subscribe("inbox.*")?;
    let body = vec![0x5a; job.size];
    let mut latencies = Latencies::new(job.count);
    let mut open = VecDeque::new();
    let mut asked = 0;
    stage.ready()?;
    loop {
        while open.len() < job.in_flight && asked < job.count {
            open.push_back(Instant::now());
            publish(&mut nats.0.out, b"answerer", Some(format!("inbox.{asked}").as_bytes()), &body);
            asked += 1;
        }
        nats.0.flush()?;
        let mut done = false;
        nats.messages(|msg, _| {
            if !msg.subject.starts_with(b"inbox.") || msg.payload.len() != job.size {
                return Err("not an answer".into());
            }
            // There is one answerer, and so answers come in order.
            let start = open.pop_front().ok_or("an answer to nothing")?;
            done |= latencies.saw(start.elapsed());
            Ok(())
        })?;
        if done {
            return Ok(latencies.report());
        }
    }
}

fn answer(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut nats = Nats::connect(job)?;
    nats.subscribe("answerer")?;
    stage.ready()?;
    std::thread::spawn(move || -> std::result::Result<(), String> {
        loop {
            let answered = nats.messages(|msg, out| {
                publish(out, msg.reply.ok_or("nobody to answer")?, None, msg.payload);
                Ok(())
            });
            answered.and_then(|()| nats.0.flush()).map_err(|e| e.to_string())?;
        }
    });
    stage.stopped()?;
    Ok(Report::default())
}

fn main() -> ExitCode {
    run(|job, stage| match job.role {
        Role::Send | Role::Publish => send(job, stage),
        Role::Receive => receive(job, stage, || receiver(job)),
        Role::Subscribe => subscribe(job, stage, || receiver(job)),
        Role::Ask => ask(job, stage),
        Role::Answer => answer(job, stage),
        Role::Idle => stage.keep(|| (0..job.links).map(|_| Nats::connect(job)).collect::<Result<Vec<_>>>()),
        Role::Login => stage.log_in(job.count, || Nats::connect(job).map(drop)),
    })
}
