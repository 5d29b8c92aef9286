//! The thread that carries out the commands that the application serves.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, ready};

use homing_adapter::{Commands, Shared, panicked, respond};
use homing_core::{Failure, Request, Response};

use crate::engine::{Engine, For};
use crate::waiting::block_on;

pub(crate) type Handler = Arc<dyn Fn(&Request) -> Result<Response, Failure> + Send + Sync>;

/// Carries out requests, one after the other, until the peer is closed.
///
/// Answers are written when no other request waits, or by the batch: each with the next request is one wait.
pub(crate) fn run(engine: &Engine, shared: &Shared, commands: &Commands<Handler>) {
    let mut next = block_on(engine, For::Request, poll_fn(|cx| shared.poll_request(cx)));
    while let Some(request) = next {
        let answer = commands.handler(&request).and_then(|handler| {
            catch_unwind(AssertUnwindSafe(|| handler(&request))).unwrap_or_else(|_| Err(panicked()))
        });
        let body = answer.as_ref().map_or(0, |answer| answer.body.len());
        let (mut answering, mut answered) = (pin!(respond(shared, request.request, answer)), false);
        let mut answer_and_take = |cx: &mut Context<'_>| {
            if !answered {
                ready!(answering.as_mut().poll(cx));
                answered = true;
            }
            shared.poll_request(cx)
        };
        next = loop {
            if let Some(next) = engine.block(For::Request, None, &mut answer_and_take) {
                break next;
            }
        };
        engine.gave_call(body);
    }
    commands.clear();
}
