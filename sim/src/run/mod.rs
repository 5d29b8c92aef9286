//! Running an application under many seeds.

mod draw;
mod report;
mod shrink;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use homing_core::Suite;
use homing_core::crypto::Provider;

use crate::chooser::Chooser;
use crate::host::HostSpec;
use crate::invariant::{Invariant, Violation};
use crate::invariants;
use crate::plan::{Class, Plan};
use crate::sometimes::Sometimes;
use crate::story::Story;
use crate::world::World;

pub(crate) use draw::Mood;
pub use report::{Failed, Report};

type Machines = Arc<dyn Fn(u64) -> Vec<HostSpec> + Send + Sync>;
type Watch = Arc<dyn Fn() -> Box<dyn Invariant> + Send + Sync>;

/// An application, what is done with it, what may befall it and what must hold: run it under as many seeds as you
/// like.
///
/// ```
/// use homing_sim::{Simulation, hub, idle, member};
///
/// let simulation = Simulation::new("idle", |_| {
///     vec![hub("hub@home", idle()), member("ada@home", 1, idle()), member("bob@home", 2, idle())]
/// });
/// simulation.run(0..5).assert_clean();
/// ```
#[derive(Clone)]
pub struct Simulation {
    name: String,
    machines: Machines,
    watch: Vec<Watch>,
    classes: Vec<Class>,
    chatter: bool,
    pokes: bool,
    mood: Option<Mood>,
    steps: (u64, u64),
    lasts: Duration,
    provider: Option<Arc<dyn Provider>>,
    twice: u64,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was wrong, if anything was.
    pub violation: Option<Violation>,
    /// A number of all that happened; see [`World::hash`].
    pub hash: u64,
    /// How much happened.
    pub facts: u64,
    /// How long it took in the world.
    pub age: Duration,
    /// Which rare situations were reached.
    pub sometimes: Sometimes,
}

impl Simulation {
    /// Runs the machines that `machines` gives. It is given a number, random for each seed, to vary them by.
    ///
    /// Unless told otherwise: every kind of fault may strike, the applications are poked, every invariant of
    /// [`invariants`] watches, and the faults go on for two minutes of the world's time.
    pub fn new(name: &str, machines: impl Fn(u64) -> Vec<HostSpec> + Send + Sync + 'static) -> Simulation {
        Simulation {
            name: name.into(),
            machines: Arc::new(machines),
            watch: Vec::new(),
            classes: Class::ALL.to_vec(),
            chatter: false,
            pokes: true,
            mood: None,
            steps: (10, 60),
            lasts: Duration::from_secs(120),
            provider: None,
            twice: 16,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets an invariant of yours watch each run, made anew for each.
    #[must_use]
    pub fn invariant<I: Invariant + 'static>(
        mut self,
        make: impl Fn() -> I + Send + Sync + 'static,
    ) -> Simulation {
        self.watch.push(Arc::new(move || Box::new(make())));
        self
    }

    /// Only these kinds of faults may strike.
    #[must_use]
    pub fn faults(mut self, classes: &[Class]) -> Simulation {
        self.classes = classes.to_vec();
        self
    }

    /// These kinds of faults may not strike, of those that might.
    #[must_use]
    pub fn without(mut self, classes: &[Class]) -> Simulation {
        self.classes.retain(|class| !classes.contains(class));
        self
    }

    /// Besides, machines send messages and call commands at random: for applications that are
    /// [`Worker`](crate::Worker)s, and in general for everything that must not mind strangers' messages.
    #[must_use]
    pub fn chatter(mut self, chatter: bool) -> Simulation {
        self.chatter = chatter;
        self
    }

    /// Whether the applications are [poked](crate::Handler::poke).
    #[must_use]
    pub fn pokes(mut self, pokes: bool) -> Simulation {
        self.pokes = pokes;
        self
    }

    /// What its machines mostly do; otherwise each seed has its own.
    pub(crate) fn mood(mut self, mood: Mood) -> Simulation {
        self.mood = Some(mood);
        self
    }

    /// Every so many seeds one is [verified](Simulation::verify); zero: none is. One in sixteen, unless told otherwise.
    #[must_use]
    pub fn twice(mut self, one_in: u64) -> Simulation {
        self.twice = one_in;
        self
    }

    /// How much is done in one run: so many steps, pokes and faults together.
    #[must_use]
    pub fn steps(mut self, least: u64, most: u64) -> Simulation {
        self.steps = (least, most);
        self
    }

    /// How long faults may strike, before everything is healed.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Simulation {
        self.lasts = time;
        self
    }

