//! Traces: what a node was told can be kept, read back, and run again to the same bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may
#![allow(unreachable_pub)]

#[path = "trace/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Duration;

use homing_core::crypto::{Fake, Pure};
use homing_core::trace::{
    Call, Ciphers, Expected, Recorded, Replay, ReplayError, Tape, Trace, TraceError, Unsealed, redact, replay,
};
use homing_core::{Config, Input, Instant, Limits, LinkId, Node, Seed, StaticKey};
use proptest::prelude::*;
use world::{Step, World, steps};

/// Small limits: what is rare with large ones happens all the time.
fn tight() -> Config {
    let limits = Limits {
        window: 12_000,
        queue: 20_000,
        deliveries: 15_000,
        stall: Duration::from_secs(1),
        rekey_records: 5,
        receipts: 20,
        calls: 10,
        ..Limits::DEFAULT
    };
    Config { limits, ..Config::with_provider(Arc::new(Fake)) }
}

fn trace_of(world: &World, peer: usize) -> Trace {
    Trace::from_bytes(world.peers[peer].node.trace().unwrap()).unwrap()
}

/// Each case is a whole world: 32 of them, or as many as `HOMING_CASES` says.
#[allow(clippy::disallowed_methods)] // the test is configured, not the core
fn cases() -> ProptestConfig {
    let cases = std::env::var("HOMING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A few messages and a call between a hub and its peers, always the same.
fn session() -> World {
    let mut world = World::new(tight, 1 << 20);
    let send = |from, to: &str, n: usize| Step::Send {
        from,
        to: to.into(),
        body: vec![b'x'; n],
        receipts: homing_core::Receipts::Consumed,
    };
    let call = Step::Call { from: 2, to: "p0@home".into(), path: "served", body: b"{}".to_vec() };
    world.play(&[
        send(1, "p1@home", 100),
        send(2, "*@home", 1000),
        call,
        Step::CutOff(3),
        send(0, "p0@home", 9),
        Step::Wait(60_000),
    ]);
    world
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever happens: each node's trace is read, and run again to the same bytes.
    #[test]
    fn a_recorded_session_replays_to_the_same_bytes(steps in steps()) {
        let mut world = World::new(tight, 16 << 20);
        world.play(&steps);
        for peer in 0..world.peers.len() {
            let trace = trace_of(&world, peer);
            prop_assert!(trace.is_whole());
            let mut events = 0;
            for step in Replay::new(&trace, Arc::new(Fake)).unwrap() {
                prop_assert!(step.agrees(), "{step:?}");
                if let homing_core::trace::Given::Actions(actions) = step.given {
                    events += actions.iter().filter(|a| matches!(a, homing_core::Action::Event(_))).count();
                }
            }
            prop_assert_eq!(events, world.peers[peer].events.len());
            let summary = replay(&trace, Arc::new(Fake)).unwrap();
            prop_assert_eq!(summary.entries, trace.len());
            prop_assert_eq!(summary.events, events as u64);
        }
    }

    /// A node that is told what another was is in the same state, and its tape is the same.
    #[test]
    fn a_replay_that_is_recorded_gives_the_same_trace(steps in steps()) {
        let mut world = World::new(tight, 16 << 20);
        world.play(&steps);
        let bytes = world.peers[0].node.trace().unwrap();
        let trace = Trace::from_bytes(&bytes[..]).unwrap();
        let again = record_again(&trace);
        prop_assert_eq!(again.trace().unwrap(), bytes);
        prop_assert_eq!(again.memory(), world.peers[0].node.memory());
        prop_assert_eq!(again.next_deadline(), world.peers[0].node.next_deadline());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        from in prop_oneof![Just(0usize), 8usize..400],
    ) {
        let mut whole = session_bytes();
        whole.truncate(from.min(whole.len()));
        whole.extend(&bytes);
        let _ = Trace::from_bytes(whole);
    }

    /// What is damaged is either found when it is read, or is another well-formed trace, which replays or
    /// says where it departs.
    #[test]
    fn no_damage_makes_anything_panic(places in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let mut bytes = session_bytes();
        // Limits are for the owner of a node to choose well; the rest is anybody's.
        let from = entries_begin(&bytes);
        for (at, byte) in places {
            let at = from + at as usize % (bytes.len() - from);
            bytes[at] = byte;
        }
        if let Ok(trace) = Trace::from_bytes(bytes) {
            prop_assert_eq!(trace.entries().count() as u64, trace.len());
            let _ = replay(&trace, Arc::new(Fake));
        }
    }
}

fn session_bytes() -> Vec<u8> {
    static BYTES: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| session().peers[0].node.trace().unwrap());
    BYTES.clone()
}

/// Where the first entry is: behind an empty trace of the same node, but for its end mark.
fn entries_begin(bytes: &[u8]) -> usize {
    let shared = |other: &[u8]| bytes.iter().zip(other).take_while(|(a, b)| a == b).count();
    let mut config = tight();
    let address = "hub@home".parse().unwrap();
    config.serving = Some(homing_core::Serving { address, open: true, allow: Default::default() });
    let key = StaticKey::generate(&Seed::from_bytes([0; 32]));
    let (now, seed) = (Instant::from_micros(1_000_000), Seed::from_bytes([100; 32]));
    let empty = Recorded::new(now, key, seed, Arc::new(config), Some(Tape::new(10_000)));
    let empty = empty.trace().unwrap();
    assert!(shared(&empty) >= empty.len() - 2, "the same node");
    empty.len() - 2
}

/// Runs a trace on a node that is recorded, too.
fn record_again(trace: &Trace) -> Recorded {
    let mut config = tight();
    let address = "hub@home".parse().unwrap();
    config.serving = Some(homing_core::Serving { address, open: true, allow: Default::default() });
    let key = StaticKey::generate(&Seed::from_bytes([0; 32]));
    let seed = Seed::from_bytes([100; 32]);
    let mut node = Recorded::new(trace.start(), key, seed, Arc::new(config), Some(Tape::new(16 << 20)));
    for entry in trace.entries() {
        entry.call.apply(&mut node, entry.now);
    }
    node
}

#[test]
fn the_same_hash_in_every_build_and_on_every_machine() {
    let world = session();
    let hashes: Vec<u64> =
        (0..4).map(|peer| replay(&trace_of(&world, peer), Arc::new(Fake)).unwrap().hash).collect();
    // They change when what nodes do changes: then these are new numbers.
    let known = [0x955d_3f60_3080_4a98, 0xa509_0c04_b6af_73f4, 0x2160_cd4e_0690_58a3, 0x5e99_b9f5_70fc_2cfc];
    assert_eq!(hashes, known, "{hashes:#x?}");
}

#[test]
fn every_flipped_byte_of_the_data_that_counts_is_a_departure() {
    let world = session();
    let bytes = world.peers[0].node.trace().unwrap();
    let trace = Trace::from_bytes(&bytes[..]).unwrap();
    let (mut found, mut tried) = (0, 0);
    for entry in trace.entries() {
        let Call::Handle(Input::Data { bytes: data, .. }) = entry.call else { continue };
        let start = data.as_ptr() as usize - trace.as_bytes().as_ptr() as usize;
        for at in [start, start + data.len() / 2, start + data.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let damaged = Trace::from_bytes(damaged).unwrap();
            tried += 1;
            match replay(&damaged, Arc::new(Fake)) {
                Err(ReplayError::Departed(departed)) => {
                    assert!(departed.entry > entry.number, "not before it was told");
                    assert_ne!(departed.expected, departed.found);
                    found += 1;
                }
                other => panic!("byte {at} of entry {}: {other:?}", entry.number),
            }
        }
    }
    assert!(found == tried && tried > 30, "{found} of {tried}");
}

#[test]
fn a_tail_is_walked_and_not_replayed() {
    let most = 6_000;
    let mut world = World::new(tight, most);
    let step = Step::Send {
        from: 1,
        to: "p1@home".into(),
        body: vec![7; 300],
        receipts: homing_core::Receipts::Route,
    };
    for _ in 0..100 {
        world.play(std::slice::from_ref(&step));
        for peer in &world.peers {
            let tape = peer.node.tape().unwrap();
            assert!(tape.memory() <= most, "{tape:?}");
            let trace = Trace::from_bytes(tape.to_bytes()).unwrap();
            assert_eq!(trace.is_whole(), tape.is_whole());
        }
    }
    let whole = {
        let mut world = World::new(tight, 16 << 20);
        (0..100).for_each(|_| world.play(std::slice::from_ref(&step)));
        trace_of(&world, 0)
    };
    let tail = trace_of(&world, 0);
    assert!(!tail.is_whole() && tail.len() > 20 && tail.len() < whole.len() / 2, "{tail:?} of {whole:?}");
    // It is the end of the whole one, with its numbers and times.
    let rest: Vec<_> = whole.entries().skip((whole.len() - tail.len()) as usize).collect();
    assert_eq!(tail.entries().collect::<Vec<_>>(), rest);
    assert_eq!(replay(&tail, Arc::new(Fake)), Err(ReplayError::Tail));
}

#[test]
fn what_is_no_trace_is_said_to_be_none() {
    let bytes = session_bytes();
    let error = |bytes: &[u8]| Trace::from_bytes(bytes).unwrap_err();
    assert_eq!(error(b""), TraceError::NotATrace);
    assert_eq!(error(b"hello, this is a text"), TraceError::NotATrace);
    for cut in 1..bytes.len() {
        assert_eq!(error(&bytes[..cut]), TraceError::Truncated, "{cut} of {}", bytes.len());
    }
    let mut other = bytes.clone();
    for version in [2, 4] {
        other[8] = version;
        assert_eq!(error(&other), TraceError::Version(version));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(error(&longer), TraceError::Malformed { what: "something behind its end", .. }));
}

/// A node that cannot be had by lying about sizes: what a few bytes announce is not reserved.
#[test]
fn what_is_announced_is_not_reserved() {
    let bytes = session_bytes();
    let from = entries_begin(&bytes);
    let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    // Data, restore, and a request to a list: op, step, what comes before the length.
    for before in [&[4, 0, 1][..], &[0x10], &[0x16, 0, 1]] {
        let lie = [&bytes[..from], before, &huge].concat();
        let info = allocation_counter::measure(|| {
            assert_eq!(Trace::from_bytes(lie.clone()).unwrap_err(), TraceError::Truncated);
        });
        assert!(info.bytes_max < 3 * lie.len() as u64 + 4096, "{info:?}");
    }
}

#[test]
fn a_replay_needs_the_right_ciphers() {
    let world = session();
    let trace = trace_of(&world, 1);
    assert_eq!(trace.ciphers(), Ciphers::Fake);
    let wrong = ReplayError::Ciphers { needed: Ciphers::Fake, given: Ciphers::Real };
    assert_eq!(replay(&trace, Arc::new(Pure)), Err(wrong));

    let mut real = World::new(Config::new, 1 << 20);
    let send = Step::Send {
        from: 1,
        to: "p1@home".into(),
        body: vec![7; 300],
        receipts: homing_core::Receipts::Consumed,
    };
    real.play(&[send]);
    for peer in 0..4 {
        let trace = trace_of(&real, peer);
        assert_eq!(trace.ciphers(), Ciphers::Real);
        assert_eq!(trace.peer_id(), real.peers[peer].node.peer_id());
        replay(&trace, trace.ciphers().provider()).unwrap();
    }
}

#[test]
fn what_was_restored_is_part_of_the_trace() {
    let node = |tape| {
        let key = StaticKey::generate(&Seed::from_bytes([1; 32]));
        Recorded::new(Instant::ZERO, key, Seed::from_bytes([2; 32]), Arc::new(tight()), tape)
    };
    let mut recorded = node(Some(Tape::new(10_000)));
    let entry = [&[1, 1][..], &[7; 32], b"ada"].concat();
    recorded.restore(&entry).unwrap();
    recorded.restore(b"nonsense").unwrap_err();
    let trace = Trace::from_bytes(recorded.trace().unwrap()).unwrap();
    let calls: Vec<_> = trace.entries().map(|entry| (entry.call, entry.expected)).collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].0, Call::Restore(&entry));
    assert!(calls.iter().all(|(_, expected)| matches!(expected, Expected::Check(_))));
    replay(&trace, Arc::new(Fake)).unwrap();
    assert!(node(None).trace().is_none());
}

