//! A node under test: a subject's calls, with the suite's patience, and words for what goes wrong.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use homing_adapter::Endpoint;
use homing_core::{
    Address, Command, Dial, Event, Failure, Message, MessageId, PeerId, Receipts, Received, Request,
    Response, Stage,
};

use crate::Subject;
use crate::lab::NETWORK;
use crate::wait::{Check, Saying, Until, ensure, until};

pub(crate) struct Node {
    subject: Box<dyn Subject>,
    name: String,
    pub(crate) patience: Duration,
}

impl Deref for Node {
    type Target = dyn Subject;

    fn deref(&self) -> &Self::Target {
        &*self.subject
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

pub(crate) fn address(text: &str) -> Check<Address> {
    text.parse().saying(text)
}

impl Node {
    pub(crate) fn new(subject: Box<dyn Subject>, name: &str, patience: Duration) -> Node {
        Node { subject, name: name.into(), patience }
    }

    /// The calls themselves, for those that are to fail.
    pub(crate) fn subject(&self) -> &dyn Subject {
        &*self.subject
    }

    fn saying<T, E: fmt::Debug>(&self, what: &str, result: Result<T, E>) -> Check<T> {
        result.map_err(|e| format!("{}: {what}: {e:?}", self.name))
    }

    pub(crate) fn peer_id(&self) -> PeerId {
        self.subject.peer_id()
    }

    pub(crate) fn listen(&self, on: &str) -> Check<Endpoint> {
        let on = on.parse().saying(on)?;
        self.saying("listening", self.subject.listen(&on))
    }

    pub(crate) fn connect(&self, dial: Dial) -> Check<Address> {
        self.saying("joining", self.subject.connect(dial, self.patience))
    }

    /// Sends; waits while the queue is full.
    pub(crate) fn send(&self, to: &str, message: Message) -> Check<MessageId> {
        self.saying("sending", self.subject.send(&address(to)?, message))
    }

    /// Sends, and waits until the recipient's node has it.
    pub(crate) fn deliver(&self, to: &str, message: Message) -> Check<Vec<Stage>> {
        let sent = self.subject.send_and_wait(&address(to)?, message, Receipts::Received, self.patience);
        self.saying(&format!("delivering to {to}"), sent)
    }

    pub(crate) fn request(&self, to: &str, command: Command) -> Check<Response> {
        let what = format!("calling {} on {to}", command.path);
        self.saying(&what, self.subject.request(&address(to)?, command, self.patience))
    }

    /// Has `to` send `body` back.
    pub(crate) fn echo(&self, to: &str, body: &[u8]) -> Check {
        let answer = self.request(to, Command::get("echo").with_body("x/y", body))?;
        ensure(answer.body == body, || {
            format!("{}: an echo of {} bytes came back as other {}", self.name, body.len(), answer.body.len())
        })
    }

    pub(crate) fn ping(&self, to: &str) -> Check {
        self.request(to, Command::get("ping")).map(drop)
    }

    pub(crate) fn serve(
        &self,
        path: &str,
        handler: impl Fn(&Request) -> Result<Response, Failure> + Send + Sync + 'static,
    ) -> Check {
        self.saying("serving", self.subject.serve(path, std::sync::Arc::new(handler)))
    }

    /// Takes events until one fits.
    pub(crate) fn event<T>(&self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> Check<T> {
        let end = Until::after(self.patience);
        loop {
            let found = match self.subject.next_event(end.left()) {
                Some(event) => pick(event),
                None => return Err(format!("{}: no event in {:?}: {what}", self.name, self.patience)),
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// Takes events until one is a message.
    pub(crate) fn message(&self) -> Check<Received> {
        self.event("a message", |event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The next message that is there already, or comes within a moment.
    pub(crate) fn message_within(&self, moment: Duration) -> Option<Received> {
        let end = Until::after(moment);
        loop {
            match self.subject.next_event(end.left())? {
                Event::Message(message) => return Some(message),
                _ => continue,
            }
        }
    }

    /// Waits until that many are in the network, as far as this node knows.
    pub(crate) fn wait_peers(&self, count: usize) -> Check {
        let known = || self.subject.peers(NETWORK).map_or(0, |peers| peers.len());
        until(&format!("{} knows {count} peers", self.name), self.patience, || known() == count)
            .map_err(|e| format!("{e}, but {}", known()))
    }

    pub(crate) fn close(&self) -> Check {
        self.saying("closing", self.subject.close(self.patience))
    }
}
