//! When nothing happens, no thread of a peer wakes, whoever waits. Alone in its process: it counts all of its threads.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::*;
use homing_std::{Heartbeat, Message, Options, Peer, Receipts};

/// How often each other thread of this process, by its number and name, has gone to sleep or was made to wait.
fn switches() -> BTreeMap<String, u64> {
    let own = std::fs::read_link("/proc/thread-self").unwrap();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap);
    let others = tasks.filter(|task| Some(task.file_name().as_os_str()) != own.file_name());
    let count = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let line = |key| status.lines().find_map(|line| Some(line.strip_prefix(key)?.trim()));
        let name = format!("{} {}", task.file_name().display(), line("Name:")?);
        Some((name, line("voluntary_ctxt_switches:")?.parse().ok()?))
    };
    others.filter_map(count).collect()
}

/// After what has happened is over, nobody wakes for `while_`. A deadline that was put off is looked at once more
/// before that.
fn assert_asleep(what: &str, while_: Duration) {
    wait_until(&format!("{what}: nobody wakes"), || {
        let before = switches();
        std::thread::sleep(while_);
        before == switches()
    });
}

fn traffic(ada: &Peer) {
    for _ in 0..50 {
        let to = address("hub@home");
        ada.send_and_wait(&to, Message::text("x"), Receipts::Received, PATIENCE).unwrap();
    }
}

#[test]
fn after_traffic_no_thread_wakes() {
    let slow = |mut options: Options| {
        options.config.heartbeat = Heartbeat::SLOWEST;
        options
    };
    for on in ["127.0.0.1:0", "memory:asleep"] {
        let (hub, at) = hub_with(slow(hub_options()), on);
        let (ada, _) = join_with(slow(options(2)), &hub, &at, "ada");
        traffic(&ada);
        assert_asleep("nobody waits", Duration::from_secs(3));
        std::thread::scope(|scope| {
            for peer in [&ada, &hub] {
                // One leads, one follows.
                for _ in 0..2 {
                    scope.spawn(|| peer.events().for_each(drop));
                }
            }
            assert_asleep("all wait", Duration::from_millis(500));
            traffic(&ada);
            assert_asleep("all wait again", Duration::from_secs(3));
            ada.close(PATIENCE).unwrap();
            hub.close(PATIENCE).unwrap();
        });
    }
}
