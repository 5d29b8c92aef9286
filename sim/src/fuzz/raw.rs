//! Speaks the wire by hand, for either side of a link: any byte can be sent, at any time.

use homing_core::wire::frame::{self, Frame, types};
use homing_core::wire::{Kind, Label, label, record};

use super::noise::{Cipher, Handshake};

/// A record around `content`, which is cut at what a record can carry.
pub(super) fn record_of(content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(record::MAX_RECORD)];
    [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

/// A frame whose payload is cut at what a frame can carry.
pub(super) fn frame_of(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, kind, &payload[..payload.len().min(frame::MAX_PAYLOAD)]);
    out
}

/// A side's handshake under a network's name. The number makes its keys.
pub(super) fn handshake(initiator: bool, key: u8, turn: u8, network: &str) -> Handshake {
    let prologue = [&record::preface(1)[..], network.as_bytes()].concat();
    let mut ephemeral = [key; 32];
    (ephemeral[0], ephemeral[1]) = (turn, 77);
    Handshake::new(initiator, [key; 32], ephemeral, &prologue)
}

/// Takes the first whole record off a stream: its content.
pub(super) fn next_record(stream: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = match record::read_header(stream) {
        record::Header::Record(length) if stream.len() >= record::HEADER + length => length,
        _ => return None,
    };
    Some(stream.drain(..record::HEADER + length).skip(record::HEADER).collect())
}

/// The keys of a session, and what the node under test has said in it.
pub(super) struct Session {
    out: Cipher,
    input: Cipher,
    /// What was not whole yet.
    stream: Vec<u8>,
    /// Envelopes to be acknowledged.
    pub(super) owed: u32,
    /// The number of a ping to be answered.
    pub(super) ping: Option<u64>,
    /// The ids of the envelopes that came, the last few.
    pub(super) ids: Vec<[u8; 16]>,
    /// The reason of a close frame.
    pub(super) closed: bool,
    /// The last record, as it was sent.
    pub(super) last: Vec<u8>,
}

/// An envelope of the node's.
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) id: [u8; 16],
    pub(super) letter: Vec<u8>,
}

impl Session {
    pub(super) fn new(handshake: Handshake) -> Session {
        let (out, input) = handshake.split();
        let (stream, ids, last) = (Vec::new(), Vec::new(), Vec::new());
        Session { out, input, stream, owed: 0, ping: None, ids, closed: false, last }
    }

    /// A record of these frames, which are cut at what a record can carry.
    pub(super) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let plain = &plain[..plain.len().min(record::MAX_PLAINTEXT)];
        self.last = record_of(&self.out.seal(plain));
        self.last.clone()
    }

    /// The next record is under the next key.
    pub(super) fn rekey(&mut self) {
        self.out.rekey();
    }

    /// Takes what the node wrote. All of it must be as the protocol says, whatever it was told: records that
    /// authenticate, frames of this version in their place.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.stream.extend_from_slice(bytes);
        let mut said = Vec::new();
        while let Some(content) = next_record(&mut self.stream) {
            assert!(!self.closed, "a record behind a close frame");
            let plain = self.input.open(&content).expect("a record of the node's does not authenticate");
            let mut rest = &plain[..];
            let mut before = None;
            assert!(!rest.is_empty(), "a record without a frame");
            while !rest.is_empty() {
                assert!(!self.closed, "a frame behind a close frame");
                match frame::read(&mut rest).expect("a frame of the node's cannot be read") {
                    Frame::Envelope(envelope) => {
                        before = Some(envelope);
                        said.push(self.envelope(envelope));
                    }
                    Frame::Alike { id, letter } => {
                        let before = before.expect("alike to an envelope of another record");
                        let envelope =
                            label::alike(before, &id, letter).expect("alike to one without a label");
                        said.push(self.envelope(&envelope));
                    }
                    Frame::Ping(n) => self.ping = Some(n),
                    Frame::Close { reason, .. } => {
                        assert!(!reason.text().is_empty(), "closed for {reason:?}, which is no reason");
                        self.closed = true;
                    }
                    Frame::Rekey => {
                        assert!(rest.is_empty(), "a frame behind a rekeying");
                        self.input.rekey();
                    }
                    Frame::Pong(_) | Frame::Ack(_) | Frame::Session(_) => {}
                    Frame::Extension(kind) => panic!("the node says the extension {kind:#04x}"),
                }
            }
        }
        said
    }

    fn envelope(&mut self, envelope: &[u8]) -> Said {
        let (label, letter) = Label::read(envelope).expect("a label of the node's cannot be read");
        if label.kind != Kind::Notification {
            self.owed += 1;
        }
        if self.ids.len() >= 8 {
            self.ids.remove(0);
        }
        self.ids.push(label.id.0);
        Said { kind: label.kind, id: label.id.0, letter: letter.to_vec() }
    }

    /// What a neighbour with manners says now, if anything: acknowledgements and pongs.
    pub(super) fn manners(&mut self) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        if let Some(n) = self.ping.take() {
            plain.extend(frame_of(types::PONG, &n.to_be_bytes()));
        }
        if self.owed > 0 {
            plain.extend(frame_of(types::ACK, &std::mem::take(&mut self.owed).to_be_bytes()));
        }
        (!plain.is_empty() && !self.closed).then(|| self.seal(&plain))
    }
}
