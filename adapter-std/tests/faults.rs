//! Broken, silent and hostile neighbours, and a system that has run out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;

use common::*;
use homing_std::{
    Command, Endpoint, Event, Heartbeat, Message, Pattern, Peer, Reason, Receipts, Response, SendError, Stage,
};

#[test]
fn a_peer_that_crashes_is_noticed() {
    for on in ["127.0.0.1:0", "memory:crash"] {
        let (hub, at) = hub(on);
        let (ada, _) = join(&hub, &at, "ada", 2);
        let (bob, _) = join(&hub, &at, "bob", 3);
        wait_until("ada knows bob", || ada.peers("home").is_some_and(|peers| peers.len() == 3));
        bob.abort();
        let why = wait_event(&hub, "the hub notices", |event| match event {
            Event::LinkDown { address: Some(address), why, .. } if address.name() == "bob" => Some(why),
            _ => None,
        });
        assert_eq!(why.reason(), Reason::GONE);
        wait_event(&ada, "ada is told", |event| match event {
            Event::PeerDown { peer } if peer.address.name() == "bob" => Some(()),
            _ => None,
        });
        // The same name, instance or not, comes back.
        let (bob, _) = join(&hub, &at, "bob", 3);
        ada.send_and_wait(&address("bob@home"), Message::text("again"), Receipts::Received, PATIENCE)
            .unwrap();
        bob.close(PATIENCE).unwrap();
    }
}

#[test]
fn a_hub_that_is_started_again_gets_its_peers_back() {
    let (first, at) = hub("127.0.0.1:0");
    let peers: Vec<_> = ["ada", "bob"]
        .into_iter()
        .zip(2..)
        .map(|(name, key)| {
            let mut options = options(key);
            options.config.limits.redial_first = Duration::from_millis(20);
            options.config.limits.redial_most = Duration::from_millis(200);
            join_with(options, &first, &at, name).0
        })
        .collect();
    for round in 0..2 {
        if round == 0 {
            first.abort()
        } else {
            first.close(PATIENCE).unwrap()
        }
        for peer in &peers {
            wait_until("the loss is noticed", || peer.networks().is_empty());
        }
        let (again, bound) = hub(&at.to_string());
        assert_eq!(bound, at);
        for peer in &peers {
            wait_until("they come back", || !peer.networks().is_empty());
        }
        let to = address("bob@home");
        wait_until("bob is there", || peers[0].peers("home").is_some_and(|peers| peers.len() == 3));
        peers[0].send_and_wait(&to, Message::text("back"), Receipts::Received, PATIENCE).unwrap();
        again.close(PATIENCE).unwrap();
    }
}

#[test]
fn what_a_hub_must_remember_is_in_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut options = hub_options();
        options.store = Box::new(homing_std::Journal::open(folder.path().join("journal")).unwrap());
        hub_with(options, "memory:journal")
    };
    let (first, at) = start();
    drop(join(&first, &at, "ada", 2));
    first.close(PATIENCE).unwrap();
    let (second, at) = start();
    // The name is bound to its key.
    let thief = Peer::start(options(9)).unwrap();
    let refused = thief.connect(dial(&second, &at, "ada"), PATIENCE);
    assert!(
        matches!(&refused, Err(homing_std::Error::Refused(why)) if why.reason() == Reason::NAME_TAKEN),
        "{refused:?}"
    );
    join(&second, &at, "ada", 2);
}

#[test]
fn a_store_that_fails_is_said_to_the_newcomer() {
    struct Full;
    impl homing_std::Store for Full {
        fn entries(&mut self) -> std::io::Result<Vec<Vec<u8>>> {
            Ok(Vec::new())
        }
        fn append(&mut self, _: &[u8]) -> std::io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }
    let mut options = hub_options();
    options.store = Box::new(Full);
    let (hub, at) = hub_with(options, "memory:full");
    let ada = Peer::start(common::options(2)).unwrap();
    let refused = ada.connect(homing_std::Dial { redial: false, ..dial(&hub, &at, "ada") }, PATIENCE);
    assert!(
        matches!(&refused, Err(homing_std::Error::Refused(why)) if why.reason() == Reason::STORAGE),
        "{refused:?}"
    );
}

