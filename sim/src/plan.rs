//! A run as data: what the machines are asked and what befalls them, and when.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Conditions;
use crate::fact::HostId;

/// Everything that a run does besides what the machines do by themselves. It is drawn from a seed, can be kept as
/// JSON, made smaller, and run again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The seed that it was drawn from; the weather and the nodes' own randomness come from it too.
    pub seed: u64,
    /// Whether bytes are delayed and cut at random. When not, each choice on the way is the calmest.
    pub weather: bool,
    /// How bytes travel.
    pub conditions: Conditions,
    /// A number that the scenario makes its machines by.
    pub shape: u64,
    /// The classes of faults that may strike.
    pub faults: Vec<Class>,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// When everything is healed, in microseconds from the start. No step comes later.
    pub heal: u64,
}

impl std::str::FromStr for Plan {
    type Err = serde_json::Error;

    /// Reads a plan from its JSON.
    fn from_str(json: &str) -> Result<Plan, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl fmt::Display for Plan {
    /// Its JSON, on one line: what [`FromStr`](std::str::FromStr) reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Something that happens at its time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// In microseconds from the start.
    pub at: u64,
    /// To which machine.
    pub host: HostId,
    /// What.
    pub deed: Deed,
}

/// What is asked of a machine, or done to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Deed {
    /// Its application is used: [`Handler::poke`](crate::Handler::poke).
    Poke(u64),
    /// It sends a message of so many bytes.
    Send {
        /// To whom.
        to: String,
        /// How many bytes.
        size: usize,
        /// Which receipts are wanted: 0 failure, 1 route, 2 received, 3 consumed.
        receipts: u8,
        /// 0 bulk, 1 normal, 2 urgent.
        priority: u8,
        /// For how many milliseconds receipts are awaited.
        patience: u64,
        /// What a [`Worker`](crate::Worker) does with it: 0 deals with it, 1 refuses it, 2 says nothing.
        then: u8,
        /// How often it is sent, one after the other.
        times: usize,
    },
    /// It calls a command.
    Call {
        /// Whom: one, several, or `*@network`.
        to: Vec<String>,
        /// What.
        path: String,
        /// How many bytes of argument.
        size: usize,
        /// For how many milliseconds.
        patience: u64,
    },
    /// It gives up one of its calls.
    Cancel {
        /// Which of the last ones.
        which: usize,
    },
    /// It leaves one of its networks, and joins it again after so many microseconds.
    Leave {
        /// Which.
        which: usize,
        /// For how long.
        lasts: u64,
    },
    /// Its application asks it to end; it is started again after so many microseconds.
    ShutDown {
        /// How long it is down.
        lasts: u64,
    },
    /// Something goes wrong.
    Fault(Fault),
}

/// Something that goes wrong, and for how many microseconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fault {
    /// One of the machine's streams breaks: both ends are told, what was on its way is lost.
    Cut {
        /// Which of its streams.
        which: usize,
    },
    /// One of the machine's streams is dead and nobody is told.
    HalfOpen {
        /// Which of its streams.
        which: usize,
    },
    /// Nothing passes between these machines (bits of a number) and all others.
    Partition {
        /// Who is on this side.
        side: u64,
        /// Only what this side says is held up.
        one_way: bool,
        /// For how long.
        lasts: u64,
    },
    /// The machine crashes, and is started again.
    Crash {
        /// Whether it finds what it had stored.
        keeps: bool,
        /// Whether its neighbours are told that their streams are broken.
        noticed: bool,
        /// How long it is down.
        lasts: u64,
    },
    /// Nothing runs on the machine.
    Pause {
        /// For how long.
        lasts: u64,
    },
    /// Its application takes nothing of what is delivered.
    Deaf {
        /// For how long.
        lasts: u64,
    },
    /// Its clock gains or loses; -1 000 000 makes it stand.
    Drift {
        /// Microseconds a second.
        per_million: i64,
        /// For how long.
        lasts: u64,
    },
    /// Its clock jumps, forward or back.
    Jump {
        /// By so many microseconds.
        by: i64,
    },
    /// What it wants to store is not stored.
    DiskFull {
        /// For how long.
        lasts: u64,
    },
    /// What it wants to store takes long.
    DiskSlow {
        /// How long each entry takes from now on.
        each: u64,
    },
}

/// A kind of fault, that a seed switches on or off as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Class {
    /// [`Fault::Cut`].
    Cuts,
    /// [`Fault::HalfOpen`].
    HalfOpen,
    /// [`Fault::Partition`].
    Partitions,
    /// [`Fault::Crash`].
    Crashes,
    /// [`Fault::Crash`] of one that finds nothing of what it had stored.
    Amnesia,
    /// [`Fault::Pause`].
    Pauses,
    /// [`Fault::Deaf`].
    Deafness,
    /// [`Fault::Drift`] and [`Fault::Jump`].
    Clocks,
    /// [`Fault::DiskFull`] and [`Fault::DiskSlow`].
    Disks,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 9] = [
        Class::Cuts,
        Class::HalfOpen,
        Class::Partitions,
        Class::Crashes,
        Class::Amnesia,
        Class::Pauses,
        Class::Deafness,
        Class::Clocks,
        Class::Disks,
    ];
}
