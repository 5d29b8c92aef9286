//! Where things stand: machines from left to right, time downwards, and no more room for it than it needs.

use std::time::Duration;

use homing_core::Instant;

use crate::fact::HostId;
use crate::invariant::Violation;

use super::picture::{Picture, Shows};
use super::words;

/// The room for times, left of all machines.
const GUTTER: usize = 92;
/// From the left of a machine's column to its line: what is said stands to the right of it.
const INSET: usize = 26;
/// What is said of one machine stands so far apart.
const LINE: f64 = 14.0;
/// Between two times at the side.
const TICK: f64 = 42.0;
/// When nothing happens for so long, it is said, and takes no more room.
const QUIET: Duration = Duration::from_secs(2);

/// Where everything stands, in pixels.
pub(super) struct Layout {
    column: usize,
    machines: usize,
    pub(super) height: f64,
    /// How far down each moment is.
    pub(super) y: Vec<f64>,
    /// Times at the side.
    pub(super) ticks: Vec<(f64, String)>,
    /// Where nothing happened, and for how long.
    pub(super) gaps: Vec<(f64, String)>,
    /// What the violation says, in lines.
    pub(super) accusation: Vec<String>,
}

impl Layout {
    pub(super) fn of(picture: &Picture, machines: usize, violation: Option<&Violation>) -> Layout {
        let column = (1_240 / machines.max(1)).clamp(168, 340);
        let mut layout = Layout {
            column,
            machines,
            height: 0.0,
            y: vec![0.0; picture.moments.len()],
            ticks: Vec::new(),
            gaps: Vec::new(),
            accusation: Vec::new(),
        };
        if let Some(violation) = violation {
            let text = format!("{}: {}", violation.invariant, violation.why);
            layout.accusation = words::lines(&text, (layout.width() - 2 * GUTTER) / 8, 8);
        }
        layout.place(picture);
        layout
    }

    fn place(&mut self, picture: &Picture) {
        let mut taken = vec![f64::MIN; self.machines];
        let (mut y, mut ticked) = (22.0, f64::MIN);
        let mut before: Option<Instant> = None;
        for place in &picture.order {
            let moment = &picture.moments[*place];
            let gone = before.map_or(Duration::ZERO, |before| moment.at.saturating_since(before));
            before = Some(moment.at);
            if gone >= QUIET {
                self.gaps.push((y + 22.0, format!("{} of quiet", words::span(gone))));
                y += 44.0;
                ticked = f64::MIN;
            } else {
                y += room_for(gone);
            }
            let across = match &moment.shows {
                Shows::Nothing => None,
                Shows::Mark(_) => {
                    if let Some(taken) = moment.host.and_then(|host| taken.get_mut(host)) {
                        y = y.max(*taken + LINE);
                        *taken = y;
                    }
                    None
                }
                Shows::Healed | Shows::LeftOut(_) => Some(22.0),
                Shows::Violation => Some(34.0 + 18.0 * count(self.accusation.len())),
            };
            if across.is_some() {
                y += 22.0;
            }
            self.y[*place] = y;
            let time = moment.at.saturating_since(picture.begin).as_secs_f64();
            let time = format!("{time:.3} s");
            if y - ticked >= TICK && self.ticks.last().is_none_or(|(_, last)| *last != time) {
                ticked = y;
                self.ticks.push((y, time));
            }
            y += across.unwrap_or(0.0);
        }
        self.height = y + 34.0;
    }

    /// Where a machine's line is.
    pub(super) fn x(&self, host: HostId) -> usize {
        GUTTER + host * self.column + INSET
    }

    /// Where its column begins.
    pub(super) fn left(&self, host: HostId) -> usize {
        GUTTER + host * self.column
    }

    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn width(&self) -> usize {
        GUTTER + self.machines.max(1) * self.column + INSET
    }

    /// How many letters have room beside a mark.
    pub(super) fn letters(&self) -> usize {
        (self.column - INSET - 12) / 6
    }
}

/// How much room a while takes: the tenfold time takes a little more of it.
fn room_for(gone: Duration) -> f64 {
    1.9 * (1.0 + gone.as_secs_f64() * 10_000.0).log2()
}

#[allow(clippy::cast_precision_loss)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_takes_more_room_and_never_much() {
        let room = |micros| room_for(Duration::from_micros(micros));
        assert_eq!(room(0), 0.0);
        assert!(room(1_000) > room(100) && room(1_000_000) > room(1_000));
        assert!(room_for(QUIET) < 30.0);
    }
}