#[test]
fn time_that_runs_backwards_is_kept_as_it_was_told() {
    let times = [5, 3, u64::MAX, 0, 1 << 63, 7];
    let mut recorded = {
        let key = StaticKey::generate(&Seed::from_bytes([1; 32]));
        let (seed, config) = (Seed::from_bytes([2; 32]), Arc::new(tight()));
        Recorded::new(Instant::ZERO, key, seed, config, Some(Tape::new(10_000)))
    };
    for micros in times {
        recorded.handle(Instant::from_micros(micros), Input::Timeout);
    }
    let trace = Trace::from_bytes(recorded.trace().unwrap()).unwrap();
    assert_eq!(trace.entries().map(|entry| entry.now.as_micros()).collect::<Vec<_>>(), times);
}

/// A drain costs a byte or two, and a tape is no part of what the node holds.
#[test]
fn polls_are_compact_and_the_tape_is_not_the_nodes() {
    let make = |tape| {
        let key = StaticKey::generate(&Seed::from_bytes([1; 32]));
        let (seed, config) = (Seed::from_bytes([2; 32]), Arc::new(tight()));
        Recorded::new(Instant::ZERO, key, seed, config, tape)
    };
    let (mut on, mut off) = (make(Some(Tape::new(1 << 16))), make(None));
    let before = on.trace().unwrap().len();
    for node in [&mut on, &mut off] {
        for _ in 0..1000 {
            assert_eq!(node.poll_action(), None);
        }
        assert!(node.pending(LinkId::accepted(1)).is_empty());
    }
    assert_eq!(on.trace().unwrap().len() - before, 1000_usize.div_ceil(32) + 2);
    assert_eq!(on.memory(), off.memory());
    let node: &Node = &off;
    assert_eq!(node.memory(), off.memory());
}

