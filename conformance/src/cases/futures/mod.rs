//! Calls that are given up half-way.

mod calling;
mod closing;
mod events;
mod full;
mod joining;
mod listening;
mod sending;
mod steps;

use crate::case::{Stop, Verdict};
use crate::lab::Lab;
use crate::node::Node;
use crate::wait::Check;
use crate::{Calls, Case, Outcome};

pub(super) const CASE: Case = Case {
    name: "dropped futures",
    promise: "A call whose future is dropped, at whichever of its await points, loses nothing of anybody's and \
              leaves nothing behind.",
    check,
};

fn check(lab: &Lab) -> Verdict {
    if lab.start("a node", crate::lab::options(2))?.subject().calls().is_none() {
        // Only the adapter has its futures: it tries this itself.
        return match lab.adapter.drop_futures() {
            Outcome::Passed(detail) => Ok(detail),
            Outcome::Failed(why) => Err(Stop::Failed(why)),
            Outcome::DoesNotApply(why) => Err(Stop::DoesNotApply(why)),
        };
    }
    let parts = [
        listening::check,
        joining::check,
        sending::check,
        calling::check,
        full::check,
        events::check,
        closing::check,
    ];
    let mut dropped = 0;
    for part in parts {
        dropped += part(lab)?;
    }
    Ok(format!("{dropped} futures dropped, asleep and woken"))
}

/// The futures of a node that has some.
fn calls(node: &Node) -> Check<&dyn Calls> {
    node.subject().calls().ok_or_else(|| format!("{node:?} has no futures, another node has"))
}
