//! MQTT 3.1.1 by its bare protocol, at QoS 0: as little as an honest client can do. The target is
//! `HOST:PORT`.

use std::collections::VecDeque;
use std::error::Error;
use std::net::TcpStream;
use std::process::{ExitCode, exit, id};
use std::thread;
use std::time::Instant;

use homing_bench_peers::crowd::{Subscriber, receive, subscribe};
use homing_bench_peers::tls;
use homing_bench_peers::wire::Wire;
use homing_bench_worker::{Job, Latencies, Report, Role, Stage, run};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The first byte of packets.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;

/// Where requests go; who asks puts its own name behind it, and is answered at `reply/` and this name.
const REQUEST: &[u8] = b"request/";
const REPLY: &[u8] = b"reply/";

/// A connection that the broker has accepted.
struct Mqtt(Wire);

/// A message that has come.
struct Publish<'a> {
    topic: &'a [u8],
    payload: &'a [u8],
}

impl Mqtt {
    fn connect(job: &Job) -> Result<Mqtt> {
        let stream = TcpStream::connect(&job.target)?;
        stream.set_nodelay(true)?;
        let mut mqtt = Mqtt(match &job.tls {
            None => Wire::new(stream),
            Some(trusted) => Wire::new(tls::wrap(stream, &tls::config(trusted)?)?),
        });
        // Level 4, a clean session, no keep-alive, and a name of the broker's choice.
        mqtt.0.out.extend([CONNECT, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 0]);
        mqtt.0.flush()?;
        mqtt.wait(CONNACK, &[0, 0])?;
        Ok(mqtt)
    }

    /// Waits for the answer to what was asked of the broker.
    fn wait(&mut self, first: u8, expected: &[u8]) -> Result<()> {
        loop {
            if let Some((head, whole)) = packet(self.0.there())? {
                let there = self.0.there();
                if there[0] != first || &there[head..whole] != expected {
                    return Err(format!("the broker says {:x?}", &there[..whole]).into());
                }
                self.0.skip(whole);
                return Ok(());
            }
            self.0.fill()?;
        }
    }

    fn subscribe(&mut self, filter: &[u8]) -> Result<()> {
        let packet = 1;
        self.0.out.push(SUBSCRIBE);
        put_length(&mut self.0.out, 2 + 2 + filter.len() + 1);
        self.0.out.extend([0, packet]);
        put_string(&mut self.0.out, filter)?;
        self.0.out.push(0);
        self.0.flush()?;
        self.wait(SUBACK, &[0, packet, 0])
    }

    /// Takes the messages that are there: at least one, or none on a socket that does not wait.
    fn messages(&mut self, mut take: impl FnMut(Publish<'_>, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let mut some = false;
        loop {
            let (there, out) = self.0.split();
            let Some((head, whole)) = packet(there)? else {
                if some || !self.0.fill()? {
                    return Ok(());
                }
                continue;
            };
            if there[0] != PUBLISH {
                return Err(format!("a packet of the kind {:x}", there[0]).into());
            }
            let (size, rest) = there[head..whole].split_first_chunk().ok_or("no topic")?;
            let size = usize::from(u16::from_be_bytes(*size));
            let (topic, payload) = rest.split_at_checked(size).ok_or("half a topic")?;
            take(Publish { topic, payload }, out)?;
            self.0.skip(whole);
            some = true;
        }
    }
}

/// The length of the head of the packet that comes next, and of all of it, if all of it is there.
fn packet(there: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut length = 0;
    for at in 1..=4 {
        let Some(byte) = there.get(at) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        if byte & 0x80 == 0 {
            let (head, whole) = (at + 1, at + 1 + length);
            return Ok((there.len() >= whole).then_some((head, whole)));
        }
    }
    Err("not a length".into())
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

fn put_string(out: &mut Vec<u8>, string: &[u8]) -> Result<()> {
    out.extend(u16::try_from(string.len())?.to_be_bytes());
    out.extend(string);
    Ok(())
}

fn publish(out: &mut Vec<u8>, topic: [&[u8]; 2], payload: &[u8]) -> Result<()> {
    let size = topic[0].len() + topic[1].len();
    out.push(PUBLISH);
    put_length(out, 2 + size + payload.len());
    out.extend(u16::try_from(size)?.to_be_bytes());
    out.extend_from_slice(topic[0]);
    out.extend_from_slice(topic[1]);
    out.extend_from_slice(payload);
    Ok(())
}

fn send(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut mqtt = Mqtt::connect(job)?;
    let body = vec![0x5a; job.size];
    stage.ready()?;
    for _ in 0..job.count {
        publish(&mut mqtt.0.out, [b"receiver", b""], &body)?;
        mqtt.0.flush_batch()?;
    }
    mqtt.0.flush()?;
    stage.stopped()?;
    Ok(Report::default())
}

fn receiver(job: &Job) -> Result<Mqtt> {
    let mut mqtt = Mqtt::connect(job)?;
    mqtt.subscribe(b"receiver")?;
    Ok(mqtt)
}

impl Subscriber for Mqtt {
    fn wire(&mut self) -> &mut Wire {
        &mut self.0
    }

    fn take(&mut self, size: usize) -> Result<u64> {
        let mut n = 0;
        self.messages(|message, _| {
            if message.payload.len() != size {
                return Err("a message of another size".into());
            }
            n += 1;
            Ok(())
        })?;
        Ok(n)
    }
}

fn ask(job: &Job, stage: &mut Stage) -> Result<Report> {
    let mut mqtt = Mqtt::connect(job)?;
    let name = id().to_string();
    mqtt.subscribe(&[REPLY, name.as_bytes()].concat())?;
    let body = vec![0x5a; job.size];
    let mut latencies = Latencies::new(job.count);
    let mut open = VecDeque::new();
    let mut asked = 0;
    stage.ready()?;
    loop {
        while open.len() < job.in_flight && asked < job.count {
            open.push_back(Instant::now());
            publish(&mut mqtt.0.out, [REQUEST, name.as_bytes()], &body)?;
            asked += 1;
        }
        mqtt.0.flush()?;
        let mut done = false;
        mqtt.messages(|message, _| {
            if message.payload.len() != job.size {
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
    let mut mqtt = Mqtt::connect(job)?;
    mqtt.subscribe(&[REQUEST, b"+"].concat())?;
    stage.ready()?;
    thread::spawn(move || {
        loop {
            let answered = mqtt.messages(|message, out| {
                let name = message.topic.strip_prefix(REQUEST).ok_or("not a request")?;
                publish(out, [REPLY, name], message.payload)
            });
            if let Err(e) = answered.and_then(|()| mqtt.0.flush()) {
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
        Role::Idle => stage.keep(|| (0..job.links).map(|_| Mqtt::connect(job)).collect::<Result<Vec<_>>>()),
        Role::Login => stage.log_in(job.count, || Mqtt::connect(job).map(drop)),
    })
}
