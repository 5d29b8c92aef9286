//! One file a command.

pub(crate) mod arrivals;
pub(crate) mod call;
pub(crate) mod chat;
pub(crate) mod hub;
pub(crate) mod join;
pub(crate) mod keygen;
pub(crate) mod listen;
pub(crate) mod peers;
pub(crate) mod ping;
pub(crate) mod progress;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod send;
pub(crate) mod sim;
pub(crate) mod vectors;
pub(crate) mod why;
