//! Leaving: in good order, in the background, and not at all.

use std::ops::Range;
use std::thread::scope;
use std::time::Duration;

use homing_adapter::{Endpoint, Error};
use homing_core::{CloseReason, ClosedBy, Command, Event, Message, Reason, Receipts, SendError};

use super::flood::{number, send};
use crate::Case;
use crate::case::Verdict;
use crate::lab::{HUB, Lab, TCP, Trio, dial, hub_options, options};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "clean shutdown",
    promise: "Closing delivers what was accepted, says goodbye, frees the port and ends every call that waits; \
              dropping the last handle does the same in the background; a crash is seen as one.",
    check,
};

const MESSAGES: u32 = 300;

fn check(lab: &Lab) -> Verdict {
    for on in [TCP.to_owned(), lab.memory()] {
        goodbyes(lab, &on).map_err(|e| format!("over {on}: {e}"))?;
        what_waits_ends(lab, &on).map_err(|e| format!("over {on}: {e}"))?;
    }
    nothing_is_claimed(lab)?;
    the_port_is_free(lab)?;
    Ok(format!("{MESSAGES} messages on the way arrived; 6 waiting calls ended"))
}

fn link_down(hub: &Node, name: &str) -> Check<CloseReason> {
    hub.event(&format!("{name}'s link is down"), |event| match event {
        Event::LinkDown { address: Some(address), why, .. } if address.name() == name => Some(why),
        _ => None,
    })
}

fn peer_down(node: &Node, name: &str) -> Check {
    node.event(&format!("{name} is gone"), |event| match event {
        Event::PeerDown { peer } if peer.address.name() == name => Some(()),
        _ => None,
    })
}

/// Takes the messages with these numbers, and hears that their sender is gone, which may overtake them.
fn take_and_part(node: &Node, numbers: Range<u32>, name: &str) -> Check {
    let (mut next, mut gone) = (numbers.start, false);
    while next < numbers.end || !gone {
        let came =
            node.event(&format!("message {next}, and {name} is gone: {gone}"), |event| match event {
                Event::Message(message) => Some(Some(message)),
                Event::PeerDown { peer } if peer.address.name() == name => Some(None),
                _ => None,
            })?;
        match came {
            Some(message) => {
                let came = number(&message)?;
                ensure(came == next, || format!("{node:?}: message {next} was next, {came} came"))?;
                next += 1;
            }
            None => gone = true,
        }
    }
    Ok(())
}

fn is_goodbye(why: &CloseReason) -> Check {
    ensure(why.by == ClosedBy::Them && why.reason() == Reason::FINISHED, || {
        format!("not a goodbye: {why}, by {:?}", why.by)
    })
}

/// One closes, one is dropped, one crashes: what the others see of it.
fn goodbyes(lab: &Lab, on: &str) -> Check {
    let Trio { hub, at, ada, bob } = lab.trio(on)?;
    send(&ada, "bob@home", 0..MESSAGES, 500)?;
    ada.close()?;
    is_goodbye(&link_down(&hub, "ada")?)?;
    take_and_part(&bob, 0..MESSAGES, "ada")?;
    closed(lab, &ada, &hub, &at)?;

    let cat = lab.join(options(4), &hub, &at, "cat")?;
    bob.wait_peers(3)?;
    send(&cat, "bob@home", 0..MESSAGES, 500)?;
    drop(cat);
    is_goodbye(&link_down(&hub, "cat")?)?;
    take_and_part(&bob, 0..MESSAGES, "cat")?;

    let dan = lab.join(options(5), &hub, &at, "dan")?;
    bob.wait_peers(3)?;
    dan.abort();
    let why = link_down(&hub, "dan")?;
    ensure(why.by == ClosedBy::Network && why.reason() == Reason::GONE, || format!("not a crash: {why}"))?;
    peer_down(&bob, "dan")?;
    closed(lab, &dan, &hub, &at)?;

    // The hub leaves, too: bob hears it from the hub itself.
    hub.close()?;
    let why = bob.event("bob's link is down", |event| match event {
        Event::Down { why, .. } => Some(why),
        _ => None,
    })?;
    is_goodbye(&why)
}

