//! What one sends another in one priority arrives in the order in which it was sent.

use std::collections::BTreeMap;

use homing_core::{Event, MessageId, Priority};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Between two machines, in one network, messages are not overtaken by others that were sent after them and are no
/// more urgent (PROTOCOL.md, section 9).
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
                let network = message.to.network();
                let way = |priority| (*sender, fact.host, network.to_string(), priority);
                let last = (0..=*priority as u8).filter_map(|priority| self.last.get(&way(priority)));
                if last.max().is_some_and(|last| *last > *number) {
                    return Err(format!("{} was overtaken by one that was sent after it", message.id));
                }
                self.last.insert(way(*priority as u8), *number);
            }
            _ => {}
        }
        Ok(())
    }
}
