//! An adapter with one fault, around a good one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_adapter::{Endpoint, Error, Forget, Options};
use homing_conformance::{Adapter, Answers, Handler, Subject};
use homing_core::{
    Address, Command, Dial, Event, Heartbeat, Message, MessageId, Pattern, PeerId, PeerInfo, Receipts,
    Response, SendError, Stage, UplinkId,
};

use super::binding::Std;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    LosesMessages,
    RepeatsMessages,
    SwapsMessages,
    SendsOneLess,
    MixesBatches,
    FlipsBytes,
    MixesAnswers,
    NeverCloses,
    CrashesOnClose,
    HangsOnClose,
    ClosesOnAbort,
    HidesWakeups,
    NeverSleeps,
    NoHeartbeat,
    NoBackpressure,
    HidesMemory,
    ForgetsStore,
    HidesPanics,
    NoRedial,
    EndlessHandshake,
    ReplacesFiles,
    Panics,
}

/// One message in so many is treated badly.
const ONE_IN: u64 = 25;
const LONG: Duration = Duration::from_secs(3_600);

pub struct Faulty(pub Option<Fault>);

impl Adapter for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn start(&self, mut options: Options) -> Result<Box<dyn Subject>, Error> {
        match self.0 {
            Some(Fault::ForgetsStore) => options.store = Box::new(Forget),
            Some(Fault::NoHeartbeat) => options.config.heartbeat = Heartbeat::SLOWEST,
            Some(Fault::EndlessHandshake) => options.config.limits.handshake_time = LONG,
            Some(Fault::NoBackpressure) => options.queue = usize::MAX,
            _ => {}
        }
        let inner = Std.start(options)?;
        Ok(Box::new(Bad { inner, fault: self.0, count: AtomicU64::new(0), kept: Mutex::default() }))
    }
}

struct Bad {
    inner: Box<dyn Subject>,
    fault: Option<Fault>,
    count: AtomicU64,
    kept: Mutex<(Option<Event>, Option<Response>)>,
}

impl Bad {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether it is the turn of one in so many.
    fn turn(&self) -> bool {
        self.count.fetch_add(1, SeqCst) % ONE_IN == ONE_IN - 1
    }

    fn with(&self, dial: Dial) -> Dial {
        if self.has(Fault::NoRedial) { Dial { redial: false, ..dial } } else { dial }
    }
}

impl Subject for Bad {
    fn send_many(&self, to: &Address, messages: &[Message], ids: &mut Vec<MessageId>) -> Result<(), Error> {
        let messages = match self.fault {
            Some(Fault::SendsOneLess) => &messages[..messages.len() - messages.len() / 100],
            _ => messages,
        };
        self.inner.send_many(to, messages, ids)
    }

    fn next_events(&self, timeout: Duration) -> Vec<Event> {
        let mut events = self.inner.next_events(timeout);
        match self.fault {
            Some(Fault::LosesMessages) if self.turn() => _ = events.pop(),
            Some(Fault::MixesBatches) if events.len() > 2 => events.swap(0, 1),
            _ => {}
        }
        events
    }

    fn next_event(&self, timeout: Duration) -> Option<Event> {
        if let Some(kept) = self.kept.lock().unwrap().0.take() {
            return Some(kept);
        }
        let event = self.inner.next_event(timeout)?;
        let Event::Message(mut message) = event else { return Some(event) };
        if !self.turn() {
            return Some(Event::Message(message));
        }
        match self.fault {
            Some(Fault::LosesMessages) => return self.next_event(timeout),
            Some(Fault::RepeatsMessages) => {
                self.kept.lock().unwrap().0 = Some(Event::Message(message.clone()));
            }
            Some(Fault::SwapsMessages) => {
                let next = self.inner.next_event(timeout);
                self.kept.lock().unwrap().0 = Some(Event::Message(message));
                return next;
            }
            Some(Fault::FlipsBytes) => {
                let mut body = message.body.to_vec();
                if let Some(byte) = body.last_mut() {
                    *byte ^= 1;
                }
                message.body = body.into();
            }
            _ => {}
        }
        Some(Event::Message(message))
    }

    fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        let answer = self.inner.request(to, command, timeout)?;
        if !self.has(Fault::MixesAnswers) {
            return Ok(answer);
        }
        // Everybody gets the answer to the call before.
        Ok(self.kept.lock().unwrap().1.replace(answer.clone()).unwrap_or(answer))
    }

    fn serve(&self, path: &str, handler: Handler) -> Result<(), Error> {
        if !self.has(Fault::HidesPanics) {
            return self.inner.serve(path, handler);
        }
        let hidden: Handler = Arc::new(move |request| {
            let call = std::panic::AssertUnwindSafe(|| handler(request));
            std::panic::catch_unwind(call).unwrap_or_else(|_| Ok(Response::json("null")))
        });
        self.inner.serve(path, hidden)
    }

    fn close(&self, timeout: Duration) -> Result<(), Error> {
        match self.fault {
            Some(Fault::NeverCloses) => Ok(()),
            Some(Fault::CrashesOnClose) => {
                self.inner.abort();
                Ok(())
            }
            Some(Fault::HangsOnClose) => loop {
                std::thread::park();
            },
            _ => self.inner.close(timeout),
        }
    }

    fn abort(&self) {
        if self.has(Fault::ClosesOnAbort) {
            let _ = self.inner.close(LONG);
        }
        self.inner.abort();
    }

    fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        if let (true, Endpoint::Unix(path)) = (self.has(Fault::ReplacesFiles), on) {
            let _ = std::fs::remove_file(path);
        }
        self.inner.listen(on)
    }

    fn connect(&self, dial: Dial, timeout: Duration) -> Result<Address, Error> {
        self.inner.connect(self.with(dial), timeout)
    }

    fn dial(&self, dial: Dial) -> Result<UplinkId, Error> {
        self.inner.dial(self.with(dial))
    }

    fn wakeups(&self) -> u64 {
        match self.fault {
            Some(Fault::HidesWakeups) => 0,
            Some(Fault::NeverSleeps) => self.count.fetch_add(1, SeqCst),
            _ => self.inner.wakeups(),
        }
    }

    fn memory(&self) -> usize {
        if self.has(Fault::HidesMemory) { 0 } else { self.inner.memory() }
    }

    fn links(&self) -> usize {
        assert!(!self.has(Fault::Panics), "as planted");
        self.inner.links()
    }

    // What is below has no fault.

    fn peer_id(&self) -> PeerId {
        self.inner.peer_id()
    }

    fn send(&self, to: &Address, message: Message) -> Result<MessageId, Error> {
        self.inner.send(to, message)
    }

    fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.inner.try_send(to, message)
    }

    fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Vec<Stage>, Error> {
        self.inner.send_and_wait(to, message, until, timeout)
    }

    fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        self.inner.request_many(to, command, timeout)
    }

    fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        self.inner.peers(network)
    }
}
