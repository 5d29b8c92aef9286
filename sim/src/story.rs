//! What happened, for people.

use std::collections::VecDeque;
use std::fmt;

use homing_core::{Event, Instant, Pattern, Stage};

use crate::fact::{Fact, What};
use crate::plan::{Fault, Plan};
use crate::run::Outcome;

/// A story is kept up to so many facts; of longer ones the beginning is forgotten.
const MOST: usize = 50_000;

/// The facts of a run that people want to see: without the moments in which bytes were moved.
#[derive(Clone, Default, Debug)]
pub struct Story {
    facts: VecDeque<Fact>,
}

impl Story {
    pub(crate) fn new() -> Story {
        Story::default()
    }

    pub(crate) fn add(&mut self, fact: &Fact) {
        if matches!(fact.what, What::Heard { .. } | What::Rested { .. } | What::Woken) {
            return;
        }
        if self.facts.len() == MOST {
            self.facts.pop_front();
        }
        self.facts.push_back(fact.clone());
    }

    /// The facts, in order.
    pub fn facts(&self) -> impl DoubleEndedIterator<Item = &Fact> + ExactSizeIterator {
        self.facts.iter()
    }

    /// When the run began, in the world's time: what a plan's times count from. `outcome` and `plan` are the run's.
    pub fn begin(&self, outcome: &Outcome, plan: &Plan) -> Instant {
        // The beginning may be forgotten; when everything was healed is known, and so is how old a world was that
        // ended with a violation.
        let mut facts = self.facts.iter();
        let healed = facts.find(|fact| matches!(fact.what, What::Healed)).map(|fact| (fact.at, plan.heal));
        let age = u64::try_from(outcome.age.as_micros()).unwrap_or(u64::MAX);
        let ended = outcome.violation.as_ref().map(|violation| (violation.at, age));
        match healed.or(ended) {
            Some((at, after)) => Instant::from_micros(at.as_micros().saturating_sub(after)),
            None => self.facts.front().map_or(Instant::ZERO, |fact| fact.at),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Started { before: 0, .. } => f.write_str("starts"),
            What::Started { kept: true, .. } => f.write_str("starts again, with what it had stored"),
            What::Started { kept: false, .. } => f.write_str("starts again, and remembers nothing"),
            What::Unrestored { error } => write!(f, "cannot read an entry of its journal: {error}"),
            What::Crashed => f.write_str("crashes"),
            What::Left { .. } => f.write_str("leaves a network"),
            What::ShutDown => f.write_str("is asked to end"),
            What::Sent { id, to, message } => {
                let size = message.body.len();
                write!(f, "sends {} to {to}, {size} bytes, receipts: {:?}", short(id), message.receipts)
            }
            What::Refused { command, error } => write!(f, "cannot {command}: {error}"),
            What::Called { call, to, command, patience } => {
                write!(f, "calls {} of {} ({}), for {patience:?}", command.path, pattern(to), short(&call.0))
            }
            What::Cancelled { call } => write!(f, "gives up call {}", short(&call.0)),
            What::Dealt { id, refused: None, .. } => write!(f, "has dealt with {}", short(id)),
            What::Dealt { id, refused: Some(why), .. } => write!(f, "refuses {}: {why}", short(id)),
            What::Answered { ok, .. } => write!(f, "answers{}", if *ok { "" } else { " with a failure" }),
            What::Told(event) => told(f, event),
            What::Opened { link, other } => write!(f, "has a stream, {link}, to machine {}", other.0),
            What::Heard { link, bytes } => write!(f, "hears {bytes} bytes on {link}"),
            What::Closed { link, unread: 0 } => write!(f, "closes {link}"),
            What::Closed { link, unread } => write!(f, "closes {link}, with {unread} bytes unread"),
            What::Gone { link } => write!(f, "is told that {link} is gone"),
            What::Woken => f.write_str("wakes up"),
            What::Rested { memory, .. } => write!(f, "rests, and holds {memory} bytes"),
            What::Struck(fault) => write!(f, "{fault}"),
            What::Healed => f.write_str("everything is healed"),
            What::Noted { word, number } => write!(f, "{word} {number}"),
        }
    }
}