fn raw(at: &Endpoint) -> TcpStream {
    let stream = TcpStream::connect(at.to_string()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until the other side has closed.
fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(e) => assert!(matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{e}"),
    }
    bytes
}

#[test]
fn silent_clients_hold_nobody_up_and_are_gone_when_their_time_is_over() {
    let mut options = hub_options();
    options.config.limits.handshake_time = Duration::from_secs(3);
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let silent: Vec<_> = (0..201).map(|_| raw(&at)).collect();
    // One says a little, one says that it will say no more, one never reads.
    let mut little = raw(&at);
    little.write_all(b"homi").unwrap();
    let half = raw(&at);
    half.shutdown(Shutdown::Write).unwrap();
    wait_until("they are let in", || hub.links() > 200);
    let (ada, _) = join(&hub, &at, "ada", 2);
    assert!(hub.links() > 200, "the login waited for the silent ones");
    assert!(ada.request(&address("hub@home"), Command::get("ping"), PATIENCE).is_ok());
    for stream in silent.iter().chain([&little, &half]) {
        read_to_end(stream);
    }
    wait_until("only ada is left", || hub.links() == 1);
    assert!(ada.request(&address("hub@home"), Command::get("ping"), PATIENCE).is_ok());
}

/// What a peer says to its hub while it joins, sends a message and leaves.
fn valid_session(hub: &Peer, at: &Endpoint) -> Vec<u8> {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let through = Endpoint::Tcp(proxy.local_addr().unwrap().to_string());
    let upstream = at.to_string();
    let recorded = std::thread::spawn(move || {
        let (mut near, _) = proxy.accept().unwrap();
        let mut far = TcpStream::connect(upstream).unwrap();
        let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        let back = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = near.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..n]);
            far.write_all(&buffer[..n]).unwrap();
        }
        let _ = far.shutdown(Shutdown::Write);
        back.join().unwrap();
        bytes
    });
    let (eve, _) = join(hub, &through, "eve", 4);
    eve.send_and_wait(&address("hub@home"), Message::text("hello"), Receipts::Received, PATIENCE).unwrap();
    eve.close(PATIENCE).unwrap();
    recorded.join().unwrap()
}

#[test]
fn garbage_disturbs_nobody() {
    let mut options = hub_options();
    options.config.limits.handshake_time = Duration::from_secs(2);
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let (ada, _) = join(&hub, &at, "ada", 2);
    let (bob, _) = join(&hub, &at, "bob", 3);
    let valid = valid_session(&hub, &at);
    assert!(valid.starts_with(b"homing"));

    let mut seed = 7u64;
    let mut random = |n: usize| -> Vec<u8> {
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                seed.to_be_bytes()[0]
            })
            .collect()
    };
    let mut garbage = vec![
        b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        vec![0; 70_000],
        vec![0xff; 70_000],
        [&valid[..8], &[0xff; 5_000]].concat(),
        valid.clone(),
    ];
    for n in 0..40 {
        garbage.push(random(n * n));
        garbage.push([&valid[..8], &random(n * 20)].concat());
        // One bit is another.
        let mut flipped = valid.clone();
        let at = n * valid.len() / 40;
        flipped[at] ^= 1 << (n % 8);
        garbage.push(flipped);
    }
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Two that behave talk all the while.
        let talk = scope.spawn(|| {
            let mut rounds = 0u32;
            while !done.load(SeqCst) {
                let echo = Command::get("echo").with_body("text/plain", "x");
                assert!(ada.request(&address("bob@home"), echo, PATIENCE).is_ok());
                rounds += 1;
            }
            rounds
        });
        let end = Done(&done);
        for bytes in &garbage {
            let mut stream = raw(&at);
            // It may be closed while it is still written to.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(Shutdown::Write);
            read_to_end(&stream);
        }
        for cut in 0..valid.len() {
            let mut stream = raw(&at);
            let _ = stream.write_all(&valid[..cut]);
        }
        drop(end);
        assert!(talk.join().unwrap() > 0);
    });
    wait_until("the garbage is gone", || hub.links() == 2);
    let lost = hub.events();
    while let Some(event) = lost.try_next() {
        if let Event::LinkDown { address: Some(address), .. } = event {
            assert_eq!(address.name(), "eve");
        }
    }
    ada.send_and_wait(&address("bob@home"), Message::text("well"), Receipts::Received, PATIENCE).unwrap();
    assert!(bob.events().any(|event| matches!(event, Event::Message(m) if m.body == "well")));
}

