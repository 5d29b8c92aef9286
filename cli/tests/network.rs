//! A network as its users run it: several processes that come, talk, crash and come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Net, Running, finish, homing, run, run_json, steady_port};
use std::io::Write;
use std::process::Stdio;

#[test]
fn five_processes_and_a_message_with_its_receipts() {
    let net = Net::open();
    let (mut ada, mut bob, mut cy) = (net.listen("ada"), net.listen("bob"), net.listen("cy"));
    let dan = net.join("dan");

    run(&dan, &["send", "bob", "hello", "--wait", "received"]).done();
    let sent = run_json(&dan, &["send", "bob", "hello again", "--wait", "consumed"]).done();
    let stages: Vec<_> =
        sent.events("receipt").iter().map(|r| r["stage"].as_str().unwrap().to_string()).collect();
    assert_eq!(stages, ["accepted", "dispatched", "received", "consumed"]);
    for text in ["hello", "hello again"] {
        let message = bob.event("message");
        assert_eq!(message["text"], text);
        assert!(message["from"].as_str().unwrap().starts_with("dan@home/"));
        assert_eq!(message["to"], "bob@home");
    }

    let sent = run_json(&dan, &["send", "*", "all of you"]).done();
    assert!(sent.events("receipt").iter().filter(|r| r["stage"] == "received").count() >= 3, "{sent:?}");
    for peer in [&mut ada, &mut bob, &mut cy] {
        assert_eq!(peer.event("message")["text"], "all of you");
    }
    for wait in ["accepted", "dispatched"] {
        run(&dan, &["send", "cy@home", "-5 degrees", "--type", "text/weather", "--wait", wait]).done();
        assert_eq!(cy.event("message")["type"], "text/weather");
    }
}

