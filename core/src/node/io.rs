//! The door between a node and its driver: what the world tells it, what it wants done.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Event;
use crate::link::LinkId;

/// What the world tells a node, through [`Node::handle`](crate::Node::handle).
///
/// Nothing here can fail. An input for a link that the node does not have (it closed the link, and
/// the driver did not know yet) is passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input<'a> {
    /// The stream that [`Action::Dial`] asked for is open.
    Dialed {
        /// The action's link.
        link: LinkId,
    },
    /// It could not be opened. The driver holds nothing of the link any more.
    DialFailed {
        /// The action's link.
        link: LinkId,
        /// The cause, for people: `connection refused`.
        cause: &'a str,
    },
    /// Somebody dialed this node.
    Accepted {
        /// A number that the driver gives: [`LinkId::accepted`].
        link: LinkId,
    },
    /// Bytes arrived. They should be at most [`read_budget`](crate::Node::read_budget) many.
    Data {
        /// On which link.
        link: LinkId,
        /// The bytes, cut anywhere.
        bytes: &'a [u8],
    },
    /// The first `n` bytes of [`pending`](crate::Node::pending) were written.
    Wrote {
        /// On which link.
        link: LinkId,
        /// How many.
        n: usize,
    },
    /// The stream ended or broke. The driver holds nothing of the link any more.
    Gone {
        /// Which link.
        link: LinkId,
        /// The cause, for people: `connection reset by peer`.
        cause: &'a str,
    },
    /// What [`Action::Store`] asked for is durable, or could not be made so.
    Stored {
        /// The action's number.
        id: StoreId,
        /// Whether it is durable.
        ok: bool,
    },
    /// Nothing happened, but time went by.
    Timeout,
}

/// Numbers an [`Action::Store`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StoreId(pub(crate) u64);

/// What a node wants done, from [`Node::poll_action`](crate::Node::poll_action).
///
/// Exhaustive on purpose: a new duty must break every driver's build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Open a stream to `target`, then say [`Input::Dialed`] or [`Input::DialFailed`].
    Dial {
        /// The new link.
        link: LinkId,
        /// What [`Dial::target`](crate::Dial::target) said: `HOST:PORT`, a path, whatever the driver knows.
        target: String,
    },
    /// There is something [`pending`](crate::Node::pending) where there was nothing. Said once until
    /// the driver has found `pending` empty.
    Write {
        /// On which link.
        link: LinkId,
    },
    /// Close the stream now. Whatever there was to say has been written or has had its time.
    /// The node has forgotten the link.
    Close {
        /// Which link.
        link: LinkId,
    },
    /// Make `entry` durable, then say [`Input::Stored`]. After a restart the node is fed its entries
    /// through [`Node::restore`](crate::Node::restore), in the order they were stored. A driver
    /// that keeps nothing says `Stored` at once.
    Store {
        /// Which one.
        id: StoreId,
        /// A few dozen bytes; their form is the node's business.
        entry: Vec<u8>,
    },
    /// Something that the application wants to know.
    Event(Event),
}
