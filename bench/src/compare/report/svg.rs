//! Text and shapes. Nothing but these puts text or coordinates into the page.

use std::fmt::{self, Display, Formatter, Write};

/// Text, as it may stand between tags and in quotes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // What no document may have.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}

/// A part of the whole, as a coordinate within the drawing.
#[derive(Clone, Copy)]
pub(super) struct Part(pub(super) f64);

impl Part {
    /// `value` on a scale that ends at `full`.
    pub(super) fn of(value: f64, full: f64) -> Part {
        Part(value / full)
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let part = if self.0.is_nan() { 0.0 } else { self.0.clamp(0.0, 1.0) };
        write!(f, "{:.2}%", part * 100.0)
    }
}

/// A piece of a bar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) from: f64,
    pub(super) to: f64,
    /// 0 is the strongest of its colour.
    pub(super) shade: usize,
}

/// A bar on a scale from 0 to `full`, and over it a whisker from the lowest to the highest.
pub(super) fn bar(full: f64, segments: &[Segment], range: Option<(f64, f64)>) -> String {
    let segments = segments.iter().map(|Segment { from, to, shade }| {
        let (from, length) = (Part::of(*from, full), Part::of(to - from, full));
        format!("<rect class=\"s{shade}\" x=\"{from}\" y=\"1\" width=\"{length}\" height=\"12\"/>")
    });
    let whisker = range.map(|(lowest, highest)| {
        let (from, to) = (Part::of(lowest, full), Part::of(highest, full));
        let line = |a, b, from, to| format!("<line x1=\"{a}\" y1=\"{from}\" x2=\"{b}\" y2=\"{to}\"/>");
        let shape = line(from, to, 7, 7) + &line(from, from, 3, 11) + &line(to, to, 3, 11);
        format!("<g class=\"halo\">{shape}</g><g class=\"whisker\">{shape}</g>")
    });
    let (segments, whisker) = (segments.collect::<String>(), whisker.unwrap_or_default());
    format!("<svg class=\"bar\" width=\"100%\" height=\"14\" aria-hidden=\"true\">{segments}{whisker}</svg>")
}

/// How far something has come on the scale on which 1 is there, and a mark at what is aimed at.
pub(super) fn progress(share: f64, aim: Option<f64>) -> String {
    const FULL: f64 = 2.2;
    let mark = |class, at, from, to| {
        let at = Part::of(at, FULL);
        format!("<line class=\"{class}\" x1=\"{at}\" y1=\"{from}\" x2=\"{at}\" y2=\"{to}\"/>")
    };
    let aim = aim.map(|aim| mark("aim", aim, 3, 15)).unwrap_or_default();
    let (share, must) = (Part::of(share, FULL), mark("must", 1.0, 0, 18));
    format!(
        "<svg class=\"progress\" width=\"100%\" height=\"18\" aria-hidden=\"true\">\
        <rect class=\"ground\" x=\"0\" y=\"6\" width=\"100%\" height=\"6\"/>\
        <rect class=\"share\" x=\"0\" y=\"6\" width=\"{share}\" height=\"6\"/>{aim}{must}</svg>"
    )
}
