//! The table at the end: what was seen, how often, how fast.

use std::time::Duration;

use crate::json::Line;
use crate::text::{human, millis};

/// The rows, in the order in which they were seen.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(&'static str, u64, Option<Duration>)>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn add(&mut self, what: &'static str, count: u64, took: Option<Duration>) {
        self.rows.push((what, count, took));
    }

    /// The rows as data.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line> {
        self.rows.iter().map(|(what, count, took)| Line::Result {
            what: (*what).to_string(),
            count: *count,
            after_ms: took.map(millis),
        })
    }

    /// The rows for people.
    pub(crate) fn text(&self) -> String {
        let width = self.rows.iter().map(|(what, ..)| what.len()).max().unwrap_or(0);
        let rows = self.rows.iter().map(|(what, count, took)| {
            let took = took.map(human).unwrap_or_default();
            format!("  {what:width$}  {count:>3}  {took:>8}")
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::default();
        table.add("one", 1, Some(Duration::from_millis(17)));
        table.add("many more", 120, None);
        assert_eq!(table.text(), "  one          1     17 ms\n  many more  120          ");
    }
}
