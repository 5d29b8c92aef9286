//! Which commands this node serves, and the answers to them.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::borrow::Borrow;

use crate::link::Draft;
use crate::node::submit::{HEAD, Outgoing};
use crate::node::{Node, RequestId, Response, SendError};
use crate::wire::Kind;
use crate::wire::letter::{self, ResponseHead, Status};
use crate::{Failure, Instant};

impl Node {
    /// Answers a request.
    ///
    /// # Errors
    /// When nobody waits for the answer any more, or it cannot be sent; in the latter case it can be
    /// answered again, with something smaller or later.
    pub fn respond(
        &mut self,
        now: Instant,
        request: RequestId,
        response: impl Borrow<Result<Response, Failure>>,
    ) -> Result<(), SendError> {
        self.begin(now);
        let caller = self.requests.get(request).ok_or(SendError::Unknown)?;
        let (id, from) = (caller.id, caller.from.clone());
        let outgoing = Outgoing::to(Kind::Response, id, &from);
        self.answer(&outgoing, response.borrow())?;
        self.requests.end(request);
        self.finish_turn();
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        outgoing: &Outgoing<'_>,
        response: &Result<Response, Failure>,
    ) -> Result<(), SendError> {
        let mut head = Vec::with_capacity(HEAD);
        let most = self.config.limits.head;
        let (written, body) = match response {
            Ok(response) => {
                (letter::begin_response(&mut head, &response.content_type, most), &response.body[..])
            }
            Err(failure) => {
                let content_type = letter::OCTETS.into();
                let reason = Some(failure.into());
                let failed = ResponseHead { status: Status::Failure, reason, content_type };
                (letter::write(&mut head, &failed, &[], most), &[][..])
            }
        };
        written.map_err(|e| SendError::Invalid(e.to_string()))?;
        let length = head.len() + body.len();
        self.check_letter(length)?;
        let to = outgoing.to.ok_or(SendError::NoRoute)?;
        let way = self.way_with_room(outgoing, to, length)?;
        self.submit_draft(way, outgoing, Draft::new(&head, body))
    }

    /// Lets others call `path`: such requests become [`Event::Request`](crate::Event::Request)s. What is
    /// not served is answered by the node itself.
    ///
    /// # Errors
    /// When the path is none, or one of the node's own, or there are too many.
    pub fn serve(&mut self, path: &str, description: &str) -> Result<(), SendError> {
        let limit = self.config.limits.commands;
        if !path.starts_with('/') || path.len() > 255 || path.chars().any(char::is_control) {
            return Err(SendError::Invalid("a path begins with / and has at most 255 bytes".to_string()));
        }
        if super::builtins::is_builtin(path) {
            return Err(SendError::Invalid(alloc::format!("{path} is answered by every node itself")));
        }
        if self.commands.len() >= limit && !self.commands.contains_key(path) {
            return Err(SendError::TooMany { what: "commands", limit });
        }
        self.commands.insert(path.to_string(), description.to_string());
        Ok(())
    }

    /// No longer; whether it was served.
    pub fn unserve(&mut self, path: &str) -> bool {
        self.commands.remove(path).is_some()
    }
}
