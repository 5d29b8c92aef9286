//! A hub that has no file descriptors left goes on, and accepts again when it has some.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use common::*;
use homing_std::{Command, Endpoint, Peer, Response};

const CHILD: &str = "HOMING_TEST_CHILD";
const FILES: usize = 40;

/// The hub, in a process that may have few files. Says where it listens; lives until its input ends.
fn child() {
    let mut options = hub_options();
    options.config.limits.handshake_time = PATIENCE;
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let looked_at = hub.clone();
    hub.serve("wakeups", "counts turns", move |_| {
        Ok(Response::new("text/plain", looked_at.wakeups().to_string()))
    })
    .unwrap();
    println!("\nlistening {at}");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    hub.close(PATIENCE).unwrap();
    std::process::exit(0);
}

#[test]
fn a_hub_without_descriptors_waits_and_accepts_again() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "ulimit -n {FILES}; exec \"$0\" --exact --nocapture --test-threads 1 \
        a_hub_without_descriptors_waits_and_accepts_again"
    );
    let mut child = Process::new("sh")
        .args(["-c", &script])
        .arg(program)
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at: Endpoint = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(at) = line.strip_prefix("listening ") {
            break at.parse().unwrap();
        }
    };
    let files = || std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    let crowd: Vec<_> = (0..FILES * 2).map(|_| TcpStream::connect(at.to_string()).unwrap()).collect();
    wait_until("all descriptors are used", || files() >= FILES);
    // Several pauses long, with many at the door.
    std::thread::sleep(Duration::from_millis(500));
    assert!(files() >= FILES);
    drop(crowd);

    // The key is the child's: it was made of the same seed.
    let same = Peer::start(hub_options()).unwrap();
    let (ada, _) = join(&same, &at, "ada", 2);
    let answer = ada.request(&address("hub@home"), Command::get("wakeups"), PATIENCE).unwrap();
    let wakeups: u32 = String::from_utf8(answer.body).unwrap().parse().unwrap();
    assert!(wakeups < 1_000, "{wakeups} turns: it did not wait");
    ada.close(PATIENCE).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}
