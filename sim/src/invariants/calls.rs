//! Calls end once, in time, and every answer is of somebody who was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use homing_core::{Address, CallId, CallOutcome, Event, Instant, Pattern};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Each call ends once, no later than its patience on its own machine's clock, with no more answers than were asked
/// for, and is complete only with as many; nobody answers twice, and nothing is heard of it afterwards.
#[derive(Default)]
pub struct Calls {
    open: BTreeMap<CallId, Call>,
    ended: BTreeSet<CallId>,
}

struct Call {
    host: HostId,
    to: Pattern,
    until: Instant,
    answers: Vec<Address>,
    cancelled: bool,
}

/// What a machine that is woken late, or whose clock stands, may be late by.
const SLACK: Duration = Duration::from_millis(1);

impl Call {
    fn expects(&self, from: &Address) -> bool {
        let fits = |to: &Address| {
            to.name() == from.name()
                && to.network() == from.network()
                && (to.instance().is_none() || from.instance().is_none() || to.instance() == from.instance())
        };
        match &self.to {
            Pattern::One(one) => fits(one),
            Pattern::Many(many) => many.iter().any(fits),
            Pattern::All(network) => from.network() == network.as_str(),
        }
    }
}

impl Invariant for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Called { call, to, patience, .. } => {
                let until = fact.local + *patience;
                let new =
                    Call { host: fact.host, to: to.clone(), until, answers: Vec::new(), cancelled: false };
                self.open.insert(*call, new);
            }
            What::Cancelled { call } => {
                if let Some(call) = self.open.get_mut(call) {
                    call.cancelled = true;
                }
            }
            What::Told(Event::Answer { call, from, .. }) => {
                if self.ended.contains(call) {
                    return Err(format!("an answer of {from} to a call that has ended"));
                }
                let Some(call) = self.open.get_mut(call) else {
                    return Err(format!("an answer of {from} to a call that was never made"));
                };
                if call.host != fact.host {
                    return Err(format!("an answer of {from} to another's call"));
                }
                if !call.expects(from) {
                    return Err(format!("an answer of {from}, who was not asked"));
                }
                let asked_twice = matches!(&call.to, Pattern::Many(many) if
                    many.iter().filter(|to| to.bare_str() == from.bare_str()).count() > 1);
                if call.answers.contains(from) && !asked_twice {
                    return Err(format!("{from} has answered twice"));
                }
                call.answers.push(from.clone());
            }
            What::Told(Event::CallEnded { call, answered, asked, outcome }) => {
                if !self.ended.insert(*call) {
                    return Err("a call has ended twice".into());
                }
                let Some(call) = self.open.remove(call) else {
                    return Err("a call has ended that was never made".into());
                };
                if *answered as usize != call.answers.len() {
                    return Err(format!("{answered} are said to have answered, and {:?} have", call.answers));
                }
                if answered > asked {
                    return Err(format!("{answered} have answered of {asked} who were asked"));
                }
                if *outcome == CallOutcome::Complete && answered < asked {
                    return Err(format!("a call is complete with {answered} answers of {asked}"));
                }
                if *outcome == CallOutcome::TimedOut && fact.local < call.until {
                    return Err("a call has timed out before its time".into());
                }
                if *outcome == CallOutcome::Cancelled && !call.cancelled {
                    return Err("a call is said to be given up, and nobody has".into());
                }
                let expected = match &call.to {
                    Pattern::One(_) => Some(1),
                    Pattern::Many(many) => Some(many.len()),
                    Pattern::All(_) => None,
                };
                if expected.is_some_and(|expected| expected != *asked as usize) {
                    return Err(format!("{asked} are said to have been asked, and {expected:?} were"));
                }
            }
            What::Rested { .. } if scene.is_well(fact.host) => {
                let late = |call: &Call| call.host == fact.host && fact.local > call.until + SLACK;
                if self.open.values().any(late) {
                    return Err("a call has not ended in time".into());
                }
            }
            What::Crashed | What::Started { .. } => self.open.retain(|_, call| call.host != fact.host),
            _ => {}
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        match self.open.values().next() {
            Some(call) => Err(format!("a call of {} never ended", scene.identity(call.host).name)),
            None => Ok(()),
        }
    }
}
