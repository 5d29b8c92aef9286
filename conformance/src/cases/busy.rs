//! One link that never rests, and the others beside it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread::scope;
use std::time::{Duration, Instant};

use homing_core::{Event, Heartbeat};

use super::flood::numbered;
use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio, options};
use crate::node::address;
use crate::wait::{Check, Over, ensure, joined};

pub(super) const CASE: Case = Case {
    name: "a busy link starves nobody",
    promise: "While one link carries all that it can, requests on others are answered, and heartbeats go on: \
              no link is called dead, neither the busy one nor one that only sits there.",
    check,
};

/// Longer than the silence after which a link is dead.
const FLOOD: Duration = Duration::from_millis(4_000);

fn check(lab: &Lab) -> Verdict {
    let lan = |mut options: homing_adapter::Options| {
        options.config.heartbeat = Heartbeat::LAN;
        options
    };
    let Trio { hub, at, ada, bob } = lab.trio_with(TCP, lan)?;
    let cat = lab.join(lan(options(4)), &hub, &at, "cat")?;
    let (done, taken) = (AtomicBool::new(false), AtomicU32::new(0));
    let (answered, worst) = scope(|scope| {
        let taker = scope.spawn(|| -> Check {
            // The hub takes what it can.
            while !done.load(SeqCst) {
                match hub.next_event(Duration::from_millis(20)) {
                    Some(Event::LinkDown { address, why, .. }) => {
                        return Err(format!("a link died while one was busy: {address:?}, {why}"));
                    }
                    Some(Event::Message(_)) => drop(taken.fetch_add(1, SeqCst)),
                    _ => {}
                }
            }
            Ok(())
        });
        let busy = scope.spawn(|| -> Check {
            // Ada always has more.
            let to = address(HUB)?;
            let mut n = 0;
            while !done.load(SeqCst) {
                n += u32::from(ada.try_send(&to, numbered(n, 500)).is_ok());
            }
            Ok(())
        });
        let over = Over(&done);
        let start = Instant::now();
        let (mut answered, mut worst) = (0, Duration::ZERO);
        let mut result = Ok(());
        while result.is_ok() && start.elapsed() < FLOOD && !taker.is_finished() {
            let asked = Instant::now();
            result = bob.echo(HUB, b"still there?");
            worst = worst.max(asked.elapsed());
            answered += 1;
        }
        drop(over);
        joined(busy)?;
        joined(taker)?;
        result.map(|()| (answered, worst))
    })?;
    cat.ping(HUB)?;
    // Ada has more on the way than the hub takes now; whoever has not is free to go on.
    bob.ping("cat@home")?;
    ensure(taken.load(SeqCst) > 0, || "the busy link carried nothing".into())?;
    ensure(hub.links() == 3, || format!("{} links are left of 3", hub.links()))?;
    Ok(format!(
        "{} messages in {FLOOD:?} on one link, {answered} answers on another, the slowest in {:.0?}",
        taken.load(SeqCst),
        worst
    ))
}
