//! The figures of one piece of work: bars, a line for each contender.

use super::row::{Row, groups};
use super::svg::{Escaped, Segment, bar};
use crate::compare::table::short;

/// How the metrics of a figure share its bars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// One metric, one bar.
    Single,
    /// Parts of a whole, one after the other.
    Stack,
}

/// What is drawn beside each other is drawn as one; what nobody has heard of is drawn alone.
fn kind(row: &Row) -> (Kind, &str) {
    let label = row.label();
    match label.split_once(" of ") {
        Some((whole @ "CPU", _)) => (Kind::Stack, whole),
        _ => (Kind::Single, label),
    }
}

/// The part of the whole that a metric of a [`Kind::Stack`] is about.
fn part(row: &Row) -> &str {
    let label = row.label();
    label.split_once(" of ").map_or(label, |(_, part)| part.trim_start_matches("the "))
}

/// One contender's bar, and what is written of it.
struct Line<'a> {
    row: &'a Row,
    /// What the bar comes to.
    total: f64,
    /// The ratio to it, when it is one number.
    ratio: Option<f64>,
    /// What the bar is made of, when that is not one number.
    parts: String,
    segments: Vec<Segment>,
    range: Option<(f64, f64)>,
}

impl<'a> Line<'a> {
    /// None when nothing was measured.
    fn of(kind: Kind, rows: &[&'a Row]) -> Option<Line<'a>> {
        // In files put together, what was measured last counts.
        let latest = groups(rows.iter().copied(), |row| row.metric.as_str());
        let latest = latest.iter().filter_map(|(_, same)| same.last().copied());
        let known = latest.filter_map(|row| Some((row, row.value.filter(|value| *value >= 0.0)?)));
        // A sum that was measured itself is what its parts are drawn into, unless it is all there is.
        let (whole, parts): (Vec<_>, Vec<_>) =
            known.partition(|(row, _)| kind == Kind::Stack && part(row) == "all");
        let parts = if parts.is_empty() { whole.clone() } else { parts };
        let one = whole.first().or_else(|| parts.first().filter(|_| parts.len() == 1)).map(|(row, _)| *row);

        let mut end = 0.0;
        let mut segments = Vec::new();
        for (shade, (_, value)) in parts.iter().enumerate() {
            segments.push(Segment { from: end, to: end + value, shade });
            end += value;
        }
        let said = parts.iter().map(|(row, value)| format!("{} {}", part(row), short(*value)));
        let said = if parts.len() > 1 { said.collect::<Vec<_>>().join(" · ") } else { String::new() };
        let total = one.and_then(|row| row.value).unwrap_or(end);
        let ratio = one.filter(|row| !row.is_own()).and_then(|row| row.ratio);
        let (row, _) = *parts.first()?;
        Some(Line { row, total, ratio, parts: said, segments, range: one.and_then(Row::range) })
    }

    fn end(&self) -> f64 {
        let drawn = self.segments.iter().map(|segment| segment.to).fold(self.total, f64::max);
        self.range.map_or(drawn, |(_, highest)| drawn.max(highest))
    }

    fn html(&self, full: f64) -> String {
        let ratio = self.ratio.map(|ratio| format!("<span class=\"ratio\">Homing {ratio:.2} ×</span>"));
        let parts = Some(&self.parts).filter(|parts| !parts.is_empty());
        format!(
            "<li{}><span class=\"name\">{}</span>{}<span class=\"value\">{}</span>{}{}</li>\n",
            if self.row.is_own() { " class=\"own\"" } else { "" },
            Escaped(self.row.name()),
            ratio.unwrap_or_default(),
            short(self.total),
            bar(full, &self.segments, self.range),
            parts.map(|parts| format!("<span class=\"parts\">{}</span>", Escaped(parts))).unwrap_or_default(),
        )
    }
}

/// All figures of one piece of work, whose rows these are. The best comes first in each.
pub(super) fn figures(rows: &[&Row]) -> String {
    let figures = groups(rows.iter().copied(), kind);
    figures.iter().map(|((kind, label), rows)| figure(*kind, label, rows)).collect()
}

fn figure(kind: Kind, label: &str, rows: &[&Row]) -> String {
    let contenders = groups(rows.iter().copied(), |row| row.peer.as_str());
    let mut lines: Vec<_> = contenders.iter().filter_map(|(_, rows)| Line::of(kind, rows)).collect();
    let Some(first) = rows.first().filter(|_| !lines.is_empty()) else { return String::new() };
    lines.sort_by(|a, b| {
        let order = a.total.total_cmp(&b.total);
        if first.is_gain() { order.reverse() } else { order }
    });
    let full = lines.iter().map(Line::end).fold(0.0, f64::max);
    let better = if first.is_gain() { "more is better" } else { "less is better" };
    let unit = if first.unit().is_empty() { String::new() } else { format!(", {}", first.unit()) };
    format!(
        "<figure>\n<figcaption>{}<span class=\"better\">{better}</span></figcaption>\n<ol class=\"bars\">\n{}</ol>\n</figure>\n",
        Escaped(&format!("{label}{unit}")),
        lines.iter().map(|line| line.html(full)).collect::<String>(),
    )
}
