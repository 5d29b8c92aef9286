//! What the tests have in common.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use homing_std::{Dial, Endpoint, Event, Invite, Joined, Options, Peer, Received, Seed, Serving, StaticKey};

/// Long enough for the slowest machine; nothing here waits for it to be over.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn options(key: u8) -> Options {
    Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])))
}

pub fn hub_options() -> Options {
    let mut options = options(1);
    let address = "hub@home".parse().unwrap();
    options.config.serving = Some(Serving { address, open: true, allow: Default::default() });
    options
}

/// A hub that listens on `on`, and where it does.
pub fn hub(on: &str) -> (Peer, Endpoint) {
    hub_with(hub_options(), on)
}

pub fn hub_with(options: Options, on: &str) -> (Peer, Endpoint) {
    let hub = Peer::start(options).unwrap();
    let at = hub.listen(&on.parse().unwrap()).unwrap();
    (hub, at)
}

pub fn dial(hub: &Peer, at: &Endpoint, name: &str) -> Dial {
    let invite = Invite { key: hub.peer_id(), target: at.to_string(), network: "home".parse().unwrap() };
    Dial::invite(&invite, name.parse().unwrap())
}

/// A peer named `name` with the key `key`, in the hub's network.
pub fn join(hub: &Peer, at: &Endpoint, name: &str, key: u8) -> (Peer, Joined) {
    join_with(options(key), hub, at, name)
}

pub fn join_with(options: Options, hub: &Peer, at: &Endpoint, name: &str) -> (Peer, Joined) {
    let peer = Peer::start(options).unwrap();
    let joined = peer.connect(dial(hub, at, name), PATIENCE).unwrap();
    (peer, joined)
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Takes events until one fits.
#[track_caller]
pub fn wait_event<T>(peer: &Peer, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    let events = peer.events();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match events.next_timeout(left) {
            Some(event) => {
                if let Some(found) = pick(event) {
                    return found;
                }
            }
            None => panic!("waited in vain: {what}"),
        }
    }
}

#[track_caller]
pub fn wait_message(peer: &Peer) -> Received {
    wait_event(peer, "a message", |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    })
}

pub fn address(text: &str) -> homing_std::Address {
    text.parse().unwrap()
}
