//! Messages a second from ada through a hub to bob, over TCP on this machine:
//! `cargo run --release --example throughput -- 100000 64 256`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use homing_std::{Dial, Endpoint, Event, Message, Options, Peer, Seed, Serving, StaticKey};

const PATIENCE: Duration = Duration::from_secs(60);

fn options(key: u8) -> Options {
    Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])))
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().unwrap());
    let count = arguments.next().unwrap_or(100_000);
    let sizes: Vec<u32> = arguments.collect();
    for size in if sizes.is_empty() { vec![64, 256] } else { sizes } {
        let mut hub = options(1);
        let address = "hub@home".parse().unwrap();
        hub.config.serving = Some(Serving { address, open: true, allow: Default::default() });
        let hub = Peer::start(hub).unwrap();
        let at = hub.listen(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let (ada, bob) = (join(&hub, &at, "ada", 2), join(&hub, &at, "bob", 3));
        let to = "bob@home".parse().unwrap();
        let message = Message::new("application/octet-stream", vec![7; size as usize]);
        let start = Instant::now();
        let sender = std::thread::spawn(move || {
            for _ in 0..count {
                ada.send(&to, message.clone()).unwrap();
            }
            ada
        });
        let arrived = bob.events().filter(|event| matches!(event, Event::Message(_))).take(count as usize);
        let arrived = arrived.count();
        let seconds = start.elapsed().as_secs_f64();
        println!("{size} B: {:.0} messages/s ({arrived} in {seconds:.2} s)", f64::from(count) / seconds);
        for peer in [sender.join().unwrap(), bob, hub] {
            println!("  {} turns, {} events missed", peer.wakeups(), peer.missed());
            peer.close(PATIENCE).unwrap();
        }
    }
}

fn join(hub: &Peer, at: &Endpoint, name: &str, key: u8) -> Peer {
    let peer = Peer::start(options(key)).unwrap();
    let invite = format!("homing://{}@{at}/home", hub.peer_id()).parse().unwrap();
    peer.connect(Dial::invite(&invite, name.parse().unwrap()), PATIENCE).unwrap();
    peer
}
