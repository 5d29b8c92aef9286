//! Mistakes that are made on purpose, to prove that the simulator's alarm rings.
//!
//! Only builds with `--cfg homing_planted` know this module; in all others [`planted!`] is the literal `false`.
//! At most one bug is active, on the thread that [`plant`]ed it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::vec::Vec;

macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::is($crate::planted::Bug::$bug)
    };
}

macro_rules! bugs {
    ($($bug:ident, $name:literal, $place:literal, $invariant:literal, $what:literal;)*) => {
        /// A mistake as a programmer would have made it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Bug {
            $(#[doc = $what] $bug,)*
        }

        /// All of them.
        pub const ALL: &[Bug] = &[$(Bug::$bug,)*];

        impl Bug {
            /// Its name, in lower case and with dashes.
            pub const fn name(self) -> &'static str {
                match self { $(Bug::$bug => $name,)* }
            }

            /// What part of the core it is in.
            pub const fn place(self) -> &'static str {
                match self { $(Bug::$bug => $place,)* }
            }

            /// The invariant that must catch it.
            pub const fn invariant(self) -> &'static str {
                match self { $(Bug::$bug => $invariant,)* }
            }

            /// The mistake, in a sentence.
            pub const fn what(self) -> &'static str {
                match self { $(Bug::$bug => $what,)* }
            }
        }
    };
}