/// Whether bytes stand somewhere in others.
fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(cases())]

    /// Without its secrets a trace replays, too, and does the same.
    #[test]
    fn a_redacted_trace_replays_to_the_same_shape(steps in steps()) {
        let mut world = World::new(tight, 16 << 20);
        world.play(&steps);
        for peer in 0..world.peers.len() {
            let trace = trace_of(&world, peer);
            let redacted = redact(&trace, Arc::new(Fake)).unwrap();
            let (full, bare) = (replay(&trace, Arc::new(Fake)).unwrap(), replay(&redacted, Arc::new(Unsealed)).unwrap());
            prop_assert_eq!(
                (full.entries, full.read, full.written, full.events),
                (bare.entries, bare.read, bare.written, bare.events)
            );
            prop_assert_eq!(redacted.peer_id(), trace.peer_id());
        }
    }
}

#[test]
fn a_redacted_trace_has_no_bodies_and_no_keys() {
    let mut world = World::new(Config::new, 1 << 20);
    let secret = b"the treasure is under the oak".to_vec();
    let receipts = homing_core::Receipts::Consumed;
    let send = |from, to: &str| Step::Send { from, to: to.into(), body: secret.clone(), receipts };
    let call = |from, to: &str, path| Step::Call { from, to: to.into(), path, body: secret.clone() };
    world.play(&[
        send(1, "p1@home"),
        send(0, "*@home"),
        send(2, "hub@home"),
        call(1, "p1@home", "served"),
        call(1, "*@home", "echo"),
        call(0, "hub@home", "why"),
    ]);
    let secrets: [&[u8]; 4] = [&secret, b"answer", b"quoted", b"secret of"];
    for peer in 0..4 {
        let trace = trace_of(&world, peer);
        let redacted = redact(&trace, trace.ciphers().provider()).unwrap();
        assert_eq!(redacted.ciphers(), Ciphers::Unsealed);
        replay(&redacted, redacted.ciphers().provider()).unwrap();
        let (n, bytes) = (peer as u8, redacted.as_bytes());
        let key = StaticKey::generate(&Seed::from_bytes([n; 32]));
        assert!(contains(trace.as_bytes(), key.expose()) && contains(trace.as_bytes(), &[n + 100; 32]));
        assert!(!contains(bytes, key.expose()) && !contains(bytes, &[n + 100; 32]));
        assert!(contains(bytes, key.peer_id().as_bytes()), "who it is stays");
        assert!(contains(bytes, b"hub@home"), "it is legible");
        assert!(contains(bytes, &b"x".repeat(secret.len())));
        for secret in secrets {
            assert!(!contains(bytes, secret), "{peer}: {:?}", String::from_utf8_lossy(secret));
        }
        // Once more is once too often, and does no harm.
        let again = redact(&redacted, Arc::new(Unsealed)).unwrap();
        assert_eq!(again.as_bytes(), bytes);
        // The sessions' bytes cannot be had from it any more.
        let wrong = replay(&redacted, Arc::new(Pure)).unwrap_err();
        assert!(matches!(wrong, ReplayError::Ciphers { .. }));
    }
}

