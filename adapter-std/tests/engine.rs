//! Whoever waits is woken, whoever else waits, leads, leaves or ends it meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use common::*;
use homing_std::{Address, Command, Endpoint, Error, Event, Message, Peer, Receipts, Response};

/// Whatever takes longer, on the busiest machine, has stalled.
const STALL: Duration = Duration::from_secs(8);

/// Fails when `act` takes longer than it may.
#[track_caller]
fn soon<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = act();
    assert!(start.elapsed() < STALL, "{what} took {:?}", start.elapsed());
    done
}

fn echo(text: &str) -> Command {
    Command::get("echo").with_body("text/plain", text)
}

/// Four peers, three of which are in the network of the first.
fn four(on: &str) -> Vec<Peer> {
    let (hub, at): (Peer, Endpoint) = hub(on);
    let mut peers: Vec<Peer> =
        ["ada", "bob", "eve"].iter().zip(2..).map(|(n, k)| join(&hub, &at, n, k).0).collect();
    wait_until("everybody knows everybody", || {
        peers.iter().all(|peer| peer.peers("home").is_some_and(|peers| peers.len() == 4))
    });
    peers.insert(0, hub);
    peers
}

const NAMES: [&str; 4] = ["hub@home", "ada@home", "bob@home", "eve@home"];

/// A number that is hard to foresee, from one that is not.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 31
}

/// One of the many things that a thread may do with a peer.
fn one_of_many(peer: &Peer, to: &Address, n: u64) {
    let text = || Message::text(format!("{n}"));
    match n % 9 {
        0 => drop(peer.send(to, text()).unwrap()),
        1 => drop(peer.send_and_wait(to, text(), Receipts::Received, PATIENCE).unwrap()),
        2 => assert_eq!(peer.request(to, echo("x"), PATIENCE).unwrap().body, b"x"),
        3 => drop(peer.events().next_timeout(Duration::ZERO)),
        4 => drop(peer.events().next_timeout(Duration::from_micros(n % 3000))),
        // When the queue is full there is nothing to be done.
        5 => drop(peer.try_send(to, text())),
        6 => drop(peer.track(to, text()).unwrap().next()),
        7 => {
            for _ in 0..n % 20 {
                peer.send(to, text()).unwrap();
            }
        }
        _ => std::thread::sleep(Duration::from_micros(n % 500)),
    }
}

