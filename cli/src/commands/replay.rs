//! `homing replay`: what a node was told, run again.

use std::fs;
use std::sync::Arc;

use homing_core::crypto::Provider;
use homing_core::trace::{Call, Ciphers, Entry, Given, RedactError, Replay, ReplayError, Trace, TraceError};
use homing_core::trace::{redact, replay};
use homing_core::{Action, Event, Input};

use crate::Context;
use crate::args;
use crate::commands::record;
use crate::exit::{End, Exit, Fault};
use crate::json::Line;
use crate::text::harmless;

/// Runs it to the end, or to where it departs.
pub(crate) fn run(context: &Context, args: &args::Replay) -> Result<(), End> {
    let shown = args.file.display();
    let bytes = fs::read(&args.file)
        .map_err(|e| Fault::machine(format!("cannot read {shown}: {e}"), "check the file's name"))?;
    let trace = Trace::from_bytes(bytes).map_err(|e| unreadable(&shown.to_string(), e))?;
    let provider = provider(trace.ciphers());
    if args.step {
        steps(context, &trace, provider.clone())?;
    }
    let summary = replay(&trace, provider.clone()).map_err(not_replayed)?;
    let redacted = match &args.redact {
        Some(out) => {
            let redacted = redact(&trace, provider).map_err(not_redacted)?;
            record::make(out, redacted.as_bytes())?;
            Some(out.display().to_string())
        }
        None => None,
    };
    let line = Line::Replayed {
        key: trace.peer_id().to_string(),
        ciphers: trace.ciphers().name(),
        entries: summary.entries,
        read: summary.read,
        written: summary.written,
        events: summary.events,
        hash: format!("{:016x}", summary.hash),
        redacted: redacted.clone(),
    };
    let text = format!(
        "the same to the byte: {} entries, {} bytes read, {} written, {} events, hash {:016x}",
        summary.entries, summary.read, summary.written, summary.events, summary.hash,
    );
    context.out.data(&line, text)?;
    if let Some(out) = redacted {
        context.out.note(format!("{out} has no private keys and nothing of what was said"));
    }
    Ok(())
}

/// The quickest provider that computes the same.
fn provider(ciphers: Ciphers) -> Arc<dyn Provider> {
    match ciphers {
        Ciphers::Real => quickest(),
        other => other.provider(),
    }
}

/// The real cryptography that peers have unless told otherwise.
pub(crate) fn quickest() -> Arc<dyn Provider> {
    homing_std::Options::new(homing_core::StaticKey::from_bytes([0; 32])).config.provider
}

/// Each entry on a line; of a tail, without what came out: it cannot be run.
fn steps(context: &Context, trace: &Trace, provider: Arc<dyn Provider>) -> Result<(), End> {
    match Replay::new(trace, provider) {
        Ok(replay) => {
            for step in replay {
                context.interrupt.check()?;
                line(context, trace, &step.entry, Some((came(&step.given), step.agrees())))?;
                if !step.agrees() {
                    break;
                }
            }
        }
        Err(ReplayError::Tail) => {
            for entry in trace.entries() {
                context.interrupt.check()?;
                line(context, trace, &entry, None)?;
            }
        }
        Err(error) => return Err(not_replayed(error).into()),
    }
    Ok(())
}

fn line(
    context: &Context,
    trace: &Trace,
    entry: &Entry<'_>,
    came: Option<(String, bool)>,
) -> Result<(), End> {
    let after = entry.now.saturating_since(trace.start());
    let (told, agrees) = (told(&entry.call), came.as_ref().map(|(_, agrees)| *agrees));
    let given = came.map(|(given, _)| given);
    let mark = if agrees == Some(false) { "  DEPARTS HERE" } else { "" };
    let shown = given.as_deref().filter(|given| !given.is_empty()).map(|given| format!(" -> {given}"));
    let text = format!(
        "{:>7} {:>13.6}  {told}{}{mark}",
        entry.number,
        after.as_secs_f64(),
        shown.unwrap_or_default()
    );
    let after_ms = crate::text::millis(after);
    let line = Line::Entry { entry: entry.number, after_ms, told, given, agrees };
    context.out.data(&line, text)
}

/// What was told, in a few words and without what was said.
fn told(call: &Call<'_>) -> String {
    let text = match call {
        Call::Handle(input) => match input {
            Input::Dialed { link } => format!("dialed {link}"),
            Input::DialFailed { link, cause } => format!("dial of {link} failed: {cause}"),
            Input::Accepted { link } => format!("accepted {link}"),
            Input::Data { link, bytes } => format!("{} bytes from {link}", bytes.len()),
            Input::Wrote { link, n } => format!("{n} bytes written to {link}"),
            Input::Gone { link, cause } => format!("{link} gone: {cause}"),
            Input::Stored { id, ok: true } => format!("stored {id:?}"),
            Input::Stored { id, ok: false } => format!("could not store {id:?}"),
            Input::Timeout => "time".to_string(),
        },
        Call::Restore(entry) => format!("restore an entry of {} bytes", entry.len()),
        Call::Dial(dial) => format!("dial {} at {}", dial.network, dial.target),
        Call::HangUp(uplink) => format!("hang up {uplink:?}"),
        Call::Send { to, message } => {
            format!("send {} bytes of {} to {to}", message.body.len(), message.content_type)
        }
        Call::Consume(about) => format!("consumed {} from {}", about.id, about.from),
        Call::Refuse(about, failure) => format!("refuse {} from {}: {failure}", about.id, about.from),
        Call::Request { to, command, .. } => {
            format!("call {} of {to} with {} bytes", command.path, command.body.len())
        }
        Call::Cancel(call) => format!("cancel the call {}", call.0),
        Call::Respond { request, response: Ok(response) } => {
            format!("answer {request:?} with {} bytes", response.body.len())
        }
        Call::Respond { request, response: Err(failure) } => format!("answer {request:?}: {failure}"),
        Call::Serve { path, .. } => format!("serve {path}"),
        Call::Unserve(path) => format!("serve {path} no more"),
        Call::Shutdown => "shut down".to_string(),
        Call::Polls(n) => format!("poll {n}"),
        Call::PollsOfDuty(n) => format!("poll {n} of duty"),
        Call::Pending(link) => format!("pending on {link}"),
    };
    harmless(&text)
}