/// A stranger who sends forged records, keys that cannot be agreed with, and nonsense.
#[test]
fn what_was_refused_is_refused_without_the_secrets() {
    let preface = b"homing\x01\x01";
    let low_order = [&preface[..], &[0, 32], &[0; 32]].concat();
    let not_canonical = [&preface[..], &[0, 32], &[0xFF; 32]].concat();
    let forged = [&preface[..], &[0, 32], &[9; 32], &[0, 80], &[1; 80]].concat();
    for bytes in [&low_order[..], &not_canonical, &forged, b"GET / HTTP/1.1", &preface[..]] {
        let config = Config {
            serving: Some(homing_core::Serving {
                address: "hub@home".parse().unwrap(),
                open: true,
                allow: Default::default(),
            }),
            ..Config::new()
        };
        let key = StaticKey::generate(&Seed::from_bytes([1; 32]));
        let (now, link) = (Instant::ZERO, LinkId::accepted(1));
        let mut hub =
            Recorded::new(now, key, Seed::from_bytes([2; 32]), Arc::new(config), Some(Tape::new(1 << 16)));
        hub.handle(now, Input::Accepted { link });
        for byte in bytes {
            hub.handle(now, Input::Data { link, bytes: &[*byte] });
        }
        while hub.poll_action().is_some() {}
        let n = hub.pending(link).len();
        hub.handle(now, Input::Wrote { link, n });
        while hub.poll_action().is_some() {}
        let trace = Trace::from_bytes(hub.trace().unwrap()).unwrap();
        let redacted = redact(&trace, Arc::new(Pure)).unwrap();
        let (full, bare) = (replay(&trace, Arc::new(Pure)), replay(&redacted, Arc::new(Unsealed)));
        assert_eq!(full.unwrap().written, bare.unwrap().written);
    }
}
