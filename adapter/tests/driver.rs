//! The driver over streams that block whenever they like, on a clock of the test's own: nothing is
//! lost, and nobody sleeps while there is something to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

mod flaky;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use flaky::{Flaky, World, clock, set_clock};
use homing_adapter::{Driver, Events, Handle, Options, Rest, Shared};
use homing_core::crypto::Fake;
use homing_core::{Address, Config, Dial, Event, Invite, Message, Seed, SendError, Serving, StaticKey};
use proptest::prelude::*;

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// A node, its driver, and when it wants its next turn.
struct Machine {
    handle: Arc<Handle>,
    events: Events,
    driver: Option<Driver<Flaky>>,
    bell: Arc<Bell>,
    rest: Rest,
    /// How many bytes its turns have moved, and how much they have told the application.
    moved: usize,
    told: u64,
}

impl Machine {
    fn start(world: &World, key: u8, serving: bool) -> Machine {
        let mut options = Options::new(StaticKey::generate(&Seed::from_bytes([key; 32])));
        options.config = Config::with_provider(Arc::new(Fake));
        options.seed = Some(Seed::from_bytes([key; 32]));
        // So little that links are left unread while the application takes nothing.
        options.queue = 4;
        options.config.limits.deliveries = 1000;
        let address: Address = "hub@home".parse().unwrap();
        options.config.serving = serving.then(|| Serving { address, open: true, allow: Default::default() });
        let bell = Arc::new(Bell(AtomicBool::new(true)));
        let made = Handle::make(options, clock, Waker::from(Arc::clone(&bell))).unwrap();
        let handle = Arc::clone(&made.handle);
        let driver = Driver::new(made, Flaky::new(world));
        Machine {
            events: Events::new(&handle),
            handle,
            driver: Some(driver),
            bell,
            rest: Rest::No,
            moved: 0,
            told: 0,
        }
    }

    /// Takes a turn if it has any reason to. False when it sleeps.
    fn turn(&mut self) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        let due = match self.rest {
            Rest::Until(until) => until.is_some_and(|until| until <= clock()),
            _ => true,
        };
        let dialed = driver.system().take_dialed();
        if !self.bell.0.swap(false, SeqCst) && !due && dialed.is_empty() {
            return false;
        }
        dialed.into_iter().for_each(|(link, stream)| driver.dialed(link, stream));
        self.rest = driver.turn();
        self.moved += driver.moved();
        self.told += driver.told() as u64;
        if self.rest == Rest::Over {
            self.driver = None;
        }
        true
    }
}

struct Network {
    world: World,
    machines: Vec<Machine>,
}

