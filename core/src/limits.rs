//! Every cap in one place, each with its why.

use core::time::Duration;

/// What a node takes, holds and waits for, at most. Each queue, table and buffer has its cap here.
///
/// What a node tells its neighbours (`window`, `letter`) holds them; the rest holds itself.
/// Sizes are in bytes and count overhead besides payload, so that empty messages are not free.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Links at once. Beyond it a newcomer is told [`BUSY`](crate::Reason::BUSY).
    pub links: usize,
    /// Links that are not yet admitted, at once: what an unknown crowd can make a node hold.
    pub handshakes: usize,
    /// How long a newcomer may take from the first byte to the verdict. A slow phone on a bad
    /// network needs two round trips; whoever needs longer is silent or hostile.
    pub handshake_time: Duration,
    /// The largest record before a newcomer is admitted. A handshake message with its hello is
    /// about 300 bytes; the largest hello has room in this.
    pub handshake_record: usize,
    /// How long a link that is closing may take to send its goodbye.
    pub goodbye: Duration,
    /// The largest letter (head and body) in one envelope: from [`LEAST_LETTER`](Limits::LEAST_LETTER)
    /// to [`MOST_LETTER`](Limits::MOST_LETTER). Larger ones are refused. By default there is room for a body of 16 KiB
    /// and a head of 1 KiB.
    pub letter: usize,
    /// The largest head of a letter: it is JSON, and somebody must parse it.
    pub head: usize,
    /// What a neighbour may send without our acknowledgement: what we may have to hold for it.
    /// Two round trips' worth at 100 MB/s and 10 ms.
    pub window: usize,
    /// What waits to be sent on one link. Beyond it a sender here gets
    /// [`SendError::Full`](crate::SendError::Full), one elsewhere a failed receipt.
    pub queue: usize,
    /// What may wait on a link to a hub when this node's application adds to it: with more there it gets
    /// [`SendError::Full`](crate::SendError::Full) before `queue` is full, unless what it sends is urgent. That is enough
    /// to keep any link busy, and little enough to stay in a processor's caches until it is written.
    pub ahead: usize,
    /// What waits to be sent on one link of receipts and answers of our own, beyond `queue`.
    pub replies: usize,
    /// How long an envelope may wait in a queue before it comes back as failed: one peer that does
    /// not read must not hold up those who write to others. Receipts hold nobody up and wait on.
    pub queue_time: Duration,
    /// How long senders wait for a recipient that takes nothing at all. While it takes something, however
    /// slowly, they are held to its pace; after this they can write to others, and what is for it is
    /// queued until the queue is full.
    pub stall: Duration,
    /// How long acknowledgements wait for something to travel with.
    pub ack_delay: Duration,
    /// How long roster changes wait for more of them.
    pub roster_delay: Duration,
    /// Peers in one network's roster.
    pub roster: usize,
    /// Names that a hub remembers the keys of.
    pub names: usize,
    /// Names that one key may have bound.
    pub names_per_key: usize,
    /// Instances of one name that may be there at once.
    pub instances: usize,
    /// Messages of ours whose receipts are awaited.
    pub receipts: usize,
    /// Calls of ours that are not answered yet.
    pub calls: usize,
    /// Recipients of one call.
    pub recipients: usize,
    /// Requests to us that the application has not answered yet.
    pub requests: usize,
    /// The longest that anybody may wait for an answer or a receipt.
    pub patience: Duration,
    /// What waits for the application to take it, per link. Beyond it the link is not read, not even
    /// its pings: let it be well above `window`, which holds the neighbour back first.
    pub deliveries: usize,
    /// Networks that this node dials.
    pub uplinks: usize,
    /// Commands that the application serves.
    pub commands: usize,
    /// Records under one key before it is replaced, far below what the ciphers allow.
    pub rekey_records: u64,
    /// Bytes under one key before it is replaced.
    pub rekey_bytes: u64,
    /// The first redial comes within this time, and each next one within twice as long ..
    pub redial_first: Duration,
    /// .. up to this.
    pub redial_most: Duration,
    /// How often a message may be passed on.
    pub hops: u8,
}

impl Limits {
    /// The least that a neighbour may say it takes in one letter: rosters and answers must get through.
    pub const LEAST_LETTER: usize = 4 * 1024;
    /// The most that fits in a frame, with the longest label and what else a record has to carry.
    pub const MOST_LETTER: usize = 60 * 1024;

    /// These limits, within what the wire can carry.
    #[must_use]
    pub(crate) fn feasible(mut self) -> Limits {
        self.letter = self.letter.clamp(Limits::LEAST_LETTER, Limits::MOST_LETTER);
        self.head = self.head.min(self.letter);
        // Behind nothing there is always room for one.
        self.ahead = self.ahead.max(1);
        // A key that nothing may go under would be replaced for ever.
        self.rekey_records = self.rekey_records.max(1);
        self.rekey_bytes = self.rekey_bytes.max(1);
        self
    }

