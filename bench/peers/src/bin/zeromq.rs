//! ZeroMQ with CURVE, by libzmq. The target is what `zeromq-broker` says: its ports and its public key.

use std::collections::VecDeque;
use std::error::Error;
use std::process::{ExitCode, exit};
use std::thread;
use std::time::Instant;

use homing_bench_worker::{Job, Latencies, Meter, Report, Role, Stage, run};
use zmq::{Context, CurveKeyPair, SNDMORE, Socket, SocketEvent, SocketType};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long a handshake may take, in milliseconds.
const PATIENCE: i32 = 20_000;

/// A socket that is connected to the port that is the broker's `port`th.
fn connect(context: &Context, job: &Job, kind: SocketType, port: usize) -> Result<Socket> {
    if zmq::has("curve") != Some(true) {
        return Err("this libzmq has no CURVE".into());
    }
    let words: Vec<_> = job.target.split(' ').collect();
    let (key, ports) = words.split_last().ok_or("no key")?;
    let server = zmq::z85_decode(key)?;
    let port: u16 = ports.get(port).ok_or("no port")?.parse()?;

    let socket = context.socket(kind)?;
    let keys = CurveKeyPair::new()?;
    socket.set_curve_serverkey(&server)?;
    socket.set_curve_publickey(&keys.public_key)?;
    socket.set_curve_secretkey(&keys.secret_key)?;
    // What is still to be sent when it ends is not waited for: by then all has arrived.
    socket.set_linger(0)?;

    // It would connect in its own time, and try again for ever when it is refused.
    let events = SocketEvent::ALL;
    socket.monitor("inproc://monitor", i32::from(events.to_raw()))?;
    let monitor = context.socket(zmq::PAIR)?;
    monitor.connect("inproc://monitor")?;
    monitor.set_rcvtimeo(PATIENCE)?;
    socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
    await_handshake(&monitor)?;
    Ok(socket)
}

fn await_handshake(monitor: &Socket) -> Result<()> {
    loop {
        let event = monitor.recv_multipart(0).map_err(|e| format!("no handshake with the broker: {e}"))?;
        let event = event.first().and_then(|event| event.first_chunk()).ok_or("an event of no kind")?;
        match SocketEvent::from_raw(u16::from_ne_bytes(*event)) {
            SocketEvent::HANDSHAKE_SUCCEEDED => return Ok(()),
            SocketEvent::CONNECTED | SocketEvent::CONNECT_DELAYED => (),
            event => return Err(format!("no handshake with the broker: {event:?}").into()),
        }
    }
}

fn send(context: &Context, job: &Job, stage: &mut Stage) -> Result<Report> {
    let socket = connect(context, job, zmq::PUSH, 0)?;
    let body = vec![0x5a; job.size];
    stage.ready()?;
    for _ in 0..job.count {
        socket.send(&body[..], 0)?;
    }
    stage.stopped()?;
    Ok(Report::default())
}

fn receive(context: &Context, job: &Job, stage: &mut Stage) -> Result<Report> {
    let socket = connect(context, job, zmq::PULL, 1)?;
    let mut meter = Meter::new(job.count);
    let mut message = zmq::Message::new();
    stage.ready()?;
    loop {
        socket.recv(&mut message, 0)?;
        if message.len() != job.size {
            return Err("a message of another size".into());
        }
        if meter.saw(1) {
            return Ok(Report::default());
        }
    }
}

fn ask(context: &Context, job: &Job, stage: &mut Stage) -> Result<Report> {
    let socket = connect(context, job, zmq::DEALER, 2)?;
    let body = vec![0x5a; job.size];
    let mut message = zmq::Message::new();
    let mut latencies = Latencies::new(job.count);
    let mut open = VecDeque::new();
    let mut asked = 0;
    stage.ready()?;
    loop {
        while open.len() < job.in_flight && asked < job.count {
            open.push_back(Instant::now());
            socket.send(&body[..], 0)?;
            asked += 1;
        }
        socket.recv(&mut message, 0)?;
        if message.len() != job.size {
            return Err("not an answer".into());
        }
        // There is one answerer, and so answers come in order.
        let start = open.pop_front().ok_or("an answer to nothing")?;
        if latencies.saw(start.elapsed()) {
            return Ok(latencies.report());
        }
    }
}

fn answer(context: &Context, job: &Job, stage: &mut Stage) -> Result<Report> {
    let socket = connect(context, job, zmq::DEALER, 3)?;
    stage.ready()?;
    thread::spawn(move || {
        loop {
            // The broker has put before it who asks, and takes it off again.
            let answered = socket.recv_msg(0).and_then(|asker| {
                let body = socket.recv_msg(0)?;
                socket.send(asker, SNDMORE)?;
                socket.send(body, 0)
            });
            if let Err(e) = answered {
                eprintln!("{e}");
                exit(1);
            }
        }
    });
    stage.stopped()?;
    // The socket is in use, and the context would wait for it.
    Ok(Report::default())
}

fn main() -> ExitCode {
    // It is never closed: that would wait for the thread that answers.
    let context = Box::leak(Box::new(Context::new()));
    run(|job, stage| match job.role {
        Role::Send => send(context, job, stage),
        Role::Receive => receive(context, job, stage),
        Role::Ask => ask(context, job, stage),
        Role::Answer => answer(context, job, stage),
        other => Err(format!("{} is not what ZeroMQ does here", other.word()).into()),
    })
}
