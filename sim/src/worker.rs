//! The application that our own scenarios run: it answers, refuses, dawdles and forgets, as it is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use homing_core::{Failure, Reason, Received, Request, RequestId, Response};

use crate::handler::{Cx, Handler};

/// Does with each message what its sender asks for in the metadata `then` (`0` deal with it, `1` refuse it, `2`
/// nothing), and serves `/work`, `/fail`, `/later` and `/never`.
#[derive(Default)]
pub struct Worker {
    later: BTreeMap<u64, (RequestId, Vec<u8>)>,
    next: u64,
}

impl Handler for Worker {
    fn start(&mut self, cx: &mut Cx<'_>) {
        for (path, what) in [
            ("/work", "gives the argument back"),
            ("/fail", "fails"),
            ("/later", "gives the argument back after a while"),
            ("/never", "does not answer"),
        ] {
            // There is room for four commands.
            let _ = cx.serve(path, what);
        }
    }

    fn message(&mut self, cx: &mut Cx<'_>, message: &Received) {
        match message.metadata.get("then").map(String::as_str) {
            Some("1") => cx.refuse(message, Reason::REFUSED.into()),
            Some("2") => {}
            _ => cx.consume(message),
        }
    }

    fn request(&mut self, cx: &mut Cx<'_>, request: &Request) {
        let answer = Response::new(request.content_type.clone(), request.body.clone());
        // Whoever cannot be answered has given up, or is told so by its hub.
        let _ = match request.path.as_str() {
            "/work" => cx.respond(request.request, Ok(answer)),
            "/fail" => cx.respond(request.request, Err(Failure::from(Reason::COMMAND_FAILED))),
            "/later" => {
                self.next += 1;
                self.later.insert(self.next, (request.request, request.body.clone()));
                let wait = cx.chooser().time(Duration::from_millis(10), Duration::from_secs(20));
                cx.wake(wait, self.next);
                Ok(())
            }
            _ => Ok(()),
        };
    }

    fn timer(&mut self, cx: &mut Cx<'_>, token: u64) {
        if let Some((request, body)) = self.later.remove(&token) {
            let _ = cx.respond(request, Ok(Response::new("text/plain", body)));
        }
    }
}
