//! The heartbeat of one link: timers only.

use core::time::Duration;

use crate::link::session::Role;
use crate::{Heartbeat, Instant};

/// How often in a row a node may find out late that a silence is over and still give the neighbour
/// another chance. A node that is always late would otherwise never notice anything.
const MOST_LATE: u8 = 3;

/// How long a driver's last turn to read may take.
const LAST_TURN: Duration = Duration::from_millis(1);

/// How long a sign of life waits for something else to be said.
const MOMENT: Duration = Duration::from_millis(1);

/// When a neighbour was last heard, and what is to be done about it.
///
/// The promise: a link over which bytes flow is never called dead. Bytes may be waiting unread when
/// the time is up: a driver may look at its timer first. So the driver is given one more turn to read.
/// And it may come back from a pause (a laptop that slept, a stopped process): a deadline that is
/// found long past is no proof, and asks once more.
#[derive(Debug)]
pub(crate) struct Pulse {
    beat: Heartbeat,
    /// After which silence this side asks.
    patience: Duration,
    heard: Instant,
    /// When something was last said.
    spoke: Instant,
    /// When the last ping since then was sent.
    pinged: Option<Instant>,
    /// When the silence was over and the driver was given a last turn to read.
    looking: Option<Instant>,
    late: u8,
    rtt: Option<Duration>,
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    Nothing,
    Ping,
    Dead,
}

impl Pulse {
    /// The side that dialed asks first: the other waits a quarter longer, so that one ping does for
    /// both, and keeps the way open where the dialing side's network would forget it.
    pub(crate) fn new(now: Instant, beat: Heartbeat, role: Role) -> Pulse {
        let patience = match role {
            Role::Initiator => beat.idle,
            Role::Responder => beat.idle + beat.idle / 4,
        };
        Pulse { beat, patience, heard: now, spoke: now, pinged: None, looking: None, late: 0, rtt: None }
    }

