//! What was measured of one piece of work.

use std::fmt;

use serde_json::{Value, json};

use super::Measured;
use super::goals::{Goal, goal};
use crate::contender::Contender;
use crate::work::{Metric, Work};

/// Medians, and how Homing's compare with them.
pub(super) struct Table {
    work: Work,
    columns: Vec<Metric>,
    pub(super) rows: Vec<Row>,
}

/// One metric of one contender.
pub(super) struct Row {
    work: Work,
    contender: &'static Contender,
    metric: Metric,
    homing: f64,
    value: f64,
    lowest: f64,
    highest: f64,
    goal: Option<Goal>,
}

impl Row {
    /// Homing's figure divided by the other's.
    fn ratio(&self) -> f64 {
        self.homing / self.value
    }

    fn met(&self) -> Option<bool> {
        let reached = |goal: Goal| {
            if self.metric.is_gain() { self.ratio() >= goal.must } else { self.ratio() <= goal.must }
        };
        self.goal.map(reached)
    }

    /// As one line: `goal` and `met` speak of what must be reached.
    pub(super) fn to_json(&self, run: &super::report::Run) -> Value {
        json!({
            "work": self.work.name(),
            "size": self.work.size(),
            "metric": self.metric.name(),
            "homing": self.homing,
            "peer": self.contender.key,
            "value": self.value,
            "ratio": self.ratio(),
            "goal": self.goal.map(|goal| goal.must),
            "aim": self.goal.map(|goal| goal.aim),
            "met": self.met(),
            "name": self.contender.name,
            "lowest": self.lowest,
            "highest": self.highest,
            "gain": self.metric.is_gain(),
            "run": run,
        })
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Table {
    pub(super) fn of(work: Work, measured: &Measured) -> Table {
        let own = measured.first().map(|(_, figures)| figures);
        let columns: Vec<_> = own.into_iter().flat_map(|figures| figures.keys().copied()).collect();
        let mut rows = Vec::new();
        for (contender, figures) in measured {
            for (metric, values) in figures {
                let homing = own.and_then(|own| own.get(metric)).map_or(f64::NAN, |values| median(values));
                let extreme =
                    |most: fn(f64, f64) -> f64| values.iter().copied().reduce(most).unwrap_or(f64::NAN);
                rows.push(Row {
                    work,
                    contender,
                    metric: *metric,
                    homing,
                    value: median(values),
                    lowest: extreme(f64::min),
                    highest: extreme(f64::max),
                    goal: goal(work, *metric, contender.key),
                });
            }
        }
        Table { work, columns, rows }
    }
}

/// Three digits that count.
pub(super) fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}, {} B", self.work.name(), self.work.size())?;
        for metric in &self.columns {
            writeln!(f, "  {}", metric.name())?;
            for row in self.rows.iter().filter(|row| row.metric == *metric) {
                let range = format!("{}–{}", short(row.lowest), short(row.highest));
                write!(f, "    {:36} {:>8}  {:>16}", row.contender.name, short(row.value), range)?;
                if row.contender.key != "homing" {
                    write!(f, "  Homing: {:.2} ×", row.ratio())?;
                }
                if let (Some(goal), Some(met)) = (row.goal, row.met()) {
                    write!(
                        f,
                        " (must {:.2}, aim {:.2}: {})",
                        goal.must,
                        goal.aim,
                        if met { "met" } else { "NOT MET" }
                    )?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