impl Network {
    /// The hub's store answers from a thread of its own, in a time that is not the test's.
    fn stored_meanwhile(&self) -> bool {
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if self.machines.iter().any(|machine| machine.bell.0.load(SeqCst)) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Lets everything happen until `done`; fails when all sleep for so long that only a heartbeat
    /// would wake them.
    ///
    /// `done` is told how much each application takes at once: little, for as long as there is anything else to do.
    fn run(&mut self, what: &str, mut done: impl FnMut(&mut [Machine], usize) -> bool) {
        let end = clock() + Duration::from_secs(10);
        let mut idle = false;
        while !done(&mut self.machines, if idle { usize::MAX } else { self.world.roll(3) }) {
            let mut busy = self.world.wake_some();
            for machine in &mut self.machines {
                busy |= machine.turn();
            }
            let was_idle = std::mem::replace(&mut idle, !busy && !self.world.wake_all());
            if idle && was_idle {
                let deadlines = self.machines.iter().filter_map(|machine| match machine.rest {
                    Rest::Until(until) => until,
                    _ => None,
                });
                let next = deadlines.min().unwrap_or(end);
                if next >= end && self.stored_meanwhile() {
                    continue;
                }
                assert!(next < end, "all sleep, and in vain: {what}");
                set_clock(next.max(clock() + Duration::from_micros(1)));
            }
        }
    }
}

fn message(n: u32, size: usize) -> Message {
    let mut body = n.to_be_bytes().to_vec();
    body.resize(size.max(4), 7);
    Message::new("x/y", body)
}

/// What a node has told of.
#[derive(Default)]
struct Seen {
    up: bool,
    numbers: Vec<u32>,
    stopped: bool,
    /// How much that was.
    count: u64,
    /// A link may end now.
    ending: bool,
}

impl Seen {
    fn take(&mut self, machine: &Machine, most: usize) {
        for event in std::iter::from_fn(|| machine.events.try_next()).take(most) {
            self.count += 1;
            match event {
                Event::Up { .. } => self.up = true,
                Event::Message(m) => self.numbers.push(u32::from_be_bytes(m.body[..4].try_into().unwrap())),
                Event::Stopped => self.stopped = true,
                Event::Down { why, .. } => assert!(self.ending, "a link was lost: {why}"),
                _ => {}
            }
        }
    }
}

fn look(seen: &mut [Seen; 3], machines: &[Machine], most: usize) {
    seen.iter_mut().zip(machines).for_each(|(seen, machine)| seen.take(machine, most));
}

/// A hub, ada and bob, who tell each other `count` messages and say goodbye.
fn talk(world: World, count: u32, size: usize) {
    set_clock(flaky::base());
    let machines = (1..4).map(|key| Machine::start(&world, key, key == 1)).collect();
    let mut network = Network { world, machines };
    let listener = network.world.listen();
    let hub = &mut network.machines[0];
    hub.driver.as_mut().unwrap().listen(listener);
    let network_name = "home".parse().unwrap();
    let invite = Invite { key: hub.handle.peer_id(), target: "there:1".into(), network: network_name };
    for (machine, name) in network.machines[1..].iter().zip(["ada", "bob"]) {
        machine.handle.dial(Dial::invite(&invite, name.parse().unwrap())).unwrap();
    }
    let mut seen: [Seen; 3] = Default::default();
    network.run("joining", |machines, most| {
        look(&mut seen, machines, most);
        let knows_all = |m: &Machine| m.handle.peers("home").is_some_and(|peers| peers.len() == 3);
        seen[1].up && seen[2].up && machines.iter().all(knows_all)
    });
    let moved = |machines: &[Machine]| machines.iter().map(|machine| machine.moved).collect::<Vec<_>>();
    let before = moved(&network.machines);
    let mut sent = [0, 0];
    let addresses: [Address; 2] = ["bob@home".parse().unwrap(), "ada@home".parse().unwrap()];
    network.run("messages both ways", |machines, most| {
        for (way, machine) in machines[1..].iter().enumerate() {
            while sent[way] < count {
                match machine.handle.try_send(&addresses[way], message(sent[way], size)) {
                    Ok(_) => sent[way] += 1,
                    Err(SendError::Full | SendError::TooMany { .. }) => break,
                    Err(e) => panic!("{e}"),
                }
            }
        }
        look(&mut seen, machines, most);
        seen[1..].iter().all(|seen| seen.numbers.len() as u32 >= count)
    });
    for seen in &mut seen[1..] {
        assert!(seen.numbers.iter().copied().eq(0..count), "each once, in order: {:?}", seen.numbers);
    }
    // The hub moves each content in and out, of both.
    let (bodies, after) = (count as usize * size.max(4), moved(&network.machines));
    assert!(after[0] - before[0] >= 4 * bodies && after[1] - before[1] >= 2 * bodies, "{before:?} {after:?}");
    seen.iter_mut().for_each(|seen| seen.ending = true);
    network.machines.iter().for_each(|machine| Shared::of(&machine.handle).shut_down());
    let start = clock();
    network.run("the end", |machines, _| machines.iter().all(|machine| machine.driver.is_none()));
    let all = moved(&network.machines);
    // But for the last words, on a stream that has closed.
    assert!(all[0].abs_diff(all[1] + all[2]) < 1000, "what one writes another reads: {all:?}");
    assert!(clock() - start < Duration::from_secs(2), "nobody waits for a stream that has closed");
    look(&mut seen, &network.machines, usize::MAX);
    assert!(seen.iter().all(|seen| seen.stopped));
    for (seen, machine) in seen.iter().zip(&network.machines) {
        assert_eq!(machine.told, seen.count + machine.handle.missed(), "it says what it has told");
    }
    assert_eq!(network.world.open(), 0, "every stream was dropped");
}

#[test]
fn streams_that_never_block() {
    talk(World::new(1, 0, usize::MAX, 1 << 20), 200, 300);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn streams_that_block_at_any_time(
        seed: u64,
        count in 1u32..40,
        size in 4usize..600,
        often in 1u32..70,
        at_once in prop_oneof![1usize..30, 30usize..5000],
        capacity in prop_oneof![1usize..64, 64usize..100_000],
    ) {
        talk(World::new(seed, often, at_once, capacity), count, size);
    }
}

#[test]
fn a_stream_that_does_not_close_is_given_up() {
    set_clock(flaky::base());
    let world = World::new(1, 0, usize::MAX, 1 << 20);
    let mut network = Network { machines: vec![Machine::start(&world, 1, true)], world };
    let listener = network.world.listen();
    network.machines[0].driver.as_mut().unwrap().listen(listener);
    let (ours, theirs) = network.world.stream();
    theirs.never_closes();
    network.world.arrive(theirs);
    network.run("it is let in", |machines, _| machines[0].handle.links() == 1);
    Shared::of(&network.machines[0].handle).shut_down();
    let start = clock();
    network.run("it is given up", |machines, _| machines[0].driver.is_none());
    assert!(clock() - start >= Duration::from_secs(2), "it was given its time");
    assert_eq!(network.world.open(), 1);
    drop(ours);
}