/// Every call says that it is closed, and closing again is no fault.
fn closed(lab: &Lab, node: &Node, hub: &Node, at: &Endpoint) -> Check {
    let (to, text) = (address(HUB)?, || Message::text("late"));
    let patience = lab.patience;
    let ping = || Command::get("ping");
    let place: Endpoint = lab.memory().parse().saying("a name")?;
    let subject = node.subject();
    let ends = [
        ("send", subject.send(&to, text()).err()),
        ("try_send", subject.try_send(&to, text()).err().map(Error::from)),
        ("send_and_wait", subject.send_and_wait(&to, text(), Receipts::Received, patience).err()),
        ("request", subject.request(&to, ping(), patience).err()),
        ("request_many", subject.request_many(&to.clone().into(), ping(), patience).err()),
        ("connect", subject.connect(dial(hub, at, "late")?, patience).err()),
        ("dial", subject.dial(dial(hub, at, "late")?).err()),
        ("listen", subject.listen(&place).err()),
        ("serve", subject.serve("/late", std::sync::Arc::new(|_| Err(Reason::REFUSED.into()))).err()),
    ];
    for (call, error) in ends {
        ensure(matches!(error, Some(Error::Closed)), || format!("{call} after the end gives {error:?}"))?;
    }
    // What happened before can still be taken; then comes the end, not a wait for it.
    while node.next_event(patience).is_some() {}
    node.close()
}

/// Calls that would wait for long end when another thread closes.
fn what_waits_ends(lab: &Lab, on: &str) -> Check {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio_with(on, |mut options| {
        options.config.limits.queue = 64 * 1024;
        options.config.limits.window = 64 * 1024;
        options.config.limits.deliveries = 64 * 1024;
        options.config.limits.stall = Duration::from_secs(600);
        options.config.limits.goodbye = Duration::from_millis(300);
        options.queue = 1;
        options
    })?;
    let nowhere = std::net::TcpListener::bind(TCP).saying("a silent listener")?;
    let silent = Endpoint::Tcp(nowhere.local_addr().saying("its address")?.to_string());
    let (entered, enters) = std::sync::mpsc::channel::<()>();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let locks = std::sync::Mutex::new((entered, released));
    bob.serve("/never", move |_| {
        if let Ok(locks) = locks.lock() {
            let _ = locks.0.send(());
            let _ = locks.1.recv();
        }
        Err(Reason::REFUSED.into())
    })?;
    let (to, patience) = (address("bob@home")?, lab.patience);
    let subject = ada.subject();
    let result = scope(|scope| {
        let events = scope.spawn(|| {
            let mut last = None;
            while let Some(event) = subject.next_event(patience) {
                last = Some(event);
            }
            ensure(last == Some(Event::Stopped), || format!("the last event was {last:?}"))
        });
        let request =
            scope.spawn(|| ended("request", subject.request(&to, Command::get("never"), patience).err()));
        enters.recv_timeout(patience).saying("bob is called")?;
        let many = scope.spawn(|| {
            // Given up with what came until then, or as a whole.
            match subject.request_many(&to.clone().into(), Command::get("never"), patience) {
                Ok(answers) if answers.iter().all(|(_, answer)| answer.is_err()) => Ok(()),
                Ok(answers) => Err(format!("request_many gave {answers:?}")),
                Err(e) => ended("request_many", Some(e)),
            }
        });
        let connect = scope.spawn(|| {
            let mut dial = dial(&ada, &silent, "ada")?;
            dial.network = "other".parse().saying("a network")?;
            match subject.connect(dial, patience).err() {
                // The node's own word for it.
                Some(Error::Unreachable(why))
                    if why.by == ClosedBy::Us && why.reason() == Reason::FINISHED =>
                {
                    Ok(())
                }
                error => ended("connect", error),
            }
        });
        let flood = scope.spawn(|| {
            // Bob takes nothing: sooner or later this waits.
            let error =
                (0..100_000).find_map(|_| subject.send(&to, Message::new("x/y", vec![0; 1_000])).err());
            ended("send", error)
        });
        let tracked = scope.spawn(|| {
            let message = Message::text("?");
            ended("send_and_wait", subject.send_and_wait(&to, message, Receipts::Consumed, patience).err())
        });
        until("all wait", patience, || {
            let full = subject.try_send(&to, Message::new("x/y", vec![0; 1_000]));
            matches!(full, Err(SendError::Full)) && subject.links() == 2
        })?;
        // What bob does not take is given up after the time for a goodbye, at the latest.
        ada.close()?;
        [events, request, many, connect, flood, tracked].into_iter().try_for_each(joined)
    });
    drop(release);
    result
}