    /// The values of [`Limits::default`], which fit a hub on a small machine.
    pub const DEFAULT: Limits = Limits {
        links: 10_000,
        handshakes: 1_024,
        handshake_time: Duration::from_secs(10),
        handshake_record: 2_048,
        goodbye: Duration::from_secs(2),
        letter: 17 * 1024,
        head: 4 * 1024,
        window: 2 * 1024 * 1024,
        queue: 8 * 1024 * 1024,
        ahead: 1024 * 1024,
        replies: 1024 * 1024,
        queue_time: Duration::from_secs(30),
        stall: Duration::from_secs(5),
        ack_delay: Duration::from_millis(20),
        roster_delay: Duration::from_millis(50),
        roster: 20_000,
        names: 100_000,
        names_per_key: 16,
        instances: 64,
        receipts: 65_536,
        calls: 16_384,
        recipients: 4_096,
        requests: 4_096,
        patience: Duration::from_secs(24 * 60 * 60),
        deliveries: 4 * 1024 * 1024,
        uplinks: 64,
        commands: 1_024,
        rekey_records: 1 << 16,
        rekey_bytes: 1 << 30,
        redial_first: Duration::from_millis(500),
        redial_most: Duration::from_secs(30),
        hops: 8,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// When a neighbour is asked for a sign of life, and when it is given up.
///
/// Both sides of a link say what they want; the faster of the two holds, but none faster than
/// [`Heartbeat::FASTEST`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// A ping is sent when nothing was heard for this long.
    pub idle: Duration,
    /// The link is dead when nothing was heard for this long.
    pub silence: Duration,
}

impl Heartbeat {
    /// For links over the Internet: 15 s and 45 s.
    pub const INTERNET: Heartbeat =
        Heartbeat { idle: Duration::from_secs(15), silence: Duration::from_secs(45) };
    /// For links within a building: 1 s and 3 s.
    pub const LAN: Heartbeat = Heartbeat { idle: Duration::from_secs(1), silence: Duration::from_secs(3) };
    /// Nobody can be asked for more: 50 ms and 150 ms.
    pub const FASTEST: Heartbeat =
        Heartbeat { idle: Duration::from_millis(50), silence: Duration::from_millis(150) };
    /// Nobody can be asked for less, so that a dead link is always noticed: 10 min and 30 min.
    pub const SLOWEST: Heartbeat =
        Heartbeat { idle: Duration::from_secs(600), silence: Duration::from_secs(1800) };

    /// The heartbeat between a side that wants `self` and one that wants `other`.
    #[must_use]
    pub fn between(self, other: Heartbeat) -> Heartbeat {
        let pick = |a: Duration, b, fastest, slowest| a.min(b).clamp(fastest, slowest);
        let idle = pick(self.idle, other.idle, Heartbeat::FASTEST.idle, Heartbeat::SLOWEST.idle);
        let silence =
            pick(self.silence, other.silence, Heartbeat::FASTEST.silence, Heartbeat::SLOWEST.silence);
        // Two pings must have had time to be answered before silence means anything.
        Heartbeat { idle, silence: silence.max(idle * 2) }
    }
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat::INTERNET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_holds_within_what_the_wire_carries() {
        let asked = Limits { links: 3, letter: 5_000, head: 6_000, ..Limits::DEFAULT };
        assert_eq!(asked.clone().feasible(), Limits { head: 5_000, ..asked });
        let none =
            Limits { letter: 0, ahead: 0, rekey_records: 0, rekey_bytes: 0, ..Limits::DEFAULT }.feasible();
        assert_eq!((none.letter, none.head), (Limits::LEAST_LETTER, Limits::LEAST_LETTER));
        assert_eq!((none.ahead, none.rekey_records, none.rekey_bytes), (1, 1, 1));
        let all = Limits { letter: usize::MAX, ..Limits::DEFAULT }.feasible();
        assert_eq!((all.letter, all.head), (Limits::MOST_LETTER, Limits::DEFAULT.head));
    }

    #[test]
    fn the_faster_heartbeat_holds_within_bounds() {
        let (slow, fast) = (Heartbeat::INTERNET, Heartbeat::LAN);
        assert_eq!(slow.between(fast), fast);
        assert_eq!(fast.between(slow), fast);
        let silly = Heartbeat { idle: Duration::ZERO, silence: Duration::ZERO };
        assert_eq!(slow.between(silly), Heartbeat::FASTEST);
        let never = Heartbeat { idle: Duration::MAX, silence: Duration::MAX };
        assert_eq!(never.between(never), Heartbeat::SLOWEST);
        let odd = Heartbeat { idle: Duration::from_secs(10), silence: Duration::from_secs(1) };
        assert_eq!(odd.between(odd).silence, Duration::from_secs(20));
    }
}
