//! What a proxy does to the streams that it carries, as data; and the part of it that needs no stream.

use std::time::Duration;

use crate::dice::Dice;

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From who dials to who listens.
    Up,
    Down,
}

impl Direction {
    pub(crate) const BOTH: [Direction; 2] = [Direction::Up, Direction::Down];

    pub(super) fn index(self) -> usize {
        match self {
            Direction::Up => 0,
            Direction::Down => 1,
        }
    }
}

/// What becomes of one stream: in each direction. At first everything is carried as it comes.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Plan {
    pub(crate) up: Way,
    pub(crate) down: Way,
    /// Of which sizes and pauses are drawn.
    pub(crate) seed: u64,
}

impl Plan {
    /// The same in both directions.
    pub(crate) fn both(way: Way) -> Plan {
        Plan { up: way, down: way, seed: 1 }
    }

    /// Ends so after so many bytes in one direction.
    pub(crate) fn ending(direction: Direction, after: u64, end: End) -> Plan {
        let way = Way { end: Some((after, end)), ..Way::default() };
        match direction {
            Direction::Up => Plan { up: way, ..Plan::default() },
            Direction::Down => Plan { down: way, ..Plan::default() },
        }
    }

    pub(super) fn way(&self, direction: Direction) -> Way {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

/// What becomes of the bytes in one direction.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Way {
    /// Pieces are at most this large, and of any size up to it when they are [`ragged`](Way::ragged);
    /// 0: as they come.
    pub(crate) piece: usize,
    pub(crate) ragged: bool,
    /// After one piece in so many comes a pause.
    pub(crate) pause: Option<(usize, Duration)>,
    /// After every so many bytes nothing is carried for a while.
    pub(crate) stall: Option<(u64, Duration)>,
    /// After so many bytes it ends.
    pub(crate) end: Option<(u64, End)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// This direction ends as if its sender had finished; the other goes on.
    Half,
    /// The stream breaks, for both sides.
    Reset,
}

/// Cuts one direction of one stream.
#[derive(Debug)]
pub(super) struct Cutter {
    way: Way,
    dice: Dice,
    carried: u64,
}

impl Cutter {
    pub(super) fn new(plan: &Plan, direction: Direction) -> Cutter {
        let seed = plan.seed.wrapping_mul(2).wrapping_add(u64::from(direction == Direction::Down));
        Cutter { way: plan.way(direction), dice: Dice::new(seed), carried: 0 }
    }

    /// How it ends now, if it does.
    pub(super) fn end(&self) -> Option<End> {
        self.way.end.filter(|(after, _)| self.carried >= *after).map(|(_, end)| end)
    }

    /// How many of the bytes that are there go next.
    pub(super) fn piece(&mut self, there: usize) -> usize {
        let mut size = match (self.way.piece, self.way.ragged) {
            (0, _) => there,
            (most, false) => most,
            (most, true) => self.dice.up_to(most),
        };
        if let Some((after, _)) = self.way.end {
            size = size.min(usize::try_from(after.saturating_sub(self.carried)).unwrap_or(usize::MAX));
        }
        size.min(there)
    }

    /// So many were carried: how long to pause before the next.
    pub(super) fn carried(&mut self, count: usize) -> Duration {
        let before = self.carried;
        self.carried += count as u64;
        let mut pause = Duration::ZERO;
        if let Some((one_in, time)) = self.way.pause
            && self.dice.up_to(one_in) == 1
        {
            pause = time;
        }
        if let Some((every, time)) = self.way.stall
            && before / every != self.carried / every
        {
            pause = pause.max(time);
        }
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(way: Way, seed: u64, count: usize) -> Vec<usize> {
        let plan = Plan { seed, ..Plan::both(way) };
        let mut cutter = Cutter::new(&plan, Direction::Up);
        (0..count)
            .map(|_| {
                let piece = cutter.piece(1_000);
                cutter.carried(piece);
                piece
            })
            .collect()
    }

    #[test]
    fn pieces_are_as_asked_and_the_same_again() {
        assert_eq!(pieces(Way::default(), 1, 3), [1_000; 3]);
        assert_eq!(pieces(Way { piece: 1, ..Way::default() }, 1, 3), [1; 3]);
        let ragged = Way { piece: 50, ragged: true, ..Way::default() };
        let first = pieces(ragged, 1, 500);
        assert_eq!(first, pieces(ragged, 1, 500));
        assert_ne!(first, pieces(ragged, 2, 500));
        assert_eq!((first.iter().min(), first.iter().max()), (Some(&1), Some(&50)));
    }

    #[test]
    fn an_end_comes_at_its_byte() {
        let plan = Plan::ending(Direction::Down, 1_500, End::Half);
        let mut down = Cutter::new(&plan, Direction::Down);
        for expected in [1_000, 500, 0] {
            assert_eq!(down.end().is_some(), expected == 0);
            assert_eq!(down.piece(1_000), expected);
            down.carried(expected);
        }
        assert_eq!(down.end(), Some(End::Half));
        assert_eq!(Cutter::new(&plan, Direction::Up).end(), None);
        let at_once = Plan::ending(Direction::Up, 0, End::Reset);
        assert_eq!(Cutter::new(&at_once, Direction::Up).end(), Some(End::Reset));
    }

    #[test]
    fn stalls_come_as_often_as_asked() {
        let way = Way { piece: 100, stall: Some((250, Duration::from_secs(1))), ..Way::default() };
        let mut cutter = Cutter::new(&Plan::both(way), Direction::Up);
        let stalls: Vec<_> = (0..5).map(|_| !cutter.carried(100).is_zero()).collect();
        assert_eq!(stalls, [false, false, true, false, true]);
    }
}
