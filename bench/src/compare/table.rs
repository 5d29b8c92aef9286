//! What was measured of one piece of work.

use std::fmt;

use serde_json::{Value, json};

use super::Measured;
use super::goals::{Goal, bound, goal};
use crate::work::{Metric, Work};

/// Medians, and how Homing's compare with them.
pub(super) struct Table {
    work: Work,
    columns: Vec<Metric>,
    pub(super) rows: Vec<Row>,
}

/// One metric of one contender; or the bound of a metric, as if somebody had just reached it.
pub(super) struct Row {
    work: Work,
    metric: Metric,
    /// What it is called in JSON.
    key: &'static str,
    /// What it is called in tables.
    name: &'static str,
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
            "peer": self.key,
            "value": self.value,
            "ratio": self.ratio(),
            "goal": self.goal.map(|goal| goal.must),
            "aim": self.goal.map(|goal| goal.aim),
            "met": self.met(),
            "name": self.name,
            "lowest": self.lowest,
            "highest": self.highest,
            "gain": self.metric.is_gain(),
            "run": run,
        })
    }
}

/// The lowest, the median and the highest.
fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some([*sorted.first()?, *sorted.get(sorted.len() / 2)?, *sorted.last()?])
}

impl Table {
    pub(super) fn of(work: Work, measured: &Measured) -> Table {
        let mut table = Table { work, columns: Vec::new(), rows: Vec::new() };
        let Some((_, own)) = measured.first() else { return table };
        for (metric, values) in own {
            let Some([_, homing, _]) = spread(values) else { continue };
            table.columns.push(*metric);
            let mut row = |key, name, [lowest, value, highest]: [f64; 3], goal| {
                table.rows.push(Row {
                    work,
                    metric: *metric,
                    key,
                    name,
                    homing,
                    value,
                    lowest,
                    highest,
                    goal,
                });
            };
            for (contender, figures) in measured {
                let values = figures.get(metric).and_then(|values| spread(values));
                // Beside nothing at all there is no ratio.
                let Some(values) = values.filter(|[_, value, _]| *value > 0.0) else { continue };
                row(contender.key, contender.name, values, goal(work, *metric, contender.key));
            }
            if let Some(bound) = bound(work, *metric) {
                let goal = Some(Goal { must: 1.0, aim: bound.aim / bound.must });
                row("absolute", "what must be", [bound.must; 3], goal);
            }
        }
        table
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
        write!(f, "\n{}", self.work.name())?;
        if self.work.size() > 0 {
            write!(f, ", {} B", self.work.size())?;
        }
        writeln!(f)?;
        for metric in &self.columns {
            writeln!(f, "  {}", metric.name())?;
            for row in self.rows.iter().filter(|row| row.metric == *metric) {
                let range = format!("{}–{}", short(row.lowest), short(row.highest));
                write!(f, "    {:36} {:>8}  {:>16}", row.name, short(row.value), range)?;
                if row.key != "homing" {
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
