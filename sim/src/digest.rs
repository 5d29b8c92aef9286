//! One number for all that happened.

use std::hash::Hasher;

use homing_core::{Event, Stage};
use siphasher::sip::SipHasher13;

use crate::fact::{Fact, What};

/// A hash that takes only bytes of fixed order and size: the same on every machine and in every build.
#[derive(Clone, Copy, Default)]
pub(crate) struct Digest(SipHasher13);

impl Digest {
    pub(crate) fn finish(&self) -> u64 {
        self.0.finish()
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub(crate) fn add(&mut self, fact: &Fact) {
        self.number(fact.at.as_micros());
        self.number(fact.local.as_micros());
        self.number(fact.host as u64);
        match &fact.what {
            What::Told(event) => self.event(event),
            What::Sent { id, .. } => self.bytes(&id.0),
            What::Called { call, .. } => self.bytes(&call.0.0),
            What::Heard { link, bytes } => {
                self.number(link.as_u64());
                self.number(*bytes as u64);
            }
            What::Noted { word, number } => {
                self.bytes(word.as_bytes());
                self.number(number.cast_unsigned());
            }
            What::Closed { link, .. } | What::Gone { link } => self.number(link.as_u64()),
            _ => {}
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Message(message) => {
                self.bytes(&message.id.0);
                self.bytes(message.from.as_str().as_bytes());
                self.bytes(&message.body);
            }
            Event::Receipt { id, stage, .. } => {
                self.bytes(&id.0);
                self.bytes(stage.name().as_bytes());
                if let Stage::Failed(failure) = stage {
                    self.number(failure.reason.code().into());
                }
            }
            Event::Request(request) => {
                self.bytes(request.path.as_bytes());
                self.bytes(&request.body);
            }
            Event::Answer { call, from, response } => {
                self.bytes(&call.0.0);
                self.bytes(from.as_str().as_bytes());
                self.number(u64::from(response.is_ok()));
            }
            Event::CallEnded { call, answered, asked, .. } => {
                self.bytes(&call.0.0);
                self.number(u64::from(*answered) << 32 | u64::from(*asked));
            }
            Event::PeerUp { peer } | Event::PeerDown { peer } => self.bytes(peer.address.as_str().as_bytes()),
            Event::Down { why, .. } | Event::LinkDown { why, .. } => self.number(why.reason().code().into()),
            other => self.bytes(&word_of(other).to_le_bytes()),
        }
    }
}

fn word_of(event: &Event) -> u32 {
    match event {
        Event::Up { .. } => 1,
        Event::LinkUp { .. } => 2,
        Event::RequestEnded { .. } => 3,
        Event::Stopped => 4,
        _ => 0,
    }
}
