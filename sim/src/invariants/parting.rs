//! Who leaves has said what it had to say, and is gone soon.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use homing_core::{ClosedBy, Event, Instant, Reason, Stage, UplinkId};

use crate::fact::{Fact, HostId, What};
use crate::invariant::{Invariant, Scene};
use crate::plan::Fault;

/// A node that is asked to leave a network, or to end, has done so when its goodbyes have had their time. When the
/// other side has agreed to the end, nothing that was on its way is lost.
#[derive(Default)]
pub struct Parting {
    leaving: BTreeMap<(HostId, Option<UplinkId>), Instant>,
    /// Who was told in this turn that one of its streams is no more.
    broken: BTreeSet<HostId>,
    /// Who has parted from a hub in this turn, in peace or not.
    parted: BTreeMap<HostId, bool>,
}

/// A link that is leaving has one goodbye's time to be heard, and one to write its last.
const GOODBYES: u32 = 2;
const SLACK: Duration = Duration::from_millis(1);

impl Parting {
    fn put_off(&mut self, scene: &Scene<'_>, host: HostId, micros: u64) {
        let by = Duration::from_micros(micros) + scene.spec(host).config.limits.goodbye * GOODBYES;
        for ((who, _), until) in &mut self.leaving {
            if *who == host {
                *until = *until + by;
            }
        }
    }
}

impl Invariant for Parting {
    fn name(&self) -> &'static str {
        "parting"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        let host = fact.host;
        let until = || fact.local + scene.spec(host).config.limits.goodbye * GOODBYES + SLACK;
        match &fact.what {
            What::ShutDown => _ = self.leaving.entry((host, None)).or_insert_with(until),
            What::Left { uplink } => _ = self.leaving.entry((host, Some(*uplink))).or_insert_with(until),
            // Whoever sleeps, or whose clock jumps, begins what comes next late.
            What::Struck(Fault::Pause { lasts }) => self.put_off(scene, host, *lasts),
            What::Struck(Fault::Jump { by }) => self.put_off(scene, host, by.unsigned_abs()),
            What::Gone { .. } => _ = self.broken.insert(host),
            What::Told(Event::Stopped) => self.leaving.retain(|(who, _), _| *who != host),
            What::Told(Event::Down { uplink, why, retry, .. }) => {
                if retry.is_none() {
                    self.leaving.remove(&(host, Some(*uplink)));
                }
                let in_peace =
                    why.by == ClosedBy::Us && why.reason() == Reason::FINISHED && why.failure.text.is_empty();
                let others = self.parted.get(&host).is_none_or(|before| *before);
                self.parted.insert(host, in_peace && others && !self.broken.contains(&host));
            }
            What::Told(Event::Receipt { id, stage: Stage::Failed(failure), from: None })
                if failure.reason == Reason::LINK_LOST && self.parted.get(&host) == Some(&true) =>
            {
                return Err(format!("{id} was lost although the hub had agreed to the end"));
            }
            What::Crashed | What::Started { .. } => {
                self.leaving.retain(|(who, _), _| *who != host);
                self.broken.remove(&host);
                self.parted.remove(&host);
            }
            What::Rested { .. } => {
                self.broken.remove(&host);
                self.parted.remove(&host);
                let late = |((who, _), until): (&(HostId, Option<UplinkId>), &Instant)| {
                    *who == host && *until < fact.local
                };
                if scene.is_well(host) && self.leaving.iter().any(late) {
                    return Err("it was asked to leave, and has not".into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}
