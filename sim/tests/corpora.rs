//! The fuzzers' findings, on a stable compiler: every file of `fuzz/corpus` through its function, and some
//! thousands of inputs that are made of them.
//!
//! `HOMING_BLESS=1` writes the files that are made by hand (`corpora/seeds.rs`) anew; `HOMING_CASES=100000` tries
//! so many inputs for each function.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)] // a test may

#[path = "corpora/seeds.rs"]
mod seeds;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use homing_sim::fuzz::{TARGETS, Target};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// The most files that a function has here, and the largest: what is replayed by everybody stays small.
const MOST_FILES: usize = 64;
const LARGEST: u64 = 4096;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn folder(target: &str) -> PathBuf {
    fuzz().join("corpus").join(target)
}

/// The committed inputs of a function, by their file's name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(files) = fs::read_dir(folder(target)) else { return BTreeMap::new() };
    let files = files.map(|file| file.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_string_lossy().into(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_file_of_the_corpus_passes() {
    for target in TARGETS {
        let files = corpus(target.name);
        assert!(!files.is_empty(), "{} has no corpus", target.name);
        for (name, bytes) in files {
            // The name is what a failure must show.
            let run = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(run.is_ok(), "fuzz/corpus/{}/{name}", target.name);
        }
    }
}

#[test]
fn the_corpus_is_small_and_there_is_a_target_for_each_function() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_string()).collect();
    assert_eq!(names.len(), TARGETS.len());
    let list = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz().join(folder)).unwrap();
        entries.map(|e| e.unwrap().path().file_stem().unwrap().to_string_lossy().into()).collect()
    };
    assert_eq!(list("corpus"), names);
    assert_eq!(list("fuzz_targets"), names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let source = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("homing_sim::fuzz::{name}(data)")), "{name}");
        let files: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|file| file.unwrap()).collect();
        assert!(files.len() <= MOST_FILES, "{name} has {} files", files.len());
        assert!(files.iter().all(|file| file.metadata().unwrap().len() <= LARGEST), "{name}");
    }
}

/// The files that are made by hand are those that the code makes.
#[test]
fn the_seeds_are_what_the_code_makes() {
    let bless = std::env::var("HOMING_BLESS").is_ok();
    for target in TARGETS {
        let seeds = seeds::of(target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        let files = corpus(target.name);
        let stale = files.keys().filter(|name| name.starts_with("seed-") && !seeds.contains_key(*name));
        for name in stale {
            assert!(bless, "no code makes {}/{name}: HOMING_BLESS=1 removes it", target.name);
            fs::remove_file(folder(target.name).join(name)).unwrap();
        }
        for (name, bytes) in seeds {
            if bless {
                fs::create_dir_all(folder(target.name)).unwrap();
                fs::write(folder(target.name).join(&name), &bytes).unwrap();
            } else {
                assert!(files.get(&name) == Some(&bytes), "{}/{name}: HOMING_BLESS=1 writes it", target.name);
            }
        }
    }
}

/// What is done to an input: at a place, which is a fraction of its length.
#[derive(Clone, Debug)]
enum Change {
    Set(u16, u8),
    Flip(u16, u8),
    Insert(u16, Vec<u8>),
    Remove(u16, u8),
    /// A part of it once more.
    Repeat(u16, u8),
    /// From here on the end of another.
    Cross(u16, usize),
}

fn change(is_text: bool) -> impl Strategy<Value = Change> {
    let byte = if is_text {
        let special = prop::sample::select(&b"@/:?*.-_[]{}\",\\u0 \n\xC3\xA9"[..]);
        prop_oneof![6 => 0x20u8..0x7F, 4 => special, 1 => any::<u8>()].boxed()
    } else {
        prop_oneof![4 => any::<u8>(), 1 => prop::sample::select(&[0u8, 1, 127, 128, 254, 255][..])].boxed()
    };
    let bytes = prop::collection::vec(byte.clone(), 1..12);
    prop_oneof![
        3 => (any::<u16>(), byte).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (any::<u16>(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (any::<u16>(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (any::<u16>(), 1u8..24).prop_map(|(at, n)| Change::Remove(at, n)),
        1 => (any::<u16>(), 1u8..64).prop_map(|(at, n)| Change::Repeat(at, n)),
        2 => (any::<u16>(), any::<usize>()).prop_map(|(at, other)| Change::Cross(at, other)),
    ]
}

fn apply(input: &mut Vec<u8>, change: &Change, corpus: &[Vec<u8>]) {
    let place = |at: u16, length: usize| usize::from(at) * length / (usize::from(u16::MAX) + 1);
    let length = input.len();
    match change {
        Change::Set(at, byte) => {
            if let Some(target) = input.get_mut(place(*at, length)) {
                *target = *byte;
            }
        }
        Change::Flip(at, bit) => {
            if let Some(target) = input.get_mut(place(*at, length)) {
                *target ^= 1 << bit;
            }
        }
        Change::Insert(at, bytes) => {
            let at = place(*at, length + 1);
            input.splice(at..at, bytes.iter().copied());
        }
        Change::Remove(at, n) => {
            let at = place(*at, length + 1);
            input.drain(at..length.min(at + usize::from(*n)));
        }
        Change::Repeat(at, n) => {
            let at = place(*at, length + 1);
            input.extend_from_within(at..length.min(at + usize::from(*n)));
        }
        Change::Cross(at, other) => {
            let other = &corpus[other % corpus.len()];
            input.truncate(place(*at, length + 1));
            input.extend_from_slice(&other[place(*at, other.len() + 1)..]);
        }
    }
    input.truncate(LARGEST as usize);
}

/// Inputs made of the corpus, and some that are made of nothing.
fn inputs(target: &Target) -> impl Strategy<Value = Vec<u8>> + use<> {
    let corpus: Vec<Vec<u8>> = corpus(target.name).into_values().collect();
    let start = (0..corpus.len(), prop::collection::vec(change(target.is_text), 0..6));
    let made = start.prop_map(move |(at, changes)| {
        let mut input = corpus[at].clone();
        changes.iter().for_each(|change| apply(&mut input, change, &corpus));
        input
    });
    prop_oneof![9 => made, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

/// A whole node is slower than a decoder, and a world slower than a node.
fn cases(target: &Target) -> u32 {
    let asked = std::env::var("HOMING_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(match target.name {
        "schedule" => 20,
        "node" | "pair" | "trace" => 300,
        _ => 3_000,
    })
}

#[test]
fn inputs_that_are_made_of_the_corpus_pass() {
    for target in TARGETS {
        let config =
            ProptestConfig { cases: cases(target), failure_persistence: None, ..ProptestConfig::default() };
        // The same inputs in every run: to find new ones is the fuzzers' job, and nobody's change is to blame for them.
        let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let outcome = TestRunner::new_with_rng(config, random).run(&inputs(target), |input| {
            (target.run)(&input);
            Ok::<(), TestCaseError>(())
        });
        if let Err(TestError::Fail(why, input)) = outcome {
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            panic!("{}: {why}\nthe input, in hexadecimal: {hex}", target.name);
        }
    }
}
