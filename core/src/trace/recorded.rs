//! A node whose every change can be on a tape.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::ops::Deref;
use core::time::Duration;

use crate::node::{Received, UplinkId};
use crate::trace::bytes::Sink;
use crate::trace::call::{op, write_about};
use crate::trace::header::Header;
use crate::trace::part::Part;
use crate::trace::tape::Tape;
use crate::{
    Action, Address, CallId, Command, Config, Dial, EntryError, Failure, Input, Instant, LinkId, Message,
    MessageId, Node, Pattern, RequestId, Response, Seed, SendError, StaticKey,
};

/// A [`Node`], and a tape of what it was told, if there is one.
///
/// What changes a node has the same name here. Looking at it goes past the tape: it is a `&Node` to whoever
/// only looks, and never a `&mut Node`, so that nothing happens to it that is not on the tape.
/// Without a tape it costs a branch for each call.
///
/// ```
/// use std::sync::Arc;
/// use homing_core::trace::{Recorded, Tape, Trace, replay};
/// use homing_core::{Config, Input, Instant, LinkId, Seed, StaticKey};
///
/// let seed = |n| Seed::from_bytes([n; 32]);
/// let key = StaticKey::generate(&seed(1));
/// let tape = Some(Tape::new(1 << 20));
/// let mut node = Recorded::new(Instant::ZERO, key, seed(2), Arc::new(Config::new()), tape);
///
/// node.handle(Instant::ZERO, Input::Accepted { link: LinkId::accepted(1) });
/// while let Some(_action) = node.poll_action() {}
///
/// let trace = Trace::from_bytes(node.trace().unwrap()).unwrap();
/// let summary = replay(&trace, trace.ciphers().provider()).unwrap();
/// assert_eq!(summary.entries, 2);
/// ```
#[derive(Debug)]
pub struct Recorded {
    node: Node,
    tape: Option<Box<Tape>>,
}

impl Deref for Recorded {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

/// Without a tape.
impl From<Node> for Recorded {
    fn from(node: Node) -> Recorded {
        Recorded { node, tape: None }
    }
}

impl Recorded {
    /// [`Node::new`], recorded on `tape` from now on, if there is one.
    pub fn new(
        now: Instant,
        key: StaticKey,
        seed: Seed,
        config: Arc<Config>,
        tape: Option<Tape>,
    ) -> Recorded {
        let tape = tape.map(|mut tape| {
            tape.begin(&Header::new(now, &key, &seed, &config));
            Box::new(tape)
        });
        Recorded { node: Node::new(now, key, seed, config), tape }
    }

    /// The tape, for looking at.
    pub fn tape(&self) -> Option<&Tape> {
        self.tape.as_deref()
    }

    /// A copy of the tape as a file has it: [`Tape::to_bytes`], which says what is secret in it.
    pub fn trace(&self) -> Option<Vec<u8>> {
        self.tape.as_ref().map(|tape| tape.to_bytes())
    }

    /// [`Node::restore`].
    ///
    /// # Errors
    /// As there.
    pub fn restore(&mut self, entry: &[u8]) -> Result<(), EntryError> {
        if let Some(tape) = &mut self.tape {
            tape.call(op::RESTORE, None).blob(entry);
        }
        let result = self.node.restore(entry);
        self.came(&result);
        result
    }

