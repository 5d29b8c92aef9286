//! Dropped before it is ready, nothing of the dial is left.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use homing_core::Dial;

use super::calls;
use super::steps::{At, at_each, give_up, holds_no_more, moments};
use crate::block_on_for;
use crate::lab::{HUB, Lab, NETWORK, TCP, dial, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, Saying, ensure, until};

/// How often a dial in vain is begun and given up.
const CROWD: u32 = 300;

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let (hub, at) = lab.hub(hub_options(), TCP)?;
    let mut quick = options(2);
    // What is given up is not to end by itself.
    quick.config.limits.handshake_time = Duration::from_secs(600);
    quick.config.limits.redial_first = Duration::from_millis(5);
    quick.config.limits.redial_most = Duration::from_millis(20);
    let ada = lab.start("ada", quick)?;
    let dial = dial(&hub, &at, "ada")?;
    let mut dropped = in_silence(lab, &ada, &dial)?;
    let holds = once_in(lab, &ada, &dial)?;
    dropped += in_vain(lab, &ada, &dial, holds)?;
    dropped += at_each("connect", |at| {
        let joined = give_up(calls(&ada)?.connect(dial.clone(), lab.long()), at, lab.patience, || Ok(()))?;
        if let Some(joined) = joined {
            joined.saying("joining")?;
            return Ok(true);
        }
        is_out(lab, &ada, holds)?;
        until("the hub is alone", lab.patience, || {
            hub.links() == 0 && hub.peers(NETWORK).is_some_and(|peers| peers.len() == 1)
        })?;
        Ok(false)
    })?;
    // Of all that were given up, none has come back beside it.
    ada.ping(HUB)?;
    hub.wait_peers(2)?;
    ensure((ada.links(), hub.links()) == (1, 1), || {
        format!("one dial was not given up, and there are {} links and {}", ada.links(), hub.links())
    })?;
    ada.close()?;
    Ok(dropped)
}

/// How much ada holds when she was in the network and has left it: her tables have the size then that one dial needs.
fn once_in(lab: &Lab, ada: &Node, dial: &Dial) -> Check<usize> {
    let joined = block_on_for(calls(ada)?.connect(dial.clone(), lab.long()), lab.patience);
    let uplink = joined.saying("joining")?.saying("joining")?.uplink;
    calls(ada)?.peer().hang_up(uplink).saying("leaving")?;
    until("ada has left", lab.patience, || ada.links() == 0 && ada.peers(NETWORK).is_none())?;
    Ok(ada.memory())
}

/// Nothing of a dial is left with ada; nor will it be tried again.
fn is_out(lab: &Lab, ada: &Node, holds: usize) -> Check {
    let out = || ada.links() == 0 && ada.peers(NETWORK).is_none();
    until("nothing is left of a dial that was dropped", lab.patience, out).map_err(|e| {
        format!("{e}, but {} links, in the network: {}", ada.links(), ada.peers(NETWORK).is_some())
    })?;
    holds_no_more(ada, holds)
}

/// Dials to where nobody answers: dropped at once, when the stream is there, and when ada has spoken.
fn in_silence(lab: &Lab, ada: &Node, dial: &Dial) -> Check<u32> {
    for waits_for in 0..3 {
        // One of its own: a stream of an earlier dial may still be under way.
        let silent = TcpListener::bind(TCP).saying("a silent listener")?;
        let target = silent.local_addr().saying("its address")?.to_string();
        silent.set_nonblocking(true).saying("not blocking")?;
        let mut stream = None;
        let dial = Dial { target, ..dial.clone() };
        let at = At { polls: 1, woken: false };
        let joined = give_up(calls(ada)?.connect(dial, lab.long()), at, lab.patience, || {
            if waits_for > 0 {
                let mut came = accepted(&silent, lab.patience)?;
                if waits_for > 1 {
                    came.read_exact(&mut [0]).saying("ada's first words")?;
                }
                stream = Some(came);
            }
            Ok(())
        })?;
        ensure(joined.is_none(), || format!("nobody has answered, but: {joined:?}"))?;
        until("the link is gone", lab.patience, || ada.links() == 0)?;
        if let Some(stream) = stream {
            ends(stream).map_err(|e| format!("connect, dropped: {e}"))?;
        }
        // One that the system had made already ends, too.
        while let Ok((stream, _)) = silent.accept() {
            ends(waiting(stream, lab.patience)?).map_err(|e| format!("connect, dropped at once: {e}"))?;
        }
    }
    Ok(3)
}

fn accepted(listener: &TcpListener, patience: Duration) -> Check<TcpStream> {
    let mut came = None;
    until("a stream comes", patience, || {
        came = listener.accept().ok();
        came.is_some()
    })?;
    waiting(came.saying("a stream")?.0, patience)
}

fn waiting(stream: TcpStream, patience: Duration) -> Check<TcpStream> {
    stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(patience)))
        .saying("a stream")?;
    Ok(stream)
}

fn ends(mut stream: TcpStream) -> Check {
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(e) => return Err(format!("its stream does not end: {e}")),
        }
    }
}

/// Dials that fail and are tried again, and wake the future each time.
fn in_vain(lab: &Lab, ada: &Node, dial: &Dial, holds: usize) -> Check<u32> {
    let nobody = TcpListener::bind(TCP).and_then(|listener| listener.local_addr()).saying("a free port")?;
    let mut dropped = 0;
    for at in moments().take(8) {
        let dial = Dial { target: nobody.to_string(), ..dial.clone() };
        let joined = give_up(calls(ada)?.connect(dial, lab.long()), at, lab.patience, || Ok(()))?;
        ensure(joined.is_none(), || format!("nobody is there, but: {joined:?}"))?;
        is_out(lab, ada, holds).map_err(|e| format!("connect to nobody, dropped {at}: {e}"))?;
        dropped += 1;
    }
    for _ in 0..CROWD {
        let dial = Dial { target: nobody.to_string(), ..dial.clone() };
        // Woken, so that the driver has seen each.
        let at = At { polls: 1, woken: true };
        give_up(calls(ada)?.connect(dial, lab.long()), at, lab.patience, || Ok(()))?;
    }
    is_out(lab, ada, holds).map_err(|e| format!("connect to nobody, dropped {CROWD} times: {e}"))?;
    Ok(dropped + CROWD)
}
