//! As many as a hub has on a good day.

use std::time::{Duration, Instant};

use homing_core::{Heartbeat, Message};

use crate::Case;
use crate::case::{Stop, Verdict};
use crate::lab::{HUB, Lab, TCP, hub_options, options};
use crate::wait::{Check, ensure, until};

pub(super) const CASE: Case = Case {
    name: "1 000 links",
    promise: "A hub has a thousand links at once; each member's message arrives, and a link costs little memory.",
    check,
};

const LINKS: u16 = 1_000;
/// What a link may cost the hub when nothing is under way on it, its share of the roster included.
const PER_LINK: usize = 32 * 1024;
/// Files that a member and its link need, at most: its socket, the hub's, and what an executor of its
/// own waits with. And some to spare.
const FILES: u64 = LINKS as u64 * 6 + 200;

fn check(lab: &Lab) -> Verdict {
    files()?;
    let mut host = hub_options();
    host.config.heartbeat = Heartbeat::SLOWEST;
    // A member's news of the other members come by the hundred, not one by one: they are not tried here.
    host.config.limits.roster_delay = Duration::from_secs(600);
    host.queue = usize::from(LINKS);
    let (hub, at) = lab.hub(host, TCP)?;
    let empty = hub.memory();
    let start = Instant::now();
    let mut members = Vec::new();
    for n in 0..LINKS {
        let mut options = options(n + 2);
        options.config.heartbeat = Heartbeat::SLOWEST;
        members.push(lab.join(options, &hub, &at, &format!("p{n}"))?);
    }
    let time = start.elapsed();
    ensure(hub.links() == usize::from(LINKS), || format!("{} links", hub.links()))?;
    for (n, member) in members.iter().enumerate() {
        member.send(HUB, Message::text(n.to_string()))?;
    }
    let mut came: Vec<bool> = vec![false; members.len()];
    for _ in &members {
        let message = hub.message()?;
        let from = message.from.name().strip_prefix('p').and_then(|n| n.parse::<usize>().ok());
        let place = from.and_then(|n| came.get_mut(n)).ok_or_else(|| format!("from {}", message.from))?;
        let own = message.body == from.unwrap_or_default().to_string().into_bytes();
        ensure(own && !std::mem::replace(place, true), || {
            format!("another message came from {}", message.from)
        })?;
    }
    for n in [0, members.len() / 2, members.len() - 1] {
        hub.echo(&format!("p{n}@home"), b"and back")?;
    }
    let each = settled(lab, || hub.memory().saturating_sub(empty) / members.len())?;
    ensure(each > 0, || "links that cost no memory: it is not counted".into())?;
    hub.close()?;
    until("all members notice that the hub is closed", lab.patience, || {
        members.iter().all(|member| member.links() == 0 || member.peers(crate::lab::NETWORK).is_none())
    })?;
    Ok(format!("joined in {:.1} s; {:.1} KiB each", time.as_secs_f64(), as_f64(each) / 1024.0))
}

fn as_f64(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

/// What a link costs, once what was under way is.
fn settled(lab: &Lab, each: impl Fn() -> usize) -> Check<usize> {
    until(&format!("a link costs {PER_LINK} bytes at most"), lab.patience, || each() <= PER_LINK)
        .map_err(|e| format!("{e}; it costs {}", each()))?;
    Ok(each())
}

/// Sees to it that this process may open as many files as it needs.
#[cfg(unix)]
fn files() -> Result<(), Stop> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= FILES) {
        return Ok(());
    }
    let most = limit.maximum.unwrap_or(FILES);
    limit.current = Some(most.min(FILES));
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) if most >= FILES => Ok(()),
        Ok(()) => {
            Err(Stop::DoesNotApply(format!("{FILES} files are needed, {most} allowed: see ulimit -Hn")))
        }
        Err(e) => Err(Stop::DoesNotApply(format!("{FILES} files are needed: {e}"))),
    }
}

#[cfg(not(unix))]
fn files() -> Result<(), Stop> {
    Ok(())
}
