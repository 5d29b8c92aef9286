//! Streams that speak nonsense, or nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::scope;
use std::time::Duration;

use homing_adapter::Endpoint;
use homing_core::Event;

use crate::Case;
use crate::case::Verdict;
use crate::dice::Dice;
use crate::lab::{Lab, TCP, hub_options, options};
use crate::wait::{Check, Over, Saying, ensure, joined, until};

pub(super) const CASE: Case = Case {
    name: "hostile streams",
    promise: "Garbage, web browsers, half a handshake and silence, and those who hang up at once are closed, \
              in time, and no peer notices.",
    check,
};

/// How long a newcomer may take here.
const HANDSHAKE: Duration = Duration::from_secs(2);
const SILENT: usize = 100;
const HASTY: usize = 200;

fn check(lab: &Lab) -> Verdict {
    let mut host = hub_options();
    host.config.limits.handshake_time = HANDSHAKE;
    let (hub, at) = lab.hub(host, TCP)?;
    let ada = lab.join(options(2), &hub, &at, "ada")?;
    let bob = lab.join(options(3), &hub, &at, "bob")?;
    bob.wait_peers(3)?;
    let done = AtomicBool::new(false);
    let (attacks, rounds) = scope(|scope| {
        let chat = scope.spawn(|| -> Check<u32> {
            let mut rounds = 0u32;
            while !done.load(SeqCst) {
                ada.echo("bob@home", &rounds.to_be_bytes())?;
                rounds += 1;
            }
            Ok(rounds)
        });
        let over = Over(&done);
        let attacks = attack(lab, &at);
        drop(over);
        Ok::<_, String>((attacks?, joined(chat)?))
    })?;
    until("only the peers are left", lab.patience, || hub.links() == 2)?;
    while let Some(event) = hub.next_event(Duration::ZERO) {
        if let Event::LinkDown { address: Some(address), why, .. } = event {
            return Err(format!("{address} was lost: {why}").into());
        }
    }
    ada.ping("bob@home")?;
    ensure(rounds > 0, || "the peers did not talk".into())?;
    Ok(format!("{attacks} streams, while two peers talked {rounds} times"))
}

fn attack(lab: &Lab, at: &Endpoint) -> Check<usize> {
    let dial = || -> Check<TcpStream> {
        let stream = TcpStream::connect(at.to_string()).saying("a stream to the hub")?;
        stream.set_read_timeout(Some(lab.patience)).saying("its patience")?;
        Ok(stream)
    };
    let silent = (0..SILENT).map(|_| dial()).collect::<Check<Vec<_>>>()?;
    let garbage = garbage();
    for bytes in &garbage {
        let mut stream = dial()?;
        // It may be closed while it is still written to.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        closed(&stream)?;
    }
    // Half a handshake, and silence.
    let mut half = dial()?;
    half.write_all(&garbage[0]).saying("half a handshake")?;
    for n in 0..HASTY {
        let _ = dial()?.write_all(&garbage[0][..n % 9]);
    }
    for stream in silent.iter().chain([&half]) {
        closed(stream)?;
    }
    Ok(silent.len() + garbage.len() + HASTY + 1)
}

/// What no peer says.
fn garbage() -> Vec<Vec<u8>> {
    let preface = *b"homing\x01\x01";
    let mut garbage = vec![
        // The beginning of a handshake, but no more of it.
        [&preface[..], &[0, 32], &[9; 16]].concat(),
        b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        vec![0; 70_000],
        vec![0xff; 70_000],
        [&preface[..], &[0xff; 5_000]].concat(),
        [&preface[..], &[0; 5_000]].concat(),
    ];
    let mut dice = Dice::new(1);
    for n in 0..40 {
        garbage.push(dice.bytes(n * n));
        garbage.push([&preface[..], &dice.bytes(n * 20)].concat());
    }
    garbage
}

/// Waits until the other side has closed, with or without a word.
fn closed(mut stream: &TcpStream) -> Check {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};

    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => Ok(()),
        Err(e) if matches!(e.kind(), ConnectionReset | BrokenPipe | ConnectionAborted) => Ok(()),
        Err(e) => Err(format!("a hostile stream is not closed: {e}")),
    }
}
