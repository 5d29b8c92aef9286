//! What comes out of a call, as the bytes that are checked.
//!
//! Only checksums of them are kept, but they are as much a part of the format as what is kept: the
//! same on every machine and in every build. So nothing here depends on how a type prints or lies in memory.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::trace::bytes::Sink;
use crate::trace::part::Part;
use crate::{
    Action, CallOutcome, CloseReason, ClosedBy, EntryError, Event, Instant, PeerInfo, Received, ReceivedHead,
    Request, SendError, Stage,
};

/// A checksum that is being made: SipHash-1-3 under a key of zeros. It finds accidents, not forgers.
#[derive(Clone, Debug)]
pub(super) struct Check(SipHasher13);

impl Check {
    pub(super) fn new() -> Check {
        Check(SipHasher13::new())
    }

    /// Of one outcome.
    pub(super) fn of(outcome: &impl Outcome) -> Check {
        let mut check = Check::new();
        outcome.tell(&mut check);
        check
    }

    /// Of bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Check {
        let mut check = Check::new();
        check.put(bytes);
        check
    }

    /// All of it.
    pub(super) fn long(&self) -> u64 {
        self.0.finish()
    }

    /// What a trace keeps of it.
    pub(super) fn short(&self) -> u32 {
        let [a, b, c, d, ..] = self.long().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl Sink for Check {
    fn put(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

/// What a call yields.
pub(super) trait Outcome {
    fn tell(&self, out: &mut impl Sink);
}

impl Outcome for bool {
    fn tell(&self, out: &mut impl Sink) {
        self.write(out);
    }
}

impl Outcome for () {
    fn tell(&self, _: &mut impl Sink) {}
}

/// What only comes out, and of which a part is written.
macro_rules! parts {
    ($($name:ty)*) => {$(
        impl Outcome for $name {
            fn tell(&self, out: &mut impl Sink) {
                self.write(out);
            }
        }
    )*};
}

parts! { crate::MessageId crate::CallId crate::UplinkId }

impl<T: Outcome, E: Outcome> Outcome for Result<T, E> {
    fn tell(&self, out: &mut impl Sink) {
        self.is_ok().write(out);
        match self {
            Ok(done) => done.tell(out),
            Err(error) => error.tell(out),
        }
    }
}

impl Outcome for EntryError {
    fn tell(&self, out: &mut impl Sink) {
        match self {
            EntryError::Version(version) => out.put(&[0, *version]),
            EntryError::Malformed => out.byte(1),
        }
    }
}

/// Without the words, which are for people and may be put better.
impl Outcome for SendError {
    fn tell(&self, out: &mut impl Sink) {
        match self {
            SendError::NotConnected(network) => {
                out.byte(0);
                network.write(out);
            }
            SendError::NoRoute => out.byte(1),
            SendError::Full => out.byte(2),
            SendError::TooLarge { size, limit } => {
                out.byte(3);
                size.write(out);
                limit.write(out);
            }
            SendError::TooMany { what: _, limit } => {
                out.byte(4);
                limit.write(out);
            }
            SendError::Invalid(_) => out.byte(5),
            SendError::Unknown => out.byte(6),
            SendError::Stopped => out.byte(7),
        }
    }
}

impl Outcome for Option<Action> {
    fn tell(&self, out: &mut impl Sink) {
        match self {
            None => out.byte(0),
            Some(Action::Dial { link, target }) => {
                out.byte(1);
                link.write(out);
                target.write(out);
            }
            Some(Action::Write { link }) => {
                out.byte(2);
                link.write(out);
            }
            Some(Action::Close { link }) => {
                out.byte(3);
                link.write(out);
            }
            Some(Action::Store { id, entry }) => {
                out.byte(4);
                id.write(out);
                entry.write(out);
            }
            Some(Action::Event(event)) => event.tell(out),
        }
    }
}

impl Outcome for Event {
    fn tell(&self, out: &mut impl Sink) {
        match self {
            Event::Up { uplink, address, hub, hub_key } => {
                out.byte(16);
                uplink.write(out);
                address.write(out);
                hub.write(out);
                hub_key.write(out);
            }
            Event::Down { uplink, network, why, retry } => {
                out.byte(17);
                uplink.write(out);
                network.write(out);
                why.tell(out);
                retry.map(Instant::as_micros).write(out);
            }
            Event::PeerUp { peer } => {
                out.byte(18);
                peer.tell(out);
            }
            Event::PeerDown { peer } => {
                out.byte(19);
                peer.tell(out);
            }
            Event::LinkUp { link, address, key } => {
                out.byte(20);
                link.write(out);
                address.write(out);
                key.write(out);
            }
            Event::LinkDown { link, address, why } => {
                out.byte(21);
                link.write(out);
                address.write(out);
                why.tell(out);
            }
            Event::Message(message) => {
                out.byte(22);
                message.tell(out);
            }
            Event::Request(request) => {
                out.byte(23);
                request.tell(out);
            }
            Event::RequestEnded { request } => {
                out.byte(24);
                request.write(out);
            }
            Event::Receipt { id, from, stage } => {
                out.byte(25);
                id.write(out);
                from.write(out);
                stage.tell(out);
            }
            Event::Answer { call, from, response } => {
                out.byte(26);
                call.write(out);
                from.write(out);
                response.write(out);
            }
            Event::CallEnded { call, outcome, answered, asked } => {
                out.byte(27);
                call.write(out);
                out.byte(match outcome {
                    CallOutcome::Complete => 0,
                    CallOutcome::TimedOut => 1,
                    CallOutcome::Cancelled => 2,
                });
                out.number((*answered).into());
                out.number((*asked).into());
            }
            Event::Stopped => out.byte(28),
        }
    }
}

impl Outcome for PeerInfo {
    fn tell(&self, out: &mut impl Sink) {
        let PeerInfo { address, key, priority } = self;
        address.write(out);
        key.write(out);
        priority.write(out);
    }
}

impl Outcome for CloseReason {
    fn tell(&self, out: &mut impl Sink) {
        let CloseReason { by, failure } = self;
        out.byte(match by {
            ClosedBy::Us => 0,
            ClosedBy::Them => 1,
            ClosedBy::Unproven => 2,
            ClosedBy::Network => 3,
        });
        failure.write(out);
    }
}

impl Outcome for Received {
    fn tell(&self, out: &mut impl Sink) {
        let Received { id, body, head } = self;
        let ReceivedHead { from, to, content_type, metadata, receipts } = &**head;
        id.write(out);
        from.write(out);
        to.write(out);
        content_type.write(out);
        metadata.write(out);
        out.blob(body);
        receipts.write(out);
    }
}

impl Outcome for Request {
    fn tell(&self, out: &mut impl Sink) {
        let Request { request, from, path, method, content_type, body, patience } = self;
        request.write(out);
        from.write(out);
        path.write(out);
        method.write(out);
        content_type.write(out);
        body.write(out);
        patience.write(out);
    }
}

impl Outcome for Stage {
    fn tell(&self, out: &mut impl Sink) {
        match self {
            Stage::Accepted => out.byte(0),
            Stage::Dispatched { count } => {
                out.byte(1);
                out.number((*count).into());
            }
            Stage::Received => out.byte(2),
            Stage::Consumed => out.byte(3),
            Stage::Failed(failure) => {
                out.byte(4);
                failure.write(out);
            }
        }
    }
}
