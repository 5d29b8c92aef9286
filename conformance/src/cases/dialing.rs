//! What cannot be dialed, and where nobody may listen.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use homing_adapter::{Endpoint, Error};
use homing_core::{Dial, Reason};

use crate::Case;
use crate::case::Verdict;
use crate::lab::{Lab, TCP, dial, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, Saying, ensure, until};

pub(super) const CASE: Case = Case {
    name: "what cannot be dialed",
    promise: "A dial that cannot succeed ends in time and says why; a place where somebody listens is not \
              taken, a socket that a crash has left is, and a file is not touched.",
    check,
};

/// How long a neighbour may be silent here before it is given up.
const SILENCE: Duration = Duration::from_millis(300);

fn check(lab: &Lab) -> Verdict {
    let (hub, at) = lab.hub(hub_options(), TCP)?;
    let mut impatient = options(2);
    impatient.config.limits.handshake_time = SILENCE;
    let hasty = lab.start("ada in a hurry", impatient)?;
    let peer = lab.start("ada", options(2))?;

    let refusing = refusing()?;
    let folder = tempfile::tempdir().saying("a folder for sockets")?;
    let missing = format!("unix:{}", folder.path().join("nobody").display());
    let memory = lab.memory();
    let targets = [&*refusing.0, &missing, &memory, "no.such.host.invalid:1", "not an endpoint", "unix:"];
    for target in targets {
        let once = Dial { target: target.into(), redial: false, ..dial(&hub, &at, "ada")? };
        fails(&peer, once, target, |e| unreachable(e, Reason::UNREACHABLE))?;
    }
    ensure(peer.links() == 0, || "a link is left of a dial that failed".into())?;
    gives_up(lab, &hasty, &Dial { redial: false, ..dial(&hub, &at, "ada")? })?;

    // Another key than the one that is named.
    let wrong = Dial { pin: Some(peer.peer_id()), ..dial(&hub, &at, "ada")? };
    let other_key = |e: &Error| matches!(e, Error::Refused(why) if why.reason() == Reason::WRONG_KEY);
    fails(&peer, wrong, "the wrong key", other_key)?;
    // The hub's own name.
    let reserved = |e: &Error| matches!(e, Error::Refused(why) if why.reason() == Reason::NAME_RESERVED);
    fails(&peer, dial(&hub, &at, "hub")?, "the hub's name", reserved)?;
    // Nobody is there, and it would be tried again and again.
    let again = Dial { target: refusing.0.clone(), ..dial(&hub, &at, "ada")? };
    let late = peer.subject().connect(again, SILENCE);
    ensure(matches!(late, Err(Error::Timeout(Some(_)))), || format!("a dial in vain ended with {late:?}"))?;
    until("the dial is given up", lab.patience, || peer.links() == 0)?;

    peer.connect(dial(&hub, &at, "ada")?)?;
    listening(lab, &hub, &at)?;
    peer.ping("hub@home")?;
    Ok(format!("{} targets, each refused in words; places taken once", targets.len() + 3))
}

fn fails(peer: &Node, dial: Dial, what: &str, expected: impl Fn(&Error) -> bool) -> Check {
    let failed = peer.subject().connect(dial, peer.patience);
    ensure(failed.as_ref().is_err_and(expected), || format!("{what}: dialing it ended with {failed:?}"))
}

fn unreachable(error: &Error, reason: Reason) -> bool {
    matches!(error, Error::Unreachable(why) if why.reason() == reason)
}

/// One that says nothing, and one that does not even let anybody in.
fn gives_up(lab: &Lab, hasty: &Node, to: &Dial) -> Check {
    let silent = TcpListener::bind(TCP).saying("a silent listener")?;
    let target = silent.local_addr().saying("its address")?.to_string();
    let start = Instant::now();
    fails(hasty, Dial { target, ..to.clone() }, "a silent listener", |e| {
        unreachable(e, Reason::HANDSHAKE_TIMEOUT)
    })?;
    let took = start.elapsed();
    ensure(took >= SILENCE, || format!("a silent listener was given up after {took:?}"))?;
    until("its link is closed", lab.patience, || hasty.links() == 0)
}

/// An address at which every dial is refused for as long as this lives: bound, but nobody listens.
fn refusing() -> Check<(String, rustix::fd::OwnedFd)> {
    use rustix::net::{AddressFamily, SocketAddrV4, SocketType, bind, getsockname, socket};

    let bound = socket(AddressFamily::INET, SocketType::STREAM, None).saying("a socket")?;
    bind(&bound, &SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)).saying("binding it")?;
    let at: SocketAddrV4 = getsockname(&bound).saying("its address")?.try_into().saying("its address")?;
    Ok((at.to_string(), bound))
}

fn listening(lab: &Lab, hub: &Node, at: &Endpoint) -> Check {
    let io = |result: Result<Endpoint, Error>, what: &str| {
        ensure(matches!(result, Err(Error::Io(_))), || format!("listening on {what} gave {result:?}"))
    };
    io(hub.subject().listen(at), "a port that is taken")?;
    io(hub.subject().listen(&Endpoint::Tcp("no.such.host.invalid:1".into())), "a host that is not")?;
    let memory: Endpoint = lab.memory().parse().saying("a name")?;
    hub.subject().listen(&memory).saying("listening within the process")?;
    io(hub.subject().listen(&memory), "a name that is taken")?;
    lab.join(options(3), hub, &memory, "bob")?.ping("hub@home")?;
    lab.join(options(4), hub, at, "cat")?.ping("hub@home")?;
    unix(lab, hub)
}

#[cfg(unix)]
fn unix(lab: &Lab, hub: &Node) -> Check {
    let folder = tempfile::tempdir().saying("a folder for sockets")?;
    let file = folder.path().join("file");
    std::fs::write(&file, "precious").saying("a file")?;
    let refused = hub.subject().listen(&Endpoint::Unix(file.clone()));
    ensure(refused.is_err(), || "it listens where a file was".into())?;
    ensure(std::fs::read(&file).is_ok_and(|text| text == b"precious"), || "a file was replaced".into())?;

    // As a crash leaves it: a socket's file, and nobody who answers.
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).saying("a socket file")?);
    let second = lab.start("a second hub", {
        let mut options = hub_options();
        options.key = self::options(99).key;
        options
    })?;
    let at = second.subject().listen(&Endpoint::Unix(path.clone())).saying("a dead socket file")?;
    let taken = hub.subject().listen(&at);
    ensure(taken.is_err(), || "it listens where another does".into())?;
    lab.join(options(5), &second, &at, "dan")?.ping("hub@home")?;
    second.close()?;
    until("the socket's file goes with who listened", lab.patience, || !path.exists())
}

#[cfg(not(unix))]
fn unix(_: &Lab, hub: &Node) -> Check {
    let unsupported = hub.subject().listen(&Endpoint::Unix("hub".into()));
    ensure(unsupported.is_err(), || "there are no Unix sockets here, but it listens on one".into())
}
