//! A network of real nodes on a virtual clock: what a user of the protocol sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

mod common;

use std::time::Duration;

use common::{World, dial, fake};
use homing_core::{
    CallOutcome, Command, Config, Event, Limits, Message, Pattern, Priority, Reason, Receipts, Response,
    Route, SendError, Stage,
};

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
            Event::Message(message) => Some(String::from_utf8(message.body.to_vec()).unwrap()),
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

fn at(events: &[Event], fits: impl Fn(&Event) -> bool) -> Vec<usize> {
    (0..events.len()).filter(|at| fits(&events[*at])).collect()
}

#[test]
fn stopped_is_the_last_word_of_all() {
    let mut world = World::new();
    let peer = world.add(1, fake());
    let now = world.now;
    for name in ["a", "b", "c"] {
        world.node(peer).dial(now, common::dial("nowhere", name)).unwrap();
    }
    world.run();
    world.take_events(peer);
    world.node(peer).shutdown(now);
    world.run();
    let events = world.take_events(peer);
    assert_eq!(at(&events, |e| matches!(e, Event::Down { retry: None, .. })), [0, 1, 2]);
    assert_eq!(at(&events, |e| *e == Event::Stopped), [3]);
}

#[test]
fn a_refused_command_does_not_swallow_the_end() {
    let mut world = World::network(1, fake);
    world.stall(1, true);
    let now = world.now;
    world.node(0).shutdown(now);
    world.run();
    world.take_events(0);
    // Twice the time of a goodbye: once to ask for the end, once to say that it is over.
    for _ in 0..2 {
        world.now = world.now + Config::new().limits.goodbye;
        let now = world.now;
        world.node(0).send(now, &"p0@home".parse().unwrap(), Message::text("late")).unwrap_err();
    }
    while let Some(action) = world.node(0).poll_action() {
        if action == homing_core::Action::Event(Event::Stopped) {
            return;
        }
    }
    panic!("it never stops");
}

#[test]
fn what_a_hub_sends_to_itself_is_bounded_until_it_is_taken() {
    let config = || {
        let mut config = fake();
        config.limits.deliveries = 10_000;
        config
    };
    let mut world = World::network(0, config);
    world.set_takes(0, false);
    let (now, hub) = (world.now, "hub@home".parse().unwrap());
    let fill = |world: &mut World| {
        let send = |world: &mut World| world.node(0).send(now, &hub, Message::text("x".repeat(500)));
        let sent = (0..1000).take_while(|_| send(world).is_ok()).count();
        assert_eq!(send(world), Err(SendError::Full));
        assert!((10..20).contains(&sent), "{sent}");
    };
    fill(&mut world);
    world.set_takes(0, true);
    world.run();
    world.set_takes(0, false);
    fill(&mut world);
}

#[test]
fn limits_at_their_ends_stop_nothing() {
    for delay in [Duration::ZERO, Duration::MAX] {
        let config = move || {
            let mut config = fake();
            (config.limits.rekey_records, config.limits.rekey_bytes) = (0, 0);
            config.limits.roster_delay = delay;
            // No roster fits: it is tried again and again.
            config.limits.queue = 0;
            config
        };
        let mut world = World::network(2, config);
        let before = world.peers[0].timeouts;
        world.advance(Duration::from_secs(10));
        assert!(world.peers[0].timeouts - before < 30, "{}", world.peers[0].timeouts - before);
        assert!(world.take_events(1).iter().any(|event| matches!(event, Event::Up { .. })));
    }
}

#[test]
fn a_call_to_too_many_is_wrong_however_long_it_waits() {
    let config = || {
        let mut config = fake();
        config.limits.recipients = 1;
        config
    };
    let mut world = World::network(1, config);
    let list = Pattern::Many(["a@home", "b@home"].map(|a| a.parse().unwrap()).into());
    let now = world.now;
    let refused = world.node(1).request(now, &list, Command::get("ping"), Duration::from_secs(9));
    assert!(matches!(refused, Err(SendError::Invalid(_))), "{refused:?}");
}

#[test]
fn why_says_what_happens_to_an_instance_that_the_hub_is_not() {
    let mut world = World::network(0, fake);
    let mut rule = |to: &str| world.node(0).why(&to.parse().unwrap()).route;
    assert_eq!(rule("hub@home"), Route::Here);
    assert_eq!(rule("hub@home/x"), Route::Nowhere(Reason::NOT_FOUND));
}

#[test]
fn a_hub_that_fills_a_queue_is_told_so_at_once() {
    let config = || {
        let mut config = fake();
        config.limits.queue = 1_000;
        config
    };
    for size in 300..420 {
        let mut world = World::network(1, config);
        world.advance(Duration::from_secs(1));
        world.stall(1, true);
        world.take_events(0);
        let (now, to) = (world.now, "p0@home".parse().unwrap());
        let mut send = || world.node(0).send(now, &to, Message::text("x".repeat(size))).is_ok();
        assert!((0..9).any(|_| !send()), "{size}");
        while let Some(action) = world.node(0).poll_action() {
            assert!(
                !matches!(action, homing_core::Action::Event(Event::Receipt { .. })),
                "{size}: {action:?}"
            );
        }
    }
}

