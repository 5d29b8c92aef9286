//! The laws of the core, as properties: ARCHITECTURE.md lists them. `World` holds two of them at every
//! step of every test: after a drain no deadline lies in the past, and a drain ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{Asked, Cut, Told, World, dial, fake, hub_config, key, tell};
use homing_core::{
    Action, Address, Command, Config, Event, Heartbeat, Input, Instant, Limits, LinkId, Message, MessageId,
    Node, Pattern, Reason, Receipts, Seed, Stage,
};
use proptest::prelude::*;

/// Something that happens in a world of a hub and three peers.
#[derive(Clone, Debug)]
enum Step {
    Ask(usize, Asked),
    CutOff(usize),
    Stall(usize, bool),
    Takes(usize, bool),
    Wait(u64),
}

fn asked() -> impl Strategy<Value = Asked> {
    let to =
        prop_oneof!["p[0-3]@home", Just("*@home".to_string()), Just("hub@home".to_string()), "p[0-2]@home/x"];
    let receipts = prop_oneof![
        Just(Receipts::Failure),
        Just(Receipts::Route),
        Just(Receipts::Received),
        Just(Receipts::Consumed)
    ];
    let call = prop_oneof![Just("ping"), Just("peers"), Just("nothing.here"), Just("echo")];
    prop_oneof![
        4 => (to.clone(), 0usize..9000, receipts).prop_map(|(to, size, receipts)| Asked::Send { to, size, receipts }),
        2 => (to, call).prop_map(|(to, path)| Asked::Call { to, path }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..4, asked()).prop_map(|(peer, asked)| Step::Ask(peer, asked)),
        1 => (1usize..4).prop_map(Step::CutOff),
        1 => (1usize..4, any::<bool>()).prop_map(|(peer, on)| Step::Stall(peer, on)),
        1 => (0usize..4, any::<bool>()).prop_map(|(peer, on)| Step::Takes(peer, on)),
        3 => (1u64..20_000).prop_map(Step::Wait),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..40)
}

/// Small limits: what is rare with large ones happens all the time.
fn tight() -> Config {
    let mut config = fake();
    config.limits = Limits {
        window: 12_000,
        queue: 20_000,
        replies: 10_000,
        deliveries: 15_000,
        stall: Duration::from_secs(1),
        rekey_records: 5,
        receipts: 20,
        calls: 10,
        ..Limits::DEFAULT
    };
    config
}

fn play(world: &mut World, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Ask(peer, asked) => {
                world.ask(*peer, asked.clone());
                world.run();
            }
            Step::CutOff(peer) => world.cut_off(*peer),
            Step::Stall(peer, on) => world.stall(*peer, *on),
            Step::Takes(peer, on) => world.set_takes(*peer, *on),
            Step::Wait(millis) => world.advance(Duration::from_millis(*millis)),
        }
        world.run();
    }
}

/// Nothing is in anybody's way any more.
fn heal(world: &mut World) {
    for peer in 0..world.peers.len() {
        world.stall(peer, false);
        world.set_takes(peer, true);
    }
    world.advance(Duration::from_secs(200));
}

/// What a node does with what it was told, with its data cut by `cut`: its events, and all that it wrote.
fn replay(mut node: Node, told: &[(Instant, Told)], cut: Cut) -> (Vec<Event>, BTreeMap<LinkId, Vec<u8>>) {
    let (mut events, mut written) = (Vec::new(), BTreeMap::<LinkId, Vec<u8>>::new());
    let mut turn = 0;
    for (now, told) in told {
        match told {
            // What was written is for this node to say.
            Told::Wrote(..) => continue,
            Told::Data(link, bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    turn += 1;
                    let n = match cut {
                        Cut::Whole => rest.len(),
                        Cut::Bytes => 1,
                        Cut::Pieces(seed) => (1 + (turn * 13 + seed) as usize % 300).min(rest.len()),
                    };
                    node.handle(*now, Input::Data { link: *link, bytes: &rest[..n] });
                    rest = &rest[n..];
                    drain(&mut node, *now, &mut events, &mut written);
                }
            }
            told => {
                tell(&mut node, *now, told);
            }
        }
        drain(&mut node, *now, &mut events, &mut written);
    }
    (events, written)
}

