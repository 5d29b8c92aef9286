//! Receipts say what was asked for, in their order, once, and the truth.

use std::collections::{BTreeMap, BTreeSet};

use homing_core::{Address, Event, MessageId, Reason, Receipts, Stage};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// A model of every message that was sent: which receipts may still come of it, and which would contradict what has
/// happened.
#[derive(Default)]
pub struct ReceiptsInOrder {
    sent: BTreeMap<MessageId, Sent>,
}

struct Sent {
    host: HostId,
    to: Address,
    wanted: Receipts,
    /// The rank of the last that was told; for one to everybody, by who said it.
    told: BTreeMap<Option<Address>, u8>,
    dispatched: Option<u32>,
    delivered: u32,
    dealt: BTreeSet<HostId>,
    refused: BTreeSet<HostId>,
    /// It was said that it was not and will not be delivered.
    never: bool,
}

fn rank(stage: &Stage) -> u8 {
    match stage {
        Stage::Accepted => 1,
        Stage::Dispatched { .. } => 2,
        Stage::Received => 3,
        Stage::Consumed => 4,
        Stage::Failed(_) => 5,
    }
}

fn last_rank(wanted: Receipts) -> u8 {
    match wanted {
        Receipts::Failure => 0,
        Receipts::Route => 2,
        Receipts::Received => 3,
        Receipts::Consumed => 4,
    }
}

/// Whether it says for certain that the message was not delivered.
fn means_never(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::QUEUE_FULL
            | Reason::EXPIRED
            | Reason::NOT_FOUND
            | Reason::NO_ROUTE
            | Reason::NOT_AVAILABLE
            | Reason::TOO_LARGE
            | Reason::HOPS
            | Reason::LOOP
            | Reason::FORGED_SENDER
            | Reason::UNSUPPORTED
    )
}

impl ReceiptsInOrder {
    fn receipt(
        &mut self,
        scene: &Scene<'_>,
        host: HostId,
        id: MessageId,
        from: Option<&Address>,
        stage: &Stage,
    ) -> Result<(), String> {
        let Some(sent) = self.sent.get_mut(&id) else {
            return Err(format!("{} of {id}, which was never sent", stage.name()));
        };
        if sent.host != host {
            return Err(format!("{} of {id}, which another has sent", stage.name()));
        }
        let (rank, last) = (rank(stage), last_rank(sent.wanted));
        if rank < 5 && rank > last {
            return Err(format!("{} of {id}, which nobody asked for", stage.name()));
        }
        let all = sent.to.is_everyone();
        // Each recipient of one to everybody has its own say.
        let whose = if all && rank > 2 { from.cloned() } else { None };
        let before = sent.told.entry(whose).or_default();
        if *before >= rank || (*before >= last && last > 0 && *before > 0 && !(all && rank <= 2)) {
            return Err(format!("{} of {id} after its last word", stage.name()));
        }
        *before = rank;
        match stage {
            Stage::Dispatched { count } => sent.dispatched = Some(*count),
            Stage::Consumed if !all && sent.dealt.is_empty() => {
                return Err(format!("{id} is said to be consumed, and nobody has dealt with it"));
            }
            Stage::Consumed => {
                if let Some(from) = from
                    && !scene.who(from).any(|who| sent.dealt.contains(&who))
                {
                    return Err(format!("{id} is said to be consumed by {from}, who has not dealt with it"));
                }
            }
            Stage::Failed(failure) if failure.reason == Reason::REFUSED && sent.refused.is_empty() => {
                return Err(format!("{id} is said to be refused, and nobody has"));
            }
            Stage::Failed(failure) if !all && means_never(failure.reason) => {
                sent.never = true;
                if sent.delivered > 0 {
                    return Err(format!("{id} was delivered, and has failed: {failure}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Invariant for ReceiptsInOrder {
    fn name(&self) -> &'static str {
        "receipts"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Sent { id, to, message } => {
                let sent = Sent {
                    host: fact.host,
                    to: to.clone(),
                    wanted: message.receipts,
                    told: BTreeMap::new(),
                    dispatched: None,
                    delivered: 0,
                    dealt: BTreeSet::new(),
                    refused: BTreeSet::new(),
                    never: false,
                };
                self.sent.insert(*id, sent);
            }
            What::Told(Event::Message(message)) => {
                let Some(sent) = self.sent.get_mut(&message.id) else { return Ok(()) };
                sent.delivered += 1;
                if sent.never {
                    return Err(format!("{} was delivered after it was said that it was not", message.id));
                }
                if sent.dispatched.is_some_and(|count| sent.delivered > count) {
                    return Err(format!("{} was delivered to more than it was dispatched to", message.id));
                }
            }
            What::Dealt { id, refused, .. } => {
                if let Some(sent) = self.sent.get_mut(id) {
                    let whose = if refused.is_some() { &mut sent.refused } else { &mut sent.dealt };
                    whose.insert(fact.host);
                }
            }
            What::Told(Event::Receipt { id, from, stage }) => {
                return self.receipt(scene, fact.host, *id, from.as_ref(), stage);
            }
            _ => {}
        }
        Ok(())
    }
}