/// Sixteen threads for each of four peers do what they like.
fn crowd(on: &str) {
    let peers = four(on);
    let (done, acts) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        // Whoever takes what arrives. They lead in most cases, and are the last to leave.
        let takers: Vec<_> = peers.iter().map(|peer| scope.spawn(|| peer.events().for_each(drop))).collect();
        let workers: Vec<_> = (0..60_usize)
            .map(|thread| {
                let (peer, done, acts) = (&peers[thread % 4], &done, &acts);
                scope.spawn(move || {
                    let mut n = thread as u64;
                    while !done.load(SeqCst) {
                        n = mix(n.wrapping_add(0x9e37_79b9_7f4a_7c15));
                        let other = usize::try_from(n / 16 % 3).unwrap();
                        let to = address(NAMES[(thread + 1 + other) % 4]);
                        soon(&format!("act {} of thread {thread}", n % 9), || one_of_many(peer, &to, n));
                        acts.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(1200));
        done.store(true, SeqCst);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        for peer in peers.iter().rev() {
            soon("closing", || peer.close(PATIENCE).unwrap());
        }
        takers.into_iter().for_each(|taker| taker.join().unwrap());
    });
    assert!(acts.load(SeqCst) > 500, "{acts:?} acts");
}

#[test]
fn a_crowd_of_threads_over_tcp() {
    crowd("127.0.0.1:0");
}

#[test]
fn a_crowd_of_threads_over_memory() {
    crowd("memory:crowd");
}

/// Looking again and again, and never waiting, is enough to be given what comes.
#[test]
fn whoever_looks_without_patience_is_given_what_comes() {
    for on in ["127.0.0.1:0", "memory:looks"] {
        let (hub, at) = hub(on);
        let (ada, _) = join(&hub, &at, "ada", 2);
        let events = ada.events();
        while events.next_timeout(Duration::from_millis(20)).is_some() {}
        for n in 0..20 {
            hub.send(&address("ada@home"), Message::text(format!("{n}"))).unwrap();
            let end = Instant::now() + STALL;
            let message = loop {
                match events.next_timeout(Duration::ZERO) {
                    Some(Event::Message(message)) => break message,
                    _ => assert!(Instant::now() < end, "{n} over {on} never comes"),
                }
            };
            assert_eq!(message.body, n.to_string().as_bytes());
        }
    }
}

/// A peer whose application does nothing but send, at whatever pace, is not deaf.
#[test]
fn whoever_sends_without_end_hears_what_comes() {
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| hub.events().for_each(drop));
        for pause in [1, 20, 35, 60, 200].map(Duration::from_micros) {
            done.store(false, SeqCst);
            let (done, ada, hub) = (&done, &ada, &hub);
            let sender = scope.spawn(move || {
                while !done.load(SeqCst) {
                    ada.send(&address("hub@home"), Message::text("x")).unwrap();
                    let until = Instant::now() + pause;
                    while Instant::now() < until {
                        std::hint::spin_loop();
                    }
                }
            });
            // Until it is all that the peer's threads know.
            std::thread::sleep(Duration::from_millis(40));
            let mut worst = Duration::ZERO;
            for _ in 0..10 {
                let start = Instant::now();
                hub.request(&address("ada@home"), echo("x"), PATIENCE).unwrap();
                worst = worst.max(start.elapsed());
            }
            done.store(true, SeqCst);
            sender.join().unwrap();
            assert!(worst < Duration::from_secs(1), "{worst:?} with a pause of {pause:?}");
        }
        hub.close(PATIENCE).unwrap();
    });
}

/// Its time is up for whoever follows, and for whoever leads, while the other waits without end.
#[test]
fn the_time_of_each_is_up_whoever_leads() {
    let (hub, _) = hub("127.0.0.1:0");
    let patience = Duration::from_millis(30);
    std::thread::scope(|scope| {
        let late = |_| {
            let events = hub.events();
            for _ in 0..20 {
                let start = Instant::now();
                assert_eq!(soon("a short wait", || events.next_timeout(patience)), None);
                assert!(start.elapsed() >= patience);
            }
        };
        let waiting = scope.spawn(|| hub.events().for_each(drop));
        let all: Vec<_> = (0..4).map(|n| scope.spawn(move || late(n))).collect();
        all.into_iter().for_each(|one| one.join().unwrap());
        hub.abort();
        waiting.join().unwrap();
    });
}

/// However a peer ends, nobody is left waiting: neither who leads, nor who follows, nor who is about to.
#[test]
fn whoever_waits_hears_of_the_end() {
    for round in 0..40_u64 {
        let on = if round % 2 == 0 { "127.0.0.1:0" } else { "memory:ends" };
        let (hub, at) = hub(on);
        let (ada, _) = join(&hub, &at, "ada", 2);
        let end = |peer: &Peer| match round % 4 {
            0 | 1 => peer.abort(),
            _ => peer.close(PATIENCE).unwrap(),
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| soon("the last event", || ada.events().for_each(drop)));
                scope.spawn(|| {
                    soon("the last answer", || {
                        while ada.request(&address("hub@home"), echo("x"), STALL).is_ok() {}
                    });
                });
                scope.spawn(|| {
                    soon("the last message", || {
                        while !matches!(
                            ada.send(&address("hub@home"), Message::text("x")),
                            Err(Error::Closed | Error::Send(_))
                        ) {}
                    });
                });
            }
            scope.spawn(|| hub.events().for_each(drop));
            std::thread::sleep(Duration::from_micros(mix(round) % 3000));
            if round % 8 < 4 {
                // Two end it at once.
                scope.spawn(|| soon("another end", || ada.abort()));
            }
            soon("the end", || end(&ada));
            soon("the hub's end", || hub.abort());
        });
    }
}