bugs! {
    RecordWaitsForMore, "record-waits-for-more", "framing", "recovery",
        "A record that came in pieces and ends where the bytes end is read only when more bytes come.";
    TakesTooMuch, "takes-too-much", "framing", "close-reason",
        "What is there of a record already is not subtracted from what is taken to complete it, and the bytes of the next one are lost.";
    AckEndsRecord, "ack-ends-record", "framing", "accounted",
        "An acknowledgement is taken for the last frame of its record: those behind it are passed over.";
    PartialWriteDropsRest, "partial-write-drops-rest", "framing", "close-reason",
        "A write of a part counts as a write of all that was pending.";

    FirstRecordSmall, "first-record-small", "handshake", "close-reason",
        "The hub's first record is held to the size of a handshake message, although its key is proven.";
    HandshakeForEver, "handshake-for-ever", "handshake", "heartbeat",
        "The side that was dialed waits for the end of a handshake without a deadline.";
    NewcomerNeverLeaves, "newcomer-never-leaves", "handshake", "recovery",
        "A newcomer whose link ends before it is admitted goes on counting as one, until no other is let in.";

    BothLeave, "both-leave", "session", "close-reason",
        "Who has agreed to the other side's end does not expect that the other side has agreed to its own.";
    FinishingTooSoon, "finishing-too-soon", "session", "parting",
        "The end is announced as soon as nothing may be sent, although something waits for room in the window.";

    GoodbyeForEver, "goodbye-for-ever", "session", "parting",
        "A goodbye has no deadline: one that is not written or not answered keeps its link.";

    SleptIsDead, "slept-is-dead", "heartbeat", "heartbeat",
        "Who finds a silence over gives the neighbour up at once: it may have slept itself, and bytes may wait to be read.";
    PongIsNoLife, "pong-is-no-life", "heartbeat", "heartbeat",
        "Bytes too few for an envelope are no sign of life, and so no answer to a ping is.";
    PingIsLife, "ping-is-life", "heartbeat", "heartbeat",
        "Sending a ping begins the neighbour's silence anew: nobody is ever given up.";
    ParkedIsSilence, "parked-is-silence", "heartbeat", "heartbeat",
        "Time in which a link is not read, as the application is behind, counts as the neighbour's silence.";
    PongWaitsItsTurn, "pong-waits-its-turn", "heartbeat", "drain",
        "A ping is answered when no envelope waits: one that waits for room in the window holds the answer back.";
    AgendaKeepsGone, "agenda-keeps-gone", "heartbeat", "heartbeat",
        "A link that is no more stays in the agenda, and hides the deadlines of all that come after it.";

    ExactFallsBack, "exact-falls-back", "routing", "calls",
        "What names an instance that is not there goes to another one of the name.";
    EveryInstance, "every-instance", "routing", "recipient",
        "What is for a name goes to each of its instances, and not only notifications do.";
    BroadcastToSender, "broadcast-to-sender", "routing", "recipient",
        "What is for everybody goes to its sender, too.";
    CopiesWithoutSender, "copies-without-sender", "routing", "origin",
        "The hub does not write the sender on the copies for everybody: they seem to come from the hub.";

    StaleSeat, "stale-seat", "roster", "roster",
        "The end of a link takes its peer off the table, also when the peer sits there by another link by now.";
    ExpiredRosterForgotten, "expired-roster-forgotten", "roster", "roster",
        "A change of the roster that expires in a queue is not told again.";
    MissedWhenFull, "missed-when-full", "roster", "roster",
        "A member whose queue has no room for a change of the roster is not noted as one that missed it.";
    BackTooSoon, "back-too-soon", "roster", "roster",
        "A peer that left and came back before its leaving was told is told as gone.";
    SnapshotMerged, "snapshot-merged", "roster", "roster",
        "A snapshot is added to what is known instead of replacing it.";
    GoneStillCounts, "gone-still-counts", "roster", "close-reason",
        "Those who leave in an update still count while those who come in it are: a full network throws out its members.";

    FailureAfterReceived, "failure-after-received", "receipts", "receipts",
        "A link that is lost after the last receipt is reported as a failure.";
    LateReceipt, "late-receipt", "receipts", "receipts",
        "A message that was given up as unconfirmed goes on being awaited: what comes late is told after the failure.";
    ExpiredInSilence, "expired-in-silence", "receipts", "accounted",
        "What expires in a queue is credited to its sender's window, and nobody is told.";
    UnsentInSilence, "unsent-in-silence", "receipts", "accounted",
        "When a link ends, what was under way on it is reported and what was still queued is not.";

    FirstAnswerEnds, "first-answer-ends", "calls", "calls",
        "A call to a list ends with its first answer.";
    LateAnswer, "late-answer", "calls", "calls",
        "The requests of a call that has ended are not forgotten: an answer that comes late is told.";
    HalfAList, "half-a-list", "calls", "calls",
        "Room is looked for only for the first of a list: a call that is refused is under way all the same.";
    HubNotCounted, "hub-not-counted", "calls", "receipts",
        "The hub forgets itself when it says to how many a call to everybody went.";

    ExpiredStillQueued, "expired-still-queued", "limits", "recovery",
        "What expires in a queue still counts against its cap, until nothing has room in it.";
    RosterOffByOne, "roster-off-by-one", "limits", "close-reason",
        "The hub forgets its own place in the roster and lets in one more than its members hold.";
    IdleKeepsBuffers, "idle-keeps-buffers", "limits", "memory",
        "A link that has nothing to do keeps the buffers that it needed when it had.";

    FullestLaneFirst, "fullest-lane-first", "lanes", "order",
        "The lane with the most in it goes first, not the most urgent one.";
    SmallOnesFirst, "small-ones-first", "lanes", "order",
        "Small envelopes take the urgent lane, as they hold nobody up.";
    ExpiredBytesStay, "expired-bytes-stay", "lanes", "close-reason",
        "What expires is taken off a lane's list while its bytes stay: those behind it go out under another's length.";
    CompactKeepsStart, "compact-keeps-start", "lanes", "panic",
        "When a lane's rest is moved to the front, where it begins is not.";
    AlikeToAnother, "alike-to-another", "lanes", "origin",
        "A copy for everybody that is queued between two envelopes is forgotten: the second goes without its label, behind the copy's.";
    AlikeToTheLastRecord, "alike-to-the-last-record", "lanes", "close-reason",
        "The first envelope of a record goes without its label if it is that of the last one of the record before.";

    WindowWithoutOverhead, "window-without-overhead", "flow", "close-reason",
        "What an envelope costs besides its bytes is not counted when room in the window is looked for.";
    CreditOfTheGone, "credit-of-the-gone", "flow", "accounted",
        "What was queued for a peer that is gone keeps its place in its sender's window for ever.";
    StalledKeepsPlaces, "stalled-keeps-places", "flow", "fairness",
        "A link that takes nothing is given up waiting for, but what is queued there keeps its senders' places.";
    StillSinceKept, "still-since-kept", "flow", "deadline",
        "A link that takes something again after a standstill goes on counting from when it began.";

    RekeyBothWays, "rekey-both-ways", "rekey", "close-reason",
        "Who is told that the other side's next record uses the next key uses the next one itself, too.";

    AdmittedBeforeStored, "admitted-before-stored", "journal", "admission",
        "A newcomer is let in while its name is still being stored.";
    StoreFailureAdmits, "store-failure-admits", "journal", "admission",
        "A newcomer is let in when its name could not be stored, and the name is bound to nobody.";
    RestoredNameWaits, "restored-name-waits", "journal", "recovery",
        "A name that is restored waits for a store that nobody has asked for: its owner is never answered.";

    GivesUp, "gives-up", "redial", "recovery",
        "A network that was dialed four times in vain is not dialed again.";
    FailedDialForgotten, "failed-dial-forgotten", "redial", "recovery",
        "When a stream cannot even be opened, the next try is announced and not put on the agenda.";

    HangUpWhileWaiting, "hang-up-while-waiting", "shutdown", "parting",
        "A network that is left between two dials is only marked: it is dialed again, and joined.";
    StoppedWaits, "stopped-waits", "shutdown", "parting",
        "The end of a shutdown is not said while the application has something to take, nor after it has.";

    EndedBeforeTaken, "ended-before-taken", "requests", "requests",
        "A request that has ended before the application has taken it is given to it all the same.";
    UntakenKeepsPlace, "untaken-keeps-place", "requests", "recovery",
        "A request that ends before the application has taken it keeps its place in its sender's window for ever.";
    TimedOutRequestKept, "timed-out-request-kept", "requests", "memory",
        "Of a request that was not answered in time, who asked it is remembered for ever.";

    HashOrder, "hash-order", "determinism", "determinism",
        "What is for everybody goes out in the order of a randomly seeded hash.";
    SystemClock, "system-clock", "determinism", "replay",
        "A ping carries the time of the system's clock, not the time that the node was told.";
}

