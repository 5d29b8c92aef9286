//! What a program does with its peers, over every sort of link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::*;
use homing_std::{
    CallOutcome, Command, Dial, Endpoint, Error, Event, Failure, Message, Pattern, Peer, Reason, Receipts,
    Response, SendError, Stage,
};

/// A hub, ada and bob, over links of one sort.
fn three(on: &str, check: impl FnOnce(&Peer, &Peer, &Peer)) {
    let (hub, at) = hub(on);
    let (ada, joined) = join(&hub, &at, "ada", 2);
    assert_eq!((joined.hub.as_str(), joined.hub_key), ("hub@home", hub.peer_id()));
    assert_eq!(joined.address.bare_str(), "ada@home");
    let (bob, _) = join(&hub, &at, "bob", 3);
    check(&hub, &ada, &bob);
    for peer in [ada, bob, hub] {
        peer.close(PATIENCE).unwrap();
        assert!(matches!(peer.send(&address("bob@home"), Message::text("late")), Err(Error::Closed)));
    }
}

fn everything(hub: &Peer, ada: &Peer, bob: &Peer) {
    receipts_up_to_consumed(ada, bob);
    receipts_of_everybody(ada, bob);
    a_request_to_one(ada, bob);
    a_request_to_all(hub, ada, bob);
    a_refusal(ada, bob);
    an_echo(ada);
}

#[test]
fn over_tcp() {
    three("127.0.0.1:0", everything);
}

#[test]
fn over_tcp_by_name() {
    three("localhost:0", everything);
}

#[cfg(unix)]
#[test]
fn over_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub");
    three(&format!("unix:{}", path.display()), everything);
    assert!(!path.exists(), "the socket's file goes with the hub");
}

#[test]
fn over_memory() {
    three("memory:everything", everything);
}

/// Consumes the next message in the background while `work` waits for that.
fn consuming<T>(peer: &Peer, work: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let message = wait_message(peer);
            peer.consume(&message).unwrap();
        });
        work()
    })
}

fn receipts_up_to_consumed(ada: &Peer, bob: &Peer) {
    let to = address("bob@home");
    let delivery = consuming(bob, || {
        ada.send_and_wait(&to, Message::text("hello"), Receipts::Consumed, PATIENCE).unwrap()
    });
    let stages: Vec<_> = delivery.receipts.iter().map(|(_, _, stage)| stage.name()).collect();
    assert_eq!(stages, ["accepted", "dispatched", "received", "consumed"]);
    assert!(delivery.receipts.windows(2).all(|pair| pair[0].0 <= pair[1].0));

    let tracking = ada.track(&to, Message::text("followed").with_receipts(Receipts::Received)).unwrap();
    let stages: Vec<_> = tracking.map(|(_, stage)| stage.name()).collect();
    assert_eq!(stages, ["accepted", "dispatched", "received"]);
    assert_eq!(wait_message(bob).body, "followed");
}

fn receipts_of_everybody(ada: &Peer, bob: &Peer) {
    let all = address("*@home");
    let delivery = ada.send_and_wait(&all, Message::text("all"), Receipts::Received, PATIENCE).unwrap();
    let received: BTreeSet<_> = delivery
        .receipts
        .iter()
        .filter(|(_, _, stage)| *stage == Stage::Received)
        .filter_map(|(_, from, _)| from.as_ref().map(|from| from.name().to_owned()))
        .collect();
    assert!(received.contains("bob"), "{delivery:?}");
    assert_eq!(wait_message(bob).body, "all");
}

