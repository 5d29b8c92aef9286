//! Requests to an application are answered or taken back, once.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_core::{Event, Instant, RequestId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};

/// Each request that an application is given ends once: it answers, or is told that nobody waits any more, no later
/// than the caller's patience after it was told of it.
#[derive(Default)]
pub struct Requests {
    open: BTreeMap<(HostId, RequestId), Instant>,
    last: BTreeMap<HostId, RequestId>,
}

const SLACK: Duration = Duration::from_millis(1);

impl Invariant for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        match &fact.what {
            What::Told(Event::Request(request)) => {
                if self.last.get(&fact.host).is_some_and(|last| *last >= request.request) {
                    return Err("a request has a number that was used before".into());
                }
                self.last.insert(fact.host, request.request);
                self.open.insert((fact.host, request.request), fact.local + request.patience);
            }
            What::Told(Event::RequestEnded { request }) | What::Answered { request, .. } => {
                let open = self.open.remove(&(fact.host, *request));
                return open.map(|_| ()).ok_or_else(|| "a request ended that was not open".into());
            }
            What::Rested { .. } if scene.is_well(fact.host) => {
                let mine = (fact.host, fact.local);
                if self
                    .open
                    .iter()
                    .any(|((host, _), until)| (*host, *until + SLACK) < mine && *host == mine.0)
                {
                    return Err("a request is still open that nobody can wait for".into());
                }
            }
            What::Crashed | What::Started { .. } => {
                self.open.retain(|(host, _), _| *host != fact.host);
                self.last.remove(&fact.host);
            }
            _ => {}
        }
        Ok(())
    }

    fn drained(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        match self.open.keys().next() {
            Some((host, _)) => Err(format!("{} still has a request open", scene.identity(*host).name)),
            None => Ok(()),
        }
    }
}