    /// Any byte is life.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
        self.looking = None;
        self.late = 0;
    }

    /// So is any byte of ours to the neighbour.
    pub(crate) const fn spoke(&mut self, now: Instant) {
        self.spoke = now;
    }

    /// Pings carry the time they were sent at: a pong tells the round trip.
    pub(crate) fn pong(&mut self, now: Instant, echoed: u64) {
        let sent = Instant::from_micros(echoed);
        // A number that we never sent says nothing; the largest believable one is the silence.
        if sent <= now && now.saturating_since(sent) <= self.beat.silence {
            self.rtt = Some(now.saturating_since(sent));
        }
    }

    pub(crate) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    pub(crate) fn deadline(&self) -> Instant {
        if let Some(since) = self.looking {
            return since + LAST_TURN;
        }
        match self.pinged {
            // A neighbour that is still sending one long record hears nothing from who only listens, and
            // its own ping waits behind that record: who was spoken to since it spoke asks, too.
            // What is said anyway says it: that gets a moment.
            None => (self.heard + self.patience).min((self.spoke + self.patience).max(self.heard + MOMENT)),
            Some(sent) => {
                (sent + self.beat.idle).min((self.heard + self.beat.silence).max(sent + self.grace()))
            }
        }
    }

    /// How long an answer to the last ping may take, even when the silence is over.
    fn grace(&self) -> Duration {
        self.beat.idle / 2
    }

    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let deadline = self.deadline();
        if now < deadline {
            return Due::Nothing;
        }
        let is_late = now.saturating_since(deadline) > self.beat.idle / 4;
        let over = now >= self.heard + self.beat.silence && self.pinged.is_some();
        if over && (!is_late || self.late >= MOST_LATE || planted!(SleptIsDead)) {
            if self.looking.is_some() || planted!(SleptIsDead) {
                return Due::Dead;
            }
            self.looking = Some(now);
            return Due::Nothing;
        }
        self.looking = None;
        if is_late {
            self.late = self.late.saturating_add(1);
        }
        if planted!(PingIsLife) {
            self.heard = now;
        }
        self.pinged = Some(now);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const BEAT: Heartbeat = Heartbeat::INTERNET;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_neighbour_is_asked_and_then_dead() {
        let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
        let (mut asked, mut looked) = (0, 0);
        let dead = loop {
            let now = pulse.deadline();
            match pulse.due(now) {
                Due::Ping => asked += 1,
                Due::Dead => break now,
                Due::Nothing => looked += 1,
            }
        };
        assert_eq!((asked, looked, dead), (2, 1, at(45) + LAST_TURN));
    }

    #[test]
    fn any_byte_is_life() {
        let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
        assert_eq!(pulse.due(at(15)), Due::Ping);
        pulse.heard(at(44));
        pulse.spoke(at(44));
        assert_eq!(pulse.due(at(58)), Due::Nothing);
        assert_eq!(pulse.due(at(59)), Due::Ping);
    }

    #[test]
    fn who_only_listens_is_heard_once_an_interval() {
        let mut pulse = Pulse::new(at(0), BEAT, Role::Responder);
        let mut asked = Vec::new();
        for second in 1..=60 {
            pulse.heard(at(second));
            if pulse.due(at(second) + MOMENT) == Due::Ping {
                pulse.spoke(at(second));
                asked.push(second);
            }
        }
        assert_eq!(asked, [19, 38, 57], "18.75 s after it last spoke, when it listens");
    }

    #[test]
    fn bytes_that_wait_when_the_time_is_up_are_read_first() {
        let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
        assert_eq!((pulse.due(at(15)), pulse.due(at(30))), (Due::Ping, Due::Ping));
        assert_eq!(pulse.due(at(45)), Due::Nothing);
        pulse.heard(at(45));
        pulse.spoke(at(45));
        assert_eq!(pulse.deadline(), at(60));
    }

    #[test]
    fn who_slept_asks_before_it_gives_up() {
        let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
        assert_eq!(pulse.due(at(15)), Due::Ping);
        assert_eq!(pulse.due(at(3600)), Due::Ping);
        assert_eq!(pulse.due(pulse.deadline()), Due::Nothing);
        assert_eq!(pulse.due(pulse.deadline()), Due::Dead);
        // One who is late every time gives up in the end.
        let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
        let mut turns = 0;
        while pulse.due(pulse.deadline() + Duration::from_secs(10)) != Due::Dead {
            turns += 1;
            assert!(turns < 10);
        }
    }

    #[test]
    fn only_believable_pongs_tell_the_round_trip() {
        let mut pulse = Pulse::new(at(100), BEAT, Role::Initiator);
        pulse.pong(at(100), u64::MAX);
        pulse.pong(at(100), 0);
        assert_eq!(pulse.rtt(), None);
        pulse.pong(at(100), at(98).as_micros());
        assert_eq!(pulse.rtt(), Some(Duration::from_secs(2)));
    }

    proptest! {
        /// Whatever the times at which it is looked at: a neighbour that is heard at least once an
        /// idle interval is never dead, and after each look the deadline lies in the future.
        #[test]
        fn who_is_heard_lives(gaps in proptest::collection::vec((0u64..15_000, any::<bool>()), 1..100)) {
            let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
            let mut now = at(0);
            for (gap, first) in gaps {
                now = now + Duration::from_millis(gap);
                if first { pulse.heard(now); }
                prop_assert!(pulse.due(now) != Due::Dead);
                pulse.heard(now);
                prop_assert!(pulse.deadline() > now);
            }
        }

        #[test]
        fn no_deadline_stands_in_the_past(looks in proptest::collection::vec(0u64..100_000, 1..100)) {
            let mut pulse = Pulse::new(at(0), BEAT, Role::Initiator);
            let mut now = at(0);
            for gap in looks {
                now = now + Duration::from_millis(gap);
                if pulse.due(now) == Due::Dead { break; }
                prop_assert!(pulse.deadline() > now);
            }
        }
    }
}
