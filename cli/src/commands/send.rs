//! `homing send`: one message, and what became of it.

use std::io::Read;
use std::time::Instant as Clock;

use homing_core::{Address, Message, Stage};

use crate::Context;
use crate::args::Send;
use crate::commands::progress::Progress;
use crate::exit::{End, Exit, Fault, fault_of};
use crate::json::Line;
use crate::out::Look;
use crate::session::Session;
use crate::text::{harmless, human, millis};

/// Sends, prints each receipt as it comes, and ends with the one that was wished for.
pub(crate) fn run(context: &Context, args: &Send) -> Result<(), End> {
    let profile = context.home.profile()?;
    let to = profile.address(&args.to)?;
    let mut message = Message::new(args.content_type.clone(), body(&args.text)?);
    message.receipts = args.wait.receipts();
    message.patience = args.timeout;
    let size = message.body.len();
    let session = Session::pass(context, &profile, &args.connect)?;

    let began = Clock::now();
    let mut tracking =
        session.peer().track(&to, message).map_err(|e| fault_of(&format!("send to {to}"), &e))?;
    let id = tracking.id().to_string();
    context.out.line(&Line::Sent { id: id.clone(), to: to.to_string(), bytes: size })?;
    let mut received = false;
    let mut progress = Progress::new(args.wait, to.is_everyone());
    while let Some(left) = args.timeout.checked_sub(began.elapsed()) {
        let Some((from, stage)) = tracking.next_timeout(left) else { break };
        let line = Line::receipt(&id, from.as_ref(), &stage, millis(began.elapsed()));
        context.out.data(&line, describe(context, from.as_ref(), &stage, began))?;
        received |= stage == Stage::Received;
        match progress.take(&stage) {
            Some(Ok(())) => return Ok(()),
            Some(Err(failure)) => return Err(Fault::not_delivered(&to, &failure).into()),
            None => {}
        }
    }
    context.interrupt.check()?;
    let within = human(args.timeout);
    if received && !to.is_everyone() {
        let what = format!("{to} has received it, but not consumed it within {within}");
        return Err(Fault::new(Exit::Timeout, what, "give it more --timeout, or --wait received").into());
    }
    let what = format!("no receipt from {to} within {within}: it may or may not have arrived");
    Err(Fault::new(Exit::Timeout, what, "give it more --timeout, or --wait for less").into())
}

/// The text, or stdin's.
fn body(text: &str) -> Result<Vec<u8>, Fault> {
    if text != "-" {
        return Ok(text.as_bytes().to_vec());
    }
    // More than one message takes is found out by the node; far more is not even read.
    let mut body = Vec::new();
    let read = std::io::stdin().lock().take(64 * 1024 * 1024).read_to_end(&mut body);
    read.map_err(|e| Fault::machine(format!("cannot read stdin: {e}"), "check where it comes from"))?;
    Ok(body)
}

/// One receipt for people.
fn describe(context: &Context, from: Option<&Address>, stage: &Stage, began: Clock) -> String {
    let look = if matches!(stage, Stage::Failed(_)) { Look::Bad } else { Look::Good };
    let name = context.out.paint(look, format_args!("{:10}", stage.name()));
    let more = match (stage, from) {
        (Stage::Failed(failure), _) => harmless(&failure.to_string()),
        (Stage::Dispatched { count }, Some(from)) => format!("to {count} by {from}"),
        (_, Some(from)) => format!("by {from}"),
        (_, None) => "here".to_string(),
    };
    let after = context.out.paint(Look::Dim, format_args!("after {}", human(began.elapsed())));
    format!("{name} {more} {after}")
}
