//! Streams that break, at any byte.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::Duration;

use homing_adapter::{Endpoint, Error};
use homing_core::{Command, Message, Receipts, SendError};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio, dial, options};
use crate::node::{Node, address};
use crate::proxy::{Direction, End, Plan, Proxy};
use crate::wait::{Check, Over, Until, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "reset in every phase",
    promise: "A stream may break, or end in one direction, after any byte, in the handshake, in the session, in the goodbye: nothing \
              hangs, the peer comes back by itself, and nobody else notices.",
    check,
};

/// How many breaks are spread over the bytes in each direction.
const BREAKS: u64 = 24;

fn check(lab: &Lab) -> Verdict {
    let Trio { hub, at, ada, bob: _bob } = lab.trio(TCP)?;
    let whole = Proxy::start(&at, |_| Plan::default())?;
    session(lab, &hub, whole.at())?;
    let lengths = Direction::BOTH.map(|direction| (direction, whole.bytes(direction)));
    let done = AtomicBool::new(false);
    let (came_back, rounds) = scope(|scope| {
        let others = scope.spawn(|| -> Check<u32> {
            let mut rounds = 0u32;
            while !done.load(SeqCst) {
                ada.echo("bob@home", &rounds.to_be_bytes())?;
                rounds += 1;
            }
            Ok(rounds)
        });
        let over = Over(&done);
        let mut came_back = 0;
        let broken = breaks(&lengths).try_for_each(|(direction, after, end)| {
            let plan = Plan::ending(direction, after, end);
            let proxy = Proxy::start(&at, move |n| if n == 0 { plan } else { Plan::default() })?;
            session(lab, &hub, proxy.at())
                .map_err(|e| format!("{end:?} after byte {after}, {direction:?}: {e}"))?;
            came_back += u32::from(proxy.streams() > 1);
            Ok(())
        });
        drop(over);
        let rounds = joined(others);
        broken.and_then(|()| Ok::<_, String>((came_back, rounds?)))
    })?;
    until("only the others' links are left", lab.patience, || hub.links() == 2)?;
    ensure(came_back > 0, || "no break was noticed".into())?;
    let [(_, up), (_, down)] = lengths;
    Ok(format!(
        "{} breaks in sessions of {up} bytes up and {down} down, {came_back} came back; {rounds} rounds of others",
        breaks(&lengths).count()
    ))
}

/// Where to break a session of these lengths, and how.
fn breaks(lengths: &[(Direction, u64); 2]) -> impl Iterator<Item = (Direction, u64, End)> {
    lengths.iter().flat_map(|&(direction, length)| {
        let spread = (0..BREAKS).map(move |n| n * length / BREAKS);
        // The edges of the preface, and the end.
        let all = spread.chain([1, 8, 9, length.saturating_sub(1), length]);
        all.flat_map(move |after| [End::Reset, End::Half].map(|end| (direction, after, end)))
    })
}

/// Joins, sends a message until it has arrived, calls, and leaves: whatever breaks meanwhile.
fn session(lab: &Lab, hub: &Node, at: &Endpoint) -> Check {
    let mut quick = options(4);
    quick.config.limits.redial_first = Duration::from_millis(5);
    quick.config.limits.redial_most = Duration::from_millis(20);
    let eve = lab.start("eve", quick)?;
    eve.connect(dial(hub, at, "eve")?)?;
    let to = address(HUB)?;
    insist(&eve, "a message", || {
        eve.send_and_wait(&to, Message::text("hello"), Receipts::Received, lab.patience).map(drop)
    })?;
    let echo = || Command::get("echo").with_body("x/y", vec![5; 500]);
    insist(&eve, "a call", || eve.subject().request(&to, echo(), lab.patience).map(drop))?;
    // With its goodbye lost on the way, there is still an end to it.
    eve.close()
}

/// Tries again for as long as the link is lost.
fn insist(eve: &Node, what: &str, mut act: impl FnMut() -> Result<(), Error>) -> Check {
    let end = Until::after(eve.patience);
    loop {
        match act() {
            Ok(()) => return Ok(()),
            // The ways in which a lost link is told; and it was not known whether it arrived.
            Err(Error::Send(SendError::NotConnected(_)) | Error::NotDelivered(_) | Error::Command(_))
                if !end.is_over() =>
            {
                sleep(Duration::from_millis(1));
            }
            Err(e) => return Err(format!("{what}: {e:?}")),
        }
    }
}