/// What came out, likewise.
fn came(given: &Given) -> String {
    fn result<T: std::fmt::Debug, E: std::fmt::Display>(result: &Result<T, E>) -> String {
        match result {
            Ok(done) => format!("{done:?}"),
            Err(error) => format!("refused: {error}"),
        }
    }
    let text = match given {
        Given::Nothing => String::new(),
        Given::Actions(actions) => actions.iter().map(action).collect::<Vec<_>>().join("; "),
        Given::Pending(bytes) => format!("{} bytes", bytes.len()),
        Given::Restored(done) => result(done),
        Given::Dialed(done) => result(done),
        Given::Sent(done) => result(done),
        Given::Called(done) => result(done),
        Given::Done(Ok(())) => "done".to_string(),
        Given::Done(done) => result(done),
        Given::Unserved(was) => if *was { "it was" } else { "it was not" }.to_string(),
    };
    harmless(&text)
}

fn action(action: &Action) -> String {
    match action {
        Action::Dial { link, target } => format!("dial {target} as {link}"),
        Action::Write { link } => format!("write to {link}"),
        Action::Close { link } => format!("close {link}"),
        Action::Store { id, entry } => format!("store {} bytes as {id:?}", entry.len()),
        Action::Event(event) => match event {
            Event::Message(message) => {
                format!("message {} from {}: {} bytes", message.id, message.from, message.body.len())
            }
            Event::Request(request) => {
                format!("request {} from {}: {} bytes", request.path, request.from, request.body.len())
            }
            Event::Answer { from, response: Ok(response), .. } => {
                format!("answer from {from}: {} bytes", response.body.len())
            }
            Event::Answer { from, response: Err(failure), .. } => format!("answer from {from}: {failure}"),
            Event::Up { address, .. } => format!("up as {address}"),
            Event::Down { network, why, .. } => format!("down from {network}: {why}"),
            Event::PeerUp { peer } => format!("peer {} up", peer.address),
            Event::PeerDown { peer } => format!("peer {} down", peer.address),
            Event::LinkUp { link, address, .. } => format!("{link} up: {address}"),
            Event::LinkDown { link, why, .. } => format!("{link} down: {why}"),
            Event::Receipt { id, stage, .. } => format!("{id} {}", stage.name()),
            Event::RequestEnded { request } => format!("{request:?} ended"),
            Event::CallEnded { answered, asked, .. } => format!("call ended: {answered} of {asked}"),
            Event::Stopped => "stopped".to_string(),
        },
    }
}

fn unreadable(file: &str, error: TraceError) -> Fault {
    let advice = match error {
        TraceError::Version(_) => {
            return Fault::new(
                Exit::Protocol,
                format!("{file}: {error}"),
                "replay it with the version of homing that wrote it",
            );
        }
        TraceError::NotATrace => "name a file that homing hub --record or homing listen --record wrote",
        _ => "copy it again; what was not written to its end cannot be read",
    };
    Fault::usage(format!("{file}: {error}"), advice)
}

fn not_replayed(error: ReplayError) -> Fault {
    match error {
        ReplayError::Departed(_) => Fault::new(
            Exit::Protocol,
            error,
            "replay it with the version that recorded it; --step shows what leads there",
        ),
        ReplayError::Tail => {
            Fault::usage(error, "record again with more --record-most; --step shows this one")
        }
        ReplayError::Ciphers { .. } => Fault::usage(error, "replay it with a program that has them"),
    }
}

fn not_redacted(error: RedactError) -> Fault {
    match error {
        RedactError::Replay(error) => not_replayed(error),
        RedactError::Differs { .. } => {
            Fault::new(Exit::Protocol, error, "it cannot be redacted: do not give it away")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_has_no_bodies_and_no_escapes() {
        let link = homing_core::LinkId::accepted(3);
        let gone = Call::Handle(Input::Gone { link, cause: "\u{1b}[2J" });
        assert!(!told(&gone).contains('\u{1b}'), "{}", told(&gone));
        let to: homing_core::Address = "ada@home".parse().unwrap();
        let send = Call::Send { to, message: homing_core::Message::text("secret") };
        assert_eq!(told(&send), "send 6 bytes of text/plain to ada@home");
        assert_eq!(came(&Given::Pending(vec![0; 7])), "7 bytes");
    }

    #[test]
    fn each_failure_has_its_exit_code() {
        assert_eq!(unreadable("x", TraceError::Version(9)).exit, Exit::Protocol);
        assert_eq!(unreadable("x", TraceError::Truncated).exit, Exit::Usage);
        assert_eq!(not_replayed(ReplayError::Tail).exit, Exit::Usage);
        assert_eq!(not_redacted(RedactError::Differs { entry: 1 }).exit, Exit::Protocol);
    }
}
