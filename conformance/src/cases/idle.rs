//! Nothing to do, and nothing done.

use std::thread::sleep;
use std::time::{Duration, Instant};

use homing_adapter::Options;
use homing_core::{Heartbeat, Message};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, Until, ensure};

pub(super) const CASE: Case = Case {
    name: "idle means asleep",
    promise: "With a hundred links and nothing to say nobody wakes up at all, but for heartbeats, and for those \
              a bounded number of times.",
    check,
};

const LINKS: u16 = 100;
/// How long nobody may wake up.
const QUIET: Duration = Duration::from_millis(500);

fn check(lab: &Lab) -> Verdict {
    for on in [TCP.to_owned(), lab.memory()] {
        let (hub, mut peers) = crowd(lab, Heartbeat::SLOWEST, &on)?;
        peers.push(hub);
        let wakeups = quiet(lab, &peers)?;
        // Whoever is woken counts it.
        peers[0].deliver(HUB, Message::text("wake up"))?;
        ensure(count(&peers) > wakeups, || "a message woke nobody, as they say".into())?;
        quiet(lab, &peers)?;
    }
    let (hub, peers) = crowd(lab, Heartbeat::LAN, TCP)?;
    let interval = Heartbeat::LAN.idle;
    // The acknowledgements and the roster's news of the last newcomer.
    sleep(interval);
    let (start, before) = (Instant::now(), hub.wakeups());
    sleep(interval * 2);
    let wakeups = hub.wakeups() - before;
    // Per link: the timer, writing the ping after it, the pong; and the same again when both sides find
    // at the same moment that it is time. One interval more, for one that has begun.
    let intervals = start.elapsed().as_secs() / interval.as_secs() + 2;
    let most = intervals * 6 * u64::from(LINKS);
    ensure(wakeups <= most, || format!("{wakeups} wake-ups for {intervals} heartbeats, {most} are enough"))?;
    ensure(wakeups > 0, || "no wake-up in two heartbeats".into())?;
    ensure(hub.links() == usize::from(LINKS), || format!("{} links of {LINKS} are left", hub.links()))?;
    peers[3].ping("p7@home")?;
    Ok(format!("none in {QUIET:?}; with a heartbeat a second, {:.1} a second and link", rate(wakeups, start)))
}

fn rate(wakeups: u64, start: Instant) -> f64 {
    #[allow(clippy::cast_precision_loss)] // For people.
    let wakeups = wakeups as f64;
    wakeups / start.elapsed().as_secs_f64() / f64::from(LINKS)
}

/// A hub with a hundred links, with nothing left to be said on them.
fn crowd(lab: &Lab, heartbeat: Heartbeat, on: &str) -> Check<(Node, Vec<Node>)> {
    let with = |mut options: Options| {
        options.config.heartbeat = heartbeat;
        options
    };
    let (hub, at) = lab.hub(with(hub_options()), on)?;
    let joined = (0..LINKS).map(|n| lab.join(with(options(n + 2)), &hub, &at, &format!("p{n}")));
    let peers = joined.collect::<Check<Vec<_>>>()?;
    for peer in &peers {
        peer.wait_peers(usize::from(LINKS) + 1)?;
    }
    Ok((hub, peers))
}

fn count(nodes: &[Node]) -> u64 {
    nodes.iter().map(|node| node.wakeups()).sum()
}

/// Waits until nobody has woken up for a while: how often all have until then.
fn quiet(lab: &Lab, nodes: &[Node]) -> Check<u64> {
    let end = Until::after(lab.patience);
    let begun = count(nodes);
    loop {
        let before = count(nodes);
        sleep(QUIET);
        let after = count(nodes);
        if after == before {
            return Ok(after);
        }
        ensure(!end.is_over(), || {
            format!("{} wake-ups in {:?} with nothing to do, and no end of it", after - begun, lab.patience)
        })?;
    }
}