fn limits(limits: Limits) -> impl Fn() -> Config {
    move || Config { limits: limits.clone(), ..fake() }
}

#[test]
fn a_full_network_swaps_many_at_once() {
    let config = limits(Limits { roster: 41, ..Limits::DEFAULT });
    let mut world = World::network(40, &config);
    world.advance(Duration::from_secs(1));
    world.take_events(1);
    for n in 2..=40 {
        world.cut_off(n);
        let now = world.now;
        world.node(n).shutdown(now);
    }
    world.run();
    for n in 0..38 {
        let at = world.add(n + 60, config());
        let now = world.now;
        world.node(at).dial(now, dial("hub", &format!("q{n}"))).unwrap();
    }
    world.advance(Duration::from_millis(200));
    let events = world.take_events(1);
    assert!(!events.iter().any(|e| matches!(e, Event::Down { .. })), "{events:?}");
    assert_eq!(events.iter().filter(|e| matches!(e, Event::PeerUp { .. })).count(), 38);
}

#[test]
fn a_link_that_was_not_read_for_long_is_asked_anew() {
    let mut world = World::network(1, limits(Limits { deliveries: 600, ..Limits::DEFAULT }));
    world.set_takes(0, false);
    let now = world.now;
    for _ in 0..10 {
        let text = Message::text("x".repeat(200));
        world.node(1).send(now, &"hub@home".parse().unwrap(), text).unwrap();
    }
    world.advance(Duration::from_secs(40));
    // The world sees that no deadline stands in the past.
    world.set_takes(0, true);
    world.run();
    assert_eq!(bodies(&world.take_events(0)).len(), 10);
    assert!(world.node(0).next_deadline().is_some());
}

#[test]
fn who_serves_one_network_hears_of_failures_in_another() {
    let mut world = World::network(1, fake);
    let at = world.add(9, Config { serving: common::serving("gate@own"), ..fake() });
    let now = world.now;
    world.node(at).dial(now, dial("hub", "gate")).unwrap();
    world.run();
    world.stall(0, true);
    let (now, to) = (world.now, "p0@home".parse().unwrap());
    let awaited = Message::text("a").with_receipts(Receipts::Received);
    let awaited = world.node(at).send(now, &to, awaited).unwrap();
    let call =
        world.node(at).request(now, &to.into(), Command::get("/ping"), Duration::from_secs(30)).unwrap();
    world.run();
    world.cut_off(at);
    world.run();
    let events = world.take_events(at);
    let lost = |e: &Event| {
        matches!(e, Event::Receipt { id, from: None, stage: Stage::Failed(f) }
        if *id == awaited && f.reason == Reason::LINK_LOST)
    };
    assert!(events.iter().any(lost), "{events:?}");
    let ended = |e: &Event| matches!(e, Event::CallEnded { call: its, .. } if *its == call);
    assert!(events.iter().any(ended), "{events:?}");
}

#[test]
fn a_call_to_all_that_never_left_ends_at_once() {
    let mut world = World::network(1, fake);
    world.stall(1, true);
    let now = world.now;
    let all = Pattern::All("home".parse().unwrap());
    world.node(1).request(now, &all, Command::get("/ping"), Duration::from_secs(30)).unwrap();
    world.run();
    world.cut_off(1);
    world.run();
    let events = world.take_events(1);
    assert!(
        events
            .iter()
            .any(|e| matches!(e, Event::Answer { from, response: Err(_), .. } if from.is_everyone()))
    );
    assert!(events.iter().any(|e| matches!(e, Event::CallEnded { answered: 1, asked: 1, .. })), "{events:?}");
}

#[test]
fn one_that_does_not_read_does_not_slow_the_roster() {
    let config =
        limits(Limits { queue: 2000, window: 1000, queue_time: Duration::from_secs(300), ..Limits::DEFAULT });
    let mut world = World::network(2, &config);
    world.advance(Duration::from_secs(1));
    world.stall(2, true);
    let (now, slow) = (world.now, "p1@home".parse().unwrap());
    for size in [300, 1] {
        while world.node(0).send(now, &slow, Message::text("x".repeat(size))).is_ok() {
            world.run();
        }
    }
    for n in 0..3 {
        let at = world.add(n + 60, config());
        let now = world.now;
        world.node(at).dial(now, dial("hub", &format!("q{n}"))).unwrap();
        world.advance(Duration::from_millis(60));
        let come = |e: &Event| matches!(e, Event::PeerUp { peer } if peer.address.name() == format!("q{n}"));
        assert!(world.take_events(1).iter().any(come), "{n}");
    }
}

