//! Calls that are given up half-way.

use crate::case::{Stop, Verdict};
use crate::lab::Lab;
use crate::{Case, Outcome};

pub(super) const CASE: Case = Case {
    name: "dropped futures",
    promise: "A call whose future is dropped, at whichever of its await points, loses nothing of anybody's and \
              leaves nothing behind.",
    check,
};

/// Only the adapter has its futures: it tries this itself.
fn check(lab: &Lab) -> Verdict {
    match lab.adapter.drop_futures() {
        Outcome::Passed(detail) => Ok(detail),
        Outcome::Failed(why) => Err(Stop::Failed(why)),
        Outcome::DoesNotApply(why) => Err(Stop::DoesNotApply(why)),
    }
}
