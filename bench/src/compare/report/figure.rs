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
    /// Percentiles, the smaller over the larger.
    Layers,
}

/// What is drawn beside each other is drawn as one; what nobody has heard of is drawn alone.
fn kind(row: &Row) -> (Kind, &str) {
    let label = row.label();
    let percentile = label.strip_prefix('p').is_some_and(|n| n.parse::<f64>().is_ok());
    match label.split_once(" of ") {
        Some((whole @ "CPU", _)) => (Kind::Stack, whole),
        _ if percentile => (Kind::Layers, "latency"),
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
    value: String,
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
        let known = rows.iter().filter_map(|row| Some((*row, row.value.filter(|value| *value >= 0.0)?)));
        // A sum that was measured itself is what its parts are drawn into, unless it is all there is.
        let (whole, parts): (Vec<_>, Vec<_>) =
            known.partition(|(row, _)| kind == Kind::Stack && part(row) == "all");
        let parts = if parts.is_empty() { whole.clone() } else { parts };
        let one = whole.first().or_else(|| parts.first().filter(|_| parts.len() == 1)).map(|(row, _)| *row);

        let mut end = 0.0;
        let mut segments = Vec::new();
        for (shade, (_, value)) in parts.iter().enumerate() {
            let from = if kind == Kind::Stack { end } else { 0.0 };
            segments.push(Segment { from, to: from + value, shade });
            end = f64::max(end, from + value);
        }
        // The smaller lies over the larger.
        if kind == Kind::Layers {
            segments.sort_by(|a, b| b.to.total_cmp(&a.to));
        }

        let name = |row: &'a Row| if kind == Kind::Stack { part(row) } else { row.label() };
        let said = parts.iter().map(|(row, value)| format!("{} {}", name(row), short(*value)));
        let said = if parts.len() > 1 { said.collect::<Vec<_>>().join(" · ") } else { String::new() };
        let total = one.and_then(|row| row.value).unwrap_or(end);
        let (value, said) = match kind {
            Kind::Layers if parts.len() > 1 => (said, String::new()),
            _ => (short(total), said),
        };
        let ratio = one.filter(|row| !row.is_own()).and_then(|row| row.ratio);
        let (row, _) = *parts.first()?;
        Some(Line { row, total, value, ratio, parts: said, segments, range: one.and_then(Row::range) })
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
            Escaped(&self.value),
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
    // Layers are in the order of the smallest, which is drawn last.
    let place = |line: &Line<'_>| match (kind, line.segments.last()) {
        (Kind::Layers, Some(segment)) => segment.to,
        _ => line.total,
    };
    lines.sort_by(|a, b| {
        let order = place(a).total_cmp(&place(b));
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
