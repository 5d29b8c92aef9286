//! Messages and answers of every size, over every sort of link.

use homing_adapter::Error;
use homing_core::{Command, Limits, Message, Pattern, Response, SendError};

use crate::Case;
use crate::case::Verdict;
use crate::dice::Dice;
use crate::lab::{HUB, Lab, TCP, Trio, options};
use crate::node::{Node, address};
use crate::wait::{Check, Saying, ensure};

pub(super) const CASE: Case = Case {
    name: "echo",
    promise: "Messages, requests and answers of every size arrive byte for byte, once and in order, both \
              ways, to one and to everybody, over TCP, Unix sockets and within the process.",
    check,
};

/// Around what is special: nothing, bytes, letters of a buffer, the largest. With a head, the last is
/// near to [`Limits::letter`].
const SIZES: &[usize] =
    &[0, 1, 2, 3, 127, 128, 255, 256, 257, 1023, 1024, 4095, 4096, 8191, 8192, 12_345, 16_000];

fn check(lab: &Lab) -> Verdict {
    let folder = tempfile::tempdir().saying("a folder for sockets")?;
    let mut links = vec![TCP.to_owned(), "localhost:0".into(), lab.memory()];
    if cfg!(unix) {
        links.push(format!("unix:{}", folder.path().join("hub").display()));
    }
    let mut bytes = 0;
    for on in &links {
        bytes += over(lab, on).map_err(|e| format!("over {on}: {e}"))?;
    }
    Ok(format!("{} sizes and sorts of link, {} KiB", SIZES.len() * links.len(), bytes / 1024))
}

fn over(lab: &Lab, on: &str) -> Check<usize> {
    let Trio { hub, at, ada, bob } = lab.trio(on)?;
    let mut bytes = messages(&ada, &bob, "bob@home")?;
    bytes += messages(&bob, &ada, "ada@home")?;
    bytes += messages(&ada, &hub, HUB)?;
    bytes += messages(&hub, &ada, "ada@home")?;
    for node in [&hub, &ada, &bob] {
        node.serve("/turn", |request| {
            Ok(Response::new(
                request.content_type.clone(),
                request.body.iter().rev().copied().collect::<Vec<_>>(),
            ))
        })?;
    }
    for (from, to) in [(&ada, "bob@home"), (&bob, "ada@home"), (&ada, HUB), (&hub, "bob@home")] {
        bytes += requests(from, to)?;
    }
    let cat = lab.join(options(4), &hub, &at, "cat")?;
    ada.wait_peers(4)?;
    bytes += everybody(&ada, &[&bob, &cat])?;
    for node in [ada, bob, cat, hub] {
        node.close()?;
    }
    Ok(bytes)
}

/// A message's body that is like no other's.
fn body(size: usize) -> Vec<u8> {
    Dice::new(size as u64).bytes(size)
}

fn message(size: usize) -> Message {
    Message::new("application/octet-stream", body(size))
}

/// The largest body that fits in a letter with its head.
fn largest(from: &Node, to: &str) -> Check<usize> {
    let most = Limits::DEFAULT.letter;
    match from.try_send(&address(to)?, message(most)) {
        Err(SendError::TooLarge { size, limit }) => Ok(most - (size - limit)),
        other => Err(format!("a message of {most} bytes is too large with its head, but: {other:?}")),
    }
}

fn messages(from: &Node, taker: &Node, to: &str) -> Check<usize> {
    let largest = largest(from, to)?;
    let over = from.send_and_wait(&address(to)?, message(largest + 1), Default::default(), from.patience);
    ensure(matches!(over, Err(Error::Send(SendError::TooLarge { .. }))), || {
        format!("{} bytes are one too many, but: {over:?}", largest + 1)
    })?;
    let sizes: Vec<usize> = SIZES.iter().copied().chain([largest - 1, largest]).collect();
    for &size in &sizes {
        from.send(to, message(size))?;
    }
    for &size in &sizes {
        let received = taker.message()?;
        ensure(received.body == body(size), || unlike(size, &received.body, taker))?;
    }
    Ok(sizes.iter().sum())
}

fn unlike(size: usize, received: &[u8], taker: &Node) -> String {
    let sent = body(size);
    let first = sent.iter().zip(received).position(|(a, b)| a != b).unwrap_or(sent.len().min(received.len()));
    format!("{taker:?}: {size} bytes were sent next, {} came; unlike from byte {first}", received.len())
}

fn requests(from: &Node, to: &str) -> Check<usize> {
    for &size in SIZES {
        let mut answer = from.request(to, Command::get("turn").with_body("x/y", body(size)))?;
        answer.body.reverse();
        ensure(answer.body == body(size), || unlike(size, &answer.body, from))?;
        ensure(answer.content_type == "x/y", || format!("an answer of type {}", answer.content_type))?;
    }
    Ok(SIZES.iter().sum::<usize>() * 2)
}

fn everybody(from: &Node, others: &[&Node]) -> Check<usize> {
    let mut bytes = 0;
    for &size in SIZES {
        from.deliver("*@home", message(size))?;
        for other in others {
            let received = other.message()?;
            ensure(received.body == body(size), || unlike(size, &received.body, other))?;
            bytes += size;
        }
    }
    let all = Pattern::from(address("*@home")?);
    let ping = Command::get("ping");
    let answers = from.request_many(&all, ping, from.patience).saying("calling everybody")?;
    let mut names: Vec<_> = answers.iter().filter(|(_, a)| a.is_ok()).map(|(from, _)| from.name()).collect();
    names.sort_unstable();
    ensure(names == ["bob", "cat", "hub"], || format!("everybody was called, and answered: {names:?}"))?;
    Ok(bytes)
}
