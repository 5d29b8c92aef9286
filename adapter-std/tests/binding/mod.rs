//! How the conformance suite calls this adapter: the whole of it.
#![allow(missing_docs, unreachable_pub)]

use std::time::Duration;

use homing_conformance::{Adapter, Answers, Handler, Subject};
use homing_std::{
    Address, Batch, Command, Dial, Endpoint, Error, Event, Message, MessageId, Options, Pattern, Peer,
    PeerId, PeerInfo, Receipts, Response, SendError, Stage, UplinkId,
};

pub struct Std;

impl Adapter for Std {
    fn name(&self) -> &str {
        "std"
    }

    fn start(&self, options: Options) -> Result<Box<dyn Subject>, Error> {
        Ok(Box::new(Blocking(Peer::start(options)?)))
    }
}

struct Blocking(Peer);

impl Subject for Blocking {
    fn peer_id(&self) -> PeerId {
        self.0.peer_id()
    }

    fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        self.0.listen(on)
    }

    fn connect(&self, dial: Dial, timeout: Duration) -> Result<Address, Error> {
        Ok(self.0.connect(dial, timeout)?.address)
    }

    fn dial(&self, dial: Dial) -> Result<UplinkId, Error> {
        self.0.dial(dial)
    }

    fn send(&self, to: &Address, message: Message) -> Result<MessageId, Error> {
        self.0.send(to, message)
    }

    fn send_many(&self, to: &Address, messages: &[Message], ids: &mut Vec<MessageId>) -> Result<(), Error> {
        self.0.send_many(to, messages, ids)
    }

    fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.0.try_send(to, message)
    }

    fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Vec<Stage>, Error> {
        let delivery = self.0.send_and_wait(to, message, until, timeout)?;
        Ok(delivery.receipts.into_iter().map(|(_, _, stage)| stage).collect())
    }

    fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        self.0.request(to, command, timeout)
    }

    fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        Ok(self.0.request_many(to, command, timeout)?.collect())
    }

    fn serve(&self, path: &str, handler: Handler) -> Result<(), Error> {
        self.0.serve(path, "for the conformance suite", move |request| handler(request))
    }

    fn next_event(&self, timeout: Duration) -> Option<Event> {
        self.0.events().next_timeout(timeout)
    }

    fn next_events(&self, timeout: Duration) -> Vec<Event> {
        let mut batch = Batch::default();
        self.0.events().next_batch_timeout(&mut batch, timeout);
        batch.collect()
    }

    fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        self.0.peers(network)
    }

    fn links(&self) -> usize {
        self.0.links()
    }

    fn wakeups(&self) -> u64 {
        self.0.wakeups()
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.0.close(timeout)
    }

    fn abort(&self) {
        self.0.abort();
    }
}
