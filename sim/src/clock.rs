//! A machine's clock, which need not go as the world's does.

use std::time::Duration;

use homing_core::Instant;

/// What one machine takes for the time. It can stand, jump and drift; a [`Node`](homing_core::Node) is told
/// nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Both at the last change of the rate.
    world: Instant,
    local: Instant,
    /// Local microseconds in a million of the world's.
    rate: u64,
}

/// A clock that goes right.
const RIGHT: u64 = 1_000_000;

impl Clock {
    /// A clock that goes right, and starts at `local` when the world is at `world`.
    pub fn new(world: Instant, local: Instant) -> Clock {
        Clock { world, local, rate: RIGHT }
    }

    /// What it shows when the world's time is `world`.
    pub fn local(&self, world: Instant) -> Instant {
        let gone = world.as_micros().saturating_sub(self.world.as_micros());
        let here = u128::from(gone) * u128::from(self.rate) / u128::from(RIGHT);
        self.local + Duration::from_micros(u64::try_from(here).unwrap_or(u64::MAX))
    }

    /// The first moment of the world at which it shows `local` or more; never, when it stands before that.
    pub fn world(&self, local: Instant) -> Option<Instant> {
        let wanted = local.as_micros().saturating_sub(self.local.as_micros());
        if wanted == 0 {
            return Some(self.world);
        }
        let there = (u128::from(wanted) * u128::from(RIGHT)).checked_div(u128::from(self.rate))?;
        let exact = u128::from(wanted) * u128::from(RIGHT) == there * u128::from(self.rate);
        let micros = u64::try_from(there).ok()?.checked_add(u64::from(!exact))?;
        Some(self.world + Duration::from_micros(micros))
    }

    /// From now on it gains or loses so many microseconds a second; -1 000 000 makes it stand.
    pub fn drift(&mut self, world: Instant, per_million: i64) {
        self.local = self.local(world);
        self.world = world;
        self.rate = RIGHT.saturating_add_signed(per_million);
    }

    /// Sets it forward, or back: then it repeats what it has shown.
    pub fn jump(&mut self, world: Instant, by_micros: i64) {
        let local = self.local(world).as_micros().saturating_add_signed(by_micros);
        self.local = Instant::from_micros(local);
        self.world = world;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn a_deadline_is_reached_when_the_clock_shows_it_and_not_before() {
        for drift in [0, 1, -1, 333_333, -333_333, 50_000, -999_999] {
            let mut clock = Clock::new(at(1000), at(77));
            clock.drift(at(2000), drift);
            for local in [1077, 1078, 2000, 5_000_001, 90_000_000] {
                let Some(world) = clock.world(at(local)) else { panic!("it goes") };
                assert!(clock.local(world) >= at(local), "{drift} {local}");
                assert!(
                    world == at(2000) || clock.local(at(world.as_micros() - 1)) < at(local),
                    "{drift} {local}"
                );
            }
        }
    }

    #[test]
    fn it_stands_jumps_and_goes_on() {
        let mut clock = Clock::new(at(0), at(0));
        clock.drift(at(10), -1_000_000);
        assert_eq!(
            (clock.local(at(500)), clock.world(at(11)), clock.world(at(10))),
            (at(10), None, Some(at(10)))
        );
        clock.drift(at(500), 0);
        assert_eq!((clock.local(at(600)), clock.world(at(110))), (at(110), Some(at(600))));
        clock.jump(at(600), -100);
        assert_eq!(clock.local(at(600)), at(10));
        clock.jump(at(600), 1_000);
        assert_eq!(clock.local(at(601)), at(1_011));
    }
}
