//! Two that are full, in both directions.

use std::thread::scope;
use std::time::Duration;

use homing_adapter::Options;

use super::flood::{fill, send, take};
use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, ensure, joined};

pub(super) const CASE: Case = Case {
    name: "backpressure both ways",
    promise: "Two peers that flood each other while neither takes anything are held back, within bounded \
              memory; when both take, everything arrives once and in order, and nobody is stuck.",
    check,
};

const SIZE: usize = 1_000;
const WINDOW: usize = 64 * 1024;
const QUEUE: usize = 128 * 1024;
const DELIVERIES: usize = 128 * 1024;
const APPLICATION: usize = 8;
/// How many are sent in each direction besides those that fill everything: several times what fits.
const MORE: u32 = 2_000;
/// All that one node may hold: what a link may queue, receive and deliver, on two links and both
/// ways, with its receipts, and the roster and tables besides.
const BOUND: usize = 2 * (WINDOW + QUEUE + DELIVERIES) * 2 + 256 * 1024;

fn small(mut options: Options) -> Options {
    options.queue = APPLICATION;
    let limits = &mut options.config.limits;
    limits.window = WINDOW;
    limits.queue = QUEUE;
    limits.deliveries = DELIVERIES;
    // Whoever takes nothing here is slow, and not to be given up.
    limits.stall = Duration::from_secs(600);
    limits.queue_time = Duration::from_secs(600);
    options
}

fn check(lab: &Lab) -> Verdict {
    let (mut held, mut most) = (0, 0);
    for on in [TCP.to_owned(), lab.memory()] {
        let Trio { hub, at: _, ada, bob } = lab.trio_with(&on, small)?;
        let (sent, bytes) = both_ways(&[&hub], (&ada, "ada@home"), (&bob, "bob@home"))
            .map_err(|e| format!("through a hub over {on}: {e}"))?;
        (held, most) = (held.max(sent), most.max(bytes));
        // The same between neighbours: the hub's own application waits for room like any other.
        let (hub, at) = lab.hub(small(hub_options()), &if on == TCP { on.clone() } else { lab.memory() })?;
        let ada = lab.join(small(options(2)), &hub, &at, "ada")?;
        let (sent, bytes) = both_ways(&[], (&ada, "ada@home"), (&hub, HUB))
            .map_err(|e| format!("between neighbours over {on}: {e}"))?;
        (held, most) = (held.max(sent), most.max(bytes));
    }
    Ok(format!(
        "{held} KB under way when full, {} KiB held by one node, {} allowed",
        most / 1024,
        BOUND / 1024
    ))
}

/// Floods both ways, looks at what is held, then takes. How many messages were under way, and the
/// most that a node held.
fn both_ways(hubs: &[&Node], ada: (&Node, &str), bob: (&Node, &str)) -> Check<(u32, usize)> {
    let ((ada, to_ada), (bob, to_bob)) = (ada, bob);
    let most = u32::try_from(6 * BOUND / SIZE).unwrap_or(u32::MAX);
    let (forth, back) = scope(|scope| {
        let forth = scope.spawn(|| fill(ada, to_bob, most, SIZE));
        let back = scope.spawn(|| fill(bob, to_ada, most, SIZE));
        Ok::<_, String>((joined(forth)?, joined(back)?))
    })?;
    let memory = hubs.iter().chain(&[ada, bob]).map(|node| node.memory()).max().unwrap_or(0);
    ensure(memory <= BOUND, || format!("{memory} bytes are held, {BOUND} are allowed"))?;
    ensure(memory > WINDOW, || format!("full, but only {memory} bytes are said to be held"))?;
    // Nobody takes yet, and each has more to send: those wait.
    scope(|scope| {
        let sends = [
            scope.spawn(|| send(ada, to_bob, forth..forth + MORE, SIZE)),
            scope.spawn(|| send(bob, to_ada, back..back + MORE, SIZE)),
        ];
        let takes = [scope.spawn(|| take(ada, 0..back + MORE)), scope.spawn(|| take(bob, 0..forth + MORE))];
        let taken = takes.map(joined).into_iter().collect::<Check>();
        if taken.is_err() {
            // Nobody takes any more: those who wait for room must not wait for ever.
            ada.abort();
            bob.abort();
        }
        let sent = sends.map(joined).into_iter().collect::<Check>();
        taken.and(sent)
    })?;
    for node in [ada, bob] {
        if let Some(extra) = node.message_within(Duration::from_millis(20)) {
            return Err(format!("{node:?}: all was taken, and {} bytes more came", extra.body.len()));
        }
    }
    Ok((forth + back, memory))
}
