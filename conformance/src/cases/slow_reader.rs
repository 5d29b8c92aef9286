//! One that takes nothing, among others that talk.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::scope;
use std::time::Duration;

use homing_adapter::Options;

use super::flood::{fill, send, take};
use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio, options};
use crate::wait::{Check, ensure, joined};

pub(super) const CASE: Case = Case {
    name: "slow reader",
    promise: "A member that takes nothing holds up those who write to it, and nobody else; what was sent to \
              it waits, and it loses nothing.",
    check,
};

const SIZE: usize = 1_000;
const MORE: u32 = 1_000;
const ROUNDS: u32 = 200;

fn small(mut options: Options) -> Options {
    let limits = &mut options.config.limits;
    limits.window = 64 * 1024;
    limits.queue = 256 * 1024;
    limits.deliveries = 128 * 1024;
    limits.stall = Duration::from_secs(600);
    limits.queue_time = Duration::from_secs(600);
    options
}

fn check(lab: &Lab) -> Verdict {
    let Trio { hub, at, ada, bob } = lab.trio_with(TCP, small)?;
    let mut slow = small(options(4));
    slow.queue = 4;
    let cat = lab.join(slow, &hub, &at, "cat")?;
    let dan = lab.join(small(options(5)), &hub, &at, "dan")?;
    for peer in [&ada, &bob, &cat, &dan] {
        peer.wait_peers(5)?;
    }
    // Ada's queue is full from here on, and the way to cat too.
    let waiting = fill(&ada, "cat@home", 10_000, SIZE)?;
    let released = AtomicBool::new(false);
    scope(|scope| {
        let sender = scope.spawn(|| send(&ada, "cat@home", waiting..waiting + MORE, SIZE));
        let others = scope.spawn(|| -> Check {
            for n in 0..ROUNDS {
                bob.echo("dan@home", &n.to_be_bytes())?;
                dan.echo(HUB, &n.to_be_bytes())?;
                send(&dan, "bob@home", n..n + 1, 100)?;
                take(&bob, n..n + 1)?;
            }
            ensure(!released.load(SeqCst), || "they were held up until cat took".into())
        });
        let others = joined(others);
        // Only now does cat begin to take; it is ended in any case, so that nobody waits for ever.
        released.store(true, SeqCst);
        let taken = take(&cat, 0..waiting + MORE);
        if taken.is_err() {
            ada.abort();
        }
        let sent = joined(sender);
        others.and(taken).and(sent)
    })?;
    Ok(format!("{waiting} messages waited, {ROUNDS} rounds of others went by, {} taken", waiting + MORE))
}
