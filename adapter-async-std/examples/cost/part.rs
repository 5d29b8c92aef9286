//! One peer, in its process: does what the lines on its stdin say.

use std::time::Duration;

use futures_util::stream::StreamExt;
use homing_std::{
    Address, Command, Dial, Event, Handle, Invite, Message, Options, Response, Seed, Serving, StaticKey,
};

use crate::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);

fn options(key: u8) -> Options {
    Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])))
}

/// Plays `role` until nobody tells it anything more. `place`: the hub's own address, to others its invite.
pub(crate) fn play(role: &str, runtime: Runtime, place: &str) {
    match (role, runtime) {
        ("hub", _) => hub(place),
        (_, Runtime::Std) => Std::join(role, place).obey(),
        _ => Polled::join(role, runtime, place).obey(),
    }
}

fn hub(place: &str) {
    let mut options = options(1);
    let serving = Serving { address: "hub@home".parse().unwrap(), open: true, allow: Default::default() };
    options.config.serving = Some(serving);
    let peer = homing_std::Peer::start(options).unwrap();
    let target = peer.listen(&place.parse().unwrap()).unwrap().to_string();
    println!("{}", Invite { key: peer.peer_id(), target, network: "home".parse().unwrap() });
    for line in std::io::stdin().lines().map_while(Result::ok) {
        assert_eq!(line, "used");
        say_used(&peer);
    }
    peer.close(PATIENCE).unwrap();
}

/// CPU time of this process, of all its threads and in the kernel too, and how many turns the driver took.
fn say_used(peer: &Handle) {
    println!("{} {}", cpu_time().as_nanos(), peer.wakeups());
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    eprintln!("cost: only Unix systems tell a process its CPU time");
    std::process::exit(1);
}

fn dial(role: &str, place: &str) -> Dial {
    let invite: Invite = place.parse().unwrap();
    Dial { redial: false, ..Dial::invite(&invite, role.parse().unwrap()) }
}

fn own_options(role: &str) -> Options {
    options(if role == "ada" { 2 } else { 3 })
}

fn bob() -> Address {
    "bob@home".parse().unwrap()
}

fn message(bytes: usize) -> Message {
    Message::new("application/octet-stream", vec![7; bytes])
}

fn command(bytes: usize) -> Command {
    Command::get("give-back").with_body("application/octet-stream", vec![7; bytes])
}

/// What a peer can be told to do.
trait Part: Sized {
    fn handle(&self) -> &Handle;
    fn send(&self, count: usize, bytes: usize);
    fn take(&self, count: usize);
    fn call(&self, count: usize, bytes: usize);
    fn close(self);

    fn obey(self) {
        println!("joined");
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |n: usize| words[n].parse::<usize>().unwrap();
            match words[0] {
                "used" => {
                    say_used(self.handle());
                    continue;
                }
                "send" => self.send(number(1), number(2)),
                "take" => self.take(number(1)),
                _ => self.call(number(1), number(2)),
            }
            println!("done");
        }
        self.close();
    }
}

/// On std: the program's work blocks a thread of its own.
struct Std(homing_std::Peer);

impl Std {
    fn join(role: &str, place: &str) -> Std {
        let peer = homing_std::Peer::start(own_options(role)).unwrap();
        peer.connect(dial(role, place), PATIENCE).unwrap();
        let answer = |request: &homing_std::Request| {
            Ok(Response::new(request.content_type.clone(), request.body.clone()))
        };
        peer.serve("/give-back", "answers with what it is given", answer).unwrap();
        Std(peer)
    }
}

impl Part for Std {
    fn handle(&self) -> &Handle {
        &self.0
    }

    fn send(&self, count: usize, bytes: usize) {
        let (to, message) = (bob(), message(bytes));
        for _ in 0..count {
            self.0.send(&to, message.clone()).unwrap();
        }
    }

    fn take(&self, count: usize) {
        let messages = self.0.events().filter(|event| matches!(event, Event::Message(_)));
        assert_eq!(messages.take(count).count(), count);
    }

    fn call(&self, count: usize, bytes: usize) {
        let (to, command) = (bob(), command(bytes));
        for _ in 0..count {
            self.0.request(&to, command.clone(), PATIENCE).unwrap();
        }
    }

    fn close(self) {
        self.0.close(PATIENCE).unwrap();
    }
}

/// On an executor: the program's work is a task of it.
struct Polled {
    runtime: Runtime,
    peer: homing_futures::Peer,
}

impl Polled {
    fn join(role: &str, runtime: Runtime, place: &str) -> Polled {
        let peer = runtime.start(own_options(role)).unwrap();
        let (joining, dial) = (peer.clone(), dial(role, place));
        runtime.run(async move { joining.connect(dial, PATIENCE).await }).unwrap();
        let answer = |request: homing_std::Request| async move {
            Ok(Response::new(request.content_type, request.body))
        };
        peer.serve("/give-back", "answers with what it is given", answer).unwrap();
        Polled { runtime, peer }
    }
}

impl Part for Polled {
    fn handle(&self) -> &Handle {
        &self.peer
    }

    fn send(&self, count: usize, bytes: usize) {
        let (peer, to, message) = (self.peer.clone(), bob(), message(bytes));
        self.runtime.run(async move {
            for _ in 0..count {
                peer.send(&to, message.clone()).await.unwrap();
            }
        });
    }

    fn take(&self, count: usize) {
        let events = self.peer.events();
        let messages = events.filter(|event| std::future::ready(matches!(event, Event::Message(_))));
        assert_eq!(self.runtime.run(messages.take(count).count()), count);
    }

    fn call(&self, count: usize, bytes: usize) {
        let (peer, to, command) = (self.peer.clone(), bob(), command(bytes));
        self.runtime.run(async move {
            for _ in 0..count {
                peer.request(&to, command.clone(), PATIENCE).await.unwrap();
            }
        });
    }

    fn close(self) {
        let Polled { runtime, peer } = self;
        runtime.run(async move { peer.close(PATIENCE).await }).unwrap();
    }
}
