//! The calls of a peer as futures, for the suite to poll and to drop.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use homing_adapter::{Answers, Batch, Delivery, Endpoint, Error, Joined, Tracking};
use homing_core::{
    Address, Command, Dial, Event, Failure, Message, MessageId, Pattern, Receipts, Received, Response,
};
use homing_futures::Peer;

/// A call that may be dropped at any time. It may move between threads, as tasks do.
pub type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The calls of a [`Peer`] that wait. What is not written anew is the peer's own; whoever wraps a peer writes anew
/// what the wrapper does otherwise.
pub trait Calls: Send + Sync {
    /// The peer, for what does not wait.
    fn peer(&self) -> &Peer;

    /// [`Peer::listen`].
    fn listen<'a>(&'a self, on: &'a Endpoint) -> Call<'a, Result<Endpoint, Error>> {
        Box::pin(self.peer().listen(on))
    }

    /// [`Peer::connect`].
    fn connect(&self, dial: Dial, timeout: Duration) -> Call<'_, Result<Joined, Error>> {
        Box::pin(self.peer().connect(dial, timeout))
    }

    /// [`Peer::send`].
    fn send<'a>(&'a self, to: &'a Address, message: Message) -> Call<'a, Result<MessageId, Error>> {
        Box::pin(self.peer().send(to, message))
    }

    /// [`Peer::send_many`].
    fn send_many<'a>(
        &'a self,
        to: &'a Address,
        messages: &'a [Message],
        ids: &'a mut Vec<MessageId>,
    ) -> Call<'a, Result<(), Error>> {
        Box::pin(self.peer().send_many(to, messages, ids))
    }

    /// [`Peer::send_and_wait`].
    fn send_and_wait<'a>(
        &'a self,
        to: &'a Address,
        message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Call<'a, Result<Delivery, Error>> {
        Box::pin(self.peer().send_and_wait(to, message, until, timeout))
    }

    /// [`Peer::track`].
    fn track<'a>(&'a self, to: &'a Address, message: Message) -> Call<'a, Result<Tracking, Error>> {
        Box::pin(self.peer().track(to, message))
    }

    /// [`Peer::request`].
    fn request<'a>(
        &'a self,
        to: &'a Address,
        command: Command,
        timeout: Duration,
    ) -> Call<'a, Result<Response, Error>> {
        Box::pin(self.peer().request(to, command, timeout))
    }

    /// [`Peer::request_many`].
    fn request_many<'a>(
        &'a self,
        to: &'a Pattern,
        command: Command,
        timeout: Duration,
    ) -> Call<'a, Result<Answers, Error>> {
        Box::pin(self.peer().request_many(to, command, timeout))
    }

    /// The next of [`Peer::events`].
    fn next_event(&self) -> Call<'_, Option<Event>> {
        Box::pin(async {
            let events = self.peer().events();
            events.next_event().await
        })
    }

    /// A batch of [`Peer::events`].
    fn next_batch<'a>(&'a self, batch: &'a mut Batch) -> Call<'a, bool> {
        Box::pin(async {
            let events = self.peer().events();
            events.next_batch(batch).await
        })
    }

    /// [`Peer::consume`].
    fn consume<'a>(&'a self, message: &'a Received) -> Call<'a, Result<(), Error>> {
        Box::pin(self.peer().consume(message))
    }

    /// [`Peer::refuse`].
    fn refuse<'a>(&'a self, message: &'a Received, failure: Failure) -> Call<'a, Result<(), Error>> {
        Box::pin(self.peer().refuse(message, failure))
    }

    /// [`Peer::close`].
    fn close(&self, timeout: Duration) -> Call<'_, Result<(), Error>> {
        Box::pin(self.peer().close(timeout))
    }
}

impl Calls for Peer {
    fn peer(&self) -> &Peer {
        self
    }
}
