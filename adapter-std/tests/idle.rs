//! Idle means asleep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::*;
use homing_std::{Endpoint, Heartbeat, Options, Peer, Receipts};

const LINKS: u8 = 100;

/// A hub with a hundred links, with nothing left to be said on them.
fn crowd(heartbeat: Heartbeat, on: &str) -> (Peer, Vec<Peer>) {
    let with = |mut options: Options| {
        options.config.heartbeat = heartbeat;
        options
    };
    let (hub, at): (Peer, Endpoint) = hub_with(with(hub_options()), on);
    let peers: Vec<_> =
        (0..LINKS).map(|n| join_with(with(options(n + 2)), &hub, &at, &format!("p{n}")).0).collect();
    let all = usize::from(LINKS) + 1;
    wait_until("everybody knows everybody", || {
        peers.iter().all(|peer| peer.peers("home").is_some_and(|peers| peers.len() == all))
    });
    (hub, peers)
}

/// Waits until nobody has woken up for `quiet`; fails if that never comes.
fn wait_quiet(peers: &[Peer], quiet: Duration) {
    let wakeups = || peers.iter().map(|peer| peer.wakeups()).sum::<u64>();
    let end = Instant::now() + PATIENCE;
    loop {
        let before = wakeups();
        std::thread::sleep(quiet);
        if wakeups() == before {
            return;
        }
        assert!(Instant::now() < end, "{} wake-ups, and no end of it", wakeups());
    }
}

#[test]
fn without_heartbeats_nobody_wakes_at_all() {
    for on in ["127.0.0.1:0", "memory:asleep"] {
        let (hub, mut peers) = crowd(Heartbeat::SLOWEST, on);
        peers.push(hub);
        wait_quiet(&peers, Duration::from_millis(500));
    }
}

#[test]
fn with_heartbeats_each_link_wakes_its_hub_a_few_times_an_interval() {
    let (hub, peers) = crowd(Heartbeat::LAN, "127.0.0.1:0");
    let interval = Heartbeat::LAN.idle;
    // The acknowledgements and the roster's news of the last newcomer.
    std::thread::sleep(interval);
    let (start, before) = (Instant::now(), hub.wakeups());
    std::thread::sleep(interval * 2);
    let wakeups = hub.wakeups() - before;
    // Per link: the timer, writing the ping after it, the pong; and the same again when both sides
    // find at the same moment that it is time. One interval more, for one that has begun.
    let intervals = start.elapsed().as_secs() / interval.as_secs() + 2;
    assert!(wakeups <= intervals * 6 * u64::from(LINKS), "{wakeups} in {intervals} intervals");
    assert!(wakeups > 0, "heartbeats are sent");
    // All are still there.
    assert_eq!(hub.peers("home").unwrap().len(), usize::from(LINKS) + 1);
    let to = address("p7@home");
    peers[3].send_and_wait(&to, homing_std::Message::text("x"), Receipts::Received, PATIENCE).unwrap();
}