    /// Every machine has this cryptography, and the suite that it does best, whatever its specification says.
    ///
    /// The same happens as with the one that costs nothing; the bytes are other ones, and with them the hash. Which
    /// suite a provider does best may depend on the processor, and so may the hash.
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Simulation {
        self.provider = Some(provider);
        self
    }

    /// What a seed stands for.
    pub fn plan(&self, seed: u64) -> Plan {
        self.draw(seed, &mut Chooser::seeded(seed).forgetful())
    }

    /// A plan drawn from a fuzzer's bytes.
    pub fn plan_of_bytes(&self, bytes: &[u8]) -> Plan {
        self.draw(0, &mut Chooser::from_bytes(bytes))
    }

    /// Runs a seed; every so often, as [`twice`](Simulation::twice) says, it is [verified](Simulation::verify).
    pub fn run_seed(&self, seed: u64) -> Outcome {
        let plan = self.plan(seed);
        if self.twice > 0 && seed.is_multiple_of(self.twice) {
            self.verify(&plan)
        } else {
            self.run_plan(&plan)
        }
    }

    /// Runs a plan.
    pub fn run_plan(&self, plan: &Plan) -> Outcome {
        self.run_world(plan, |_| {}).0
    }

    /// Runs a plan, and tells its story besides.
    pub fn tell(&self, plan: &Plan) -> (Outcome, Story, Vec<String>) {
        let (outcome, world) = self.run_world(plan, World::tell_story);
        let names = (0..world.hosts()).map(|host| world.identity(host).name.clone()).collect();
        (outcome, world.story().cloned().unwrap_or_default(), names)
    }

    fn run_world(&self, plan: &Plan, prepare: impl FnOnce(&mut World)) -> (Outcome, World) {
        let weather = if plan.weather {
            Chooser::seeded(plan.seed ^ 0x77ea_7743).forgetful()
        } else {
            Chooser::from_list(Vec::new()).forgetful()
        };
        let mut world = World::with_weather(plan.seed, plan.conditions, weather);
        prepare(&mut world);
        for invariant in invariants::all() {
            world.watch(invariant);
        }
        for make in &self.watch {
            world.watch(make());
        }
        let run = catch_unwind(AssertUnwindSafe(|| self.drive(&mut world, plan)));
        if let Err(panic) = run {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            world.accuse("panic", text.unwrap_or_default());
        }
        let outcome = Outcome {
            violation: world.violation().cloned(),
            hash: world.hash(),
            facts: world.facts(),
            age: world.age(),
            sometimes: world.sometimes().clone(),
        };
        (outcome, world)
    }

    /// Two phases: what the plan says, with faults; then nothing is in anybody's way, and everything must drain.
    fn drive(&self, world: &mut World, plan: &Plan) {
        let begin = world.now();
        let mut settle = Duration::from_secs(60);
        for mut spec in (self.machines)(plan.shape) {
            if let Some(provider) = &self.provider {
                spec.config.provider = provider.clone();
                spec.config.suite = Suite::preferred(&**provider);
            }
            let (limits, heartbeat) = (&spec.config.limits, &spec.config.heartbeat);
            let needs =
                heartbeat.silence * 2 + limits.queue_time + limits.redial_most + limits.handshake_time;
            settle = settle.max(needs + Duration::from_secs(60));
            world.add(spec);
        }
        for host in 0..world.hosts() {
            world.switch_on(host);
        }
        for step in &plan.steps {
            world.run_until(begin + Duration::from_micros(step.at));
            world.deed(step.host, &step.deed);
        }
        world.run_until(begin + Duration::from_micros(plan.heal));
        world.heal();
        world.run_for(settle);
        world.check_drained(None);
        world.check_reachable(Duration::from_secs(60));
        if self.chatter {
            world.trials();
        }
    }
}
