//! Redis pub/sub by its bare protocol, RESP 3, in which one connection both subscribes and publishes: as
//! little as an honest client can do. The target is `HOST:PORT`.

use std::collections::VecDeque;
use std::error::Error;
use std::io::Write;
use std::net::TcpStream;
use std::process::{ExitCode, exit, id};
use std::str::from_utf8;
use std::thread;
use std::time::Instant;

use homing_bench_peers::crowd::{Subscriber, receive, subscribe};
use homing_bench_peers::wire::Wire;
use homing_bench_worker::{Job, Latencies, Report, Role, Stage, run};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where requests go; who asks puts its own name behind it, and is answered at `reply:` and this name.
const REQUEST: &[u8] = b"request:";
const REPLY: &[u8] = b"reply:";

/// So many bytes of messages may be published before the broker has answered to the first of them.
const WINDOW: usize = 1024 * 1024;

/// A connection that speaks RESP 3.
struct Redis(Wire);

/// What comes from the broker.
enum Reply<'a> {
    /// To so many subscribers went what was published.
    Number(i64),
    Message {
        channel: &'a [u8],
        payload: &'a [u8],
    },
    /// Of what was asked to set up the connection.
    Other(&'a [u8]),
}

impl Redis {
    fn connect(job: &Job) -> Result<Redis> {
        let stream = TcpStream::connect(&job.target)?;
        stream.set_nodelay(true)?;
        let mut redis = Redis(Wire::new(stream));
        redis.ask_broker(&[b"HELLO", b"3"])?;
        Ok(redis)
    }

    /// Has the broker do what sets up this connection.
    fn ask_broker(&mut self, words: &[&[u8]]) -> Result<()> {
        command(&mut self.0.out, words);
        self.0.flush()?;
        self.replies(|reply, _| match reply {
            Reply::Other(_) => Ok(()),
            _ => Err("a message before it was asked for".into()),
        })
    }

    fn subscribe(&mut self, channel: &[u8]) -> Result<()> {
        self.ask_broker(&[b"SUBSCRIBE", channel])
    }

    /// Takes the replies that are there: at least one, or none on a socket that does not wait.
    fn replies(&mut self, mut take: impl FnMut(Reply<'_>, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let mut some = false;
        loop {
            let (there, out) = self.0.split();
            let Some((reply, len)) = reply(there)? else {
                if some || !self.0.fill()? {
                    return Ok(());
                }
                continue;
            };
            take(reply, out)?;
            self.0.skip(len);
            some = true;
        }
    }
}

/// The number in the line at `at`, and where the next line begins.
fn line(there: &[u8], at: usize) -> Result<Option<(i64, usize)>> {
    let rest = there.get(at + 1..).unwrap_or_default();
    let Some(end) = rest.iter().position(|byte| *byte == b'\r') else { return Ok(None) };
    let number = from_utf8(&rest[..end])?.parse()?;
    Ok(Some((number, at + 1 + end + 2)))
}

/// The string at `at`, and where it ends.
fn string(there: &[u8], at: usize) -> Result<Option<(&[u8], usize)>> {
    let Some((size, start)) = line(there, at)? else { return Ok(None) };
    let end = start + usize::try_from(size)?;
    Ok(there.get(start..end).map(|string| (string, end + 2)))
}

/// The end of any value that begins at `at`.
fn end(there: &[u8], at: usize) -> Result<Option<usize>> {
    let Some((number, mut next)) = (match there.get(at) {
        None => return Ok(None),
        Some(b'$') => return Ok(string(there, at)?.map(|(_, end)| end)),
        Some(b':' | b'*' | b'%' | b'>') => line(there, at)?,
        Some(_) => return Err(String::from_utf8_lossy(&there[at..]).into()),
    }) else {
        return Ok(None);
    };
    let values = match there[at] {
        b':' => 0,
        b'%' => 2 * number,
        _ => number,
    };
    for _ in 0..values {
        let Some(after) = end(there, next)? else { return Ok(None) };
        next = after;
    }
    Ok(Some(next))
}

/// The next reply and its length, if all of it is there.
fn reply(there: &[u8]) -> Result<Option<(Reply<'_>, usize)>> {
    match there.first() {
        Some(b':') => Ok(line(there, 0)?.map(|(number, end)| (Reply::Number(number), end))),
        Some(b'>') => {
            let Some((values, kind)) = line(there, 0)? else { return Ok(None) };
            let Some((word, mut next)) = string(there, kind)? else { return Ok(None) };
            if !matches!((values, word), (3, b"message") | (4, b"pmessage")) {
                return Ok(end(there, 0)?.map(|end| (Reply::Other(&there[..end]), end)));
            }
            if values == 4 {
                let Some((_, after)) = string(there, next)? else { return Ok(None) };
                next = after;
            }
            let Some((channel, next)) = string(there, next)? else { return Ok(None) };
            let Some((payload, end)) = string(there, next)? else { return Ok(None) };
            Ok((there.len() >= end).then_some((Reply::Message { channel, payload }, end)))
        }
        _ => Ok(end(there, 0)?.map(|end| (Reply::Other(&there[..end]), end))),
    }
}

fn put_string(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let _ = write!(out, "${}\r\n", parts.iter().map(|part| part.len()).sum::<usize>());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\r\n");
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    let _ = write!(out, "*{}\r\n", words.len());
    words.iter().for_each(|word| put_string(out, &[word]));
}

fn publish(out: &mut Vec<u8>, channel: [&[u8]; 2], payload: &[u8]) {
    out.extend_from_slice(b"*3\r\n$7\r\nPUBLISH\r\n");
    put_string(out, &channel);
    put_string(out, &[payload]);
}

/// What was published must have gone to all who wait for it.
fn check(subscribers: i64, expected: usize) -> Result<()> {
    if usize::try_from(subscribers)? == expected {
        Ok(())
    } else {
        Err(format!("it went to {subscribers} subscribers").into())
    }
}

fn send(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut redis = Redis::connect(job)?;
    let body = vec![0x5a; job.size];
    let window = (WINDOW / job.size.max(1)).clamp(1, 16 * 1024) as u64;
    let mut answered = 0;
    stage.ready()?;
    for published in 1..=job.count {
        publish(&mut redis.0.out, [b"receiver", b""], &body);
        redis.0.flush_batch()?;
        while published - answered > window || published == job.count && answered < published {
            redis.0.flush()?;
            redis.replies(|reply, _| {
                let Reply::Number(subscribers) = reply else { return Err("not a number".into()) };
                answered += 1;
                check(subscribers, job.links)
            })?;
        }
    }
    stage.stopped()?;
    Ok(Report::default())
}

fn receiver(job: &Job) -> Result<Redis> {
    let mut redis = Redis::connect(job)?;
    redis.subscribe(b"receiver")?;
    Ok(redis)
}

impl Subscriber for Redis {
    fn wire(&mut self) -> &mut Wire {
        &mut self.0
    }

