//! What was accepted is delivered or comes back as failed: nothing is lost silently.

use std::collections::BTreeMap;

use homing_core::{Address, Event, Instant, MessageId, Receipts, Stage};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Every message whose receipts were asked for has its last word within its patience. One of which only failure
/// is told is delivered, or fails, unless somebody on its way crashed, or its sender could not be told.
#[derive(Default)]
pub struct Accounted {
    sent: BTreeMap<MessageId, Sent>,
    /// When each machine was last without something that it could have told or heard.
    disturbed: BTreeMap<HostId, Instant>,
}

struct Sent {
    host: HostId,
    at: Instant,
    to: Address,
    wanted: Receipts,
    ended: bool,
    received: bool,
    delivered: bool,
    recipient: Option<HostId>,
}

fn is_last(wanted: Receipts, stage: &Stage) -> bool {
    match stage {
        Stage::Failed(_) | Stage::Consumed => true,
        Stage::Received => wanted <= Receipts::Received,
        Stage::Dispatched { .. } => wanted <= Receipts::Route,
        Stage::Accepted => false,
    }
}

impl Accounted {
    fn undisturbed(&self, host: HostId, since: Instant) -> bool {
        self.disturbed.get(&host).is_none_or(|at| *at < since)
    }
}

impl Invariant for Accounted {
    fn name(&self) -> &'static str {
        "accounted"
    }

    fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Sent { id, to, message } => {
                let sent = Sent {
                    host: fact.host,
                    at: fact.at,
                    to: to.clone(),
                    wanted: message.receipts,
                    ended: false,
                    received: false,
                    delivered: false,
                    recipient: None,
                };
                self.sent.insert(*id, sent);
            }
            What::Told(Event::Message(message)) => {
                if let Some(sent) = self.sent.get_mut(&message.id) {
                    (sent.delivered, sent.recipient) = (true, Some(fact.host));
                }
            }
            What::Told(Event::Receipt { id, stage, .. }) => {
                if let Some(sent) = self.sent.get_mut(id) {
                    sent.received |= *stage == Stage::Received;
                    sent.ended |= is_last(sent.wanted, stage);
                }
            }
            What::Crashed | What::ShutDown | What::Started { .. } => {
                self.disturbed.insert(fact.host, fact.at);
                // Whoever is gone waits for nothing.
                if !matches!(fact.what, What::ShutDown) {
                    self.sent.retain(|_, sent| sent.host != fact.host);
                }
            }
            What::Told(Event::Down { .. } | Event::LinkDown { .. }) => {
                self.disturbed.insert(fact.host, fact.at);
            }
            _ => {}
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, sent) in &self.sent {
            let sender = &scene.identity(sent.host).name;
            if sent.wanted > Receipts::Failure && !sent.ended && !sent.to.is_everyone() {
                return Err(format!("{sender} never heard the last of {id} to {}", sent.to));
            }
            let calm = (0..scene.hosts()).all(|host| self.undisturbed(host, sent.at));
            if calm && !sent.delivered && !sent.ended && !sent.to.is_everyone() {
                return Err(format!("{id} of {sender} to {} is lost", sent.to));
            }
            if calm && sent.received && !sent.delivered {
                return Err(format!("{id} of {sender} was received, and not delivered"));
            }
        }
        Ok(())
    }
}
