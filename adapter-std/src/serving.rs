//! The thread that carries out the commands that the application serves.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use homing_adapter::{Commands, Shared, panicked, respond};
use homing_core::{Failure, Request, Response};

use crate::engine::Engine;
use crate::waiting::block_on;

pub(crate) type Handler = Arc<dyn Fn(&Request) -> Result<Response, Failure> + Send + Sync>;

/// Carries out requests, one after the other, until the peer is closed.
pub(crate) fn run(engine: &Engine, shared: &Shared, commands: &Commands<Handler>) {
    while let Some(request) = block_on(engine, poll_fn(|cx| shared.poll_request(cx))) {
        let answer = commands.handler(&request).and_then(|handler| {
            catch_unwind(AssertUnwindSafe(|| handler(&request))).unwrap_or_else(|_| Err(panicked()))
        });
        block_on(engine, pin!(respond(shared, request.request, answer)));
    }
    commands.clear();
}
