//! `homing hub`: be the hub of a network.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use homing_core::{Address, CloseReason, DEFAULT_PORT, Event, Invite, PeerId, Reason, Serving};
use homing_std::{Endpoint, Journal, Options};

use crate::Context;
use crate::args::Hub;
use crate::commands::arrivals::Arrivals;
use crate::commands::record;
use crate::exit::{End, Fault};
use crate::json::{Line, LinkChange, Why};
use crate::out::Look;
use crate::session::Running;

/// Listens, prints the invite, and stays until Ctrl-C.
pub(crate) fn run(context: &Context, args: &Hub) -> Result<(), End> {
    let key = context.home.key_or_new()?;
    let id = key.peer_id();
    let address = Address::new(&args.name, &args.network, None);
    let path = context.home.journal_path();
    let journal = Journal::open(&path).map_err(|e| {
        let advice = match e.kind() {
            ErrorKind::WouldBlock => "one hub at a time: stop that one, or choose another --home DIR",
            ErrorKind::InvalidData => "restore it from a backup, or choose another --home DIR",
            _ => "make it usable for you, or choose another --home DIR",
        };
        Fault::usage(format!("cannot use the journal {}: {e}", path.display()), advice)
    })?;
    let mut options = Options::new(key);
    options.store = Box::new(journal);
    options.config.heartbeat = args.heartbeat.heartbeat();
    options.config.serving = Some(Serving {
        address: address.clone(),
        open: args.open,
        allow: args.allow.iter().copied().collect(),
    });
    let prepared = record::prepare(&args.record)?;
    options.record = prepared.most();
    let running = Running::start_with(context, options)?;
    let recording = prepared.of(&running.peer);
    let bound = running.peer.listen(&args.listen).map_err(|e| {
        let advice = "choose another with --listen HOST:PORT (port 0 takes a free one)";
        Fault::machine(format!("cannot listen on {}: {e}", args.listen), advice)
    })?;
    let target = advertised(args.advertise.as_deref(), &bound)?;
    let invite = invite(id, target, args)?;
    announce(context, args, &address, &bound, &invite)?;
    if args.until_eof {
        context.interrupt.trip_at_eof();
    }
    let mut arrivals = Arrivals::new(context, &running.peer);
    for event in running.peer.events() {
        match &event {
            Event::LinkUp { address, key, .. } => link_up(context, address, key)?,
            Event::LinkDown { address, why, .. } => link_down(context, address.as_ref(), why)?,
            // The hub's roster is its links.
            Event::PeerUp { .. } | Event::PeerDown { .. } => {}
            Event::Message(message) if args.quiet => arrivals.confirm(message)?,
            event => arrivals.take(event)?,
        }
    }
    recording.write()?;
    context.out.line(&Line::Stopped {})
}

/// What others need in order to join.
fn announce(
    context: &Context,
    args: &Hub,
    address: &Address,
    bound: &Endpoint,
    invite: &Invite,
) -> Result<(), End> {
    let out = &context.out;
    let line = Line::Hub {
        listening: bound.to_string(),
        address: address.to_string(),
        network: args.network.to_string(),
        key: invite.key.to_string(),
        fingerprint: invite.key.fingerprint(),
        invite: invite.to_string(),
        open: args.open,
        allowed: args.allow.len(),
    };
    let text = format!(
        "{address} listens on {bound}\nfingerprint  {}\ninvite       {}",
        invite.key.fingerprint(),
        out.paint(Look::Bold, invite),
    );
    out.data(&line, text)?;
    if args.open {
        out.note("open: whoever has the invite is let in; the first key to take a name keeps it");
    } else if args.allow.is_empty() {
        out.note(
            "nobody new is let in: start it with --allow KEY (homing keygen prints it on their machine), or --open",
        );
    } else {
        out.note(format!("{} keys are let in, and those that have a name already", args.allow.len()));
    }
    if invite.target.starts_with("127.") || invite.target.starts_with("[::1]") {
        out.note("the invite works on this machine only; for others: --listen 0.0.0.0 --advertise HOST");
    }
    out.note("others run: homing join INVITE --name NAME");
    Ok(())
}