fn drain(node: &mut Node, now: Instant, events: &mut Vec<Event>, written: &mut BTreeMap<LinkId, Vec<u8>>) {
    while let Some(action) = node.poll_action() {
        match action {
            Action::Event(event) => events.push(event),
            Action::Write { link } => loop {
                let bytes = node.pending(link).to_vec();
                if bytes.is_empty() {
                    break;
                }
                node.handle(now, Input::Wrote { link, n: bytes.len() });
                written.entry(link).or_default().extend(bytes);
            },
            Action::Dial { .. } | Action::Close { .. } | Action::Store { .. } => {}
        }
    }
    assert!(node.next_deadline().is_none_or(|deadline| deadline.at > now));
}

/// The hub of the worlds here, as it is at the start.
fn hub(config: Config) -> Node {
    let config = hub_config(config);
    Node::new(Instant::from_micros(1_000_000), key(0), Seed::from_bytes([100; 32]), Arc::new(config))
}

/// Each case is a whole world: 48 of them, or as many as `HOMING_CASES` says.
#[allow(clippy::disallowed_methods)] // the test is configured, not the core
fn cases() -> ProptestConfig {
    let cases = std::env::var("HOMING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Something that a node must refuse.
fn misuse(world: &mut World, peer: usize, kind: u8) {
    let now = world.now;
    let to: Address = "p1@home".parse().unwrap();
    let elsewhere: Address = "p1@nowhere".parse().unwrap();
    let node = world.node(peer);
    let patience = Duration::from_secs(1);
    let refused = match kind {
        0 => node.send(now, &elsewhere, Message::text("x")).is_err(),
        1 => node.send(now, &to, Message::text("x".repeat(100_000))).is_err(),
        2 => node.request(now, &Pattern::Many(Vec::new()), Command::get("ping"), patience).is_err(),
        3 => node
            .request(now, &Pattern::One("*@home".parse().unwrap()), Command::get("ping"), patience)
            .is_err(),
        // One of them leads nowhere: nobody is asked.
        4 => {
            node.request(now, &Pattern::Many([to, elsewhere].into()), Command::get("ping"), patience).is_err()
        }
        5 => node.cancel(now, homing_core::CallId(MessageId([7; 16]))).is_err(),
        6 => node.serve("/ping", "is every node's own").is_err(),
        _ => node.serve("no path", "").is_err(),
    };
    assert!(refused, "{kind} was not refused");
}

proptest! {
    #![proptest_config(cases())]

    /// Law 2: the same seed and the same inputs, the same bytes and the same events.
    #[test]
    fn the_same_seed_gives_the_same_bytes(steps in steps()) {
        let run = || {
            let mut world = World::network(3, tight);
            play(&mut world, &steps);
            let logs: Vec<Vec<Vec<u8>>> =
                (0..world.streams()).map(|n| world.log(n).map(<[u8]>::to_vec).to_vec()).collect();
            (logs, world.peers.into_iter().map(|peer| peer.events).collect::<Vec<_>>())
        };
        prop_assert_eq!(run(), run());
    }

    /// Law 3: how the bytes are cut does not matter, whole, byte by byte, or in pieces.
    #[test]
    fn however_the_bytes_are_cut_the_events_are_the_same(steps in steps(), seed: u16) {
        // What the peers said is said again, whenever this node writes: when it acknowledges, and when there is room for
        // more on a link, is as its driver writes. Nothing here must wait for either.
        let tight = || {
            let mut config = tight();
            (config.limits.window, config.limits.queue) = (1 << 20, 1 << 20);
            config
        };
        let mut world = World::new();
        world.add_node(hub(tight()));
        world.peers[0].told = Some(Vec::new());
        world.listen(0, "hub");
        for n in 0..3 {
            let peer = world.add(n + 1, tight());
            world.ask(peer, Asked::Dial(Box::new(dial("hub", &format!("p{n}")))));
        }
        world.run();
        // The replayed node's application takes everything at once.
        let steps: Vec<Step> = steps.into_iter().filter(|s| !matches!(s, Step::Takes(0, _))).collect();
        play(&mut world, &steps);
        let told = world.peers[0].told.take().unwrap();
        let (whole, _) = replay(hub(tight()), &told, Cut::Whole);
        let (bytes, _) = replay(hub(tight()), &told, Cut::Bytes);
        let (pieces, _) = replay(hub(tight()), &told, Cut::Pieces(seed.into()));
        prop_assert_eq!(&whole, &bytes);
        prop_assert_eq!(&whole, &pieces);
    }

    /// Law 7: a command that is refused changes nothing: what happens afterwards is the same, to the byte.
    #[test]
    fn misuse_changes_nothing(steps in steps(), wrong in proptest::collection::vec((0usize..40, 0usize..4, 0u8..8), 1..8)) {
        let run = |misused: bool| {
            let mut world = World::network(3, tight);
            for (at, step) in steps.iter().enumerate() {
                play(&mut world, std::slice::from_ref(step));
                for (_, peer, kind) in wrong.iter().filter(|(when, ..)| *when == at) {
                    if misused {
                        misuse(&mut world, *peer, *kind);
                    } else {
                        let now = world.now;
                        world.peers[*peer].tell(now, Told::Timeout);
                    }
                    world.run();
                }
            }
            heal(&mut world);
            let logs: Vec<Vec<Vec<u8>>> =
                (0..world.streams()).map(|n| world.log(n).map(<[u8]>::to_vec).to_vec()).collect();
            (logs, world.peers.into_iter().map(|peer| peer.events).collect::<Vec<_>>())
        };
        prop_assert_eq!(run(true), run(false));
    }

    /// Law 8: whatever happens, no node says that it holds more than its limits allow for its links.
    #[test]
    fn memory_stays_within_the_limits(steps in steps()) {
        let mut world = World::network(3, tight);
        for step in &steps {
            play(&mut world, std::slice::from_ref(step));
            for peer in 0..world.peers.len() {
                let (node, limits) = (world.node(peer), tight().limits);
                let link = limits.queue + limits.replies + limits.deliveries + limits.window + 2 * limits.letter;
                let most = 500_000 + 2 * (node.links() + 1) * (link + 160_000);
                prop_assert!(node.memory() < most, "{} on {} links", node.memory(), node.links());
            }
        }
    }

    /// Laws 5, 7, 8 and 9 together: whatever happens, in the end every link that should be there is
    /// there, nothing waits, each message was delivered at most once and each that was accepted was
    /// delivered or came back as failed.
    #[test]
    fn whatever_happens_it_heals_and_nothing_is_lost_silently(steps in steps(), cut in 0u64..3) {
        let cut = [Cut::Whole, Cut::Pieces(7), Cut::Pieces(90)][cut as usize];
        let mut world = World::network_cut(3, tight, cut);
        let mut sent = Vec::new();
        for step in &steps {
            if let Step::Ask(peer, Asked::Send { to, size, receipts: Receipts::Received }) = step
                && !to.starts_with('*')
            {
                let now = world.now;
                let mut message = Message::new("text/plain", vec![0; *size]).with_receipts(Receipts::Received);
                message.patience = Duration::from_secs(100);
                if let Ok(id) = world.node(*peer).send(now, &to.parse().unwrap(), message) {
                    sent.push((*peer, id));
                }
                world.run();
            } else {
                play(&mut world, std::slice::from_ref(step));
            }
        }
        heal(&mut world);
        for peer in 1..4 {
            prop_assert_eq!(world.node(peer).networks().len(), 1, "peer {} did not come back", peer);
            prop_assert_eq!(world.node(peer).peers("home").unwrap().len(), 4);
        }
        let mut delivered = BTreeMap::new();
        for peer in &world.peers {
            for event in &peer.events {
                if let Event::Message(message) = event && !message.to.is_everyone() {
                    *delivered.entry(message.id).or_insert(0) += 1;
                }
            }
        }
        prop_assert!(delivered.values().all(|times| *times == 1));
        for (peer, id) in sent {
            let ends = world.peers[peer].events.iter().filter(|event| matches!(event,
                Event::Receipt { id: its, stage: Stage::Received | Stage::Failed(_), .. } if *its == id)).count();
            prop_assert_eq!(ends, 1, "message {} of peer {}", id, peer);
        }
    }
}

/// Law 6: bytes stay until they are acknowledged, whatever part of them is.
#[test]
fn bytes_stay_until_they_are_written() {
    let now = Instant::from_micros(5);
    let mut node = Node::new(now, key(1), Seed::from_bytes([1; 32]), Arc::new(fake()));
    node.dial(now, dial("hub", "p0")).unwrap();
    let Some(Action::Dial { link, .. }) = node.poll_action() else { panic!("no dial") };
    node.handle(now, Input::Dialed { link });
    assert_eq!(node.poll_action(), Some(Action::Write { link }));
    let all = node.pending(link).to_vec();
    for at in 0..all.len() {
        assert_eq!(node.pending(link), &all[at..]);
        assert_eq!(node.pending(link), &all[at..], "asking twice changes nothing");
        assert_eq!(node.poll_action(), None, "writing is said once");
        node.handle(now, Input::Wrote { link, n: 1 });
    }
    assert!(node.pending(link).is_empty());
    assert!(node.pending(LinkId::accepted(9)).is_empty());
}

/// Law 9: two peers whose applications do not listen fill every queue between them; when they listen
/// again, everything drains, and each message has arrived or come back.
#[test]
fn two_full_peers_drain() {
    for cut in [Cut::Whole, Cut::Pieces(3)] {
        let mut world = World::network_cut(2, tight, cut);
        world.advance(Duration::from_secs(1));
        let mut sent = 0;
        for peer in [1, 2] {
            world.set_takes(peer, false);
        }
        for _ in 0..200 {
            for (peer, to) in [(1, "p1@home"), (2, "p0@home")] {
                let send = Asked::Send { to: to.into(), size: 1000, receipts: Receipts::Failure };
                sent += usize::from(world.ask(peer, send));
            }
            world.run();
        }
        let full = Asked::Send { to: "p1@home".into(), size: 1000, receipts: Receipts::Failure };
        assert!(!world.ask(1, full), "the queue never filled");
        for peer in [1, 2] {
            world.set_takes(peer, true);
        }
        world.advance(Duration::from_secs(1));
        let (mut arrived, mut failed) = (0, 0);
        for event in world.peers.iter().flat_map(|peer| &peer.events) {
            match event {
                Event::Message(_) => arrived += 1,
                Event::Receipt { stage: Stage::Failed(_), .. } => failed += 1,
                _ => {}
            }
        }
        assert_eq!(arrived + failed, sent);
        assert_eq!(failed, 0, "there was room for all within their windows");
    }
}

/// Law 8: what a silent application is sent is held by its sender, and no more than the caps by anybody.
#[test]
fn a_silent_application_stops_its_senders_and_nobody_else() {
    let mut world = World::network(3, tight);
    world.advance(Duration::from_secs(1));
    world.set_takes(2, false);
    let mut accepted = 0;
    for _ in 0..100 {
        let send = Asked::Send { to: "p1@home".into(), size: 1000, receipts: Receipts::Failure };
        accepted += usize::from(world.ask(1, send));
        world.run();
    }
    assert!(accepted < 60, "{accepted} of 1000 bytes each were taken");
    for peer in 0..4 {
        assert!(world.node(peer).memory() < 300_000, "{peer}: {}", world.node(peer).memory());
    }
    // Who writes to others is served.
    assert!(world.ask(3, Asked::Send { to: "p0@home".into(), size: 10, receipts: Receipts::Failure }));
    world.run();
    assert!(world.take_events(1).iter().any(|event| matches!(event, Event::Message(_))));
    // What waited for too long, or found the queue full, comes back; what was passed on is delivered late.
    world.advance(Duration::from_secs(40));
    let failed = |events: &[Event], reason: Reason| {
        let is =
            |e: &&Event| matches!(e, Event::Receipt { stage: Stage::Failed(f), .. } if f.reason == reason);
        events.iter().filter(is).count()
    };
    let events = world.take_events(1);
    let came_back = failed(&events, Reason::EXPIRED) + failed(&events, Reason::QUEUE_FULL);
    world.set_takes(2, true);
    world.run();
    let delivered = world.take_events(2).iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!(came_back + delivered, accepted);
    assert!(came_back > 0 && delivered > 0);
}

/// A recipient that takes nothing stops those who write to it for a moment only: then they can write to
/// others, and what is for it waits in its queue, and comes back.
#[test]
fn one_that_takes_nothing_is_waited_for_by_nobody() {
    let mut world = World::network(3, tight);
    world.advance(Duration::from_secs(1));
    world.set_takes(2, false);
    let send = |to: &str| Asked::Send { to: to.into(), size: 1000, receipts: Receipts::Failure };
    let mut accepted = 0;
    for _ in 0..100 {
        accepted += usize::from(world.ask(1, send("p1@home")));
        world.run();
    }
    world.advance(Duration::from_millis(1_100));
    world.take_events(3);
    assert!(world.ask(1, send("p2@home")));
    world.run();
    assert!(world.take_events(3).iter().any(|event| matches!(event, Event::Message(_))));
    for _ in 0..100 {
        accepted += usize::from(world.ask(1, send("p1@home")));
        world.run();
    }
    world.advance(Duration::from_secs(40));
    world.set_takes(2, true);
    world.advance(Duration::from_secs(1));
    let failed = |events: &[Event]| {
        events.iter().filter(|e| matches!(e, Event::Receipt { stage: Stage::Failed(_), .. })).count()
    };
    let came_back = failed(&world.take_events(1));
    let delivered = world.take_events(2).iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!(came_back + delivered, accepted);
}

/// A hub's own application is told when a recipient's queue is full, before anything is sent.
#[test]
fn a_hub_that_sends_is_told_when_a_queue_is_full() {
    let mut world = World::network(1, tight);
    world.advance(Duration::from_secs(1));
    world.set_takes(1, false);
    let send = Asked::Send { to: "p0@home".into(), size: 1000, receipts: Receipts::Failure };
    let accepted = (0..100).filter(|_| world.ask(0, send.clone())).count();
    assert!(accepted < 60, "{accepted}");
    world.run();
    world.set_takes(1, true);
    world.advance(Duration::from_secs(1));
    assert!(!world.take_events(0).iter().any(|e| matches!(e, Event::Receipt { .. })));
    let delivered = world.take_events(1).iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!(delivered, accepted);
}

/// The heartbeat's guarantee: a link over which bytes flow is never called dead, one that is half-open
/// is noticed within the silence by both sides.
#[test]
fn the_dead_are_noticed_and_the_living_are_not() {
    let lan = || World::heartbeat(fake(), Heartbeat::LAN);
    let mut world = World::network(3, lan);
    world.advance(Duration::from_secs(60));
    for peer in 0..4 {
        let events = world.take_events(peer);
        assert!(
            !events.iter().any(|e| matches!(e, Event::Down { .. } | Event::LinkDown { .. })),
            "{events:?}"
        );
    }
    world.stall(2, true);
    world.advance(Duration::from_secs(4));
    let silent = |events: &[Event]| {
        events.iter().any(|e| {
            matches!(e, Event::Down { why, .. } | Event::LinkDown { why, .. }
            if why.reason() == Reason::SILENCE)
        })
    };
    assert!(silent(&world.take_events(0)));
    assert!(silent(&world.take_events(2)));
    assert!(world.take_events(1).iter().any(|e| matches!(e, Event::PeerDown { .. })));
    // The driver slept for an hour, with bytes waiting: nobody is dead for that.
    let mut world = World::network(1, lan);
    world.advance(Duration::from_secs(5));
    world.take_events(0);
    world.take_events(1);
    world.now = world.now + Duration::from_secs(3600);
    for peer in 0..2 {
        let now = world.now;
        world.peers[peer].tell(now, Told::Timeout);
    }
    world.advance(Duration::from_secs(10));
    for peer in 0..2 {
        let events = world.take_events(peer);
        assert!(
            !events.iter().any(|e| matches!(e, Event::Down { .. } | Event::LinkDown { .. })),
            "{events:?}"
        );
    }
}

/// Idle means asleep: a hub with 100 idle links wakes for heartbeats and for nothing else.
#[test]
fn an_idle_hub_wakes_only_for_heartbeats() {
    let mut world = World::network(100, fake);
    world.advance(Duration::from_secs(120));
    let before: Vec<usize> = world.peers.iter().map(|peer| peer.timeouts).collect();
    let bytes = |world: &World| -> usize {
        (0..world.streams()).map(|n| world.log(n).iter().map(|log| log.len()).sum::<usize>()).sum()
    };
    let bytes_before = bytes(&world);
    world.advance(Duration::from_secs(600));
    let woken: usize = world.peers.iter().zip(&before).map(|(peer, before)| peer.timeouts - before).sum();
    // In ten minutes each of 100 links is idle 40 times; a ping and its pong are 2 + 16 + 11 bytes each.
    let exchanged = (bytes(&world) - bytes_before) / (2 * 29);
    assert!(exchanged <= 100 * 41, "{exchanged} pings");
    // Each side looks once per interval: either it pings, or it finds that it was pinged.
    assert!(woken <= 2 * 100 * 41, "{woken} wake-ups");
    let hub = world.peers[0].timeouts - before[0];
    assert!(hub <= 100 * 41, "the hub woke {hub} times");
}
