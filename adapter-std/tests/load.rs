//! Much at once: nothing is lost, nobody is starved, nothing grows without end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use common::*;
use homing_std::{Address, Command, Event, Message, Options, Peer, Receipts, SendError};

fn numbered(n: u32, size: usize) -> Message {
    let mut body = n.to_be_bytes().to_vec();
    body.resize(size, 7);
    Message::new("application/octet-stream", body)
}

fn number(body: &[u8]) -> u32 {
    u32::from_be_bytes(body[..4].try_into().unwrap())
}

fn send_all(from: &Peer, to: &Address, count: u32, size: usize) {
    for n in 0..count {
        from.send(to, numbered(n, size)).unwrap();
    }
}

/// Takes `count` messages, which must come in order from each sender.
fn take_all(peer: &Peer, count: u32) {
    let mut next = BTreeMap::new();
    for _ in 0..count {
        let message = wait_message(peer);
        let expected: &mut u32 = next.entry(message.from.clone()).or_default();
        assert_eq!(number(&message.body), *expected, "from {}", message.from);
        *expected += 1;
    }
}

fn small(mut options: Options) -> Options {
    options.config.limits.queue = 256 * 1024;
    options.config.limits.window = 128 * 1024;
    options
}

/// Two peers flood each other with more than any queue between them holds.
fn flood(on: &str) {
    const COUNT: u32 = 6_000;
    let (hub, at) = hub(on);
    let (ada, _) = join_with(small(options(2)), &hub, &at, "ada");
    let (bob, _) = join_with(small(options(3)), &hub, &at, "bob");
    let (to_ada, to_bob) = (address("ada@home"), address("bob@home"));
    std::thread::scope(|scope| {
        scope.spawn(|| take_all(&ada, COUNT));
        scope.spawn(|| take_all(&bob, COUNT));
        scope.spawn(|| send_all(&ada, &to_bob, COUNT, 2_000));
        scope.spawn(|| send_all(&bob, &to_ada, COUNT, 2_000));
    });
    assert!(hub.memory() < 16 * 1024 * 1024, "{} bytes held", hub.memory());
}

/// The same between neighbours: the hub's own application waits for room like any other.
fn flood_of_neighbours(on: &str) {
    const COUNT: u32 = 6_000;
    let (hub, at) = hub_with(small(hub_options()), on);
    let (ada, _) = join_with(small(common::options(2)), &hub, &at, "ada");
    let (to_hub, to_ada) = (address("hub@home"), address("ada@home"));
    std::thread::scope(|scope| {
        scope.spawn(|| take_all(&ada, COUNT));
        scope.spawn(|| take_all(&hub, COUNT));
        scope.spawn(|| send_all(&ada, &to_hub, COUNT, 2_000));
        scope.spawn(|| send_all(&hub, &to_ada, COUNT, 2_000));
    });
    assert_eq!((ada.missed(), hub.missed()), (0, 0));
}

#[test]
fn two_full_neighbours_flood_each_other_and_both_drain() {
    flood_of_neighbours("127.0.0.1:0");
    flood_of_neighbours("memory:neighbours");
}

#[test]
fn two_full_peers_flood_each_other_over_tcp_and_both_drain() {
    flood("127.0.0.1:0");
}

#[test]
fn two_full_peers_flood_each_other_over_memory_and_both_drain() {
    flood("memory:flood");
}

