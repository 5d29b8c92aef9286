//! A plan from choices.

use homing_core::Address;

use crate::chooser::Chooser;
use crate::conditions::Conditions;
use crate::plan::{Class, Deed, Fault, Plan, Step};

use super::Simulation;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

/// What the machines of a run mostly do. Some things go wrong only when much of one kind happens at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    /// Some of everything.
    Even,
    /// Two of them talk, in all sizes and at the same moments.
    Pair,
    /// They leave, and are shut down.
    Leaving,
    /// They call, mostly lists.
    Calls,
    /// They talk, and nobody leaves of its own will.
    Staying,
}

impl Mood {
    const ALL: [Mood; 7] =
        [Mood::Even, Mood::Even, Mood::Even, Mood::Pair, Mood::Leaving, Mood::Calls, Mood::Staying];
}

impl Simulation {
    pub(super) fn draw(&self, seed: u64, chooser: &mut Chooser) -> Plan {
        let shape = chooser.below(u64::MAX);
        let conditions = Conditions::draw(chooser);
        // Half of the faults are switched off for each seed: what finds more is a swarm, not a soup.
        let faults: Vec<Class> = self.classes.iter().copied().filter(|_| chooser.chance(500)).collect();
        let heal = u64::try_from(self.lasts.as_micros()).unwrap_or(u64::MAX);
        let machines = (self.machines)(shape);
        let mut addresses: Vec<Address> = Vec::new();
        for spec in machines.iter() {
            let own = spec.config.serving.as_ref().map(|serving| serving.address.clone());
            addresses.extend(own);
            for dial in &spec.dials {
                let name = dial.name.as_ref();
                addresses.extend(name.map(|name| Address::new(name, &dial.network, dial.instance.as_ref())));
            }
        }
        let mood = match self.mood {
            Some(mood) => mood,
            None => chooser.pick(&Mood::ALL).copied().unwrap_or(Mood::Even),
        };
        let pair = (chooser.index(machines.len()), chooser.index(addresses.len()));
        let hosts = machines.len();
        let mut from = Drawing { chooser, addresses: &addresses, hosts, heal, mood, pair };
        let count = from.chooser.between(self.steps.0, self.steps.1);
        let mut steps: Vec<Step> = (0..count).filter_map(|_| from.step(self, &faults)).collect();
        if mood == Mood::Leaving && self.chatter {
            steps.extend(from.all_leave());
        }
        steps.sort_by_key(|step| step.at);
        Plan { seed, weather: true, conditions, shape, faults, steps, heal }
    }
}

struct Drawing<'a> {
    chooser: &'a mut Chooser,
    addresses: &'a [Address],
    hosts: usize,
    heal: u64,
    mood: Mood,
    /// Who talks to whom when two of them do.
    pair: (usize, usize),
}

