//! Nothing is delivered to anybody else, or twice.

use std::collections::{BTreeMap, BTreeSet};

use homing_core::{Event, MessageId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// A message reaches only whom it is for, each at most once; one that is not for everybody reaches one machine.
#[derive(Default)]
pub struct Recipient {
    senders: BTreeMap<MessageId, HostId>,
    delivered: BTreeSet<(MessageId, HostId)>,
}

impl Invariant for Recipient {
    fn name(&self) -> &'static str {
        "recipient"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Sent { id, .. } => {
                self.senders.insert(*id, fact.host);
            }
            What::Told(Event::Message(message)) => {
                let here = scene.identity(fact.host);
                let (id, to) = (message.id, &message.to);
                let for_all = to.is_everyone();
                let member = here.addresses.iter().any(|own| own.network() == to.network());
                if !(for_all && member || here.has(to)) {
                    return Err(format!("{id} is for {to}, and was delivered to {}", here.name));
                }
                if for_all && self.senders.get(&id) == Some(&fact.host) {
                    return Err(format!("{id} to everybody came back to who sent it"));
                }
                let elsewhere = self.delivered.range((id, 0)..=(id, HostId::MAX)).next().is_some();
                if elsewhere && !for_all {
                    return Err(format!("{id} was delivered twice"));
                }
                if !self.delivered.insert((id, fact.host)) {
                    return Err(format!("{id} was delivered to {} twice", here.name));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