#[test]
fn a_peer_that_never_reads_holds_nobody_up() {
    // Its link is a proxy that stops carrying what the hub says.
    let mut options = hub_options();
    options.config.limits.queue_time = Duration::from_secs(1);
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let mut options = common::options(2);
    options.config.limits.queue_time = Duration::from_secs(1);
    let (ada, _) = join_with(options, &hub, &at, "ada");
    let (bob, _) = join(&hub, &at, "bob", 3);
    let (cat, _) = join(&hub, &at, "cat", 5);
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let through = Endpoint::Tcp(proxy.local_addr().unwrap().to_string());
    let upstream = at.to_string();
    let (stop, stopped) = channel::<()>();
    let carrier = std::thread::spawn(move || {
        let (near, _) = proxy.accept().unwrap();
        let far = TcpStream::connect(upstream).unwrap();
        let (mut from, mut to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let forth = std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
        let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        from.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buffer = [0; 4096];
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => to.write_all(&buffer[..n]).unwrap(),
                Err(_) => {}
            }
        }
        (near, far, forth)
    });
    let (eve, _) = join(&hub, &through, "eve", 4);
    wait_until("ada knows eve", || ada.peers("home").is_some_and(|peers| peers.len() == 5));
    drop(stop);
    let (near, far, forth) = carrier.join().unwrap();
    // Much more than the system's buffers and the hub's queue for one link. Those who write to others
    // notice nothing; ada is told, once her messages have waited for as long as they may.
    let to_eve = address("eve@home");
    let mut failed = 0;
    for n in 0.. {
        match ada.try_send(&to_eve, Message::new("x/y", vec![0; 16_000])) {
            Ok(_) => {}
            Err(SendError::Full) => std::thread::sleep(Duration::from_millis(1)),
            Err(e) => panic!("{e}"),
        }
        while let Some(event) = ada.events().try_next() {
            failed += u32::from(matches!(event, Event::Receipt { stage: Stage::Failed(_), .. }));
        }
        if failed > 10 {
            break;
        }
        if n % 100 == 0 {
            let echo = Command::get("echo").with_body("text/plain", "x");
            assert!(bob.request(&address("hub@home"), echo.clone(), PATIENCE).is_ok());
            assert!(bob.request(&address("cat@home"), echo, PATIENCE).is_ok());
        }
        assert!(n < 1_000_000, "the hub holds everything");
    }
    assert!(hub.memory() < 32 * 1024 * 1024);
    eve.abort();
    drop((near, far));
    forth.join().unwrap();
    // And when eve is gone, all is as before.
    assert!(cat.request(&address("ada@home"), Command::get("ping"), PATIENCE).is_ok());
    ada.send_and_wait(&address("bob@home"), Message::text("x"), Receipts::Received, PATIENCE).unwrap();
}

#[test]
fn patience_without_end_is_no_fault() {
    let mut options = hub_options();
    options.config.limits.handshake_time = Duration::MAX;
    let (hub, at) = hub_with(options, "127.0.0.1:0");
    let mut options = common::options(2);
    options.config.limits.handshake_time = Duration::MAX;
    let ada = Peer::start(options).unwrap();
    ada.connect(dial(&hub, &at, "ada"), Duration::MAX).unwrap();
    let to = address("hub@home");
    ada.send_and_wait(&to, Message::text("x"), Receipts::Received, Duration::MAX).unwrap();
    ada.request(&to, Command::get("ping"), Duration::MAX).unwrap();
    assert!(ada.events().next_timeout(Duration::MAX).is_some());
    ada.close(Duration::MAX).unwrap();
}

/// Nothing is read from a link while the requests that came over it wait for the application. When they
/// are too late for anybody, it is read again, or its heartbeat would end it.
#[test]
fn a_link_whose_requests_were_too_late_is_read_again() {
    let (hub, at) = hub("127.0.0.1:0");
    let mut options = common::options(2);
    options.config.limits.deliveries = 2_000;
    options.config.heartbeat =
        Heartbeat { idle: Duration::from_millis(250), silence: Duration::from_secs(1) };
    options.queue = 1;
    let (ada, _) = join_with(options, &hub, &at, "ada");
    ada.serve("/slow", "is never reached", |_| Ok(Response::json("1"))).unwrap();
    // Ada's application takes nothing: this is all that its queue holds.
    let patience = Duration::from_secs(9);
    hub.send_and_wait(&address("ada@home"), Message::text("x"), Receipts::Received, patience).unwrap();
    let to: Pattern = address("ada@home").into();
    let slow = || Command::get("/slow").with_body("text/plain", vec![b'x'; 1_000]);
    let calls: Vec<_> =
        (0..12).map(|_| hub.request_many(&to, slow(), Duration::from_millis(300)).unwrap()).collect();
    for call in calls {
        for (_, answer) in call {
            assert!(answer.is_err());
        }
    }
    // The answer to this stands behind them.
    let pong = hub.request(&address("ada@home"), Command::get("ping"), PATIENCE);
    assert!(pong.is_ok(), "{pong:?}");
    while let Some(event) = hub.events().try_next() {
        assert!(!matches!(event, Event::LinkDown { .. }), "{event:?}");
    }
}