/// A message that has come half of its way when the node ends was not delivered, as far as is known.
fn nothing_is_claimed(lab: &Lab) -> Check {
    let Trio { hub: _hub, at: _, ada, bob } = lab.trio(TCP)?;
    let (to, patience) = (address("bob@home")?, lab.patience);
    let sent = scope(|scope| {
        let sending = scope.spawn(|| {
            let message = Message::text("nobody consumes it");
            Ok(ada.subject().send_and_wait(&to, message, Receipts::Consumed, patience))
        });
        let arrived = bob.message();
        // Its first receipts come before the answers to these.
        for _ in 0..3 {
            ada.echo("bob@home", b"after it")?;
        }
        ada.abort();
        arrived.and(joined(sending))
    })?;
    ensure(sent.is_err(), || format!("a message that nobody has consumed counts as consumed: {sent:?}"))
}

/// Closed; or, of what was under way, that nobody knows whether it arrived.
fn ended(call: &str, error: Option<Error>) -> Check {
    let unknown = |reason| reason == Reason::LINK_LOST;
    let ended = match &error {
        Some(Error::Closed) => true,
        Some(Error::NotDelivered(failure) | Error::Command(failure)) => unknown(failure.reason),
        _ => false,
    };
    ensure(ended, || format!("{call}, waiting, was ended with {error:?}"))
}

/// A hub that is closed, dropped or crashes can be started again at its place, and its peers come back.
fn the_port_is_free(lab: &Lab) -> Check {
    let (mut hub, at) = lab.hub(hub_options(), TCP)?;
    let mut quick = options(2);
    quick.config.limits.redial_first = Duration::from_millis(10);
    quick.config.limits.redial_most = Duration::from_millis(50);
    let ada = lab.join(quick, &hub, &at, "ada")?;
    // Whatever went wrong while she tried to come back was told before it: what is told after it is new.
    let is_up = |ada: &Node| ada.event("ada is up", |event| matches!(event, Event::Up { .. }).then_some(()));
    is_up(&ada)?;
    for leaving in ["closed", "crashed", "dropped"] {
        match leaving {
            "closed" => hub.close()?,
            "crashed" => hub.abort(),
            _ => drop(std::mem::replace(&mut hub, lab.start("another", options(9))?)),
        }
        ada.event("ada notices", |event| matches!(event, Event::Down { .. }).then_some(()))?;
        let again = lab.start("hub", hub_options())?;
        // A dropped one leaves in the background.
        let mut bound = again.subject().listen(&at);
        let free = until("the port is free", lab.patience, || {
            if leaving == "dropped" && bound.is_err() {
                bound = again.subject().listen(&at);
            }
            bound.is_ok() || leaving != "dropped"
        });
        free.and(bound.saying(&format!("the port of a hub that was {leaving}"))).map(drop)?;
        hub = again;
        is_up(&ada)?;
        ada.ping(HUB)?;
    }
    Ok(())
}