std::thread_local! {
    static PLANTED: core::cell::Cell<Option<Bug>> = const { core::cell::Cell::new(None) };
}

/// Makes one mistake on this thread from now on, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// What [`Bug::HashOrder`] does to a list; nothing, unless it is planted.
pub(crate) fn in_hash_order<T>(mut list: Vec<T>) -> Vec<T> {
    if planted!(HashOrder) {
        let random = RandomState::new();
        let mut keyed: Vec<(u64, T)> = Vec::new();
        for (at, item) in list.into_iter().enumerate() {
            keyed.push((random.hash_one(at), item));
        }
        keyed.sort_by_key(|entry| entry.0);
        list = keyed.into_iter().map(|entry| entry.1).collect();
    }
    list
}

/// What [`Bug::SystemClock`] puts in a ping's place; the ping itself, unless it is planted.
pub(crate) fn by_system_clock(ping: u64) -> u64 {
    if !planted!(SystemClock) {
        return ping;
    }
    #[allow(clippy::disallowed_types)] // that it is asked here is the mistake
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(ping, |since| u64::from(since.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_one_is_planted_at_a_time() {
        for (at, bug) in ALL.iter().enumerate() {
            assert!(bug.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{bug:?}");
            assert!(!ALL[..at].iter().any(|other| other.name() == bug.name()), "{bug:?}");
        }
        plant(Some(Bug::BothLeave));
        assert!(planted!(BothLeave) && !planted!(GivesUp));
        plant(None);
        assert!(!planted!(BothLeave));
    }
}
