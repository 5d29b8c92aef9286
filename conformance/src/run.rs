//! Running the cases, each on a thread that can be left behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::wait::panic_text;
use crate::{Adapter, Case, Outcome, Report, Row, cases};

/// How the cases are run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long anything is waited for. What must come at once is given so long because the
    /// machine may be busy; nothing waits for it to be over.
    pub patience: Duration,
    /// How long a case may take as a whole before it is left behind as hanging.
    pub whole: Duration,
    /// Only the cases whose names contain one of these; all, when there are none.
    pub only: Vec<String>,
}

impl Default for Settings {
    /// A minute for anything, two for a case, all cases.
    fn default() -> Settings {
        let minute = Duration::from_secs(60);
        Settings { patience: minute, whole: minute * 2, only: Vec::new() }
    }
}

impl Settings {
    /// The same, but only the cases that the environment names: `HOMING_CONFORMANCE_ONLY=idle,reset`.
    #[must_use]
    pub fn from_env() -> Settings {
        let only = std::env::var("HOMING_CONFORMANCE_ONLY").unwrap_or_default();
        let only = only.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Settings { only: only.collect(), ..Settings::default() }
    }

    fn picks(&self, case: &Case) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| case.name.contains(name.as_str()))
    }
}

/// Tries all cases on `adapter`, or those that the environment names
/// ([`from_env`](Settings::from_env)).
pub fn run(adapter: &'static dyn Adapter) -> Report {
    run_with(adapter, &Settings::from_env())
}

/// Tries the cases that `settings` pick.
pub fn run_with(adapter: &'static dyn Adapter, settings: &Settings) -> Report {
    let picked = cases().iter().filter(|case| settings.picks(case));
    Report {
        adapter: adapter.name().into(),
        rows: picked.map(|case| try_one(adapter, *case, settings)).collect(),
    }
}

fn try_one(adapter: &'static dyn Adapter, case: Case, settings: &Settings) -> Row {
    let start = Instant::now();
    let lab = Lab::new(adapter, settings.patience);
    let (done, outcome) = channel();
    let check = move || {
        let verdict = catch_unwind(AssertUnwindSafe(|| (case.check)(&lab)));
        let outcome = verdict.map_or_else(
            |panic| Outcome::Failed(format!("panicked: {}", panic_text(&*panic))),
            Outcome::from,
        );
        let _ = done.send(outcome);
    };
    let spawned = std::thread::Builder::new().name(case.name.into()).spawn(check);
    let outcome = match spawned {
        Err(e) => Outcome::Failed(format!("no thread for it: {e}")),
        Ok(_) => outcome.recv_timeout(settings.whole).unwrap_or_else(|e| match e {
            RecvTimeoutError::Timeout => {
                Outcome::Failed(format!("not over after {:?}: it hangs", settings.whole))
            }
            RecvTimeoutError::Disconnected => Outcome::Failed("its thread was lost".into()),
        }),
    };
    Row { case: case.name.into(), outcome, seconds: start.elapsed().as_secs_f64() }
}
