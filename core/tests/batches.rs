//! Many at once: messages taken so are the messages that are polled for one by one, and bytes are written by the piece.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

mod common;

use std::collections::VecDeque;
use std::time::Duration;

use common::{World, fake};
use homing_core::{
    Action, Address, Command, Event, Input, Instant, Message, MessageId, Node, Pattern, Receipts, Response,
    SendError,
};
use proptest::prelude::*;

/// Two peers and their hub, with so little room that windows fill and links are not read.
fn narrow(batch: Option<usize>) -> World {
    let mut world = World::network(2, || {
        let mut config = fake();
        (config.limits.window, config.limits.deliveries, config.limits.queue) = (2000, 1500, 3000);
        config
    });
    for peer in &mut world.peers {
        peer.batch = batch;
        peer.node.serve("/mirror", "says it again").unwrap();
    }
    world
}

/// Sends all of them, or those before the first that cannot be sent: `many` at once, or one by one.
fn send(
    node: &mut Node,
    now: Instant,
    to: &Address,
    all: &[Message],
    many: bool,
) -> (Vec<MessageId>, Option<SendError>) {
    let mut ids = Vec::new();
    while let Some(first) = all.get(ids.len()) {
        let before = ids.len();
        let sent = match many {
            true => node.send_many(now, to, &all[before..], &mut ids),
            false => node.send(now, to, first).map(|id| ids.push(id)).map(|()| 1),
        };
        match sent {
            Ok(sent) => assert!(sent > 0 && before + sent == ids.len()),
            Err(e) => {
                assert_eq!(ids.len(), before);
                return (ids, Some(e));
            }
        }
    }
    (ids, None)
}

/// What each peer says and is told until nothing more happens: (what, who, to whom, how much).
fn play(batch: Option<usize>, steps: &[(u8, usize, usize, u8)]) -> (Vec<Vec<Event>>, Vec<String>) {
    let mut world = narrow(batch);
    let mut results = Vec::new();
    let names = ["hub@home", "p0@home", "p1@home", "*@home"];
    for &(what, who, to, size) in steps {
        let (now, name) = (world.now, names[to].parse().unwrap());
        match what {
            0 => world.set_takes(who, size % 2 == 0),
            1 => world.advance(Duration::from_millis(u64::from(size))),
            2 => {
                let command = Command::get("/mirror").with_body("text/plain", vec![size; usize::from(size)]);
                let call =
                    world.node(who).request(now, &Pattern::from(name), command, Duration::from_secs(5));
                results.push(format!("{call:?}"));
            }
            3 => {
                let asked = world.peers[who].events.iter().filter_map(|event| match event {
                    Event::Request(request) => Some(request.request),
                    _ => None,
                });
                for request in asked.collect::<Vec<_>>() {
                    let answer = world.node(who).respond(now, request, Ok(Response::new("text/plain", "so")));
                    results.push(format!("{answer:?}"));
                }
                world.run();
            }
            _ => {
                let mut message = Message::new("text/plain", vec![what; usize::from(size)]);
                message.receipts = if size % 3 == 0 { Receipts::Received } else { Receipts::Failure };
                let all = vec![message; usize::from(what % 4) + 1];
                let (ids, failed) = send(world.node(who), now, &name, &all, batch.is_some());
                results.push(format!("{ids:?} {failed:?}"));
                if what % 4 == 0 {
                    world.run();
                }
            }
        }
    }
    (0..3).for_each(|peer| world.set_takes(peer, true));
    world.advance(Duration::from_secs(10));
    ((0..3).map(|peer| world.take_events(peer)).collect(), results)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_added_or_out_of_order(
        most in 1usize..20,
        steps in proptest::collection::vec((prop_oneof![0u8..4, 4u8..30], 0usize..3, 0usize..4, any::<u8>()), 0..60),
    ) {
        prop_assert_eq!(play(None, &steps), play(Some(most), &steps));
    }
}

#[test]
fn a_request_is_left_to_be_polled_for() {
    let mut world = narrow(None);
    world.set_takes(2, false);
    let (now, to) = (world.now, "p1@home".parse().unwrap());
    world.node(1).send(now, &to, Message::text("before")).unwrap();
    let patience = Duration::from_secs(5);
    world.node(1).request(now, &Pattern::from(to.clone()), Command::get("/mirror"), patience).unwrap();
    world.node(1).send(now, &to, Message::text("behind")).unwrap();
    world.run();
    let mut messages = VecDeque::new();
    assert_eq!(world.node(2).poll_messages(0, &mut messages), 0);
    assert_eq!(world.node(2).poll_messages(9, &mut messages), 1);
    while world.node(2).poll_duty().is_some() {}
    assert_eq!(world.node(2).poll_messages(9, &mut messages), 0, "the request is the next");
    world.set_takes(2, true);
    world.run();
    let rest = world.take_events(2);
    let rest: Vec<_> = rest.iter().filter(|e| matches!(e, Event::Message(_) | Event::Request(_))).collect();
    assert!(matches!(&rest[..], [Event::Request(_), Event::Message(_)]), "{rest:?}");
}