/// No byte moves while this sends: everything waits.
#[test]
fn what_waits_for_a_hub_is_bounded_before_its_queue_is_full_and_what_is_urgent_later() {
    let mut world = World::network(3, limits(Limits { ahead: 2000, queue: 8000, ..Limits::DEFAULT }));
    world.advance(Duration::from_secs(1));
    let (now, to) = (world.now, "p1@home".parse().unwrap());
    let body = "x".repeat(500);
    let ada = world.node(1);
    let mut sends = |message: &Message| {
        core::iter::from_fn(|| match ada.send(now, &to, message) {
            Ok(id) => Some(id),
            Err(SendError::Full) => None,
            Err(e) => panic!("{e:?}"),
        })
        .count()
    };
    // The one that begins below it may go beyond it.
    assert_eq!(sends(&Message::text(&*body)), 4);
    let all = 4 + sends(&Message { priority: Priority::Urgent, ..Message::text(&*body) });
    assert!((11..14).contains(&all), "{all}");
    let both = Pattern::Many(vec!["p1@home".parse().unwrap(), "p2@home".parse().unwrap()]);
    let command = Command::get("/ping");
    let request = |world: &mut World| world.node(1).request(now, &both, &command, Duration::from_secs(5));
    assert_eq!(request(&mut world), Err(SendError::Full));
    world.run();
    // The hub names the sender: for it they are longer, and the last may be one too many.
    let (came, failed) = (bodies(&world.take_events(2)).len(), stages(&world.take_events(1)).len());
    assert_eq!(came + failed, all);
    // What there is room for in all, there is room for at once.
    let large = Message::text("x".repeat(7000));
    assert!(world.node(1).send(now, &"p1@home".parse().unwrap(), large).is_ok());
    assert_eq!(request(&mut world), Err(SendError::Full));
    world.run();
    assert!(request(&mut world).is_ok());
}

#[test]
fn acknowledgements_that_wait_for_nothing_stand_in_no_past() {
    let mut world = World::network(1, limits(Limits { ack_delay: Duration::ZERO, ..Limits::DEFAULT }));
    let now = world.now;
    world.node(1).send(now, &"hub@home".parse().unwrap(), Message::text("x")).unwrap();
    world.run();
    assert_eq!(bodies(&world.take_events(0)), ["x"]);
}

#[test]
fn what_never_got_away_to_everybody_fails_once() {
    let mut world = World::network(2, fake);
    world.advance(Duration::from_secs(1));
    world.stall(1, true);
    world.take_events(1);
    let now = world.now;
    let message = Message::text("all").with_receipts(Receipts::Consumed);
    world.node(1).send(now, &"*@home".parse().unwrap(), message).unwrap();
    world.cut_off(1);
    world.advance(Duration::from_secs(100));
    let events = world.take_events(1);
    assert_eq!(
        at(&events, |e| matches!(e, Event::Receipt { stage: Stage::Failed(_), .. })).len(),
        1,
        "{events:?}"
    );
}

#[test]
fn a_hub_with_an_instance_is_reached_by_its_name_too() {
    let mut world = World::new();
    world.add(0, Config { serving: common::serving("hub@home/main"), ..fake() });
    world.listen(0, "hub");
    let peer = world.add(1, fake());
    let now = world.now;
    world.node(peer).dial(now, dial("hub", "p0")).unwrap();
    world.run();
    world.take_events(peer);
    for to in ["hub@home", "hub@home/main", "hub@home/other"] {
        world.node(peer).send(now, &to.parse().unwrap(), Message::text(to)).unwrap();
    }
    world.run();
    assert_eq!(bodies(&world.take_events(0)), ["hub@home", "hub@home/main"]);
    let events = world.take_events(peer);
    assert!(
        matches!(&events[..], [Event::Receipt { stage: Stage::Failed(f), .. }] if f.reason == Reason::NOT_FOUND),
        "{events:?}"
    );
}

#[test]
fn so_many_messages_may_await_receipts_and_no_more() {
    let config = || {
        let mut config = fake();
        config.limits.receipts = 3;
        config
    };
    let mut world = World::network(1, config);
    let (now, hub) = (world.now, "hub@home".parse().unwrap());
    let send = |world: &mut World, receipts| {
        world.node(1).send(now, &hub, Message::text("hi").with_receipts(receipts)).map(|_| ())
    };
    for _ in 0..3 {
        assert_eq!(send(&mut world, Receipts::Received), Ok(()));
    }
    let full = send(&mut world, Receipts::Route);
    assert!(matches!(full, Err(SendError::TooMany { limit: 3, .. })), "{full:?}");
    assert_eq!(send(&mut world, Receipts::Failure), Ok(()), "it awaits none");
    world.run();
    assert_eq!(bodies(&world.take_events(0)).len(), 4);
    assert_eq!(send(&mut world, Receipts::Received), Ok(()), "the others have come");
}