    fn take(&mut self, size: usize) -> Result<u64> {
        let mut n = 0;
        self.replies(|reply, _| match reply {
            Reply::Message { payload, .. } if payload.len() == size => {
                n += 1;
                Ok(())
            }
            _ => Err("not a message, or of another size".into()),
        })?;
        Ok(n)
    }
}

fn ask(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut redis = Redis::connect(job)?;
    let name = id().to_string();
    redis.subscribe(&[REPLY, name.as_bytes()].concat())?;
    let body = vec![0x5a; job.size];
    let mut latencies = Latencies::new(job.count);
    let mut open = VecDeque::new();
    let mut asked = 0;
    stage.ready()?;
    loop {
        while open.len() < job.in_flight && asked < job.count {
            open.push_back(Instant::now());
            publish(&mut redis.0.out, [REQUEST, name.as_bytes()], &body);
            asked += 1;
        }
        if !redis.0.out.is_empty() {
            redis.0.flush()?;
        }
        let mut done = false;
        redis.replies(|reply, _| match reply {
            Reply::Number(subscribers) => check(subscribers, 1),
            Reply::Message { payload, .. } if payload.len() == job.size => {
                // There is one answerer, and so answers come in order.
                let start = open.pop_front().ok_or("an answer to nothing")?;
                done |= latencies.saw(start.elapsed());
                Ok(())
            }
            _ => Err("not an answer".into()),
        })?;
        if done {
            return Ok(latencies.report());
        }
    }
}

fn answer(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut redis = Redis::connect(job)?;
    redis.ask_broker(&[b"PSUBSCRIBE", &[REQUEST, b"*"].concat()])?;
    stage.ready()?;
    thread::spawn(move || {
        loop {
            let answered = redis.replies(|reply, out| match reply {
                Reply::Number(subscribers) => check(subscribers, 1),
                Reply::Message { channel, payload } => {
                    let name = channel.strip_prefix(REQUEST).ok_or("not a request")?;
                    publish(out, [REPLY, name], payload);
                    Ok(())
                }
                Reply::Other(other) => Err(String::from_utf8_lossy(other).into()),
            });
            let flush = |()| if redis.0.out.is_empty() { Ok(()) } else { redis.0.flush() };
            if let Err(e) = answered.and_then(flush) {
                eprintln!("{e}");
                exit(1);
            }
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
        Role::Idle => stage.keep(|| (0..job.links).map(|_| Redis::connect(job)).collect::<Result<Vec<_>>>()),
        other => Err(format!("{} is not what redis does here", other.word()).into()),
    })
}
