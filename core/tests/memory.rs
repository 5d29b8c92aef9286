//! A node reports the bytes that it holds; here they are compared with what it has allocated.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

mod common;

use std::time::Duration;

use common::{Asked, World, dial, hub_config};
use homing_core::{Config, Limits, Receipts};

fn measure(work: &mut dyn FnMut()) -> i64 {
    allocation_counter::measure(work).bytes_current
}

/// What is reported is what is held, within a fifth and the handful of small things that have no
/// table of their own.
#[track_caller]
fn check(world: &World, situation: &str) -> usize {
    let reported = world.peers[0].node.memory();
    let held = usize::try_from(world.peers[0].held).expect("less than nothing");
    let slack = held / 5 + 16 * 1024;
    assert!(reported.abs_diff(held) <= slack, "{situation}: reports {reported}, holds {held}");
    held
}

fn limits() -> Limits {
    Limits { window: 200_000, queue: 300_000, replies: 100_000, deliveries: 200_000, ..Limits::DEFAULT }
}

#[test]
fn what_a_hub_reports_is_what_it_holds() {
    for real in [false, true] {
        let config = || Config { limits: limits(), ..if real { Config::new() } else { common::fake() } };
        let mut world = World::new();
        world.add(0, hub_config(config()));
        world.peers[0].meter = Some(measure);
        world.listen(0, "hub");
        let links = if real { 40 } else { 200 };
        for n in 0..links {
            let peer = world.add(n + 1, config());
            world.ask(peer, Asked::Dial(Box::new(dial("hub", &format!("p{n}")))));
        }
        world.run();
        check(&world, "just joined");
        world.advance(Duration::from_secs(60));
        let idle = check(&world, "idle");
        let per_link = idle / usize::from(links);
        assert!(per_link < 6 * 1024, "an idle link holds {per_link} bytes");

        // A recipient that hears nothing: its queue at the hub fills to its cap, and no further.
        world.deafen(2, true);
        world.set_takes(3, false);
        for _ in 0..400 {
            for peer in [1, 4, 5] {
                let send = |to: &str| Asked::Send { to: to.into(), size: 3000, receipts: Receipts::Route };
                world.ask(peer, send("p1@home"));
                world.ask(peer, send("p2@home"));
                world.ask(peer, send("hub@home"));
            }
            world.run();
        }
        let loaded = check(&world, "loaded");
        assert!(loaded > idle + 200_000, "the queues did not fill: {idle}, then {loaded}");
        // The cap, the buffer of its link, what was sealed, and the growth of a vector (a factor of two).
        assert!(loaded < idle + 2_500_000, "{loaded}");

        world.deafen(2, false);
        world.set_takes(3, true);
        world.advance(Duration::from_secs(300));
        let after = check(&world, "idle again");
        assert!(after < idle + 100_000, "idle: {idle} before and {after} after");
    }
}

#[test]
fn what_a_crowd_of_newcomers_is_told_of_is_held_once() {
    const NEWCOMERS: u8 = 150;
    let mut world = World::new();
    world.add(0, hub_config(common::fake()));
    world.peers[0].meter = Some(measure);
    world.listen(0, "hub");
    // They take a roster of all in several pieces, and hear none of it.
    let limits = Limits { window: 1_000, letter: Limits::LEAST_LETTER, ..Limits::DEFAULT };
    for n in 0..NEWCOMERS {
        let peer = world.add(n + 1, Config { limits: limits.clone(), ..common::fake() });
        world.ask(peer, Asked::Dial(Box::new(dial("hub", &format!("p{n}")))));
    }
    world.run();
    let joined = check(&world, "just joined");
    (1..=usize::from(NEWCOMERS)).for_each(|peer| world.deafen(peer, true));
    world.advance(Duration::from_millis(100));
    let telling = check(&world, "telling");
    let roster = 100 * usize::from(NEWCOMERS);
    // What stands in a queue for each, and the roster itself, a few times; but not the roster for each.
    let most = usize::from(NEWCOMERS) * 2_000 + 4 * roster;
    assert!(most < roster * usize::from(NEWCOMERS) / 2, "the test would see nothing");
    assert!(telling > joined && telling < joined + most, "{joined}, then {telling}");
}