fn told(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    match event {
        Event::Up { address, .. } => write!(f, "is {address} now"),
        Event::Down { network, why, retry: Some(_), .. } => {
            write!(f, "is not in {network}: {why}; will retry")
        }
        Event::Down { network, why, retry: None, .. } => write!(f, "is not in {network} any more: {why}"),
        Event::PeerUp { peer } => write!(f, "sees {} come", peer.address),
        Event::PeerDown { peer } => write!(f, "sees {} leave", peer.address),
        Event::LinkUp { link, address, .. } => write!(f, "admits {address} on {link}"),
        Event::LinkDown { link, address: Some(address), why } => {
            write!(f, "loses {address} on {link}: {why}")
        }
        Event::LinkDown { link, address: None, why } => write!(f, "loses {link}: {why}"),
        Event::Message(message) => {
            write!(f, "gets {} from {}, {} bytes", short(&message.id), message.from, message.body.len())
        }
        Event::Request(request) => write!(f, "is asked for {} by {}", request.path, request.from),
        Event::RequestEnded { .. } => f.write_str("need not answer a request any more"),
        Event::Receipt { id, from, stage } => {
            write!(f, "hears of {}: {}", short(id), stage.name())?;
            if let Stage::Failed(failure) = stage {
                write!(f, " ({failure})")?;
            }
            match from {
                Some(from) => write!(f, ", from {from}"),
                None => Ok(()),
            }
        }
        Event::Answer { call, from, response: Ok(_) } => {
            write!(f, "has {from}'s answer to {}", short(&call.0))
        }
        Event::Answer { call, from, response: Err(why) } => {
            write!(f, "has no answer of {from} to {}: {why}", short(&call.0))
        }
        Event::CallEnded { call, outcome, answered, asked } => {
            write!(f, "call {} has ended ({outcome:?}): {answered} of {asked}", short(&call.0))
        }
        Event::Stopped => f.write_str("has stopped"),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let for_so_long = |micros: u64| std::time::Duration::from_micros(micros);
        match self {
            Fault::Cut { which } => write!(f, "FAULT: stream {which} is cut"),
            Fault::HalfOpen { which } => write!(f, "FAULT: stream {which} is dead, and nobody is told"),
            Fault::Partition { side, one_way, lasts } => {
                let way = if *one_way { "what they say" } else { "all" };
                write!(
                    f,
                    "FAULT: {way} between machines {side:b} and the rest is blocked for {:?}",
                    for_so_long(*lasts)
                )
            }
            Fault::Crash { lasts, .. } => write!(f, "FAULT: it crashes, for {:?}", for_so_long(*lasts)),
            Fault::Pause { lasts } => write!(f, "FAULT: it stands still for {:?}", for_so_long(*lasts)),
            Fault::Deaf { lasts } => {
                write!(f, "FAULT: its application takes nothing for {:?}", for_so_long(*lasts))
            }
            Fault::Drift { per_million, lasts } => {
                write!(
                    f,
                    "FAULT: its clock drifts by {per_million} in a million for {:?}",
                    for_so_long(*lasts)
                )
            }
            Fault::Jump { by } => write!(f, "FAULT: its clock jumps by {by} µs"),
            Fault::DiskFull { lasts } => write!(f, "FAULT: its disk is full for {:?}", for_so_long(*lasts)),
            Fault::DiskSlow { each } => write!(f, "FAULT: its disk takes {:?} an entry", for_so_long(*each)),
        }
    }
}

/// The beginning of an id, which is random: enough to tell the few of one run apart.
pub(crate) fn short(id: &homing_core::MessageId) -> String {
    id.0.iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

fn pattern(to: &Pattern) -> String {
    match to {
        Pattern::One(one) => one.to_string(),
        Pattern::Many(many) => many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Pattern::All(network) => format!("*@{network}"),
    }
}
