//! What one sends another in one priority arrives in the order in which it was sent.

use std::collections::BTreeMap;

use homing_core::{Event, MessageId, Priority};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Between two machines, in one network and one priority, messages do not overtake each other (PROTOCOL.md,
/// section 9).
#[derive(Default)]
pub struct Order {
    sent: BTreeMap<MessageId, (HostId, u64, Priority)>,
    next: u64,
    last: BTreeMap<(HostId, HostId, String, u8), u64>,
}

impl Invariant for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn observe(&mut self, _: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Sent { id, message, .. } => {
                self.next += 1;
                self.sent.insert(*id, (fact.host, self.next, message.priority));
            }
            What::Told(Event::Message(message)) => {
                let Some((sender, number, priority)) = self.sent.get(&message.id) else { return Ok(()) };
                let way = (*sender, fact.host, message.to.network().to_string(), *priority as u8);
                let last = self.last.entry(way).or_default();
                if *last > *number {
                    return Err(format!("{} was overtaken by one that was sent after it", message.id));
                }
                *last = *number;
            }
            _ => {}
        }
        Ok(())
    }
}
