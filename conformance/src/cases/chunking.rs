//! Streams cut into pieces, delayed, stalled, and ended by half.

use std::thread::scope;
use std::time::Duration;

use homing_adapter::Endpoint;
use homing_core::{Event, Message, Reason};

use super::flood::{send, take};
use crate::Case;
use crate::case::Verdict;
use crate::dice::Dice;
use crate::lab::{HUB, Lab, TCP, hub_options, options};
use crate::node::Node;
use crate::proxy::{Direction, Plan, Proxy, Way};
use crate::wait::{Check, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "every chunking",
    promise: "However a stream is cut, delayed or stalled, everything arrives, in order; one that ends in one \
              direction only is a link lost, and the peer comes back.",
    check,
};

const MESSAGES: usize = 40;

fn check(lab: &Lab) -> Verdict {
    let (hub, at) = lab.hub(hub_options(), TCP)?;
    let bob = lab.join(options(3), &hub, &at, "bob")?;
    let moment = Duration::from_millis(1);
    let one = Way { piece: 1, ..Way::default() };
    let ragged = Way { piece: 97, ragged: true, ..Way::default() };
    let delayed = Way { pause: Some((40, moment)), ..ragged };
    let stalled = Way { stall: Some((20_000, Duration::from_millis(200))), ..Way::default() };
    let mut bytes = 0;
    for (name, plan) in [
        ("single bytes", Plan::both(one)),
        ("single bytes up", Plan { up: one, ..Plan::default() }),
        ("single bytes down", Plan { down: one, ..Plan::default() }),
        ("pieces of any size", Plan::both(ragged)),
        ("other pieces", Plan { seed: 2, ..Plan::both(Way { piece: 5_000, ..ragged }) }),
        ("pieces and delays", Plan::both(delayed)),
        ("stalls", Plan::both(stalled)),
    ] {
        bytes += cut(lab, &hub, &at, &bob, plan).map_err(|e| format!("{name}: {e}"))?;
    }
    held(lab, &hub, &at, &bob).map_err(|e| format!("nothing carried for a while: {e}"))?;
    for direction in Direction::BOTH {
        half_close(lab, &hub, &at, &bob, direction).map_err(|e| format!("{direction:?} closed: {e}"))?;
    }
    Ok(format!("7 ways to cut {} KiB; came back after both half-closes", bytes / 1024))
}

fn body(n: usize) -> Vec<u8> {
    Dice::new(n as u64).bytes(n * n)
}

fn cut(lab: &Lab, hub: &Node, at: &Endpoint, bob: &Node, plan: Plan) -> Check<u64> {
    let proxy = Proxy::start(at, move |_| plan)?;
    let ada = lab.join(options(2), hub, proxy.at(), "ada")?;
    bob.wait_peers(3)?;
    scope(|scope| {
        let sends = [(&ada, "bob@home"), (bob, "ada@home")].map(|(from, to)| {
            scope.spawn(move || {
                (0..MESSAGES).try_for_each(|n| from.send(to, Message::new("x/y", body(n))).map(drop))
            })
        });
        let takes = [&ada, bob].map(|node| {
            scope.spawn(move || {
                (0..MESSAGES).try_for_each(|n| {
                    let came = node.message()?.body;
                    ensure(came == body(n), || format!("{node:?}: message {n} is another, of {}", came.len()))
                })
            })
        });
        takes.into_iter().chain(sends).try_for_each(joined)
    })?;
    ada.echo(HUB, &body(20))?;
    bob.echo("ada@home", &body(21))?;
    ada.close()?;
    bob.wait_peers(2)?;
    ensure(proxy.streams() == 1, || format!("the link was lost {} times", proxy.streams() - 1))?;
    Ok(Direction::BOTH.map(|direction| proxy.bytes(direction)).iter().sum())
}

/// Nothing is carried until both have said everything.
fn held(lab: &Lab, hub: &Node, at: &Endpoint, bob: &Node) -> Check {
    let proxy = Proxy::start(at, |_| Plan::default())?;
    let ada = lab.join(options(2), hub, proxy.at(), "ada")?;
    bob.wait_peers(3)?;
    for direction in Direction::BOTH {
        proxy.hold(direction, true);
    }
    let both = [(&ada, "bob@home", bob), (bob, "ada@home", &ada)];
    for (from, to, _) in both {
        send(from, to, 0..100, 1_000)?;
    }
    // Others meanwhile.
    bob.echo(HUB, b"not held")?;
    for direction in Direction::BOTH {
        proxy.hold(direction, false);
    }
    for (_, _, taker) in both {
        take(taker, 0..100)?;
    }
    ada.close()?;
    bob.wait_peers(2)
}

/// One direction ends: whoever reads it knows that the link is lost, the other side soon after.
fn half_close(lab: &Lab, hub: &Node, at: &Endpoint, bob: &Node, direction: Direction) -> Check {
    while hub.next_event(Duration::ZERO).is_some() {}
    let proxy = Proxy::start(at, |_| Plan::default())?;
    let mut quick = options(2);
    quick.config.limits.redial_first = Duration::from_millis(20);
    let ada = lab.join(quick, hub, proxy.at(), "ada")?;
    ada.echo("bob@home", b"before")?;
    proxy.half_close(direction);
    let (why, retry) = ada.event("ada's link is down", |event| match event {
        Event::Down { why, retry, .. } => Some((why, retry)),
        _ => None,
    })?;
    ensure(retry.is_some(), || format!("ada does not come back: {why}"))?;
    let told = hub.event("the hub's link is down", |event| match event {
        Event::LinkDown { address: Some(address), why, .. } if address.name() == "ada" => Some(why),
        _ => None,
    })?;
    // The reader of what has ended has seen the end of the stream and nothing else.
    let reader = if direction == Direction::Up { &told } else { &why };
    ensure(reader.reason() == Reason::GONE, || format!("the end of the stream is reported as {reader}"))?;
    ada.event("ada is up again", |event| matches!(event, Event::Up { .. }).then_some(()))?;
    ada.echo("bob@home", b"after")?;
    bob.echo("ada@home", b"and back")?;
    until("one link of ada's is left", lab.patience, || hub.links() == 2)?;
    ensure(proxy.streams() == 2, || format!("{} dials to come back once", proxy.streams() - 1))?;
    ada.close()?;
    bob.wait_peers(2)
}
