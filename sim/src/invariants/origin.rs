//! Nothing is delivered that was not sent.

use std::collections::BTreeMap;

use homing_core::{Address, Event, Message, MessageId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Every message that is delivered was sent, by whom it says, and says what was sent, to the byte.
#[derive(Default)]
pub struct Origin {
    sent: BTreeMap<MessageId, (HostId, Address, Message)>,
}

impl Invariant for Origin {
    fn name(&self) -> &'static str {
        "origin"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Sent { id, to, message } => {
                let before = self.sent.insert(*id, (fact.host, to.clone(), message.clone()));
                if before.is_some() {
                    return Err(format!("the id {id} was given twice"));
                }
            }
            What::Told(Event::Message(received)) => {
                let Some((sender, to, message)) = self.sent.get(&received.id) else {
                    return Err(format!("{} was never sent", received.id));
                };
                if !scene.identity(*sender).addresses.contains(&received.from) {
                    return Err(format!("{} says that it is from {}", received.id, received.from));
                }
                let same = received.body == message.body
                    && received.content_type == message.content_type
                    && received.metadata == message.metadata
                    && received.receipts == message.receipts
                    && received.to == *to;
                if !same {
                    return Err(format!("{} is not what was sent", received.id));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