impl Drawing<'_> {
    fn step(&mut self, simulation: &Simulation, faults: &[Class]) -> Option<Step> {
        // In bursts: much happens at the same time, and then little.
        let at = match self.chooser.below(4) {
            0 => self.chooser.below(10) * (self.heal / 10),
            1 => self.chooser.below(10) * (self.heal / 10) + self.chooser.below(SECOND),
            _ => self.chooser.below(self.heal),
        };
        let mut host = self.chooser.index(self.hosts);
        let strike = !faults.is_empty() && self.chooser.chance(300);
        if self.mood == Mood::Pair && !strike && self.chooser.chance(800) {
            host = self.pair.0;
        }
        let deed = match self.chooser.pick(faults).copied() {
            Some(class) if strike => Deed::Fault(self.fault(class)),
            _ if simulation.chatter && (!simulation.pokes || self.chooser.chance(500)) => self.chatter(),
            _ if simulation.pokes => Deed::Poke(self.chooser.below(1 << 32)),
            _ => return None,
        };
        Some(Step { at: at.min(self.heal), host, deed })
    }

    fn address(&mut self) -> String {
        if self.mood == Mood::Pair
            && self.chooser.chance(800)
            && let Some(address) = self.addresses.get(self.pair.1)
        {
            return address.to_string();
        }
        let Some(address) = self.chooser.pick(self.addresses) else { return String::new() };
        match self.chooser.below(8) {
            0..=3 => address.to_string(),
            4 | 5 => address.bare_str().to_string(),
            6 => format!("*@{}", address.network()),
            _ => format!("nobody@{}", address.network()),
        }
    }

    fn chatter(&mut self) -> Deed {
        let size = self.chooser.pick(&[0, 40, 400, 4_000, 9_000, 14_000]).copied().unwrap_or(0);
        let patience = self.chooser.pick(&[20_000, 1_000, 100, 60_000]).copied().unwrap_or(0);
        let what = match self.mood {
            Mood::Even => self.chooser.below(20),
            Mood::Pair => self.chooser.below(14),
            Mood::Leaving if self.chooser.chance(400) => 18 + self.chooser.below(2),
            Mood::Calls if self.chooser.chance(700) => 13 + self.chooser.below(5),
            Mood::Leaving | Mood::Calls | Mood::Staying => self.chooser.below(18),
        };
        match what {
            0..=12 => Deed::Send {
                to: self.address(),
                size,
                receipts: u8::try_from(self.chooser.below(4)).unwrap_or(0),
                priority: u8::try_from(self.chooser.below(3)).unwrap_or(0),
                patience,
                then: u8::try_from(self.chooser.below(3)).unwrap_or(0),
                times: self.chooser.pick(&[1, 1, 1, 3, 40]).copied().unwrap_or(1),
            },
            13..=16 => {
                let least = if self.mood == Mood::Calls { 2 } else { 1 };
                let many = self.chooser.pick(&[1, 1, 1, 2, 4]).copied().unwrap_or(1).max(least);
                let mut to: Vec<String> = (0..many).map(|_| self.address()).collect();
                if many > 1 {
                    to.retain(|to| !to.starts_with('*'));
                }
                let paths =
                    ["work", "ping", "later", "never", "fail", "peers", "echo", "nothing.here", "commands"];
                let path = self.chooser.pick(&paths).copied().unwrap_or("ping").to_string();
                Deed::Call { to, path, size, patience }
            }
            17 => Deed::Cancel { which: self.chooser.index(16) },
            18 => Deed::Leave { which: self.chooser.index(4), lasts: self.lasts() },
            _ => Deed::ShutDown { lasts: self.lasts() },
        }
    }

    /// At one moment everybody has something to say to everybody, and leaves.
    fn all_leave(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let at = self.chooser.below(self.heal);
        for host in 0..self.hosts {
            for _ in 0..self.chooser.below(4) {
                let (size, then) = (self.chooser.below(2_000), 0);
                let size = usize::try_from(size).unwrap_or(0);
                let (to, patience) = (self.address(), 20_000);
                let deed = Deed::Send { to, size, receipts: 2, priority: 1, patience, then, times: 1 };
                steps.push(Step { at, host, deed });
            }
            let lasts = self.lasts();
            let deed = match self.chooser.below(3) {
                0 => Deed::ShutDown { lasts },
                // The first is a hub, and has nobody to leave.
                _ if host == 0 => Deed::ShutDown { lasts },
                _ => Deed::Leave { which: 0, lasts },
            };
            // Some a little later: the others' word of it is on its way.
            let at = at + self.chooser.pick(&[0, 0, 1_000, 50_000]).copied().unwrap_or(0);
            steps.push(Step { at, host, deed });
        }
        steps.retain(|step| step.at < self.heal);
        steps
    }

    /// How long something lasts: from a moment to most of a minute.
    fn lasts(&mut self) -> u64 {
        let most = self.chooser.pick(&[SECOND / 10, SECOND, 5 * SECOND, 60 * SECOND]).copied().unwrap_or(1);
        self.chooser.below(most) + 1
    }

    fn fault(&mut self, class: Class) -> Fault {
        let which = self.chooser.index(8);
        match class {
            Class::Cuts => Fault::Cut { which },
            Class::HalfOpen => Fault::HalfOpen { which },
            Class::Partitions => {
                let side = self.chooser.below(1 << self.hosts.min(16));
                Fault::Partition { side, one_way: self.chooser.chance(300), lasts: self.lasts() }
            }
            Class::Crashes => {
                Fault::Crash { keeps: true, noticed: self.chooser.chance(500), lasts: self.lasts() }
            }
            Class::Amnesia => {
                Fault::Crash { keeps: false, noticed: self.chooser.chance(500), lasts: self.lasts() }
            }
            Class::Pauses => Fault::Pause { lasts: self.lasts() },
            Class::Deafness => Fault::Deaf { lasts: self.lasts() },
            Class::Clocks => self.clock(),
            Class::Disks if self.chooser.chance(500) => Fault::DiskFull { lasts: self.lasts() },
            Class::Disks => Fault::DiskSlow { each: self.chooser.below(20 * SECOND) },
        }
    }

    fn clock(&mut self) -> Fault {
        match self.chooser.below(4) {
            0 => Fault::Drift {
                per_million: 50_000 - self.chooser.below(100_000).cast_signed(),
                lasts: self.lasts(),
            },
            1 => Fault::Drift { per_million: -1_000_000, lasts: self.lasts() },
            2 => Fault::Jump { by: self.chooser.below(200 * SECOND).cast_signed() },
            _ => Fault::Jump { by: -self.chooser.below(20 * SECOND).cast_signed() },
        }
    }
}
