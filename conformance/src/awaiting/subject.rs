//! A peer of futures, called by threads that block.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use homing_adapter::{Batch, Endpoint, Error};
use homing_core::{
    Address, Command, Dial, Event, Failure, Message, MessageId, Pattern, PeerId, PeerInfo, Reason, Receipts,
    Response, SendError, Stage, UplinkId,
};

use super::{Calls, offload};
use crate::{Answers, Handler, Subject, block_on, block_on_for};

pub(super) struct Awaited<C>(pub(super) C);

impl<C: Calls> Subject for Awaited<C> {
    fn peer_id(&self) -> PeerId {
        self.0.peer().peer_id()
    }

    fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        block_on(self.0.listen(on))
    }

    fn connect(&self, dial: Dial, timeout: Duration) -> Result<Address, Error> {
        Ok(block_on(self.0.connect(dial, timeout))?.address)
    }

    fn dial(&self, dial: Dial) -> Result<UplinkId, Error> {
        self.0.peer().dial(dial)
    }

    fn send(&self, to: &Address, message: Message) -> Result<MessageId, Error> {
        block_on(self.0.send(to, message))
    }

    fn send_many(&self, to: &Address, messages: &[Message], ids: &mut Vec<MessageId>) -> Result<(), Error> {
        block_on(self.0.send_many(to, messages, ids))
    }

    fn try_send(&self, to: &Address, message: Message) -> Result<MessageId, SendError> {
        self.0.peer().try_send(to, message)
    }

    fn send_and_wait(
        &self,
        to: &Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Result<Vec<Stage>, Error> {
        let delivery = block_on(self.0.send_and_wait(to, message, until, timeout))?;
        Ok(delivery.receipts.into_iter().map(|(_, _, stage)| stage).collect())
    }

    fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        block_on(self.0.request(to, command, timeout))
    }

    fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        block_on(async { Ok(self.0.request_many(to, command, timeout).await?.collect().await) })
    }

    fn serve(&self, path: &str, handler: Handler) -> Result<(), Error> {
        self.0.peer().serve(path, "for the conformance suite", move |request| {
            let handler = Arc::clone(&handler);
            async move {
                let no_thread =
                    |e: std::io::Error| Failure { reason: Reason::COMMAND_FAILED, text: e.to_string() };
                offload(move || handler(&request)).await.map_err(no_thread)?
            }
        })
    }

    fn next_event(&self, timeout: Duration) -> Option<Event> {
        block_on_for(self.0.next_event(), timeout)?
    }

    fn next_events(&self, timeout: Duration) -> Vec<Event> {
        let mut batch = Batch::default();
        block_on_for(self.0.next_batch(&mut batch), timeout);
        batch.collect()
    }

    fn peers(&self, network: &str) -> Option<Vec<PeerInfo>> {
        self.0.peer().peers(network)
    }

    fn links(&self) -> usize {
        self.0.peer().links()
    }

    fn wakeups(&self) -> u64 {
        self.0.peer().wakeups()
    }

    fn memory(&self) -> usize {
        self.0.peer().memory()
    }

    fn close(&self, timeout: Duration) -> Result<(), Error> {
        block_on(self.0.close(timeout))
    }

    fn abort(&self) {
        self.0.peer().abort();
    }

    fn calls(&self) -> Option<&dyn Calls> {
        Some(&self.0)
    }
}
