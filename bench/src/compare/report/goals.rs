//! The headline: what must be reached, and whether it is.

use super::row::{Row, State, piece};
use super::svg::{Escaped, progress};

impl State {
    const fn class(self) -> &'static str {
        match self {
            State::Aim => "aimed",
            State::Met => "met",
            State::Missed => "missed",
            State::Unknown => "unknown",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            State::Aim => "met, aim too",
            State::Met => "met",
            State::Missed => "not met",
            State::Unknown => "no ratio",
        }
    }
}

/// The rows that have a goal, and what has come of it.
fn judged(rows: &[Row]) -> Vec<(&Row, State)> {
    rows.iter().filter_map(|row| Some((row, row.state()?))).collect()
}

/// All in one sentence.
pub(super) fn summary(rows: &[Row]) -> String {
    let goals = judged(rows);
    let count = |state| goals.iter().filter(|(_, of)| *of == state).count();
    let (aimed, met, missed) = (count(State::Aim), count(State::Met), count(State::Missed));
    if rows.is_empty() {
        return "Nothing was measured.".into();
    }
    if goals.is_empty() {
        return "No goal is set for what was measured.".into();
    }
    let reach = match aimed {
        0 => String::new(),
        1 => ", 1 of them with its aim as well".into(),
        n => format!(", {n} of them with their aims as well"),
    };
    let miss = match missed {
        0 => String::new(),
        1 => " 1 is not met.".into(),
        n => format!(" {n} are not met."),
    };
    format!("{} of {} goals are met{reach}.{miss}", aimed + met, goals.len())
}

/// The table, or nothing when no row has a goal.
pub(super) fn table(rows: &[Row]) -> String {
    let goals = judged(rows);
    if goals.is_empty() {
        return String::new();
    }
    format!(
        "<section id=\"goals\">\n<h2>Goals</h2>\n\
        <p class=\"note\">A ratio is Homing’s median divided by the other’s. On the scale, right is better: the long \
        mark is what must be reached, the short one what is aimed at.</p>\n\
        <table class=\"goals\">\n<thead><tr><th scope=\"col\">work</th><th scope=\"col\">against</th>\
        <th scope=\"col\">ratio</th><th scope=\"col\">must</th><th scope=\"col\">aim</th><th scope=\"col\" \
        class=\"scale\">scale</th><th scope=\"col\">result</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n</section>\n",
        goals.into_iter().map(|(row, state)| line(row, state)).collect::<String>()
    )
}

fn line(row: &Row, state: State) -> String {
    let bound = if row.is_gain() { "≥" } else { "≤" };
    let ratio = |ratio: Option<f64>| ratio.map_or("–".into(), |ratio| format!("{ratio:.2} ×"));
    let limit = |limit: Option<f64>| limit.map_or("–".into(), |limit| format!("{bound} {limit:.2}"));
    format!(
        "<tr class=\"{}\"><th scope=\"row\">{}<span class=\"metric\">{}</span></th>\
        <td class=\"against\">{}</td><td class=\"figure\">{}</td><td class=\"must\">{}</td><td class=\"aim\">{}</td>\
        <td class=\"scale\">{}</td><td class=\"result\"><span>{}</span></td></tr>\n",
        state.class(),
        Escaped(&piece(&row.work, row.size)),
        Escaped(row.label()),
        Escaped(row.name()),
        ratio(row.ratio),
        limit(row.goal),
        limit(row.aim),
        row.progress().map(|share| progress(share, row.aim_progress())).unwrap_or_default(),
        state.words(),
    )
}
