//! Our own simulations: the networks that Homing itself is tried with.

use std::sync::Arc;
use std::time::Duration;

use homing_core::{Heartbeat, Limits};

use crate::chooser::Chooser;
use crate::host::{HostSpec, Maker};
use crate::plan::Class;
use crate::run::{Mood, Simulation};
use crate::spec::{dial, hub, member, tight};
use crate::worker::Worker;

/// The names of all of them.
pub const NAMES: &[&str] = &[
    "mixed", "calm", "links", "machines", "clocks", "crowd", "gate", "narrow", "partings", "pairs", "calls",
];

/// What the scenario of this name is, in a line.
pub fn about(name: &str) -> Option<&'static str> {
    Some(match name {
        "mixed" => "one or two networks, two to six members, every fault: what most seeds are spent on",
        "calm" => "the same machines when nothing goes wrong",
        "links" => "streams break, go dead, are blocked; applications take nothing for a while",
        "machines" => "machines crash, forget, stand still; disks are full or slow",
        "clocks" => "clocks drift, stand and jump; machines stand still",
        "crowd" => "a hub with twenty members or more that come and go, every fault",
        "gate" => "a hub that takes few newcomers at once, and perhaps fewer members than there are",
        "narrow" => "short queues: whoever takes nothing is soon behind",
        "partings" => "machines leave, are shut down, and come back, often all at once",
        "pairs" => "two talk in all sizes at the same moments, through short queues",
        "calls" => "lists are called, answered late, given up",
        _ => return None,
    })
}

/// The simulation of this name.
pub fn named(name: &str) -> Option<Simulation> {
    Some(match name {
        "mixed" => mixed(),
        "calm" => Simulation::new("calm", small).faults(&[]).chatter(true).pokes(false),
        "links" => {
            let faults = [Class::Cuts, Class::HalfOpen, Class::Partitions, Class::Deafness];
            Simulation::new("links", small).faults(&faults).chatter(true).pokes(false)
        }
        "machines" => {
            let faults = [Class::Crashes, Class::Amnesia, Class::Pauses, Class::Disks];
            Simulation::new("machines", small).faults(&faults).chatter(true).pokes(false)
        }
        "clocks" => Simulation::new("clocks", small)
            .faults(&[Class::Clocks, Class::Pauses])
            .chatter(true)
            .pokes(false),
        "crowd" => {
            Simulation::new("crowd", crowd).chatter(true).pokes(false).lasting(Duration::from_secs(60))
        }
        "gate" => {
            let faults = [Class::Cuts, Class::HalfOpen, Class::Crashes, Class::Disks, Class::Partitions];
            Simulation::new("gate", gate).faults(&faults).chatter(true).pokes(false).steps(20, 80)
        }
        "narrow" => {
            let faults = [Class::Deafness, Class::Pauses, Class::HalfOpen, Class::Cuts];
            Simulation::new("narrow", narrow).faults(&faults).chatter(true).pokes(false).steps(30, 120)
        }
        "partings" => Simulation::new("partings", small)
            .faults(&[Class::Deafness, Class::Cuts, Class::Disks])
            .chatter(true)
            .pokes(false)
            .mood(Mood::Leaving)
            .steps(30, 120),
        "pairs" => Simulation::new("pairs", narrow)
            .faults(&[Class::Deafness])
            .chatter(true)
            .pokes(false)
            .mood(Mood::Pair)
            .steps(30, 120),
        "calls" => Simulation::new("calls", small)
            .faults(&[Class::Deafness, Class::Cuts])
            .chatter(true)
            .pokes(false)
            .mood(Mood::Calls)
            .steps(30, 120),
        _ => return None,
    })
}

/// One or two networks, two to six members, every fault: what most of the seeds are spent on.
pub fn mixed() -> Simulation {
    Simulation::new("mixed", any).chatter(true).pokes(false).steps(10, 80)
}

/// Mostly a small world; sometimes one with something scarce in it.
fn any(shape: u64) -> Vec<HostSpec> {
    match shape % 5 {
        0 => gate(shape),
        1 => narrow(shape),
        _ => small(shape),
    }
}

