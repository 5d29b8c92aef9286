//! What `--record` keeps, `homing replay` runs again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;

use common::{Dir, Net, Running, run, run_json};

#[test]
fn a_hub_and_a_listener_are_recorded_and_run_again() {
    let dir = Dir::new();
    let (hub_file, listener_file, redacted) = (dir.path("hub"), dir.path("listener"), dir.path("redacted"));
    let text = |path: &std::path::Path| path.to_str().unwrap().to_string();
    let net = Net::hub(&["--open", "--listen", "127.0.0.1:0", "--record", &text(&hub_file)]);
    let home = net.join("bob");
    let mut bob = Running::start(&home, &["listen", "--heartbeat", "lan", "--record", &text(&listener_file)]);
    bob.event("ready");
    let ada = net.join("ada");
    run_json(&ada, &["send", "bob", "under the oak", "--wait", "consumed"]).done();
    run_json(&ada, &["call", "*", "ping"]).done();
    bob.event("message");
    bob.signal("INT");
    bob.end().done();
    let mut net = net;
    let hub = net.hub.take().unwrap();
    hub.signal("INT");
    hub.end().done();

    for file in [&hub_file, &listener_file] {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let replayed = run_json(&ada, &["replay", &text(file)]).done();
        let line = &replayed.events("replayed")[0];
        assert_eq!(line["ciphers"], "real");
        assert!(line["entries"].as_u64() > Some(20) && line["written"].as_u64() > Some(300), "{line}");
        let steps = run_json(&ada, &["replay", &text(file), "--step"]).done().events("entry");
        assert_eq!(steps.len() as u64, line["entries"].as_u64().unwrap());
        assert!(steps.iter().all(|step| step["agrees"] == true));
    }
    let shown = run(&ada, &["replay", &text(&listener_file), "--step"]).done().out;
    assert!(shown.contains("message ") && !shown.contains("under the oak"), "{shown}");

    run_json(&ada, &["replay", &text(&listener_file), "--redact", &text(&redacted)]).done();
    let has = |file| fs::read(file).unwrap().windows(9).any(|bytes| bytes == b"under the");
    assert!(!has(&redacted));
    let line = &run_json(&ada, &["replay", &text(&redacted)]).done().events("replayed")[0];
    assert_eq!(line["ciphers"], "unsealed");
    run_json(&ada, &["replay", &text(&listener_file), "--redact", &text(&redacted)]).failed(2);

    // One bit of it altered: it is said where the node departs.
    let mut bytes = fs::read(&hub_file).unwrap();
    let data = bytes.windows(6).position(|bytes| bytes == b"homing").unwrap();
    bytes[data] ^= 1;
    fs::write(&hub_file, &bytes).unwrap();
    let ended = run_json(&ada, &["replay", &text(&hub_file), "--step"]).failed(8);
    assert_eq!(ended.events("entry").last().unwrap()["agrees"], false);
    assert!(ended.err.contains("departs from the trace at entry"), "{ended:?}");
    // And what is cut off is no trace.
    fs::write(&hub_file, &bytes[..bytes.len() / 2]).unwrap();
    run_json(&ada, &["replay", &text(&hub_file)]).failed(2);
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let dir = Dir::new();
    let file = dir.path("precious");
    fs::write(&file, "precious").unwrap();
    let arguments = ["hub", "--open", "--listen", "127.0.0.1:0", "--record", file.to_str().unwrap()];
    run(&dir.path("home"), &arguments).failed(2);
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    run(&dir.path("home"), &["replay", file.to_str().unwrap()]).failed(2);
    run(&dir.path("home"), &["replay", dir.path("nothing").to_str().unwrap()]).failed(1);
}

#[test]
fn of_a_tail_the_entries_are_shown_and_it_is_not_run() {
    let dir = Dir::new();
    let file = dir.path("tail");
    let file = file.to_str().unwrap();
    let mut net = Net::hub(&["--open", "--listen", "127.0.0.1:0", "--record", file, "--record-most", "2k"]);
    let ada = net.join("ada");
    for _ in 0..5 {
        run_json(&ada, &["send", "hub", "hello", "--wait", "consumed"]).done();
    }
    let hub = net.hub.take().unwrap();
    hub.signal("TERM");
    hub.end().done();
    assert!(fs::metadata(file).unwrap().len() < 2048);
    run_json(&ada, &["replay", file]).failed(2);
    let ended = run_json(&ada, &["replay", file, "--step"]).failed(2);
    let entries = ended.events("entry");
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry["agrees"].is_null()), "{ended:?}");
}