fn link_up(context: &Context, address: &Address, key: &PeerId) -> Result<(), End> {
    let (change, name) = (LinkChange::Up, address.to_string());
    context.out.line(&Line::Link {
        change,
        address: Some(name),
        key: Some(key.to_string()),
        why: Why::default(),
    })?;
    if !context.out.is_json() {
        context.out.note(format!("{address} came, with the key {}", key.fingerprint()));
    }
    Ok(())
}

fn link_down(context: &Context, address: Option<&Address>, why: &CloseReason) -> Result<(), End> {
    let change = if address.is_some() { LinkChange::Down } else { LinkChange::Refused };
    context.out.line(&Line::Link {
        change,
        address: address.map(ToString::to_string),
        key: None,
        why: (&why.failure).into(),
    })?;
    if !context.out.is_json() {
        context.out.note(match address {
            Some(address) if why.reason() == Reason::FINISHED => format!("{address} left"),
            Some(address) => format!("{address} is gone: {why}"),
            None => format!("a stranger was not let in: {why}"),
        });
    }
    Ok(())
}

/// The invite; an error when `--advertise` makes none.
fn invite(key: PeerId, target: String, args: &Hub) -> Result<Invite, Fault> {
    let whole = Invite { key, target: target.clone(), network: args.network.clone() }.to_string();
    whole.parse().map_err(|e| {
        Fault::usage(
            format!("{target} cannot stand in an invite: {e}"),
            "write --advertise HOST or HOST:PORT",
        )
    })
}

/// What others should dial: what the user says, else where it listens, with a real host in the place
/// of "everywhere".
fn advertised(wish: Option<&str>, bound: &Endpoint) -> Result<String, Fault> {
    let Endpoint::Tcp(bound) = bound else {
        return wish.map(str::to_string).ok_or_else(|| {
            Fault::usage(
                format!("an invite cannot name {bound}"),
                "say what others should dial: --advertise HOST:PORT",
            )
        });
    };
    let socket = bound.parse::<SocketAddr>().ok();
    let port = socket.map_or(DEFAULT_PORT, |socket| socket.port());
    Ok(match (wish, socket) {
        (Some(wish), _) if has_port(wish) => wish.to_string(),
        (Some(wish), _) => format!("{wish}:{port}"),
        (None, Some(socket)) if socket.ip().is_unspecified() => {
            SocketAddr::new(likely_address(), port).to_string()
        }
        (None, _) => bound.clone(),
    })
}

/// Whether a port stands behind the host, which may be an IPv6 address in brackets.
fn has_port(target: &str) -> bool {
    target.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

/// This machine's address towards the rest of the world, as the routing table has it. Nothing is
/// sent: connecting a UDP socket only chooses the way.
fn likely_address() -> IpAddr {
    let towards = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let chosen = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(towards)?;
        socket.local_addr()
    });
    chosen.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_invite_says() {
        let tcp = |text: &str| text.parse::<Endpoint>().unwrap();
        let said = |wish, bound| advertised(wish, &tcp(bound)).unwrap();
        assert_eq!(said(None, "127.0.0.1:5000"), "127.0.0.1:5000");
        assert_eq!(said(Some("hub.example"), "0.0.0.0:5000"), "hub.example:5000");
        assert_eq!(said(Some("hub.example:1"), "0.0.0.0:5000"), "hub.example:1");
        assert_eq!(said(Some("[::1]"), "0.0.0.0:5000"), "[::1]:5000");
        let likely = said(None, "0.0.0.0:5000");
        assert!(likely.ends_with(":5000") && !likely.starts_with("0."), "{likely}");
    }
}
