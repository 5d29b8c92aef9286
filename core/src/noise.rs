//! The Noise protocol (<https://noiseprotocol.org/noise.html>, revision 34), by way of snow.
//!
//! Nothing outside of this module names snow, whose four faults are answered here:
//!
//! | snow | the answer |
//! |---|---|
//! | wipes no secret | it gets none: what passes through it is masked ([`parts`]) |
//! | takes public keys of low order | the provider refuses them: [`NoiseError::LowOrder`]; and keys in a second form |
//! | pads a short private key | it is given none: a [`KeyPair`] stands for it |
//! | panics on a long private key | the same |
//!
//! It also panics on buffers that are too small in places: it always gets the largest that it can need.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use snow::{Builder, HandshakeState, TransportState};

use crate::PeerId;
use crate::buffer::Buffer;
use crate::crypto::{KeyPair, Provider};
use crate::key::Stream;
use crate::pages::Pages;

mod parts;
mod suite;
#[cfg(test)]
mod tests;

pub use suite::Suite;

/// The longest Noise message (section 3).
const LONGEST: usize = 65_535;
/// The tag at the end of what is encrypted.
const TAG: usize = 16;
/// The longest plaintext of a transport message.
const LONGEST_PLAIN: usize = LONGEST - TAG;
/// What a handshake message carries besides its payload, at most: in the second, an ephemeral key, a
/// static key and two tags.
const OVERHEAD: usize = 32 + 32 + TAG + TAG;

/// One side of a handshake under way. After an error it is over: every other call gives
/// [`NoiseError::State`]. Only a payload of ours that is too long, or a message out of turn, leave it
/// as it was.
pub(crate) struct Handshake(Option<Box<HandshakeState>>);

impl Handshake {
    /// The side that speaks first. The ephemeral key is the first 32 bytes of `random`.
    pub(crate) fn initiator(
        provider: &Arc<dyn Provider>,
        suite: Suite,
        prologue: &[u8],
        key: &Arc<dyn KeyPair>,
        random: Stream,
    ) -> Result<Handshake, NoiseError> {
        let state = builder(provider, suite, prologue, key, random)?.build_initiator()?;
        Ok(Handshake(Some(Box::new(state))))
    }

    /// The side that answers. The ephemeral key is the first 32 bytes of `random`.
    pub(crate) fn responder(
        provider: &Arc<dyn Provider>,
        suite: Suite,
        prologue: &[u8],
        key: &Arc<dyn KeyPair>,
        random: Stream,
    ) -> Result<Handshake, NoiseError> {
        let state = builder(provider, suite, prologue, key, random)?.build_responder()?;
        Ok(Handshake(Some(Box::new(state))))
    }

    /// Appends the next message. Its payload is encrypted from the second message on.
    ///
    /// A responder learns here, not in [`Handshake::read`], that the initiator's ephemeral key is of
    /// low order: nothing is computed from it before.
    pub(crate) fn write(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), NoiseError> {
        if payload.len() > LONGEST - OVERHEAD {
            return Err(NoiseError::Length);
        }
        let mut state = self.take(Turn::Ours)?;
        let start = out.len();
        out.resize(start + payload.len() + OVERHEAD, 0);
        let written = state.write_message(payload, &mut out[start..]);
        out.truncate(start + written.as_ref().copied().unwrap_or(0));
        written?;
        self.0 = Some(state);
        Ok(())
    }

    /// Reads the next message and replaces `payload` by what it carries, or by nothing after an error.
    pub(crate) fn read(&mut self, message: &[u8], payload: &mut Vec<u8>) -> Result<(), NoiseError> {
        payload.clear();
        let mut state = self.take(Turn::Theirs)?;
        payload.resize(message.len(), 0);
        let read = state.read_message(message, payload);
        payload.truncate(read.as_ref().copied().unwrap_or(0));
        read?;
        self.0 = Some(state);
        Ok(())
    }

    /// The other's key, once it is proven: for an initiator by the second message, for a responder by
    /// the third.
    pub(crate) fn remote(&self) -> Option<PeerId> {
        let key = self.0.as_ref()?.get_remote_static()?;
        key.first_chunk().map(|key| PeerId::from_bytes(*key))
    }

