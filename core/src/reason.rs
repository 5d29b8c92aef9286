//! Why something was refused, failed or ended: numbered, so that programs can act on it.

use alloc::string::String;
use core::fmt;

/// A numbered reason, in LIME's families: 1x the session, 2x form, 3x permission, 4x routing,
/// 5x delivery, 6x commands; and 7x the link, which is ours. PROTOCOL.md lists them.
///
/// A number that this version does not know is kept as it came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(u16);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl Reason {
            $($(#[$doc])* pub const $name: Reason = Reason($code);)*

            /// Every reason that this version knows, in the order of their numbers.
            pub const ALL: &[Reason] = &[$(Reason::$name),*];

            /// What it means, in a few words; the empty string for a number not known here.
            pub const fn text(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "",
                }
            }

            /// Its name in PROTOCOL.md, appendix A: `NOT_FOUND`; the empty string for a number not known here.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($code => stringify!($name),)*
                    _ => "",
                }
            }
        }
    };
}

reasons! {
    /// An end without a fault: the session was finished.
    FINISHED = 1, "finished";
    /// The session failed for a reason that has no number of its own.
    SESSION_ERROR = 11, "the session failed";
    /// A session envelope that the state does not allow, or that cannot be read.
    SESSION_STATE = 12, "a session message out of order";
    /// None of the offered authentication schemes is known or allowed.
    SCHEME = 13, "no authentication scheme in common";
    /// The key is not on the list of those who are let in.
    NOT_ADMITTED = 14, "this key is not on the hub's list";
    /// The name belongs to another key.
    NAME_TAKEN = 15, "this name belongs to another key";
    /// The name may not be had: it is the hub's, or it is reserved.
    NAME_RESERVED = 16, "this name may not be had";
    /// The negotiated options are outside of what was offered.
    OPTIONS = 17, "options outside of what was offered";
    /// The same peer came again under the same name and instance, and took the session's place.
    REPLACED = 18, "the same peer connected again";
    /// The key that answered is not the one that the invite names.
    WRONG_KEY = 19, "another key than the invite's answered";

    /// Something could not be parsed.
    MALFORMED = 21, "malformed";
    /// Larger than the receiver takes.
    TOO_LARGE = 22, "larger than the receiver takes";
    /// A frame or a flag that this version does not know.
    UNSUPPORTED = 23, "not supported by this version";

    /// The sender gave a `from` that is not its own.
    FORGED_SENDER = 31, "the sender's address is not its own";
    /// The peer may not do this.
    FORBIDDEN = 32, "not permitted";
    /// The key or the name is banned.
    BANNED = 33, "banned";

    /// No such peer is in the network.
    NOT_FOUND = 41, "no such peer in the network";
    /// The network is not one that this node knows a way to.
    NO_ROUTE = 42, "no route to that network";
    /// The hop limit ran out.
    HOPS = 43, "too many hops";
    /// The route leads back to where the message came from.
    LOOP = 44, "the route leads back";
    /// The name is in the network, but each of its instances takes only what names it.
    NOT_AVAILABLE = 45, "the peer is there but takes no messages";

    /// The recipient's queue is full.
    QUEUE_FULL = 51, "the recipient's queue is full";
    /// It waited in a queue for as long as it may.
    EXPIRED = 52, "waited too long in a queue";
    /// The link was lost before the other side confirmed: it may or may not have arrived.
    LINK_LOST = 53, "the link was lost: it may or may not have arrived";
    /// No receipt came in time: it may or may not have arrived.
    NO_RECEIPT = 54, "no receipt in time: it may or may not have arrived";
    /// The recipient refused it.
    REFUSED = 55, "the recipient refused it";

    /// The command failed.
    COMMAND_FAILED = 61, "the command failed";
    /// The resource does not know this method.
    METHOD = 62, "the method is not supported there";
    /// The argument is not what the command takes.
    ARGUMENT = 63, "the argument is not what the command takes";
    /// Nobody answered in time.
    TIMEOUT = 64, "no answer in time";
    /// The caller gave the call up.
    CANCELLED = 65, "cancelled by the caller";
    /// There is nothing under this path.
    RESOURCE_NOT_FOUND = 67, "nothing answers under this path";

    /// The handshake failed: another network, a key that does not fit, or altered bytes.
    HANDSHAKE = 71, "the handshake failed";
    /// The handshake or the admission took too long.
    HANDSHAKE_TIMEOUT = 72, "the handshake took too long";
    /// Nothing was heard for the negotiated silence.
    SILENCE = 73, "nothing was heard for too long";
    /// The stream ended without a goodbye.
    GONE = 74, "the connection broke";
    /// The other side went past a limit that it was told.
    LIMIT = 75, "went past a limit";
    /// The node has as many links or handshakes as it takes.
    BUSY = 76, "too many connections: try again later";
    /// A record that does not authenticate: altered, replayed, out of order or dropped on the way.
    FORGED_RECORD = 77, "a record does not authenticate";
    /// The version or the suite is not one that this node speaks.
    VERSION = 78, "this version or cipher suite is not spoken here";
    /// The other side could not be dialed.
    UNREACHABLE = 79, "could not be reached";
    /// What speaks on this stream is not Homing.
    NOT_HOMING = 80, "the other side does not speak Homing";
    /// The node could not make durable what it must remember.
    STORAGE = 81, "the hub could not store what it must remember";
}