#[test]
fn a_slow_application_holds_the_sender_back_and_loses_nothing() {
    let mut options = hub_options();
    options.queue = 4;
    options.config.limits.window = 64 * 1024;
    options.config.limits.deliveries = 64 * 1024;
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let mut options = common::options(2);
    options.config.limits.queue = 128 * 1024;
    let (ada, _) = join_with(options, &hub, &at, "ada");
    let to = address("hub@home");
    // Nobody takes anything: it must become full, however much the system's buffers hold.
    let (mut sent, mut full) = (0, 0);
    while full < 200 {
        match ada.try_send(&to, numbered(sent, 1_000)) {
            Ok(_) => (sent, full) = (sent + 1, 0),
            Err(SendError::Full) => {
                full += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(e) => panic!("{e}"),
        }
        assert!(sent < 100_000, "never full");
    }
    assert!(hub.memory() < 1024 * 1024, "{} bytes held", hub.memory());
    assert!(sent > 100, "{sent}");
    take_all(&hub, sent);
    // And it goes on.
    std::thread::scope(|scope| {
        scope.spawn(|| send_all(&ada, &to, 3_000, 1_000));
        take_all(&hub, 3_000);
    });
    assert_eq!(hub.missed(), 0);
}

#[test]
fn a_slow_application_does_not_stop_its_heartbeats_and_commands_of_others() {
    let mut options = common::options(3);
    options.queue = 2;
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let (bob, _) = join_with(options, &hub, &at, "bob");
    for n in 0..100 {
        ada.send(&address("bob@home"), numbered(n, 100)).unwrap();
    }
    // Answered by the node, behind a queue that nobody empties.
    let echo = Command::get("echo").with_body("text/plain", "still there?");
    assert_eq!(ada.request(&address("bob@home"), echo, PATIENCE).unwrap().body, b"still there?");
    take_all(&bob, 100);
}

#[test]
fn a_busy_link_does_not_starve_the_others() {
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let (bob, _) = join(&hub, &at, "bob", 3);
    let (to, done) = (address("hub@home"), AtomicBool::new(false));
    let (begun, begins) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        // The hub takes what it can; ada always has more.
        scope.spawn(|| {
            while !done.load(SeqCst) {
                hub.events().next_timeout(Duration::from_millis(20));
            }
        });
        let (done, ada, to) = (&done, &ada, &to);
        scope.spawn(move || {
            let mut sent = 0;
            while !done.load(SeqCst) {
                sent += u32::from(ada.try_send(to, numbered(sent, 500)).is_ok());
                if sent == 1 {
                    let _ = begun.send(());
                }
            }
        });
        begins.recv_timeout(PATIENCE).unwrap();
        for _ in 0..300 {
            let echo = Command::get("echo").with_body("text/plain", "x");
            let answer = bob.request(to, echo, PATIENCE);
            if answer.is_err() {
                done.store(true, SeqCst);
            }
            answer.unwrap();
        }
        done.store(true, SeqCst);
    });
}

#[test]
fn many_threads_share_one_peer() {
    const THREADS: u32 = 8;
    const EACH: u32 = 100;
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let (bob, _) = join(&hub, &at, "bob", 3);
    let to = address("bob@home");
    let expected = THREADS as usize * (0..EACH).filter(|n| n % 3 != 2).count();
    let taken = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ada, to) = (ada.clone(), to.clone());
            scope.spawn(move || {
                for n in 0..EACH {
                    let text = format!("{thread}/{n}");
                    match n % 3 {
                        0 => drop(ada.send(&to, Message::text(text)).unwrap()),
                        1 => {
                            let sent =
                                ada.send_and_wait(&to, Message::text(text), Receipts::Received, PATIENCE);
                            assert_eq!(sent.unwrap().receipts.len(), 3);
                        }
                        _ => {
                            let echo = Command::get("echo").with_body("text/plain", text.clone());
                            assert_eq!(ada.request(&to, echo, PATIENCE).unwrap().body, text.as_bytes());
                        }
                    }
                }
            });
        }
        // Two share what arrives: each message goes to one of them.
        for _ in 0..2 {
            scope.spawn(|| {
                let events = bob.events();
                while taken.lock().unwrap().len() < expected {
                    if let Some(Event::Message(message)) = events.next_timeout(Duration::from_millis(20)) {
                        assert!(taken.lock().unwrap().insert(message.body), "twice");
                    }
                }
            });
        }
    });
}

/// An application that empties its small queue again and again is handed what waits behind it at once,
/// not when the next heartbeat happens to wake the driver.
#[test]
fn whoever_makes_room_is_given_more_at_once() {
    let (hub, at) = hub("memory:room");
    let mut options = common::options(2);
    options.queue = 2;
    let (ada, _) = join_with(options, &hub, &at, "ada");
    let to = address("ada@home");
    let events = ada.events();
    for round in 0..500 {
        for n in 0..8 {
            hub.send(&to, numbered(n, 8)).unwrap();
        }
        let mut taken = 0;
        while taken < 8 {
            let event = events.next_timeout(Duration::from_secs(5));
            let event = event.unwrap_or_else(|| panic!("round {round}: nothing behind {taken}"));
            taken += u32::from(matches!(event, Event::Message(_)));
        }
    }
}
