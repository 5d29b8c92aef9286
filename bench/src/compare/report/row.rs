//! What the page is drawn from: a line of JSON for each metric of each contender.

use serde::Deserialize;

use super::Run;

/// One metric of one contender. What lines of an older stand lack is left out of the page.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) work: String,
    #[serde(default)]
    pub(super) size: u64,
    /// With its unit after a comma, if it has one.
    pub(super) metric: String,
    /// The contender's key.
    pub(super) peer: String,
    name: Option<String>,
    /// The median. There is none when nothing was measured.
    pub(super) value: Option<f64>,
    lowest: Option<f64>,
    highest: Option<f64>,
    /// Homing's figure divided by this one.
    pub(super) ratio: Option<f64>,
    /// Whether more of it is better.
    gain: Option<bool>,
    /// The ratio that must be reached.
    pub(super) goal: Option<f64>,
    pub(super) aim: Option<f64>,
    pub(super) run: Option<Run>,
}

/// Whether a goal is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Aim,
    Met,
    Missed,
    /// There is no ratio to judge.
    Unknown,
}

impl Row {
    pub(super) fn is_own(&self) -> bool {
        self.peer == "homing"
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.peer)
    }

    /// The metric without its unit.
    pub(super) fn label(&self) -> &str {
        self.metric.rsplit_once(", ").map_or(&self.metric, |(label, _)| label)
    }

    pub(super) fn unit(&self) -> &str {
        self.metric.rsplit_once(", ").map_or("", |(_, unit)| unit)
    }

    pub(super) fn is_gain(&self) -> bool {
        self.gain.unwrap_or_else(|| self.metric.contains("per second"))
    }

    /// From the lowest to the highest round, when there was more than one.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        self.lowest.zip(self.highest).filter(|(lowest, highest)| lowest < highest)
    }

    /// How far the ratio has come to what it must be: 1 is there. For what costs, it is what must be by the ratio.
    pub(super) fn progress(&self) -> Option<f64> {
        self.ratio.and_then(|ratio| self.share(ratio))
    }

    /// Where what is aimed at lies on the scale of [`Row::progress`].
    pub(super) fn aim_progress(&self) -> Option<f64> {
        self.aim.and_then(|aim| self.share(aim))
    }

    fn share(&self, ratio: f64) -> Option<f64> {
        let share = |must| if self.is_gain() { ratio / must } else { must / ratio };
        self.goal.map(share).filter(|share| share.is_finite())
    }

    /// None without a goal.
    pub(super) fn state(&self) -> Option<State> {
        let goal = self.goal?;
        let Some(ratio) = self.ratio else { return Some(State::Unknown) };
        let reached = |bound| if self.is_gain() { ratio >= bound } else { ratio <= bound };
        Some(match self.aim {
            Some(aim) if reached(aim) => State::Aim,
            _ if reached(goal) => State::Met,
            _ => State::Missed,
        })
    }
}

/// A size in bytes, as people say it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{}\u{a0}MiB", b >> 20),
        b if b >= 1 << 10 && b % (1 << 10) == 0 => format!("{}\u{a0}KiB", b >> 10),
        b => format!("{b}\u{a0}B"),
    }
}

/// The name of a piece of work, with its size if it has one.
pub(super) fn piece(work: &str, bytes: u64) -> String {
    if bytes == 0 { work.to_string() } else { format!("{work}, {}", size(bytes)) }
}

/// Rows of the same key together, in the order in which keys come first.
pub(super) fn groups<'a, K: PartialEq>(
    rows: impl IntoIterator<Item = &'a Row>,
    key: impl Fn(&'a Row) -> K,
) -> Vec<(K, Vec<&'a Row>)> {
    let mut groups: Vec<(K, Vec<&Row>)> = Vec::new();
    for row in rows {
        let of = key(row);
        match groups.iter_mut().find(|(key, _)| *key == of) {
            Some((_, group)) => group.push(row),
            None => groups.push((of, vec![row])),
        }
    }
    groups
}