impl Reason {
    /// The reason of a number from the wire. Any number is one.
    pub const fn from_code(code: u16) -> Reason {
        Reason(code)
    }

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Whether dialing again with the same key, name and invite can help.
    pub const fn is_permanent(self) -> bool {
        matches!(
            self,
            Reason::SCHEME
                | Reason::NOT_ADMITTED
                | Reason::NAME_TAKEN
                | Reason::NAME_RESERVED
                | Reason::OPTIONS
                | Reason::REPLACED
                | Reason::WRONG_KEY
                | Reason::BANNED
                | Reason::FORBIDDEN
                | Reason::HANDSHAKE
                | Reason::VERSION
                | Reason::NOT_HOMING
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            "" => write!(f, "reason {}", self.0),
            text => f.write_str(text),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reason({}: {self})", self.0)
    }
}

/// A reason with words of whoever gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The number.
    pub reason: Reason,
    /// More, for people; may be empty. At most 200 bytes from the wire.
    pub text: String,
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Failure {
        Failure { reason, text: String::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            self.reason.fmt(f)
        } else if self.reason.text().is_empty() {
            write!(f, "{} (reason {})", self.text, self.reason.code())
        } else {
            write!(f, "{}: {}", self.reason, self.text)
        }
    }
}

/// Who ended a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClosedBy {
    /// This node.
    Us,
    /// The neighbour, which said so, and whose key was proven.
    Them,
    /// Whoever is at the other end said so before there were keys: it may be anybody on the way.
    Unproven,
    /// Neither: the stream broke or was never there.
    Network,
}

/// Why a link ended, and who ended it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloseReason {
    /// Who.
    pub by: ClosedBy,
    /// Why.
    pub failure: Failure,
}

impl CloseReason {
    pub(crate) fn new(by: ClosedBy, reason: Reason, text: impl Into<String>) -> CloseReason {
        CloseReason { by, failure: Failure { reason, text: text.into() } }
    }

    /// The number.
    pub const fn reason(&self) -> Reason {
        self.failure.reason
    }

    /// Whether it is what only the neighbour itself can say, and will say again.
    pub(crate) fn is_verdict(&self) -> bool {
        self.by == ClosedBy::Them
            && matches!(
                self.reason(),
                Reason::SCHEME
                    | Reason::NOT_ADMITTED
                    | Reason::NAME_TAKEN
                    | Reason::NAME_RESERVED
                    | Reason::OPTIONS
                    | Reason::REPLACED
                    | Reason::BANNED
                    | Reason::FORBIDDEN
            )
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            ClosedBy::Them | ClosedBy::Unproven => write!(f, "closed by the other side: {}", self.failure),
            ClosedBy::Us | ClosedBy::Network => self.failure.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_and_a_number_of_its_own() {
        for pair in Reason::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code());
        }
        assert!(Reason::ALL.iter().all(|r| !r.text().is_empty()));
        assert_eq!(Reason::from_code(999).text(), "");
        assert_eq!((Reason::NOT_FOUND.name(), Reason::from_code(999).name()), ("NOT_FOUND", ""));
        assert_eq!(alloc::format!("{}", Reason::from_code(999)), "reason 999");
    }
}
