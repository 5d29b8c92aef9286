//! Our own simulations, under the first seeds: clean, and the same on every machine and in every build.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use std::collections::BTreeMap;
use std::path::Path;

use homing_sim::{Deed, Fault, Plan, Simulation, Step, scenarios};
use proptest::prelude::*;

/// So many of each are run here; `homing sim` runs as many as you like.
const SEEDS: u64 = 12;

fn simulations() -> impl Iterator<Item = Simulation> {
    scenarios::NAMES.iter().map(|name| scenarios::named(name).unwrap())
}

#[test]
fn the_first_seeds_of_every_simulation_are_clean() {
    for simulation in simulations() {
        let seeds = if simulation.name() == "crowd" { SEEDS / 4 } else { SEEDS };
        simulation.run(0..seeds).assert_clean();
    }
}

/// The number of all that happened in a run is written down: a machine or a build on which the same seed does something
/// else is found here. It changes with every change of what nodes do; `HOMING_BLESS=1` writes it anew.
#[test]
fn a_seed_does_the_same_everywhere() {
    let mut hashes = BTreeMap::new();
    for simulation in simulations() {
        let plan = simulation.plan(7);
        let (first, second) = (simulation.run_plan(&plan), simulation.run_plan(&plan));
        assert_eq!(first.hash, second.hash, "{}", simulation.name());
        hashes.insert(simulation.name().to_string(), format!("{:016x}", first.hash));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hashes.json");
    let text = serde_json::to_string_pretty(&hashes).unwrap() + "\n";
    if std::env::var_os("HOMING_BLESS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "HOMING_BLESS=1 writes it anew");
}

#[test]
fn telling_a_story_changes_nothing() {
    let simulation = scenarios::mixed();
    let plan = simulation.plan(3);
    let (told, story, names) = simulation.tell(&plan);
    assert_eq!(told.hash, simulation.run_plan(&plan).hash);
    assert!(story.facts().len() > 50 && names.contains(&"hub".to_string()));
}

#[test]
fn a_plan_is_the_same_after_its_json() {
    let plan = scenarios::mixed().plan(5);
    let again: Plan = serde_json::to_string(&plan).unwrap().parse().unwrap();
    assert_eq!(again, plan);
}

fn addresses() -> impl Strategy<Value = String> {
    prop_oneof![
        "p[0-4]@home",
        "p[0-4]@home/[xy]",
        "p[0-4]@lab",
        Just("*@home".into()),
        Just("hub@home".into())
    ]
}

fn micros(most_seconds: u64) -> impl Strategy<Value = u64> {
    1..most_seconds * 1_000_000
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        (0usize..4).prop_map(|which| Fault::Cut { which }),
        (0usize..4).prop_map(|which| Fault::HalfOpen { which }),
        (1u64..64, any::<bool>(), micros(40)).prop_map(|(side, one_way, lasts)| Fault::Partition {
            side,
            one_way,
            lasts
        }),
        (any::<bool>(), any::<bool>(), micros(20)).prop_map(|(keeps, noticed, lasts)| Fault::Crash {
            keeps,
            noticed,
            lasts
        }),
        micros(60).prop_map(|lasts| Fault::Pause { lasts }),
        micros(60).prop_map(|lasts| Fault::Deaf { lasts }),
        (-20_000_000i64..200_000_000).prop_map(|by| Fault::Jump { by }),
        micros(30).prop_map(|lasts| Fault::Drift { per_million: -1_000_000, lasts }),
        micros(30).prop_map(|lasts| Fault::DiskFull { lasts }),
    ]
}

fn deeds() -> impl Strategy<Value = Deed> {
    let send = (addresses(), 0usize..15_000, 0u8..4, 0u8..3, 10u64..60_000, 0u8..3, 1usize..20).prop_map(
        |(to, size, receipts, priority, patience, then, times)| Deed::Send {
            to,
            size,
            receipts,
            priority,
            patience,
            then,
            times,
        },
    );
    let paths = prop_oneof!["work", "later", "never", "fail", "ping", "peers", "nothing"];
    let call = (proptest::collection::vec(addresses(), 1..4), paths, 0usize..2_000, 10u64..60_000)
        .prop_map(|(to, path, size, patience)| Deed::Call { to, path, size, patience });
    prop_oneof![
        6 => send,
        3 => call,
        1 => (0usize..9).prop_map(|which| Deed::Cancel { which }),
        1 => (0usize..3, micros(20)).prop_map(|(which, lasts)| Deed::Leave { which, lasts }),
        1 => micros(20).prop_map(|lasts| Deed::ShutDown { lasts }),
        4 => faults().prop_map(Deed::Fault),
    ]
}

/// Each case is a whole world: 24 of them, or as many as `HOMING_CASES` says.
fn cases() -> ProptestConfig {
    let cases = std::env::var("HOMING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever is done to a network and whatever befalls it, in any order: every invariant holds, and
    /// everything drains. The invariants hold a model of each message, call, request and roster against what
    /// the nodes say.
    #[test]
    fn whatever_happens_every_invariant_holds(
        seed in 0u64..1_000_000,
        steps in proptest::collection::vec((0u64..60_000_000, 0usize..7, deeds()), 1..40),
    ) {
        let simulation = scenarios::mixed();
        let mut steps: Vec<Step> = steps.into_iter().map(|(at, host, deed)| Step { at, host, deed }).collect();
        steps.sort_by_key(|step| step.at);
        let plan = Plan { steps, heal: 60_000_000, ..simulation.plan(seed) };
        let outcome = simulation.run_plan(&plan);
        prop_assert!(outcome.violation.is_none(), "{:?}\n{}", outcome.violation, serde_json::to_string(&plan).unwrap());
    }
}

/// What each node of a world was told is enough to do again what it did, to the byte.
#[test]
fn every_node_replays_from_what_it_was_told() {
    for simulation in ["mixed", "links", "machines", "clocks"].map(|name| scenarios::named(name).unwrap()) {
        let outcome = simulation.verify(&simulation.plan(11));
        assert_eq!(outcome.violation, None, "{}", simulation.name());
    }
}

/// What arrives at the very moment at which a link dies may be read too late: the timer is looked at first.
#[test]
fn seed_2282_heartbeat() {
    let plan = r#"{"seed":2282,"weather":false,"conditions":{"latency":300000,"jitter":0,"bandwidth":0,"capacity":300,"write_most":50,"read_most":0},"shape":17606498644738742351,"faults":[],"steps":[{"at":52218486,"host":2,"deed":{"Send":{"to":"hub@home","size":40,"receipts":0,"priority":1,"patience":100,"then":0,"times":1}}},{"at":57431094,"host":1,"deed":{"Fault":{"Partition":{"side":1,"one_way":false,"lasts":2127528}}}}],"heal":120000000}"#;
    let outcome = scenarios::mixed().run_plan(&plan.parse().unwrap());
    assert_eq!(outcome.violation, None);
}

/// The word that a message has failed waits behind what its sender is slow to read, for as long as the link lives: it
/// is the only one.
#[test]
fn seed_6398_accounted() {
    let plan = r#"{"seed":6398,"weather":false,"conditions":{"latency":300000,"jitter":100000,"bandwidth":0,"capacity":300,"write_most":0,"read_most":700},"shape":7613730219666899158,"faults":[],"steps":[{"at":6353547,"host":2,"deed":{"Send":{"to":"p0@home/y","size":9000,"receipts":0,"priority":1,"patience":60000,"then":1,"times":1}}},{"at":14450823,"host":0,"deed":{"Send":{"to":"p0@home/y","size":14000,"receipts":0,"priority":0,"patience":20000,"then":0,"times":40}}}],"heal":120000000}"#;
    let outcome = scenarios::mixed().run_plan(&plan.parse().unwrap());
    assert_eq!(outcome.violation, None);
}
