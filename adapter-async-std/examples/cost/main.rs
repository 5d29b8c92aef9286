//! What a message costs on each adapter, in CPU time of the processes at both ends:
//! `cargo run --release -p homing-async-std --example cost -- --json`; `docs/COST.md` has the numbers.
//!
//! Ada and bob are a process each, on the adapter that is measured; the hub between them is a third one,
//! always on std, and counted apart. The adapters take turns, so that what disturbs the machine disturbs
//! all of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod child;
mod part;
mod runtime;
mod table;

use child::Child;
use runtime::Runtime;
use table::{Cost, Sample};

/// What is done, over and over.
#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    /// Asks for an answer, and waits for it before the next one.
    answered: bool,
    bytes: usize,
    count: u64,
}

const WORKS: [Work; 4] = [
    Work { name: "one way, 64 B", answered: false, bytes: 64, count: 300_000 },
    Work { name: "one way, 1 KiB", answered: false, bytes: 1024, count: 100_000 },
    Work { name: "call and answer, 64 B", answered: true, bytes: 64, count: 10_000 },
    Work { name: "call and answer, 1 KiB", answered: true, bytes: 1024, count: 10_000 },
];

const USE: &str = "use: cost [--json] [--rounds N] [--only RUNTIME]";

/// What the command line asks for.
struct Asked {
    json: bool,
    rounds: usize,
    only: Option<Runtime>,
}

fn asked(mut arguments: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked { json: false, rounds: 9, only: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => asked.json = true,
            "--rounds" => asked.rounds = arguments.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--only" => asked.only = Some(Runtime::named(&arguments.next()?)?),
            _ => return None,
        }
    }
    Some(asked)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, runtime, place] = &arguments[..]
        && let (Some(runtime), false) = (Runtime::named(runtime), role.starts_with('-'))
    {
        return part::play(role, runtime, place);
    }
    let Some(asked) = asked(arguments.into_iter()) else {
        eprintln!("{USE}");
        std::process::exit(2);
    };
    let costs = measure(&asked);
    if asked.json { table::print_json(&costs, asked.rounds) } else { table::print(&costs, asked.rounds) }
}

fn measure(asked: &Asked) -> Vec<Cost> {
    let mut hub = Child::start("hub", Runtime::Std, "127.0.0.1:0");
    let invite = hub.line();
    let wanted = |runtime: &Runtime| asked.only.is_none_or(|only| only == *runtime);
    let runtimes: Vec<Runtime> = Runtime::ALL.into_iter().filter(wanted).collect();
    let mut costs: Vec<Cost> = WORKS
        .iter()
        .flat_map(|work| runtimes.iter().map(|runtime| Cost::new(work.name, runtime.name())))
        .collect();
    for round in 1..=asked.rounds {
        for (n, runtime) in runtimes.iter().enumerate() {
            eprintln!("round {round} of {}: {}", asked.rounds, runtime.name());
            let mut ada = Child::start("ada", *runtime, &invite);
            let mut bob = Child::start("bob", *runtime, &invite);
            for child in [&mut ada, &mut bob] {
                assert_eq!(child.line(), "joined");
            }
            for (m, work) in WORKS.iter().enumerate() {
                // Buffers get their size, threads are started.
                run(*work, work.count / 10, &mut ada, &mut bob, &mut hub);
                let sample = run(*work, work.count, &mut ada, &mut bob, &mut hub);
                costs[m * runtimes.len() + n].samples.push(sample);
            }
            // In order: bob is in the network until ada has left.
            ada.dismiss();
            bob.dismiss();
        }
    }
    hub.dismiss();
    costs
}

/// Does it `count` times; what one costs.
fn run(work: Work, count: u64, ada: &mut Child, bob: &mut Child, hub: &mut Child) -> Sample {
    let before = [ada.used(), bob.used(), hub.used()];
    if work.answered {
        ada.ask(&format!("call {count} {}", work.bytes));
    } else {
        bob.ask(&format!("take {count}"));
        ada.ask(&format!("send {count} {}", work.bytes));
    }
    assert_eq!(ada.line(), "done");
    if !work.answered {
        assert_eq!(bob.line(), "done");
    }
    let after = [ada.used(), bob.used(), hub.used()];
    let [ada, bob, hub] = [0, 1, 2].map(|who: usize| after[who].since(&before[who], count));
    Sample { ada, bob, hub }
}
