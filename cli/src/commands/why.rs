//! `homing why`: by which way a message would go.

use homing_core::Command;
use serde::Deserialize;

use crate::Context;
use crate::args::Why;
use crate::exit::{End, Exit, Fault, fault_of};
use crate::json::Line;
use crate::session::Session;
use crate::text::harmless;

/// Asks this side's node, then the hub: from there on it knows better.
pub(crate) fn run(context: &Context, args: &Why) -> Result<(), End> {
    let profile = context.home.profile()?;
    let to = profile.address(&args.to)?;
    let session = Session::pass(context, &profile, &args.connect)?;
    let here = session.peer().why(&to);
    let line = Line::Route {
        node: session.address.to_string(),
        to: to.to_string(),
        text: here.to_string(),
        rule: Some(here.rule.to_string()),
        instance: here.instance.as_ref().map(ToString::to_string),
    };
    context.out.data(&line, format_args!("{}: {here}", session.address))?;
    let argument = serde_json::json!({ "to": to.as_str() }).to_string();
    let command = Command::get("why").with_body("application/json", argument);
    let answer = session.peer().request(&session.hub, command, args.timeout);
    context.interrupt.check()?;
    let answer = answer.map_err(|e| fault_of(&format!("ask {} for the way", session.hub), &e))?;
    let there: There = serde_json::from_slice(&answer.body).map_err(|e| {
        let what = format!("{} answers what cannot be read: {e}", session.hub);
        Fault::new(Exit::Protocol, what, "both sides should run the same version")
    })?;
    let text = harmless(&match &there.instance {
        Some(instance) if instance != to.as_str() => {
            format!("{to} -> {instance} -> {} ({})", there.route, there.rule)
        }
        _ => format!("{to} -> {} ({})", there.route, there.rule),
    });
    let line = Line::Route {
        node: session.hub.to_string(),
        to: to.to_string(),
        text: text.clone(),
        rule: Some(there.rule),
        instance: there.instance,
    };
    context.out.data(&line, format_args!("{}: {text}", session.hub))
}

/// What the hub's `/why` answers.
#[derive(Deserialize)]
struct There {
    rule: String,
    route: String,
    instance: Option<String>,
}
