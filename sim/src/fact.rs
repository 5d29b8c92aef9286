//! What happens in a world, as those who check it see it.

use std::time::Duration;

use homing_core::{
    Address, CallId, Command, EntryError, Event, Failure, Instant, LinkId, Message, MessageId, Pattern,
    PeerId, RequestId, SendError, UplinkId,
};

use crate::plan::Fault;

/// One of the machines of a world, by number.
pub type HostId = usize;

/// Something that happened to one machine at one moment.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The world's time.
    pub at: Instant,
    /// The time that the machine's node goes by: the latest that it was told.
    pub local: Instant,
    /// Whose it is.
    pub host: HostId,
    /// What.
    pub what: What,
}

impl Fact {
    /// The number that an application has [noted](crate::Cx::note) with this word, if that is what happened.
    pub fn noted(&self, word: &str) -> Option<i64> {
        match self.what {
            What::Noted { word: noted, number } if noted == word => Some(number),
            _ => None,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// The machine's node was started.
    Started {
        /// How often it was, before.
        before: u32,
        /// Whether what it had stored was there again.
        kept: bool,
    },
    /// An entry of its journal could not be read back.
    Unrestored {
        /// Why.
        error: EntryError,
    },
    /// It crashed: what was not stored is lost.
    Crashed,
    /// Its application asked it to end.
    ShutDown,
    /// Its application has asked it to leave a network.
    Left {
        /// Which.
        uplink: UplinkId,
    },
    /// A message was sent: the node took it.
    Sent {
        /// Its id.
        id: MessageId,
        /// To whom.
        to: Address,
        /// What it says.
        message: Message,
    },
    /// A command was refused, and nothing has changed.
    Refused {
        /// Which: `send`, `request`, `respond`, ..
        command: &'static str,
        /// Why.
        error: SendError,
    },
    /// A call was made.
    Called {
        /// Its id.
        call: CallId,
        /// Who is asked.
        to: Pattern,
        /// What.
        command: Command,
        /// For how long.
        patience: Duration,
    },
    /// A call was given up.
    Cancelled {
        /// Which.
        call: CallId,
    },
    /// The application has said that it dealt with a message, or that it will not.
    Dealt {
        /// Which message.
        id: MessageId,
        /// Who sent it.
        from: Address,
        /// Why it was refused, if it was.
        refused: Option<Failure>,
    },
    /// The application has answered a request.
    Answered {
        /// Which.
        request: RequestId,
        /// Whether with success.
        ok: bool,
    },
    /// The node told its application something.
    Told(Event),
    /// A stream was opened: both ends have it.
    Opened {
        /// The link at the one who dialed, whose fact this is.
        link: LinkId,
        /// The other machine, and its link.
        other: (HostId, LinkId),
    },
    /// The node was given bytes that arrived.
    Heard {
        /// On which link.
        link: LinkId,
        /// How many.
        bytes: usize,
    },
    /// The node has closed a link.
    Closed {
        /// Which.
        link: LinkId,
        /// Bytes that had arrived on it and that nobody read.
        unread: usize,
    },
    /// The node was told that a link is no more.
    Gone {
        /// Which.
        link: LinkId,
    },
    /// The node was told that the time it asked for has come.
    Woken,
    /// The node has nothing more to do at this moment.
    Rested {
        /// What it says that it holds.
        memory: usize,
        /// How many links it has.
        links: usize,
        /// How many actions it took to come to rest.
        actions: usize,
        /// Its next deadline, in its own time.
        deadline: Option<Instant>,
    },
    /// Something was done to the machine or its links.
    Struck(Fault),
    /// Nothing is in anybody's way any more, and nothing will be: from here everything must drain. Said once,
    /// of the first machine.
    Healed,
    /// What the application notes, for invariants that know what it means.
    Noted {
        /// A word for it.
        word: &'static str,
        /// A number, whatever it means.
        number: i64,
    },
}

/// A machine as those who check see it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name in the world.
    pub name: String,
    /// Its key.
    pub key: PeerId,
    /// The addresses that it has when it is where it wants to be, one in each network.
    pub addresses: Vec<Address>,
}