    /// [`Node::handle`].
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.handle(now, &input);
        }
        self.node.handle(now, input);
    }

    /// [`Node::poll_action`].
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.node.poll_action();
        if let Some(tape) = &mut self.tape {
            tape.polled(false, &action);
        }
        action
    }

    /// [`Node::poll_messages`], without a tape. On a tape each is polled by itself: this takes none then.
    pub fn poll_messages(&mut self, most: usize, into: &mut VecDeque<Received>) -> usize {
        if self.tape.is_some() { 0 } else { self.node.poll_messages(most, into) }
    }

    /// [`Node::poll_duty`].
    #[must_use]
    pub fn poll_duty(&mut self) -> Option<Action> {
        let action = self.node.poll_duty();
        if let Some(tape) = &mut self.tape {
            tape.polled(true, &action);
        }
        action
    }

    /// [`Node::pending`].
    pub fn pending(&mut self, link: LinkId) -> &[u8] {
        let bytes = self.node.pending(link);
        if let Some(tape) = &mut self.tape {
            tape.pending(link, bytes);
        }
        bytes
    }

    /// [`Node::dial`].
    ///
    /// # Errors
    /// As there.
    pub fn dial(&mut self, now: Instant, dial: Dial) -> Result<UplinkId, SendError> {
        if let Some(tape) = &mut self.tape {
            dial.write(tape.call(op::DIAL, Some(now)));
        }
        let result = self.node.dial(now, dial);
        self.came(&result);
        result
    }

    /// [`Node::hang_up`].
    ///
    /// # Errors
    /// As there.
    pub fn hang_up(&mut self, now: Instant, uplink: UplinkId) -> Result<(), SendError> {
        if let Some(tape) = &mut self.tape {
            uplink.write(tape.call(op::HANG_UP, Some(now)));
        }
        let result = self.node.hang_up(now, uplink);
        self.came(&result);
        result
    }

    /// [`Node::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(
        &mut self,
        now: Instant,
        to: &Address,
        message: impl Borrow<Message>,
    ) -> Result<MessageId, SendError> {
        let message = message.borrow();
        let Some(tape) = &mut self.tape else { return self.node.send(now, to, message) };
        let entry = tape.call(op::SEND, Some(now));
        to.write(entry);
        message.write(entry);
        let result = self.node.send(now, to, message);
        self.came(&result);
        result
    }

    /// [`Node::send_many`]. On a tape each is sent by itself.
    ///
    /// # Errors
    /// As there.
    pub fn send_many<M: Borrow<Message>>(
        &mut self,
        now: Instant,
        to: &Address,
        messages: &[M],
        ids: &mut Vec<MessageId>,
    ) -> Result<usize, SendError> {
        if self.tape.is_none() {
            return self.node.send_many(now, to, messages, ids);
        }
        for (sent, message) in messages.iter().enumerate() {
            match self.send(now, to, message.borrow()) {
                Ok(id) => ids.push(id),
                Err(e) if sent == 0 => return Err(e),
                Err(_) => return Ok(sent),
            }
        }
        Ok(messages.len())
    }

    /// [`Node::consume`].
    ///
    /// # Errors
    /// As there.
    pub fn consume(&mut self, now: Instant, message: &Received) -> Result<(), SendError> {
        if let Some(tape) = &mut self.tape {
            write_about(tape.call(op::CONSUME, Some(now)), message.id, &message.from, message.receipts);
        }
        let result = self.node.consume(now, message);
        self.came(&result);
        result
    }

    /// [`Node::refuse`].
    ///
    /// # Errors
    /// As there.
    pub fn refuse(&mut self, now: Instant, message: &Received, failure: Failure) -> Result<(), SendError> {
        if let Some(tape) = &mut self.tape {
            let entry = tape.call(op::REFUSE, Some(now));
            write_about(entry, message.id, &message.from, message.receipts);
            failure.write(entry);
        }
        let result = self.node.refuse(now, message, failure);
        self.came(&result);
        result
    }

    /// [`Node::request`].
    ///
    /// # Errors
    /// As there.
    pub fn request(
        &mut self,
        now: Instant,
        to: &Pattern,
        command: impl Borrow<Command>,
        patience: Duration,
    ) -> Result<CallId, SendError> {
        let command = command.borrow();
        if let Some(tape) = &mut self.tape {
            let entry = tape.call(op::REQUEST, Some(now));
            to.write(entry);
            command.write(entry);
            patience.write(entry);
        }
        let result = self.node.request(now, to, command, patience);
        self.came(&result);
        result
    }

    /// [`Node::cancel`].
    ///
    /// # Errors
    /// As there.
    pub fn cancel(&mut self, now: Instant, call: CallId) -> Result<(), SendError> {
        if let Some(tape) = &mut self.tape {
            call.write(tape.call(op::CANCEL, Some(now)));
        }
        let result = self.node.cancel(now, call);
        self.came(&result);
        result
    }

    /// [`Node::respond`].
    ///
    /// # Errors
    /// As there.
    pub fn respond(
        &mut self,
        now: Instant,
        request: RequestId,
        response: impl Borrow<Result<Response, Failure>>,
    ) -> Result<(), SendError> {
        let response = response.borrow();
        if let Some(tape) = &mut self.tape {
            let entry = tape.call(op::RESPOND, Some(now));
            request.write(entry);
            response.write(entry);
        }
        let result = self.node.respond(now, request, response);
        self.came(&result);
        result
    }

    /// [`Node::serve`].
    ///
    /// # Errors
    /// As there.
    pub fn serve(&mut self, path: &str, description: &str) -> Result<(), SendError> {
        if let Some(tape) = &mut self.tape {
            let entry = tape.call(op::SERVE, None);
            entry.blob(path.as_bytes());
            entry.blob(description.as_bytes());
        }
        let result = self.node.serve(path, description);
        self.came(&result);
        result
    }

    /// [`Node::unserve`].
    pub fn unserve(&mut self, path: &str) -> bool {
        if let Some(tape) = &mut self.tape {
            tape.call(op::UNSERVE, None).blob(path.as_bytes());
        }
        let result = self.node.unserve(path);
        self.came(&result);
        result
    }

    /// [`Node::shutdown`].
    pub fn shutdown(&mut self, now: Instant) {
        if let Some(tape) = &mut self.tape {
            tape.call(op::SHUTDOWN, Some(now));
            tape.done();
        }
        self.node.shutdown(now);
    }

    /// The call that was begun has given this.
    fn came(&mut self, outcome: &impl super::outcome::Outcome) {
        if let Some(tape) = &mut self.tape {
            tape.came(outcome);
        }
    }
}