/// What does not block is written soon, too, when whoever does it has waited before and does not again.
#[test]
fn what_is_given_without_waiting_is_written_soon() {
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let events = hub.events();
    let mut slow = 0;
    for n in 0..100 {
        let to = address("hub@home");
        ada.request(&to, echo("x"), PATIENCE).unwrap();
        let start = Instant::now();
        ada.try_send(&to, Message::text(format!("{n}"))).unwrap();
        while !matches!(soon("a message", || events.next_timeout(STALL)), Some(Event::Message(_))) {}
        slow += u32::from(start.elapsed() > Duration::from_millis(4));
    }
    // A busy machine may be slow now and then; looking every five milliseconds would be so always.
    assert!(slow < 50, "{slow} of 100 took long");
}

/// A thread may close a peer at its very end, when its own things are gone.
#[test]
fn a_thread_that_ends_closes_its_peers() {
    use std::cell::RefCell;

    struct Closes(Peer);

    impl Drop for Closes {
        fn drop(&mut self) {
            soon("closing", || self.0.close(PATIENCE).unwrap());
        }
    }

    thread_local! {
        static KEPT: RefCell<Option<Closes>> = const { RefCell::new(None) };
    }

    let (hub, at) = hub("127.0.0.1:0");
    for waits_before in [false, true] {
        let (ada, _) = join(&hub, &at, "ada", 2);
        let look = |peer: &Peer| peer.events().next_timeout(Duration::from_millis(1));
        let kept = ada.clone();
        std::thread::spawn(move || {
            if waits_before {
                look(&kept);
            }
            KEPT.set(Some(Closes(kept.clone())));
            look(&kept);
        })
        .join()
        .unwrap();
        assert!(matches!(ada.send(&address("hub@home"), Message::text("x")), Err(Error::Closed)));
    }
}

/// A handler that waits at another peer, which waits for a handler of this one's.
#[test]
fn two_peers_wait_in_each_others_handlers() {
    for on in ["127.0.0.1:0", "memory:handlers"] {
        let (hub, at) = hub(on);
        let (ada, _) = join(&hub, &at, "ada", 2);
        let (back, forth) = (ada.clone(), hub.clone());
        hub.serve("leaf", "", |_| Ok(Response::new("text/plain", "leaf"))).unwrap();
        // On the thread of ada's handlers, both peers are waited at in turn.
        ada.serve("relay", "", move |_| {
            let own = forth.request(&address("ada@home"), echo("y"), PATIENCE).unwrap();
            assert_eq!(own.body, b"y");
            Ok(back.request(&address("hub@home"), Command::get("leaf"), PATIENCE).unwrap())
        })
        .unwrap();
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (hub, ada) = (&hub, &ada);
                scope.spawn(move || {
                    for n in 0..40 {
                        soon("a relayed request", || {
                            let relayed = hub.request(&address("ada@home"), Command::get("relay"), PATIENCE);
                            assert_eq!(relayed.unwrap().body, b"leaf");
                        });
                        if (n + thread) % 4 == 0 {
                            soon("both at once", || {
                                ada.events().next_timeout(Duration::from_micros(300));
                                hub.events().next_timeout(Duration::from_micros(300));
                            });
                        }
                    }
                });
            }
        });
        // The handler holds both.
        ada.unserve("relay");
        soon("closing", || ada.close(PATIENCE).unwrap());
        soon("closing", || hub.close(PATIENCE).unwrap());
    }
}

/// Many iterators share what comes: each event is given once, and nobody sleeps while there is one.
#[test]
fn what_comes_is_shared_by_many_iterators() {
    const COUNT: u64 = 4000;
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for event in hub.events() {
                    if matches!(event, Event::Message(_)) && taken.fetch_add(1, SeqCst) + 1 == COUNT {
                        hub.abort();
                    }
                }
            });
        }
        for n in 0..COUNT {
            soon("a message", || ada.send(&address("hub@home"), Message::text("x")).unwrap());
            if n % 64 == 0 {
                // They all fall asleep.
                wait_until("all is taken", || taken.load(SeqCst) > n);
            }
        }
    });
    assert_eq!(taken.load(SeqCst), COUNT);
}
