//! A network of real nodes on a virtual clock: what a user of the protocol sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

mod common;

use std::time::Duration;

use common::{World, fake};
use homing_core::{CallOutcome, Command, Config, Event, Message, Pattern, Reason, Receipts, Response, Stage};

fn stages(events: &[Event]) -> Vec<&'static str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Receipt { stage, .. } => Some(stage.name()),
            _ => None,
        })
        .collect()
}

fn bodies(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Message(message) => Some(String::from_utf8(message.body.clone()).unwrap()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_letter_gets_home_with_real_cryptography() {
    let mut world = World::network(2, Config::new);
    for peer in 1..=2 {
        let events = world.take_events(peer);
        assert!(
            matches!(&events[0], Event::Up { address, .. } if address.name() == format!("p{}", peer - 1))
        );
    }
    world.advance(Duration::from_secs(1));
    let mut names: Vec<String> =
        world.node(1).peers("home").unwrap().iter().map(|p| p.address.to_string()).collect();
    names.sort();
    assert_eq!(names, ["hub@home", "p0@home/x", "p1@home/x"]);

    let now = world.now;
    let message = Message::text("hello").with_receipts(Receipts::Consumed);
    world.node(1).send(now, &"p1@home".parse().unwrap(), message).unwrap();
    world.run();
    let got = world.take_events(2);
    let received =
        got.iter().find_map(|e| if let Event::Message(m) = e { Some(m.clone()) } else { None }).unwrap();
    assert_eq!((received.from.as_str(), &received.body[..]), ("p0@home/x", &b"hello"[..]));
    world.node(2).consume(now, &received).unwrap();
    world.run();
    let events = world.take_events(1);
    assert_eq!(stages(&events), ["accepted", "dispatched", "received", "consumed"]);
}

#[test]
fn to_everybody_and_to_nobody() {
    let mut world = World::network(3, fake);
    world.advance(Duration::from_secs(1));
    for peer in 0..4 {
        world.take_events(peer);
    }
    let now = world.now;
    let all = "*@home".parse().unwrap();
    world.node(1).send(now, &all, Message::text("all").with_receipts(Receipts::Received)).unwrap();
    let nobody = "nobody@home".parse().unwrap();
    world.node(1).send(now, &nobody, Message::text("lost")).unwrap();
    world.run();
    for peer in [0, 2, 3] {
        assert_eq!(bodies(&world.take_events(peer)), ["all"], "{peer}");
    }
    let events = world.take_events(1);
    let failed: Vec<Reason> = events
        .iter()
        .filter_map(|e| match e {
            Event::Receipt { stage: Stage::Failed(failure), .. } => Some(failure.reason),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [Reason::NOT_FOUND]);
    assert!(events.iter().any(|e| matches!(e, Event::Receipt { stage: Stage::Dispatched { count: 3 }, .. })));
    assert_eq!(stages(&events).iter().filter(|s| **s == "received").count(), 3);
}

#[test]
fn calls_to_one_a_list_and_all() {
    let mut world = World::network(3, fake);
    world.advance(Duration::from_secs(1));
    world.node(2).serve("/add/one", "adds one").unwrap();
    let now = world.now;
    let one: Pattern = Pattern::One("p1@home".parse().unwrap());
    let patience = Duration::from_secs(10);
    world.take_events(1);
    world
        .node(1)
        .request(now, &one, Command::get("add.one").with_body("text/plain", "41"), patience)
        .unwrap();
    world.run();
    let request = world
        .take_events(2)
        .into_iter()
        .find_map(|e| if let Event::Request(r) = e { Some(r) } else { None })
        .unwrap();
    assert_eq!((&*request.path, &request.body[..]), ("/add/one", &b"41"[..]));
    world.node(2).respond(now, request.request, Ok(Response::new("text/plain", "42"))).unwrap();
    world.run();
    let events = world.take_events(1);
    assert!(events.iter().any(|e| matches!(e, Event::Answer { response: Ok(r), .. } if r.body == b"42")));
    assert!(events.iter().any(|e| matches!(e, Event::CallEnded { outcome: CallOutcome::Complete, .. })));

    let list = Pattern::Many(["p1@home", "hub@home", "gone@home"].map(|a| a.parse().unwrap()).into());
    world.node(1).request(now, &list, Command::get("ping"), patience).unwrap();
    world
        .node(1)
        .request(now, &Pattern::All("home".parse().unwrap()), Command::get("ping"), patience)
        .unwrap();
    world.run();
    let events = world.take_events(1);
    let ended: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            Event::CallEnded { outcome, answered, asked, .. } => Some((*outcome, *answered, *asked)),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [(CallOutcome::Complete, 3, 3), (CallOutcome::Complete, 3, 3)]);
    let failures = events.iter().filter(|e| matches!(e, Event::Answer { response: Err(_), .. })).count();
    assert_eq!(failures, 1);
}

#[test]
fn unknown_paths_late_answers_and_cancelled_calls() {
    let mut world = World::network(2, fake);
    world.node(2).serve("/slow", "never answers").unwrap();
    let now = world.now;
    let to: Pattern = Pattern::One("p1@home".parse().unwrap());
    world.node(1).request(now, &to, Command::get("nothing/here"), Duration::from_secs(5)).unwrap();
    world.run();
    assert!(world.take_events(1).iter().any(|e| matches!(e,
        Event::Answer { response: Err(f), .. } if f.reason == Reason::RESOURCE_NOT_FOUND)));

    let now = world.now;
    world.node(1).request(now, &to, Command::get("slow"), Duration::from_secs(5)).unwrap();
    let second = world.node(1).request(now, &to, Command::get("slow"), Duration::from_secs(50)).unwrap();
    world.advance(Duration::from_secs(6));
    let events = world.take_events(1);
    assert!(events.iter().any(|e| matches!(e, Event::CallEnded { outcome: CallOutcome::TimedOut, .. })
        || matches!(e, Event::Answer { response: Err(f), .. } if f.reason == Reason::TIMEOUT)));
    world.take_events(2);
    let now = world.now;
    world.node(1).cancel(now, second).unwrap();
    world.run();
    assert!(world.take_events(1).iter().any(|e| matches!(
        e,
        Event::CallEnded { outcome: CallOutcome::Cancelled, answered: 0, asked: 1, .. }
    )));
    assert!(world.take_events(2).iter().any(|e| matches!(e, Event::RequestEnded { .. })));
}

#[test]
fn a_lost_link_comes_back_by_itself() {
    let mut world = World::network(2, fake);
    world.advance(Duration::from_secs(1));
    world.take_events(1);
    world.cut_off(1);
    world.run();
    assert!(world.take_events(1).iter().any(|e| matches!(e,
        Event::Down { why, retry: Some(_), .. } if why.reason() == Reason::GONE)));
    world.until(|w| w.node(1).networks().len() == 1);
    assert!(world.take_events(1).iter().any(|e| matches!(e, Event::Up { .. })));
    let now = world.now;
    world.node(2).send(now, &"p0@home".parse().unwrap(), Message::text("again")).unwrap();
    world.run();
    assert_eq!(bodies(&world.take_events(1)), ["again"]);
}

#[test]
fn shutting_down_says_goodbye_and_loses_nothing() {
    let mut world = World::network(2, fake);
    world.advance(Duration::from_secs(1));
    let now = world.now;
    for n in 0..50 {
        world.node(1).send(now, &"p1@home".parse().unwrap(), Message::text(format!("m{n}"))).unwrap();
    }
    world.node(1).shutdown(now);
    world.run();
    let events = world.take_events(1);
    assert!(events.contains(&Event::Stopped));
    assert!(
        events
            .iter()
            .any(|e| matches!(e, Event::Down { why, retry: None, .. } if why.reason() == Reason::FINISHED))
    );
    let got = bodies(&world.take_events(2));
    assert_eq!(got.len(), 50);
    assert_eq!(world.node(0).peers("home").unwrap().len(), 2);
    assert_eq!(world.node(1).links(), 0);
}
