//! A value over sizes, both by their logarithms: a line for each contender.

use super::row::size;
use super::svg::{Escaped, Part};

const HEIGHT: f64 = 260.0;
/// How far the names at the lines' ends stay from each other.
const LEADING: f64 = 15.0;

/// What one contender reached at each size.
pub(super) struct Series<'a> {
    pub(super) own: bool,
    /// What is written at the line's end, and what it is called in full.
    pub(super) label: &'a str,
    pub(super) name: &'a str,
    pub(super) points: Vec<(u64, f64)>,
}

/// A scale by logarithms.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// For all of these, of which those that have a logarithm are taken.
    fn of(values: impl Iterator<Item = f64>) -> Option<Scale> {
        let values = values.filter(|value| value.is_finite() && *value > 0.0).map(f64::ln);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        (low <= high).then_some(Scale { low, high })
    }

    /// The same with some air at both ends.
    fn widened(self) -> Scale {
        let air = (self.high - self.low).mul_add(0.06, 0.02);
        Scale { low: self.low - air, high: self.high + air }
    }

    /// Where `value` is, from 0 to 1. A scale of one value has it in the middle.
    fn at(&self, value: f64) -> f64 {
        let width = self.high - self.low;
        if width > 0.0 { (value.ln() - self.low) / width } else { 0.5 }
    }

    /// Round numbers on it, not too many.
    fn ticks(&self) -> Vec<f64> {
        let within = |steps: &[f64]| -> Vec<f64> {
            let all = (-12..=15).flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
            all.filter(|tick| (0.0..=1.0).contains(&self.at(*tick))).collect()
        };
        let fine = within(&[1.0, 2.0, 5.0]);
        if fine.len() > 8 { within(&[1.0]) } else { fine }
    }
}

/// A round number without the digits that say nothing.
fn tick(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.0} M", v / 1e6),
        v if v >= 1e3 => format!("{:.0} k", v / 1e3),
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{v:.3}").trim_end_matches('0').to_string(),
    }
}

/// Keeps names apart that belong to near places, and all of them within the drawing.
fn spread(places: &mut [(usize, f64)]) {
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = 0.0;
    for (_, at) in &mut *places {
        *at = at.max(free);
        free = *at + LEADING;
    }
    let mut free = HEIGHT;
    for (_, at) in places.iter_mut().rev() {
        *at = at.min(free);
        free = *at - LEADING;
    }
}

/// The chart, or nothing when there is nothing to draw.
pub(super) fn over_sizes(series: &[Series<'_>]) -> Option<String> {
    let points = || series.iter().flat_map(|series| series.points.iter());
    let x = Scale::of(points().map(|(size, _)| *size as f64))?;
    let y = Scale::of(points().map(|(_, value)| *value))?.widened();
    let right = |size: u64| Part(x.at(size as f64));
    let down = |value: f64| HEIGHT * (1.0 - y.at(value));

    let mut sizes: Vec<u64> = points().map(|(size, _)| *size).filter(|size| *size > 0).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let grid = y.ticks().into_iter().map(|value| {
        let (at, text) = (down(value), tick(value));
        format!(
            "<line class=\"grid\" x1=\"0\" y1=\"{at:.1}\" x2=\"100%\" y2=\"{at:.1}\"/>\
            <text class=\"y\" x=\"-10\" y=\"{:.1}\">{text}</text>",
            at + 4.0
        )
    });
    let grid = grid.collect::<String>();
    let axis = sizes.iter().map(|bytes| {
        let (at, text) = (right(*bytes), size(*bytes));
        format!(
            "<line class=\"grid\" x1=\"{at}\" y1=\"0\" x2=\"{at}\" y2=\"{HEIGHT}\"/>\
            <text class=\"x\" x=\"{at}\" y=\"{:.1}\">{text}</text>",
            HEIGHT + 20.0
        )
    });
    let axis = axis.collect::<String>();

    let drawable = |series: &Series<'_>| -> Vec<(u64, f64)> {
        let mut points = series.points.clone();
        points.retain(|(size, value)| *size > 0 && value.is_finite() && *value > 0.0);
        points.sort_by_key(|(size, _)| *size);
        points
    };
    let drawn: Vec<_> = series.iter().map(|series| (series, drawable(series))).collect();
    let last = |points: &[(u64, f64)]| points.last().map(|(size, value)| (right(*size), down(*value)));
    let mut ends: Vec<_> =
        drawn.iter().enumerate().filter_map(|(n, (_, points))| Some((n, last(points)?.1))).collect();
    spread(&mut ends);

    // Homing's last: it lies over the others.
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    order.sort_by_key(|n| drawn.get(*n).is_some_and(|(series, _)| series.own));
    let lines = order.into_iter().filter_map(|n| {
        let (series, points) = drawn.get(n)?;
        let (end, at) = last(points)?;
        let (_, beside) = ends.iter().find(|(of, _)| *of == n)?;
        let strokes = points.iter().zip(points.iter().skip(1)).map(|(a, b)| {
            let (from, to) = (right(a.0), right(b.0));
            format!("<line x1=\"{from}\" y1=\"{:.1}\" x2=\"{to}\" y2=\"{:.1}\"/>", down(a.1), down(b.1))
        });
        let dots = points.iter().map(|(size, value)| {
            format!(
                "<circle cx=\"{}\" cy=\"{:.1}\" r=\"{}\"/>",
                right(*size),
                down(*value),
                if series.own { 4 } else { 3 }
            )
        });
        // Beside the drawing a unit is a pixel from its edge, whatever its width.
        Some(format!(
            "<g class=\"{}\"><title>{}</title>{}\
            <line class=\"leader\" x1=\"{end}\" y1=\"{at:.1}\" x2=\"100%\" y2=\"{at:.1}\"/>\
            <svg x=\"100%\" y=\"0\" width=\"1\" height=\"1\">\
            <line class=\"leader\" x1=\"0\" y1=\"{at:.1}\" x2=\"12\" y2=\"{beside:.1}\"/>\
            <text class=\"end\" x=\"16\" y=\"{:.1}\">{}</text></svg>{}</g>",
            if series.own { "line own" } else { "line" },
            Escaped(series.name),
            strokes.collect::<String>(),
            beside + 4.0,
            Escaped(series.label),
            dots.collect::<String>(),
        ))
    });
    let lines = lines.collect::<String>();
    Some(format!(
        "<svg class=\"chart\" height=\"{:.0}\" role=\"img\">{grid}{axis}{lines}</svg>",
        HEIGHT + 28.0
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{HEIGHT, LEADING, Scale, spread, tick};

    #[test]
    fn names_at_one_place_are_kept_apart_and_within() {
        let mut places: Vec<_> = (0..8).map(|n| (n, HEIGHT - 1.0)).collect();
        spread(&mut places);
        assert!(places.iter().all(|(_, at)| (0.0..=HEIGHT).contains(at)), "{places:?}");
        assert!(places.windows(2).all(|two| two[1].1 - two[0].1 >= LEADING), "{places:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        let scale = Scale::of([9e3, 2.1e6].into_iter()).unwrap();
        let ticks: Vec<_> = scale.ticks().into_iter().map(tick).collect();
        assert_eq!(ticks, ["10 k", "20 k", "50 k", "100 k", "200 k", "500 k", "1 M", "2 M"]);
        assert!(Scale::of([1e-3, 1e6].into_iter()).unwrap().ticks().len() <= 10);
        assert!(Scale::of([0.0, f64::NAN].into_iter()).is_none());
    }
}
