//! What can go wrong, in words that say what to do.

use std::fmt;
use std::io;

use homing_core::{CloseReason, Failure, SendError};

/// Why a peer could not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused: a port that is taken, a file that cannot be written.
    Io(io::Error),
    /// The node refused at once, and nothing has changed.
    Send(SendError),
    /// The other side does not let this peer in, or trying again as before cannot help.
    Refused(CloseReason),
    /// The other side could not be reached, or the link broke.
    Unreachable(CloseReason),
    /// The time was up; with the last that was heard, if anything was.
    Timeout(Option<CloseReason>),
    /// The message was not delivered; or, when the reason says so, that is not known.
    NotDelivered(Failure),
    /// The command was answered with a failure.
    Command(Failure),
    /// What the store remembers cannot be read: which entry, from 0, and why.
    Entry {
        /// Which one, in the order they were stored.
        index: usize,
        /// What the node said of it.
        why: String,
    },
    /// The peer is closed.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(e) => e.fmt(f),
            Error::Send(e) => e.fmt(f),
            Error::Refused(why) => write!(f, "refused: {why}; check the invite, the name and the key"),
            Error::Unreachable(why) => write!(f, "not reached: {why}; check the address, then try again"),
            Error::Timeout(None) => f.write_str("no answer in time; try again, or wait longer"),
            Error::Timeout(Some(why)) => write!(f, "no success in time, last: {why}; try again later"),
            Error::NotDelivered(failure) => write!(f, "not delivered: {failure}"),
            Error::Command(failure) => write!(f, "the command was not carried out: {failure}"),
            Error::Entry { index, why } => {
                write!(f, "entry {index} of the store cannot be read ({why}); restore it from a copy")
            }
            Error::Closed => f.write_str("this peer is closed; start a new one"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(e) => Some(e),
            Error::Send(e) => Some(e),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Error {
        match error {
            SendError::Stopped => Error::Closed,
            error => Error::Send(error),
        }
    }
}
