//! The alarm rings: every mistake that is planted in the core is found by the simulator.
//!
//! Only in builds with `--cfg homing_planted`, which are kept apart from the others:
//!
//! ```text
//! RUSTFLAGS="--cfg homing_planted" cargo test --release -p homing-sim --test planted --target-dir target/planted
//! ```
//!
//! `HOMING_BLESS=1` measures how soon each is found and writes docs/PLANTED.md.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]
#![cfg(homing_planted)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use homing_core::planted::{ALL, Bug, plant};
use homing_sim::scenarios;

/// What is tried for each: the simulation that fits, and so many seeds of it, three times what was needed at least.
struct Trial {
    bug: Bug,
    simulation: &'static str,
    seeds: u64,
}

/// How a bug was caught: by which invariant first, after how many seeds; and after how many by the one that must.
struct Caught {
    first: (String, u64),
    named: Option<u64>,
}

fn run(trial: &Trial, seeds: u64) -> Option<Caught> {
    // A run that cannot be repeated has a node that departs from its trace, and the other way round: which of the two
    // is said may be chance.
    let repeats = ["determinism", "replay"];
    let of_these = repeats.contains(&trial.bug.invariant());
    let simulation = scenarios::named(trial.simulation).unwrap();
    let mut caught: Option<Caught> = None;
    plant(Some(trial.bug));
    for seed in 0..seeds {
        let plan = simulation.plan(seed);
        // As the simulator does: every so often it is seen that a run can be repeated.
        let outcome =
            if seed.is_multiple_of(16) { simulation.verify(&plan) } else { simulation.run_plan(&plan) };
        let Some(violation) = outcome.violation else { continue };
        let invariant = &*violation.invariant;
        let named = invariant == trial.bug.invariant() || (of_these && repeats.contains(&invariant));
        let caught = caught.get_or_insert(Caught { first: (violation.invariant, seed + 1), named: None });
        if named {
            caught.named = Some(seed + 1);
            break;
        }
    }
    plant(None);
    caught
}

macro_rules! trials {
    ($($test:ident, $bug:ident, $simulation:literal, $seeds:literal;)*) => {
        const TRIALS: &[Trial] =
            &[$(Trial { bug: Bug::$bug, simulation: $simulation, seeds: $seeds },)*];

        $(
            #[test]
            fn $test() {
                let trial = Trial { bug: Bug::$bug, simulation: $simulation, seeds: $seeds };
                let caught = run(&trial, trial.seeds).expect("nothing was found to be wrong");
                let (first, seeds) = caught.first;
                let named = trial.bug.invariant();
                assert!(caught.named.is_some(), "{first} after {seeds} seeds, and {named} never");
            }
        )*
    };
}

trials! {
    record_waits_for_more, RecordWaitsForMore, "mixed", 60;
    takes_too_much, TakesTooMuch, "mixed", 20;
    ack_ends_record, AckEndsRecord, "mixed", 60;
    partial_write_drops_rest, PartialWriteDropsRest, "mixed", 20;
    first_record_small, FirstRecordSmall, "mixed", 60;
    handshake_for_ever, HandshakeForEver, "mixed", 40;
    newcomer_never_leaves, NewcomerNeverLeaves, "gate", 40;
    both_leave, BothLeave, "partings", 60;
    goodbye_for_ever, GoodbyeForEver, "mixed", 60;
    finishing_too_soon, FinishingTooSoon, "gate", 120;
    slept_is_dead, SleptIsDead, "mixed", 150;
    pong_is_no_life, PongIsNoLife, "mixed", 20;
    ping_is_life, PingIsLife, "mixed", 60;
    parked_is_silence, ParkedIsSilence, "partings", 60;
    pong_waits_its_turn, PongWaitsItsTurn, "mixed", 60;
    agenda_keeps_gone, AgendaKeepsGone, "mixed", 300;
    exact_falls_back, ExactFallsBack, "partings", 60;
    every_instance, EveryInstance, "mixed", 20;
    broadcast_to_sender, BroadcastToSender, "mixed", 40;
    copies_without_sender, CopiesWithoutSender, "mixed", 40;
    stale_seat, StaleSeat, "mixed", 60;
    expired_roster_forgotten, ExpiredRosterForgotten, "narrow", 60;
    missed_when_full, MissedWhenFull, "narrow", 40;
    back_too_soon, BackTooSoon, "gate", 90;
    snapshot_merged, SnapshotMerged, "narrow", 40;
    gone_still_counts, GoneStillCounts, "gate", 120;
    failure_after_received, FailureAfterReceived, "mixed", 20;
    late_receipt, LateReceipt, "mixed", 20;
    expired_in_silence, ExpiredInSilence, "pairs", 40;
    unsent_in_silence, UnsentInSilence, "mixed", 60;
    first_answer_ends, FirstAnswerEnds, "calls", 20;
    late_answer, LateAnswer, "mixed", 20;
    half_a_list, HalfAList, "mixed", 40;
    hub_not_counted, HubNotCounted, "mixed", 60;
    expired_still_queued, ExpiredStillQueued, "narrow", 60;
    roster_off_by_one, RosterOffByOne, "gate", 40;
    idle_keeps_buffers, IdleKeepsBuffers, "mixed", 1500;
    fullest_lane_first, FullestLaneFirst, "pairs", 20;
    small_ones_first, SmallOnesFirst, "mixed", 40;
    expired_bytes_stay, ExpiredBytesStay, "mixed", 120;
    compact_keeps_start, CompactKeepsStart, "mixed", 120;
    alike_to_another, AlikeToAnother, "pairs", 1400;
    alike_to_the_last_record, AlikeToTheLastRecord, "mixed", 60;
    window_without_overhead, WindowWithoutOverhead, "mixed", 120;
    credit_of_the_gone, CreditOfTheGone, "mixed", 60;
    stalled_keeps_places, StalledKeepsPlaces, "mixed", 120;
    still_since_kept, StillSinceKept, "mixed", 90;
    rekey_both_ways, RekeyBothWays, "mixed", 20;
    admitted_before_stored, AdmittedBeforeStored, "mixed", 20;
    store_failure_admits, StoreFailureAdmits, "partings", 60;
    restored_name_waits, RestoredNameWaits, "mixed", 40;
    gives_up, GivesUp, "mixed", 20;
    failed_dial_forgotten, FailedDialForgotten, "mixed", 20;
    hang_up_while_waiting, HangUpWhileWaiting, "mixed", 40;
    stopped_waits, StoppedWaits, "partings", 90;
    ended_before_taken, EndedBeforeTaken, "partings", 60;
    untaken_keeps_place, UntakenKeepsPlace, "calls", 60;
    timed_out_request_kept, TimedOutRequestKept, "mixed", 20;
    hash_order, HashOrder, "gate", 160;
    system_clock, SystemClock, "mixed", 20;
}

