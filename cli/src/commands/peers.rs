//! `homing peers`: who is in the network now.

use homing_core::PeerInfo;

use crate::Context;
use crate::args::Peers;
use crate::exit::{End, Exit, Fault};
use crate::json::{Line, PeerChange};
use crate::out::Look;
use crate::session::{Session, wait_until};

/// Prints the roster, without the instance that this command itself is.
pub(crate) fn run(context: &Context, args: &Peers) -> Result<(), End> {
    let profile = context.home.profile()?;
    let session = Session::pass(context, &profile, &args.connect)?;
    let roster = || session.peer().peers(session.network.as_str()).unwrap_or_default();
    let complete = |peers: &[PeerInfo]| peers.iter().any(|peer| peer.address == session.address);
    let seen = wait_until(session.peer(), args.connect.connect_timeout, |_| complete(&roster()));
    context.interrupt.check()?;
    if !seen {
        let what = format!("{} did not say who is in {}", session.hub, session.network);
        return Err(Fault::new(Exit::Timeout, what, "try again").into());
    }
    let mut peers = roster();
    peers.retain(|peer| peer.address != session.address);
    peers.sort_by(|a, b| a.address.cmp(&b.address));
    let width = peers.iter().map(|peer| peer.address.as_str().len()).max().unwrap_or(0);
    for peer in &peers {
        let line = Line::peer(PeerChange::Here, peer, Some(&session.hub));
        context.out.data(&line, describe(context, &session, peer, width))?;
    }
    Ok(())
}

/// One peer for people.
fn describe(context: &Context, session: &Session, peer: &PeerInfo, width: usize) -> String {
    let role = match () {
        () if peer.address == session.hub => "  hub",
        () if peer.address.name() == session.address.name() => "  you",
        () if peer.priority < 0 => "  passing",
        () => "",
    };
    let address = format!("{:width$}", peer.address.as_str());
    let address = context.out.paint(Look::Name, address);
    format!("{address}  {}{role}", context.out.paint(Look::Dim, peer.key.fingerprint()))
}
