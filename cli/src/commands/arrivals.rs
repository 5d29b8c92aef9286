//! What arrives at a program that stays, as data: `listen`, `chat` and `hub` print it alike.

use std::time::Duration;

use homing_core::{Address, CloseReason, Event, Network, PeerId, PeerInfo, Received};
use homing_std::Peer;

use crate::Context;
use crate::exit::{End, Fault, fault_of};
use crate::json::{Line, PeerChange};
use crate::out::Look;
use crate::text::{harmless, human, millis};

/// Follows one node's way in and out of its network.
pub(crate) struct Arrivals<'a> {
    context: &'a Context,
    peer: &'a Peer,
    /// Who this is there, and who let it in; as of the last time.
    seats: Option<(Address, Address)>,
}

impl<'a> Arrivals<'a> {
    /// Of `peer`.
    pub(crate) fn new(context: &'a Context, peer: &'a Peer) -> Arrivals<'a> {
        Arrivals { context, peer, seats: None }
    }

    /// Prints one event. Fails when the node will not come back into its network.
    pub(crate) fn take(&mut self, event: &Event) -> Result<(), End> {
        match event {
            Event::Up { address, hub, hub_key, .. } => self.up(address, hub, hub_key),
            Event::Down { network, why, retry, .. } => {
                let wait = retry.map(|at| at.saturating_since(self.peer.now()));
                self.down(network, why, wait)
            }
            Event::PeerUp { peer } => self.peer(PeerChange::Up, peer),
            Event::PeerDown { peer } => self.peer(PeerChange::Down, peer),
            Event::Message(message) => self.message(message),
            _ => Ok(()),
        }
    }

    fn up(&mut self, address: &Address, hub: &Address, hub_key: &PeerId) -> Result<(), End> {
        let first = self.seats.replace((address.clone(), hub.clone())).is_none();
        let network = || hub.network().to_string();
        if first {
            self.context.out.line(&Line::Ready {
                address: address.to_string(),
                network: network(),
                hub: hub.to_string(),
                hub_key: hub_key.to_string(),
            })?;
        }
        let line = Line::Up { address: address.to_string(), network: network(), hub: hub.to_string() };
        self.news(&line, || format!("in the network as {address}, by {hub}"))
    }

    fn down(&self, network: &Network, why: &CloseReason, wait: Option<Duration>) -> Result<(), End> {
        let line = Line::Down {
            network: network.to_string(),
            retry_in_ms: wait.map(millis),
            why: (&why.failure).into(),
        };
        match wait {
            Some(wait) => {
                self.news(&line, || format!("not in {network}: {why}; next try in {}", human(wait)))
            }
            None => {
                self.context.out.line(&line)?;
                // After Ctrl-C that is what was wished.
                if self.context.interrupt.hit() { Ok(()) } else { Err(Fault::closed(why).into()) }
            }
        }
    }

    /// Somebody came or left. Passing commands, and this program itself, are not worth a word to people.
    fn peer(&self, change: PeerChange, peer: &PeerInfo) -> Result<(), End> {
        let (own, hub) = self.seats.as_ref().map(|(own, hub)| (own, hub)).unzip();
        let line = Line::peer(change, peer, hub);
        let leaving = change == PeerChange::Down && self.context.interrupt.hit();
        if (peer.priority < 0 || leaving || own == Some(&peer.address)) && !self.context.out.is_json() {
            return Ok(());
        }
        self.news(&line, || match change {
            PeerChange::Down => format!("{} left", peer.address),
            _ => format!("{} is here", peer.address),
        })
    }

    /// Prints a message, and tells its sender that it was.
    fn message(&self, message: &Received) -> Result<(), End> {
        let out = &self.context.out;
        let body = match std::str::from_utf8(&message.body) {
            Ok(text) => harmless(text),
            Err(_) => format!("{} bytes of {}", message.body.len(), harmless(&message.content_type)),
        };
        let to = if message.to.is_everyone() { " (to all)" } else { "" };
        let text = format!("{}{}: {body}", out.paint(Look::Name, &message.from), out.paint(Look::Dim, to));
        out.data(&Line::message(message), text)?;
        self.confirm(message)
    }

    /// Tells a message's sender that it was dealt with.
    pub(crate) fn confirm(&self, message: &Received) -> Result<(), End> {
        match self.peer.consume(message) {
            // The link was lost meanwhile: the sender is told so by its own side.
            Ok(()) | Err(homing_std::Error::Send(_) | homing_std::Error::Closed) => Ok(()),
            Err(e) => Err(fault_of("confirm a message", &e).into()),
        }
    }

    /// Data where JSON is wanted; for people it is news, on stderr.
    fn news(&self, line: &Line, text: impl FnOnce() -> String) -> Result<(), End> {
        if self.context.out.is_json() {
            return self.context.out.line(line);
        }
        self.context.out.note(text());
        Ok(())
    }
}
