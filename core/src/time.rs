//! Time as the core is told it.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A moment, in microseconds since an origin that the driver chooses (its start, say).
///
/// The core never reads a clock. It compares the instants that it is told with one another and
/// with those it computed from them; the origin has no meaning to it. One that lies before an
/// earlier one is treated as that earlier one: time stands still, it never runs backwards.
///
/// ```
/// use core::time::Duration;
/// use homing_core::Instant;
///
/// let start = Instant::from_micros(1_000);
/// let later = start + Duration::from_millis(2);
/// assert_eq!(later.as_micros(), 3_000);
/// assert_eq!(later.saturating_since(start), Duration::from_millis(2));
/// assert_eq!(start.saturating_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The driver's origin.
    pub const ZERO: Instant = Instant(0);

    /// The instant `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn saturating_since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates at the end of time, 584 542 years after the origin.
    fn add(self, wait: Duration) -> Instant {
        let whole = wait.as_secs().saturating_mul(1_000_000);
        Instant(self.0.saturating_add(whole).saturating_add(u64::from(wait.subsec_micros())))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// When the driver must call again with [`Input::Timeout`](crate::Input::Timeout), and why.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline {
    /// The moment.
    pub at: Instant,
    /// What is due then, for a log or a trace; a driver need not look at it.
    pub timer: Timer,
}

/// What a [`Deadline`] is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// A handshake or an admission that takes too long.
    Handshake,
    /// A ping is due, or the neighbour has been silent for too long.
    Heartbeat,
    /// Acknowledgements that wait for company.
    Ack,
    /// An envelope has waited in a queue for as long as it may.
    Queue,
    /// A link that is closing has had its time for the goodbye.
    Goodbye,
    /// Roster changes that wait for company.
    Roster,
    /// A call of ours that nobody answered.
    Call,
    /// A request to us that the application did not answer.
    Request,
    /// A message of ours whose receipts did not come.
    Receipt,
    /// A network is to be dialed again.
    Redial,
}
