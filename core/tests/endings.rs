//! How things end: sessions that both sides leave at once, answers that cannot be passed on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may

mod common;

use std::time::Duration;

use common::{Asked, World, dial, fake, hub_config};
use homing_core::{CallOutcome, Command, Config, Event, Limits, Pattern, Reason, Receipts, Response, Stage};

/// Why the links of a peer ended.
fn ends(events: &[Event]) -> Vec<Reason> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Down { why, .. } | Event::LinkDown { why, .. } => Some(why.reason()),
            _ => None,
        })
        .collect()
}

#[test]
fn both_sides_may_leave_at_once() {
    // Both with and without something on the way that is not confirmed yet.
    for messages in [0, 3] {
        let mut world = World::network(1, fake);
        world.advance(Duration::from_secs(1));
        for peer in [0, 1] {
            world.take_events(peer);
            for _ in 0..messages {
                let to = if peer == 0 { "p0@home" } else { "hub@home" };
                world.ask(peer, Asked::Send { to: to.into(), size: 10, receipts: Receipts::Failure });
            }
        }
        world.ask(0, Asked::Shutdown);
        world.ask(1, Asked::Shutdown);
        world.advance(Duration::from_secs(5));
        for peer in [0, 1] {
            let events = world.take_events(peer);
            assert_eq!(ends(&events), [Reason::FINISHED], "{events:?}");
            assert!(events.contains(&Event::Stopped));
            assert!(!events.iter().any(|event| matches!(event, Event::Receipt { .. })), "{events:?}");
        }
    }
}

#[test]
fn an_answer_too_large_for_the_caller_is_said_to_be() {
    let mut world = World::new();
    world.add(0, hub_config(fake()));
    world.listen(0, "hub");
    let small = Config { limits: Limits { letter: Limits::LEAST_LETTER, ..Limits::DEFAULT }, ..fake() };
    for (n, config) in [(1, small), (2, fake())] {
        let peer = world.add(n, config);
        world.ask(peer, Asked::Dial(Box::new(dial("hub", &format!("p{}", n - 1)))));
    }
    world.run();
    world.node(2).serve("/long", "a long answer").unwrap();
    let (now, to) = (world.now, Pattern::One("p1@home".parse().unwrap()));
    world.node(1).request(now, &to, Command::get("long"), Duration::from_secs(60)).unwrap();
    world.run();
    let request = world.take_events(2).into_iter().find_map(|event| match event {
        Event::Request(request) => Some(request.request),
        _ => None,
    });
    world.node(2).respond(now, request.unwrap(), Ok(Response::new("text/plain", vec![b'x'; 8000]))).unwrap();
    world.run();
    let events = world.take_events(1);
    assert!(events.iter().any(|event| matches!(event,
        Event::Answer { from, response: Err(failure), .. }
            if from.name() == "p1" && failure.reason == Reason::TOO_LARGE)));
    assert!(
        events.iter().any(|event| matches!(
            event,
            Event::CallEnded { outcome: CallOutcome::Complete, answered: 1, .. }
        ))
    );
}

/// What is lost on the way to a hub is said to be lost by the node itself, once, whoever it was for.
#[test]
fn what_is_lost_on_the_way_to_a_hub_is_lost_once() {
    // Whether the node that sends has a network of its own.
    for serves in [false, true] {
        let mut world = World::network(1, fake);
        let config = Config { serving: common::serving("ada@work").filter(|_| serves), ..fake() };
        let ada = world.add(9, config);
        world.ask(ada, Asked::Dial(Box::new(dial("hub", "ada"))));
        world.advance(Duration::from_secs(1));
        world.take_events(ada);
        world.stall(0, true);
        let one: Pattern = "p0@home".parse::<homing_core::Address>().unwrap().into();
        for to in [one, Pattern::All("home".parse().unwrap())] {
            let text = if matches!(to, Pattern::One(_)) { "p0@home" } else { "*@home" };
            world.ask(ada, Asked::Send { to: text.into(), size: 10, receipts: Receipts::Received });
            let now = world.now;
            world.node(ada).request(now, &to, Command::get("ping"), Duration::from_secs(60)).unwrap();
            world.run();
        }
        world.cut_off(ada);
        world.stall(0, false);
        world.advance(Duration::from_secs(100));
        let events = world.take_events(ada);
        let lost: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Receipt { from, stage: Stage::Failed(failure), .. } => {
                    assert_eq!(failure.reason, Reason::LINK_LOST, "{events:#?}");
                    Some(from.as_ref().map(ToString::to_string))
                }
                _ => None,
            })
            .collect();
        assert_eq!(lost, [None, None], "{events:#?}");
        let answers: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Answer { from, response: Err(failure), .. } => Some((from.as_str(), failure.reason)),
                _ => None,
            })
            .collect();
        assert_eq!(answers, [("p0@home", Reason::LINK_LOST), ("*@home", Reason::LINK_LOST)]);
        let ended = |event: &&Event| matches!(event, Event::CallEnded { outcome: CallOutcome::Complete, .. });
        assert_eq!(events.iter().filter(ended).count(), 2, "{events:#?}");
    }
}