    /// Whether all three messages have passed.
    #[cfg(test)]
    pub(crate) fn is_finished(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.is_handshake_finished())
    }

    /// The hash of all that was said, equal on both sides (section 11.2). Nothing, unless finished.
    #[cfg(test)]
    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        let state = self.0.as_ref().filter(|state| state.is_handshake_finished())?;
        state.get_handshake_hash().first_chunk().copied()
    }

    /// What follows a finished handshake. All its secrets but the two transport keys are wiped.
    pub(crate) fn into_transport(self) -> Result<Transport, NoiseError> {
        let state = self.0.ok_or(NoiseError::State)?;
        Ok(Transport(state.into_transport_mode()?))
    }

    /// Takes the state out for one step. It is put back when the step succeeds: after a failure, snow
    /// restores only a part of it.
    fn take(&mut self, turn: Turn) -> Result<Box<HandshakeState>, NoiseError> {
        let ready = |state: &mut Box<HandshakeState>| {
            !state.is_handshake_finished() && state.is_my_turn() == (turn == Turn::Ours)
        };
        self.0.take_if(ready).ok_or(NoiseError::State)
    }
}

#[derive(PartialEq, Eq)]
enum Turn {
    Ours,
    Theirs,
}

fn builder<'a>(
    provider: &Arc<dyn Provider>,
    suite: Suite,
    prologue: &'a [u8],
    key: &Arc<dyn KeyPair>,
    random: Stream,
) -> Result<Builder<'a>, NoiseError> {
    let parts = parts::Parts::new(provider.clone(), key.clone(), random);
    let builder = Builder::with_resolver(suite.name().parse()?, Box::new(parts));
    // snow must be given something in place of the private key: it is the parts that have it.
    Ok(builder.prologue(prologue)?.local_private_key(&[])?)
}

/// Two ciphers, one for each direction, each with its own counter: a message that is lost, repeated or
/// out of order is [`NoiseError::Forged`], and so is all that follows it.
pub(crate) struct Transport(TransportState);

impl Transport {
    /// Appends the plaintext's encryption: 16 bytes more than the plaintext, of which there may be
    /// 65 519. An error appends nothing.
    pub(crate) fn seal(&mut self, plaintext: &[u8], out: &mut Buffer) -> Result<(), NoiseError> {
        if plaintext.len() > LONGEST_PLAIN {
            return Err(NoiseError::Length);
        }
        Ok(out.extend_by(plaintext.len() + TAG, |room| self.0.write_message(plaintext, room))?)
    }

    /// The same, with the plaintext that stands in `out` from `from` on, in its place. After an error there is nothing from
    /// there on.
    pub(crate) fn seal_there(&mut self, out: &mut Buffer, from: usize) -> Result<(), NoiseError> {
        if out.len().saturating_sub(from) > LONGEST_PLAIN {
            out.truncate(from);
            return Err(NoiseError::Length);
        }
        out.replace_from(from, TAG, |room| {
            // Where there is more room than a tag takes, and no plaintext: see `Sealer`.
            let written = self.0.write_message(&[], room)?;
            // All of it, or what stands in the room would be lost.
            if written == room.len() { Ok(written) } else { Err(NoiseError::State) }
        })
    }

    /// Replaces `plain` by what the ciphertext says, or by nothing after an error.
    pub(crate) fn open(&mut self, ciphertext: &[u8], plain: &mut Pages) -> Result<(), NoiseError> {
        let length = ciphertext.len().checked_sub(TAG).filter(|length| *length <= LONGEST_PLAIN);
        plain.write(length.unwrap_or(0), |room| {
            length.ok_or(NoiseError::Length)?;
            Ok(self.0.read_message(ciphertext, room)?)
        })
    }

    /// Goes on to the next key for what we send (section 4.2). The counter goes on, too.
    pub(crate) fn rekey_outgoing(&mut self) {
        self.0.rekey_outgoing();
    }

    /// Goes on to the next key for what we receive (section 4.2). The counter goes on, too.
    pub(crate) fn rekey_incoming(&mut self) {
        self.0.rekey_incoming();
    }
}

/// Why a Noise message was not read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoiseError {
    /// Not what the other side encrypted, or not for this place: altered, repeated, out of order, or
    /// meant for another network or suite.
    Forged,
    /// A public key of low order, by which the other side would choose the secret alone.
    LowOrder,
    /// A message too short for what it must carry, or longer than Noise allows.
    Length,
    /// Out of turn, before the end, after a failure, or after 2^64 - 1 messages.
    State,
}

impl fmt::Display for NoiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoiseError::Forged => "a message was altered, repeated or meant for somebody else",
            NoiseError::LowOrder => "the other side's key is of low order: it is broken or hostile",
            NoiseError::Length => "a message is too short or too long",
            NoiseError::State => "a message came out of turn",
        })
    }
}

impl core::error::Error for NoiseError {}

impl From<snow::Error> for NoiseError {
    fn from(error: snow::Error) -> NoiseError {
        match error {
            snow::Error::Decrypt => NoiseError::Forged,
            snow::Error::Dh => NoiseError::LowOrder,
            snow::Error::Input => NoiseError::Length,
            _ => NoiseError::State,
        }
    }
}
