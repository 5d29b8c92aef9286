//! What a case is, and what came of it.

use serde::{Deserialize, Serialize};

use crate::lab::Lab;

/// Something that every adapter promises, and how it is tried.
#[derive(Clone, Copy)]
pub struct Case {
    /// A word or two: `idle means asleep`.
    pub name: &'static str,
    /// What is promised, in a sentence.
    pub promise: &'static str,
    pub(crate) check: fn(&Lab) -> Verdict,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What came of a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
pub enum Outcome {
    /// The promise was kept; what was measured on the way.
    Passed(String),
    /// It was not; how that was seen.
    Failed(String),
    /// It could not be tried here; why.
    DoesNotApply(String),
}

impl Outcome {
    /// `✓`, `✗` or `—`.
    pub fn mark(&self) -> &'static str {
        match self {
            Outcome::Passed(_) => "✓",
            Outcome::Failed(_) => "✗",
            Outcome::DoesNotApply(_) => "—",
        }
    }

    /// What was measured, or why it failed or was not tried.
    pub fn detail(&self) -> &str {
        match self {
            Outcome::Passed(detail) | Outcome::Failed(detail) | Outcome::DoesNotApply(detail) => detail,
        }
    }

    /// Whether the promise was broken.
    pub fn is_failure(&self) -> bool {
        matches!(self, Outcome::Failed(_))
    }
}

/// How a case ends: with what was measured, or before that.
pub(crate) type Verdict = Result<String, Stop>;

/// Why a case ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    DoesNotApply(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Stop {
        Stop::Failed(why)
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Outcome {
        match verdict {
            Ok(detail) => Outcome::Passed(detail),
            Err(Stop::Failed(why)) => Outcome::Failed(why),
            Err(Stop::DoesNotApply(why)) => Outcome::DoesNotApply(why),
        }
    }
}