fn a_request_to_one(ada: &Peer, bob: &Peer) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    bob.serve("clock.add", "adds", move |request| {
        count.fetch_add(1, SeqCst);
        match &*request.body {
            b"panic" => panic!("as asked"),
            b"fail" => Err(Failure { reason: Reason::ARGUMENT, text: "no number".into() }),
            body => Ok(Response::new("text/plain", [body, b"!"].concat())),
        }
    })
    .unwrap();
    let to = address("bob@home");
    let call =
        |body: &str| ada.request(&to, Command::get("clock.add").with_body("text/plain", body), PATIENCE);
    assert_eq!(call("one").unwrap().body, b"one!");
    assert!(matches!(call("fail"), Err(Error::Command(f)) if f.reason == Reason::ARGUMENT));
    assert!(matches!(call("panic"), Err(Error::Command(f)) if f.reason == Reason::COMMAND_FAILED));
    assert_eq!(call("two").unwrap().body, b"two!");
    assert_eq!(calls.load(SeqCst), 4);
    assert!(bob.unserve("clock.add"));
    assert!(!bob.unserve("/clock/add"));
    assert!(matches!(call("gone"), Err(Error::Command(f)) if f.reason == Reason::RESOURCE_NOT_FOUND));
    let nobody = ada.request(&address("eve@home"), Command::get("ping"), PATIENCE);
    assert!(matches!(&nobody, Err(Error::Command(f)) if f.reason == Reason::NOT_FOUND), "{nobody:?}");
    let all = ada.request(&address("*@home"), Command::get("ping"), PATIENCE);
    assert!(matches!(all, Err(Error::Send(SendError::Invalid(_)))));
}

fn a_request_to_all(hub: &Peer, ada: &Peer, bob: &Peer) {
    for peer in [hub, bob] {
        let id = peer.peer_id().to_string();
        peer.serve("who", "says who it is", move |_| Ok(Response::new("text/plain", id.clone()))).unwrap();
    }
    let all = Pattern::from(address("*@home"));
    let mut answers = ada.request_many(&all, Command::get("who"), PATIENCE).unwrap();
    let mut who = BTreeSet::new();
    for (from, answer) in answers.by_ref() {
        who.insert((from.name().to_owned(), answer.unwrap().body));
    }
    assert!(who.contains(&("bob".to_owned(), bob.peer_id().to_string().into_bytes())), "{who:?}");
    let summary = answers.summary().unwrap();
    assert_eq!(summary.outcome, CallOutcome::Complete);
    assert_eq!((summary.answered as usize, summary.asked as usize), (who.len(), who.len()));
    let both = Pattern::Many(vec![address("bob@home"), address("hub@home")]);
    let answers = ada.request_many(&both, Command::get("who"), PATIENCE).unwrap();
    assert_eq!(answers.filter(|(_, answer)| answer.is_ok()).count(), 2);
    // Given up at once: the number of calls under way goes back.
    for _ in 0..50 {
        drop(ada.request_many(&all, Command::get("who"), PATIENCE).unwrap());
    }
}

fn a_refusal(ada: &Peer, bob: &Peer) {
    let to = address("bob@home");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let message = wait_message(bob);
            let failure = Failure { reason: Reason::REFUSED, text: "not today".into() };
            bob.refuse(&message, failure).unwrap();
        });
        let sent = ada.send_and_wait(&to, Message::text("please"), Receipts::Consumed, PATIENCE);
        assert!(matches!(&sent, Err(Error::NotDelivered(f)) if f.reason == Reason::REFUSED), "{sent:?}");
    });
    let nobody = ada.send_and_wait(&address("eve@home"), Message::text("?"), Receipts::Received, PATIENCE);
    assert!(matches!(&nobody, Err(Error::NotDelivered(f)) if f.reason == Reason::NOT_FOUND), "{nobody:?}");
}