/// TCP hands on 64 KiB with all headers in one piece. More than that is two, and the second is mostly small.
#[test]
fn what_is_written_at_once_goes_in_one_piece() {
    for size in [64, 256, 1024, 3_000] {
        let mut world = World::network(2, fake);
        let (now, to) = (world.now, "p1@home".parse().unwrap());
        let node = world.node(1);
        (0..800_000 / (size + 200))
            .for_each(|_| _ = node.send(now, &to, Message::new("a/b", vec![1; size])).unwrap());
        let link = std::iter::from_fn(|| node.poll_action())
            .find_map(|action| if let Action::Write { link } = action { Some(link) } else { None })
            .unwrap();
        let mut sizes = Vec::new();
        while let n @ 1.. = node.pending(link).len() {
            sizes.push(n);
            node.handle(now, Input::Wrote { link, n });
        }
        let last = sizes.pop();
        assert!(last.is_some() && sizes.len() > 5, "{size}: {sizes:?}");
        assert!(sizes.iter().all(|n| (48_000..65_400).contains(n)), "{size}: {sizes:?}");
    }
}

/// What a program gives a node at once has its bytes moved before the rest of it is given, and each write is full.
#[test]
fn no_more_is_taken_at_once_than_goes_in_one_piece() {
    for size in [0, 64, 256, 1024, 3_000, 16_384] {
        let mut world = World::network(2, fake);
        let (now, to) = (world.now, "p1@home".parse().unwrap());
        let all = vec![Message::new("a/b", vec![1; size]); 2_000];
        let (mut ids, node) = (Vec::new(), world.node(1));
        // The first is like none before it.
        node.send(now, &to, &all[0]).unwrap();
        let sent = node.send_many(now, &to, &all, &mut ids).unwrap();
        assert_eq!(sent, ids.len());
        let link = std::iter::from_fn(|| node.poll_action())
            .find_map(|action| if let Action::Write { link } = action { Some(link) } else { None })
            .unwrap();
        let written = node.pending(link).len();
        assert!((48_000..65_536).contains(&written), "{size}: {written}");
    }
}

#[test]
fn many_come_in_order_however_many_goes_it_takes() {
    for size in [0, 64, 3_000, 16_384] {
        let mut world = World::network(2, fake);
        let (now, to) = (world.now, "p1@home".parse().unwrap());
        let all = vec![Message::new("a/b", vec![1; size]); 2_000];
        let mut ids = Vec::new();
        while ids.len() < all.len() {
            world.node(1).send_many(now, &to, &all[ids.len()..], &mut ids).unwrap();
            world.run();
        }
        let came = world.take_events(2).into_iter().filter_map(|event| match event {
            Event::Message(message) if message.body.len() == size => Some(message.id),
            _ => None,
        });
        assert_eq!(came.collect::<Vec<_>>(), ids, "{size}");
    }
}

#[test]
fn of_many_the_first_that_cannot_be_sent_stops_those_behind_it() {
    let mut world = narrow(None);
    let (now, to) = (world.now, "p1@home".parse().unwrap());
    let mut ids = vec![MessageId([7; 16])];
    let node = world.node(1);
    assert_eq!(node.send_many::<Message>(now, &to, &[], &mut ids), Ok(0));
    let large = Message::new("a/b", vec![1; 100_000]);
    let all = [Message::text("1"), Message::text("2"), large, Message::text("3")];
    assert_eq!(node.send_many(now, &to, &all, &mut ids), Ok(2));
    assert!(matches!(node.send_many(now, &to, &all[2..], &mut ids), Err(SendError::TooLarge { .. })));
    assert_eq!(ids.len(), 3, "behind what was there");
    let many = vec![Message::new("a/b", vec![1; 200]); 100];
    let sent = node.send_many(now, &to, &many, &mut ids).unwrap();
    assert!(sent < 20, "{sent}");
    assert_eq!(node.send_many(now, &to, &many[sent..], &mut ids), Err(SendError::Full));
    assert_eq!(ids.len(), 3 + sent);
    node.shutdown(now);
    assert_eq!(node.send_many(now, &to, &many, &mut ids), Err(SendError::Stopped));
}
