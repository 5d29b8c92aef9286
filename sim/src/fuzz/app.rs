//! What an application asks of its node, and how it is refused.

use std::time::Duration;

use homing_core::{
    Address, Command, Dial, Failure, Instance, Message, Method, Pattern, Priority, Reason, Receipts,
    Response, Route, SendError,
};

use super::attack::ADDRESSES;
use super::bytes::Bytes;
use super::host::{FEW, Host, keep};

const PATHS: &[&str] = &["/served", "/echo", "/ping", "/peers", "/why", "/nothing", "", "/a/b/c", "/\u{7}"];

/// One command. What is refused leaves no trace in what the node holds and wants.
pub(super) fn command(host: &mut Host, bytes: &mut Bytes<'_>) {
    let before = (host.node.memory(), host.node.next_deadline());
    if let Err(error) = ask(host, bytes) {
        assert!(!error.to_string().is_empty());
        assert_eq!(
            (host.node.memory(), host.node.next_deadline()),
            before,
            "{error:?} has changed something"
        );
    }
    host.drain();
}

fn ask(host: &mut Host, bytes: &mut Bytes<'_>) -> Result<(), SendError> {
    let now = host.now;
    match bytes.u8() % 10 {
        0 | 1 => {
            let Some(to) = address(bytes) else { return Ok(()) };
            host.node.send(now, &to, message(bytes)).map(drop)
        }
        2 | 3 => {
            let to = match bytes.u8() {
                255 => Pattern::Many(Vec::new()),
                n @ 240..255 => Pattern::Many((0..n - 239).filter_map(|_| address(bytes)).collect()),
                n @ 230..240 => match address(bytes) {
                    Some(address) if n < 235 => Pattern::One(address),
                    _ => return Ok(()),
                },
                _ => match address(bytes) {
                    Some(address) => address.into(),
                    None => return Ok(()),
                },
            };
            let method = bytes.pick(&[Method::Get, Method::Observe, Method::Set, Method::Merge]);
            let body = vec![b'y'; usize::from(bytes.u8()) * 40];
            let command = Command { method, ..Command::get(bytes.pick(PATHS)).with_body("text/plain", body) };
            let call = host.node.request(now, &to, command, patience(bytes))?;
            keep(&mut host.calls, call);
            Ok(())
        }
        4 => match host.calls.front().copied() {
            Some(call) => host.node.cancel(now, call),
            None => Ok(()),
        },
        5 => {
            let Some(request) = host.requests.front().copied() else { return Ok(()) };
            let response = match bytes.u8() {
                0 => Err(Failure::from(Reason::from_code(bytes.u16()))),
                n => Ok(Response::new("text/plain", vec![b'z'; usize::from(n) * 40])),
            };
            host.node.respond(now, request, response)?;
            host.requests.pop_front();
            Ok(())
        }
        6 => {
            let Some(message) = host.messages.pop_front() else { return Ok(()) };
            match bytes.u8() & 1 {
                0 => host.node.consume(now, &message),
                _ => host.node.refuse(now, &message, Reason::REFUSED.into()),
            }
        }
        7 => {
            let path = bytes.pick(PATHS);
            if bytes.one_in(4) {
                host.node.unserve(path);
                return Ok(());
            }
            host.node.serve(path, "described")
        }
        8 => {
            look(host, bytes);
            Ok(())
        }
        _ => {
            if bytes.one_in(3) {
                return match host.leavable() {
                    Some(uplink) => host.node.hang_up(now, uplink),
                    None => Ok(()),
                };
            }
            // Who is honest is the only hub of its network.
            let others: &[&str] = if host.stays.is_some() { &["home", "other"] } else { &["home", "work"] };
            let network = bytes.pick(others);
            let instance: Option<Instance> = (!bytes.one_in(4)).then(|| "x".parse().unwrap());
            let name = (!bytes.one_in(4)).then(|| "ada".parse().unwrap());
            let uplink = host.node.dial(now, dial(network, name, instance, !bytes.one_in(4)))?;
            host.uplinks.insert(uplink);
            Ok(())
        }
    }
}

/// Dials a network at an address of the same name.
pub(super) fn dial(
    network: &str,
    name: Option<homing_core::Name>,
    instance: Option<Instance>,
    redial: bool,
) -> Dial {
    let target = network.into();
    Dial { target, network: network.parse().unwrap(), pin: None, name, instance, priority: 0, redial }
}

fn address(bytes: &mut Bytes<'_>) -> Option<Address> {
    bytes.pick(ADDRESSES).parse().ok()
}

fn patience(bytes: &mut Bytes<'_>) -> Duration {
    let millis = [60_000, 0, 1, 20_000, 1_000_000, u64::MAX];
    Duration::from_millis(bytes.pick(&millis))
}

fn message(bytes: &mut Bytes<'_>) -> Message {
    let receipts = [Receipts::Failure, Receipts::Route, Receipts::Received, Receipts::Consumed];
    let mut message = Message::new("text/plain", vec![b'm'; usize::from(bytes.u8()) * 70]);
    message.receipts = bytes.pick(&receipts);
    message.priority = bytes.pick(&[Priority::Normal, Priority::Urgent, Priority::Bulk]);
    message.patience = patience(bytes);
    if bytes.one_in(8) {
        message.metadata.insert("k".into(), "v".repeat(usize::from(bytes.u8()) * 8));
    }
    message
}

/// To look changes nothing, and what is seen agrees with itself.
fn look(host: &Host, bytes: &mut Bytes<'_>) {
    let networks = host.node.networks();
    for info in &networks {
        let peers = host.node.peers(info.network.as_str()).expect("a network without its peers");
        assert!(peers.len() <= 20_000);
        assert!(peers.iter().all(|peer| peer.address.network() == info.network.as_str()));
        assert!(peers.iter().all(|peer| !peer.address.is_everyone()));
        // A node may serve a network and be in another one of the same name.
        assert!(info.serving || host.node.hub_key(info.network.as_str()).is_some());
    }
    let text = bytes.pick(ADDRESSES);
    if let Ok(address) = host.node.resolve(text) {
        let why = host.node.why(&address);
        assert!(!why.to_string().is_empty() && why.to == address);
        let known = networks.iter().any(|info| info.network.as_str() == address.network());
        assert!(known || matches!(why.route, Route::Nowhere(_)), "{why}");
    }
    assert!(host.messages.len() <= FEW);
}