/// Nothing is found when nothing is planted: in the same seeds, of which the first hundred are enough.
#[test]
fn with_nothing_planted_the_same_seeds_are_clean() {
    let mut most: std::collections::BTreeMap<&str, u64> = Default::default();
    for trial in TRIALS {
        let seeds = most.entry(trial.simulation).or_default();
        *seeds = (*seeds).max(trial.seeds.min(100));
    }
    for (simulation, seeds) in most {
        scenarios::named(simulation).unwrap().run(0..seeds).assert_clean();
    }
}

#[test]
fn every_bug_is_tried_once() {
    let tried: BTreeSet<Bug> = TRIALS.iter().map(|trial| trial.bug).collect();
    assert_eq!((tried.len(), TRIALS.len()), (ALL.len(), ALL.len()));
}

fn file() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", "PLANTED.md"].iter().collect()
}

const HEAD: &str = "# Planted bugs

An alarm that has never rung proves nothing. The core holds mistakes that are made on purpose, one at a time and only
in builds with `--cfg homing_planted` (`core/src/planted.rs`); `sim/tests/planted.rs` sees to it that the simulator
finds each of them, by the invariant that is named here. `HOMING_BLESS=1` measures anew and writes this page.

Columns: the mistake; the part of the core that it is in; the invariant that must catch it, and how many seeds of the
simulation that takes, from seed 0; what caught it first, where that was another.

| bug | place | what goes wrong | caught by | seeds | first |
|---|---|---|---|---|---|
";

/// The page says of each bug what the code says, and of no other; how many seeds it takes is measured when it is written.
#[test]
fn the_page_lists_every_bug() {
    if std::env::var_os("HOMING_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(file(), page()).unwrap();
    }
    let page = std::fs::read_to_string(file()).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = TRIALS.iter().map(|trial| begin(trial.bug)).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, begin) in rows.iter().zip(&expected) {
        assert!(row.starts_with(begin), "{row}\nshould begin with\n{begin}");
    }
}

fn begin(bug: Bug) -> String {
    format!("| `{}` | {} | {} | {} |", bug.name(), bug.place(), bug.what(), bug.invariant())
}

fn page() -> String {
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); TRIALS.len()]));
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(trial) = TRIALS.get(at)
        {
            let mut row = begin(trial.bug);
            match run(trial, trial.seeds) {
                Some(Caught { first: (first, after), named: Some(seeds) }) => {
                    write!(row, " {seeds} of {} |", trial.simulation).unwrap();
                    if first == trial.bug.invariant() {
                        row += " |";
                    } else {
                        write!(row, " {first}, {after} |").unwrap();
                    }
                }
                _ => row += " never | |",
            }
            rows.lock().unwrap()[at] = row;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    HEAD.to_string() + &rows.into_inner().unwrap().join("\n") + "\n"
}