fn an_echo(ada: &Peer) {
    let body: Vec<u8> = (0..16_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let command = Command::get("echo").with_body("application/octet-stream", body.clone());
    let answer = ada.request(&address("bob@home"), command, PATIENCE).unwrap();
    assert!(answer.body == body);
}

#[test]
fn nobody_answers_in_time() {
    let (hub, at) = hub("memory:late");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let (bob, _) = join(&hub, &at, "bob", 3);
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    bob.serve("slow", "takes its time", move |_| {
        let _ = wait.lock().unwrap().recv();
        Ok(Response::json("null"))
    })
    .unwrap();
    let late = ada.request(&address("bob@home"), Command::get("slow"), Duration::from_millis(200));
    assert!(matches!(late, Err(Error::Timeout(_))), "{late:?}");
    let mut many = ada
        .request_many(&address("bob@home").into(), Command::get("slow"), Duration::from_millis(200))
        .unwrap();
    assert!(many.by_ref().all(|(_, answer)| answer.is_err()));
    assert!(many.summary().is_some());
    drop(end);
    assert!(ada.request(&address("bob@home"), Command::get("slow"), PATIENCE).is_ok());
}

#[test]
fn a_dial_that_cannot_succeed_says_why() {
    let (hub, at) = hub("127.0.0.1:0");
    let peer = Peer::start(options(2)).unwrap();
    let once = |target: &str| Dial { target: target.into(), redial: false, ..dial(&hub, &at, "ada") };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for target in [
        &*free.to_string(),
        "unix:/nowhere/hub",
        "memory:nobody",
        "no.such.host.invalid:1",
        "not an endpoint",
    ] {
        let failed = peer.connect(once(target), PATIENCE);
        assert!(
            matches!(&failed, Err(Error::Unreachable(why)) if why.reason() == Reason::UNREACHABLE),
            "{target}: {failed:?}"
        );
    }
    // Another key than the hub's.
    let wrong = Dial { pin: Some(peer.peer_id()), ..once(&at.to_string()) };
    let failed = peer.connect(wrong, PATIENCE);
    assert!(matches!(&failed, Err(Error::Refused(why)) if why.reason() == Reason::WRONG_KEY), "{failed:?}");
    // Nobody answers, and it would be tried again and again.
    let again = Dial { redial: true, ..once(&free.to_string()) };
    let late = peer.connect(again, Duration::from_millis(300));
    assert!(matches!(late, Err(Error::Timeout(Some(_)))), "{late:?}");
    wait_until("the dial is given up", || peer.links() == 0);
    assert!(peer.connect(dial(&hub, &at, "ada"), PATIENCE).is_ok());
}

#[test]
fn a_silent_listener_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(2);
    options.config.limits.handshake_time = Duration::from_millis(300);
    let peer = Peer::start(options).unwrap();
    let (hub, at) = hub("memory:unused");
    let target = silent.local_addr().unwrap().to_string();
    let failed = peer.connect(Dial { target, redial: false, ..dial(&hub, &at, "ada") }, PATIENCE);
    assert!(
        matches!(&failed, Err(Error::Unreachable(why)) if why.reason() == Reason::HANDSHAKE_TIMEOUT),
        "{failed:?}"
    );
}

#[test]
fn listening_twice_on_one_address_fails_and_the_first_goes_on() {
    let (hub, at) = hub("127.0.0.1:0");
    assert!(matches!(hub.listen(&at), Err(Error::Io(_))));
    let memory: Endpoint = "memory:twice".parse().unwrap();
    hub.listen(&memory).unwrap();
    assert!(matches!(hub.listen(&memory), Err(Error::Io(_))));
    join(&hub, &at, "ada", 2);
    join(&hub, &memory, "bob", 3);
}

#[cfg(unix)]
#[test]
fn a_dead_socket_file_is_replaced_and_a_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (hub, at) = hub(&format!("unix:{}", path.display()));
    assert!(hub.listen(&at).is_err(), "somebody listens there");
    join(&hub, &at, "ada", 2);
    let file = folder.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    assert!(hub.listen(&Endpoint::Unix(file.clone())).is_err());
    assert_eq!(std::fs::read(file).unwrap(), b"precious");
}

#[test]
fn the_last_handle_says_goodbye() {
    let (hub, at) = hub("127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    drop(ada);
    let why = wait_event(&hub, "ada leaves", |event| match event {
        Event::LinkDown { why, .. } => Some(why),
        _ => None,
    });
    assert_eq!(why.reason(), Reason::FINISHED);
}

#[test]
fn closing_ends_what_waits() {
    let (hub, at) = hub("memory:closing");
    let (ada, joined) = join(&hub, &at, "ada", 2);
    std::thread::scope(|scope| {
        let events = ada.events();
        let waiter = scope.spawn(|| events.collect::<Vec<_>>());
        ada.hang_up(joined.uplink).unwrap();
        ada.close(PATIENCE).unwrap();
        assert_eq!(waiter.join().unwrap().last(), Some(&Event::Stopped));
    });
    assert!(matches!(ada.connect(dial(&hub, &at, "ada"), PATIENCE), Err(Error::Closed)));
    assert!(matches!(ada.listen(&"memory:x".parse().unwrap()), Err(Error::Closed)));
    ada.close(PATIENCE).unwrap();
    ada.abort();
}
