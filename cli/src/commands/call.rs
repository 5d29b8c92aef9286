//! `homing call`: a command to one peer, several or all.

use std::time::Instant as Clock;

use homing_core::{Address, CallOutcome, Command, Failure, Pattern, Response};

use homing_std::Summary;

use crate::Context;
use crate::args::Call;
use crate::exit::{End, Exit, Fault, fault_of};
use crate::json::Line;
use crate::out::Look;
use crate::session::Session;
use crate::text::{harmless, human, millis};

/// Calls, and prints each answer as it comes.
pub(crate) fn run(context: &Context, args: &Call) -> Result<(), End> {
    let profile = context.home.profile()?;
    let to = profile.pattern(&args.to)?;
    let command = command(args)?;
    let session = Session::pass(context, &profile, &args.connect)?;

    let began = Clock::now();
    let doing = format!("call {} of {to}", command.path);
    let calls = session.peer().request_many(&to, command, args.timeout);
    let mut answers = calls.map_err(|e| fault_of(&doing, &e))?;
    let mut failed = None;
    for (from, response) in answers.by_ref() {
        context.out.line(&Line::answer(&from, &response, millis(began.elapsed())))?;
        print(context, &to, &from, &response)?;
        if let Err(failure) = response {
            failed.get_or_insert((from, failure));
        }
    }
    context.interrupt.check()?;
    let Some(Summary { outcome, answered, asked }) = answers.summary() else {
        return Err(fault_of(&doing, &homing_std::Error::Closed).into());
    };
    let word = match outcome {
        CallOutcome::Complete => "complete",
        CallOutcome::TimedOut => "timed_out",
        CallOutcome::Cancelled => "cancelled",
    };
    context.out.line(&Line::Called { outcome: word, answered, asked, after_ms: millis(began.elapsed()) })?;
    match (failed, outcome) {
        (Some((from, failure)), _) => Err(Fault::command(&doing, from, &failure).into()),
        (None, CallOutcome::Complete) if asked == 0 => Err(Fault::new(
            Exit::NotDelivered,
            "nobody was there to be asked",
            "homing peers says who is there",
        )
        .into()),
        (None, CallOutcome::Complete) => {
            if !matches!(to, Pattern::One(_)) {
                context.out.note(format!("{answered} answered, after {}", human(began.elapsed())));
            }
            Ok(())
        }
        (None, _) => {
            let what = format!("cannot {doing}: {answered} of {asked} answered in time");
            Err(Fault::new(
                Exit::Timeout,
                what,
                "give it more --timeout, or see who is there with homing peers",
            )
            .into())
        }
    }
}

/// The command, with its argument if that is JSON.
fn command(args: &Call) -> Result<Command, Fault> {
    let command = Command::get(&args.path);
    let Some(text) = &args.argument else { return Ok(command) };
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(command.with_body("application/json", text.as_bytes())),
        Err(e) => Err(Fault::usage(
            format!("the argument is no JSON: {e}"),
            r#"quote it for the shell: '{"n":1}', or '"text"'"#,
        )),
    }
}

/// One answer for people: the result alone when one peer was asked.
fn print(
    context: &Context,
    to: &Pattern,
    from: &Address,
    response: &Result<Response, Failure>,
) -> Result<(), End> {
    let out = &context.out;
    let name = out.paint(Look::Name, from);
    match (response, to) {
        _ if out.is_json() => Ok(()),
        (Ok(response), Pattern::One(_)) if !out.is_terminal() => {
            out.raw(&response.body)?;
            if response.body.ends_with(b"\n") { Ok(()) } else { out.raw(b"\n") }
        }
        (Ok(response), Pattern::One(_)) => out.text(readable(response)),
        (Ok(response), _) => out.text(format_args!("{name}: {}", readable(response))),
        // The only answer's failure is what the command ends with.
        (Err(_), Pattern::One(_)) => Ok(()),
        (Err(failure), _) => {
            out.text(format_args!("{name}: {}", out.paint(Look::Bad, harmless(&failure.to_string()))))
        }
    }
}

/// A result that a terminal can show.
fn readable(response: &Response) -> String {
    match std::str::from_utf8(&response.body) {
        Ok("") => "done".to_string(),
        Ok(text) => harmless(text),
        Err(_) => format!("{} bytes of {}", response.body.len(), harmless(&response.content_type)),
    }
}