/// A small world with a hub that takes few newcomers at once, and perhaps fewer members than there are; whoever is
/// told of the others is told late.
fn gate(shape: u64) -> Vec<HostSpec> {
    let chooser = &mut Chooser::seeded(shape ^ 0x6a7e).forgetful();
    let mut machines = small(shape);
    // The largest hello has about 300 bytes.
    let limits = Limits {
        handshakes: 1 + chooser.index(3),
        handshake_record: 512,
        roster_delay: Duration::from_millis(chooser.pick(&[50, 1_000, 3_000]).copied().unwrap_or(50)),
        roster: machines.len() - 1 + chooser.index(3),
        ..machines[0].config.limits.clone()
    };
    let heartbeat = *chooser.pick(&[SLUGGISH, Heartbeat::LAN]).unwrap_or(&SLUGGISH);
    for machine in &mut machines {
        machine.config.limits = limits.clone();
        machine.config.heartbeat = heartbeat;
    }
    machines
}

/// A small world of short queues: whoever takes nothing is soon behind, and misses something.
fn narrow(shape: u64) -> Vec<HostSpec> {
    let chooser = &mut Chooser::seeded(shape ^ 0x0a44).forgetful();
    let mut machines = small(shape);
    let stall = chooser.pick(&[1, 60]).copied().unwrap_or(1);
    let limits = Limits {
        letter: 4 * 1024,
        window: 5_000,
        queue: 6_000,
        deliveries: chooser.pick(&[8_000, 2_000]).copied().unwrap_or(8_000),
        stall: Duration::from_secs(stall),
        queue_time: Duration::from_secs(chooser.between(4, 8)),
        ..tight()
    };
    let heartbeat = *chooser.pick(&[Heartbeat::INTERNET, Heartbeat::LAN, SLUGGISH]).unwrap_or(&SLUGGISH);
    for machine in &mut machines {
        machine.config.limits = limits.clone();
        machine.config.heartbeat = heartbeat;
    }
    machines
}

fn worker() -> Maker {
    Arc::new(|_| Box::<Worker>::default())
}

/// Draws a small world: its networks, who is in them, and how tight their limits are.
fn small(shape: u64) -> Vec<HostSpec> {
    let chooser = &mut Chooser::seeded(shape).forgetful();
    let limits = if chooser.chance(600) { tight() } else { Limits { rekey_records: 20, ..Limits::DEFAULT } };
    let heartbeat = *chooser.pick(&[Heartbeat::LAN, Heartbeat::INTERNET, SLUGGISH]).unwrap_or(&SLUGGISH);
    let two = chooser.chance(300);
    let mut machines = vec![hub("hub@home", worker())];
    if two {
        machines.push(HostSpec { key: 1_000_001, name: "lab".into(), ..hub("hub@lab", worker()) });
    }
    for n in 0..chooser.between(2, 5) {
        let twin = n > 0 && chooser.chance(200);
        let (name, key) = if twin { (n - 1, n - 1) } else { (n, n) };
        let instance = ["x", "y"][usize::from(twin)];
        let mut one = member(&format!("p{name}@home/{instance}"), key, worker());
        one.dials[0].priority = chooser.pick(&[0, 0, 0, 5, -1]).copied().unwrap_or(0);
        if two && chooser.chance(500) {
            let mut second = one.dials[0].clone();
            if let Ok(address) = format!("p{name}@lab/{instance}").parse() {
                second = dial(&address);
            }
            one.dials.push(second);
        }
        machines.push(one);
    }
    for machine in &mut machines {
        machine.config.limits = limits.clone();
        machine.config.heartbeat = heartbeat;
    }
    machines
}

/// Between the two that nodes have by themselves: it dies within the time that faults last.
const SLUGGISH: Heartbeat = Heartbeat { idle: Duration::from_secs(4), silence: Duration::from_secs(12) };

/// A hub and two or three dozen members, which come and go.
fn crowd(shape: u64) -> Vec<HostSpec> {
    let chooser = &mut Chooser::seeded(shape).forgetful();
    let mut machines = vec![hub("hub@home", worker())];
    for n in 0..chooser.between(20, 36) {
        machines.push(member(&format!("member-number-{n}@home"), n, worker()));
    }
    for machine in &mut machines {
        machine.config.heartbeat = SLUGGISH;
        machine.config.limits.roster_delay = Duration::from_millis(chooser.below(200));
    }
    machines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_simulation_of_that_name_and_a_line_about_it() {
        for name in NAMES {
            assert_eq!(named(name).map(|it| it.name().to_string()).as_deref(), Some(*name));
            assert!(about(name).is_some_and(|line| line.len() < 100), "{name}");
        }
        assert!(named("other").is_none() && about("other").is_none());
    }
}