#[test]
fn a_message_from_stdin_is_taken_as_it_is() {
    let net = Net::open();
    let (mut bob, dan) = (net.listen("bob"), net.join("dan"));
    for body in [&b"two\nlines\n"[..], b"\xff\x00\xfe"] {
        let mut child = homing(&dan, &["send", "bob", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(body).unwrap();
        Running::of(child, "send -").end().done();
    }
    assert_eq!(bob.event("message")["text"], "two\nlines\n");
    assert_eq!(bob.event("message")["base64"], "/wD+");
    // More than one message takes.
    run_json(&dan, &["send", "bob", &"x".repeat(20_000)]).failed(2);
}

#[test]
fn what_cannot_be_delivered_comes_back() {
    let mut net = Net::open();
    let dan = net.join("dan");
    run_json(&dan, &["send", "nobody", "hello"]).failed(7);
    run_json(&dan, &["call", "nobody", "ping"]).failed(7);
    run_json(&dan, &["ping", "nobody"]).failed(7);
    // A name that only passes by takes no messages.
    run_json(&dan, &["send", "dan", "to myself"]).failed(7);
    net.hub.take().unwrap().kill();
    let ended = run_json(&dan, &["send", "nobody", "hello"]).failed(5);
    assert_eq!(ended.events("error")[0]["code"], 79);
    run(&dan, &["peers"]).failed(5);
}

#[test]
fn a_killed_listener_leaves_the_others_peers() {
    let net = Net::open();
    let (mut ada, bob) = (net.listen("ada"), net.listen("bob"));
    ada.peer("up", "bob");
    let names = || {
        let peers = run_json(&net.home("ada"), &["peers", "--heartbeat", "lan"]).done().events("peer");
        let names = peers.iter().filter(|peer| peer["priority"] == 0).map(|peer| peer["name"].to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(), ["\"ada\"", "\"bob\"", "\"hub\""]);
    bob.kill();
    ada.peer("down", "bob");
    assert_eq!(names(), ["\"ada\"", "\"hub\""]);
}

#[test]
fn a_frozen_listener_is_given_up_after_the_silence() {
    let net = Net::open();
    let (mut ada, bob) = (net.listen("ada"), net.listen("bob"));
    ada.peer("up", "bob");
    bob.signal("STOP");
    ada.peer("down", "bob");
}

#[test]
fn the_peers_come_back_to_a_hub_that_was_killed() {
    let port = steady_port().to_string();
    let options = ["--open", "--listen", &format!("127.0.0.1:{port}")];
    let mut net = Net::hub(&options);
    let (mut ada, mut bob) = (net.listen("ada"), net.listen("bob"));
    ada.event("up");
    bob.event("up");
    let invite = net.invite.clone();
    net.hub.take().unwrap().kill();
    let down = ada.event("down");
    assert!(down["retry_in_ms"].as_f64().is_some() && down["reason"].is_string(), "{down}");
    bob.event("down");
    net.start_hub(&options);
    assert_eq!(net.invite, invite);
    ada.event("up");
    bob.event("up");
    run_json(&net.home("ada"), &["send", "bob", "still there?", "--wait", "consumed"]).done();
    assert_eq!(bob.event("message")["text"], "still there?");
    // The hub remembers who is who.
    run_json(&net.home("eve"), &["join", &net.invite, "--name", "bob"]).failed(3);
}

#[test]
fn a_listener_waits_for_a_hub_that_is_not_there_yet() {
    let port = steady_port().to_string();
    let options = ["--open", "--listen", &format!("127.0.0.1:{port}")];
    let mut net = Net::hub(&options);
    let ada = net.join("ada");
    net.hub.take().unwrap().kill();
    let mut listen = Running::start(&ada, &["listen"]);
    assert_eq!(listen.event("down")["code"], 79);
    net.start_hub(&options);
    listen.event("ready");
}

#[test]
fn commands_to_one_to_some_and_to_all() {
    let net = Net::open();
    let (_ada, _bob, dan) = (net.listen("ada"), net.listen("bob"), net.join("dan"));
    for path in ["echo", "/echo"] {
        let ended = run(&dan, &["call", "bob", path, r#"{"n":[1,2]}"#]).done();
        assert_eq!(ended.out, "{\"n\":[1,2]}\n");
    }
    // Nobody serves it: the path is understood, and refused.
    for path in ["a.b.c", "/a/b/c"] {
        let ended = run_json(&dan, &["call", "bob", path]).failed(3);
        assert_eq!(ended.events("error")[0]["code"], 67);
    }
    let commands = run_json(&dan, &["call", "bob", "commands"]).done();
    assert!(commands.events("answer")[0]["json"].to_string().contains("/echo"));

    let all = run_json(&dan, &["call", "*", "ping"]).done();
    let from: Vec<_> = all.events("answer").iter().map(|a| a["from"].as_str().unwrap().to_string()).collect();
    for name in ["ada@home/", "bob@home/", "hub@home"] {
        assert!(from.iter().any(|from| from.starts_with(name)), "{from:?} lacks {name}");
    }
    let called = &all.events("called")[0];
    assert_eq!((&called["outcome"], &called["answered"]), (&"complete".into(), &called["asked"]));
    assert_eq!(run_json(&dan, &["call", "ada,bob", "ping"]).done().events("answer").len(), 2);
    // One of them is not there: the other's answer is given all the same.
    let some = run_json(&dan, &["call", "ada,nobody", "ping"]).failed(7);
    assert_eq!(some.events("answer").iter().filter(|answer| answer["ok"] == true).count(), 1);
}

#[test]
fn looking_around() {
    let net = Net::open();
    let (_bob, dan) = (net.listen("bob"), net.join("dan"));
    let pongs = run_json(&dan, &["ping", "bob", "--count", "2"]).done().events("pong");
    assert_eq!(pongs.len(), 2);
    let routes = run_json(&dan, &["why", "bob"]).done().events("route");
    assert_eq!(routes.len(), 2);
    assert!(routes[1]["instance"].as_str().unwrap().starts_with("bob@home/"), "{routes:?}");
    let peers = run(&dan, &["peers"]).done();
    assert!(peers.out.lines().any(|line| line.starts_with("hub@home") && line.ends_with("hub")), "{peers:?}");
    assert!(!peers.out.contains("dan@home") && !peers.out.contains('\x1b'), "{peers:?}");
}

#[test]
fn a_chat_from_a_pipe() {
    let net = Net::open();
    let (mut bob, mut cy) = (net.listen("bob"), net.listen("cy"));
    let dan = net.join("dan");
    let mut chat = Running::start(&dan, &["chat"]);
    chat.event("ready");
    run_json(&net.home("bob"), &["send", "dan", "hi dan", "--wait", "consumed"]).done();
    assert_eq!(chat.event("message")["text"], "hi dan");
    chat.say("@bob only you");
    chat.say("both of you");
    chat.say("@nobody hello?");
    assert_eq!(chat.line(|line| line["stage"] == "failed")["code"], 41);
    let ended = chat.end().done();
    assert!(ended.out.ends_with("{\"event\":\"stopped\"}\n"), "{ended:?}");
    assert_eq!(bob.event("message")["text"], "only you");
    assert_eq!(bob.event("message")["text"], "both of you");
    assert_eq!(cy.event("message")["text"], "both of you");
}

#[test]
fn ctrl_c_ends_cleanly() {
    for signal in ["INT", "TERM"] {
        let mut net = Net::open();
        let (mut ada, bob) = (net.listen("ada"), net.listen("bob"));
        ada.peer("up", "bob");
        bob.signal(signal);
        let ended = bob.end().done();
        assert!(ended.out.ends_with("{\"event\":\"stopped\"}\n"), "{ended:?}");
        ada.peer("down", "bob");

        let mut ping = Running::start(&net.home("ada"), &["ping", "hub", "--count", "100000000"]);
        ping.event("pong");
        ping.signal(signal);
        assert_eq!(ping.end().code, Some(130));

        let hub = net.hub.take().unwrap();
        hub.signal(signal);
        let ended = hub.end().done();
        assert!(ended.out.ends_with("{\"event\":\"stopped\"}\n"), "{ended:?}");
        // It said goodbye: nothing had to be found out by a broken connection.
        assert_eq!(ada.event("down")["code"], 1);
        ada.signal(signal);
        ada.end().done();
    }
}

#[test]
fn programs_that_start_this_one_end_it_by_its_stdin() {
    let net = Net::open();
    let ada = net.join("ada");
    let mut listen = Running::start(&ada, &["listen", "--until-eof"]);
    listen.event("ready");
    let ended = listen.end().done();
    assert!(ended.out.ends_with("{\"event\":\"stopped\"}\n"), "{ended:?}");
}

#[test]
fn nobody_reads_what_is_printed() {
    let net = Net::open();
    let (_bob, dan) = (net.listen("bob"), net.join("dan"));
    for arguments in [&["peers"][..], &["call", "*", "ping", "--json"], &["--help"]] {
        let mut command = homing(&dan, arguments);
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let ended = Running::of(child, "no reader").end();
        assert!(ended.code == Some(0) && !ended.err.contains("homing:"), "{ended:?}");
    }
}

#[test]
fn colours_only_where_they_are_seen() {
    let net = Net::open();
    let dan = net.join("dan");
    for variable in ["NO_COLOR", "HARMLESS"] {
        let mut command = homing(&dan, &["send", "nobody", "x"]);
        let ended = finish({
            command.env(variable, "1");
            command
        });
        assert!(!ended.err.contains('\x1b') && !ended.out.contains('\x1b'), "{ended:?}");
    }
}
