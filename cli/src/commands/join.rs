//! `homing join`: find out whether an invite works, and remember it.

use homing_core::{Dial, Reason};

use crate::Context;
use crate::args::Join;
use crate::exit::{End, not_joined};
use crate::home::Profile;
use crate::json::Line;
use crate::out::Look;
use crate::session::Running;

/// Connects once. The profile is written only when the hub admitted this key under this name.
pub(crate) fn run(context: &Context, args: &Join) -> Result<(), End> {
    let profile = Profile { invite: args.invite.clone(), name: args.name.clone() };
    let key = context.home.key_or_new()?;
    let id = key.peer_id();
    let running = Running::start(context, key, args.connect.heartbeat)?;
    let dial = Dial { priority: -1, redial: false, ..profile.dial() };
    let joined = running.peer.connect(dial, args.connect.connect_timeout);
    context.interrupt.check()?;
    let (network, target) = (&profile.invite.network, &profile.invite.target);
    let joined = joined.map_err(|e| {
        let mut fault = not_joined(&format!("join {network} at {target} as {}", args.name), &e);
        if fault.reason == Some(Reason::NOT_ADMITTED) {
            fault.advice = format!("ask the hub's keeper to start it with --allow {id}");
        }
        fault
    })?;
    let before = context.home.profile().ok().filter(|before| *before != profile);
    context.home.remember(&profile)?;
    let out = &context.out;
    let line = Line::Joined {
        address: joined.address.to_string(),
        network: network.to_string(),
        hub: joined.hub.to_string(),
        hub_key: joined.hub_key.to_string(),
        key: id.to_string(),
    };
    out.data(&line, format!("joined {} as {}", network, out.paint(Look::Name, joined.address.bare())))?;
    out.note(format!(
        "remembered in {}; next: homing listen, homing peers",
        context.home.profile_path().display()
    ));
    if let Some(Profile { name, invite }) = before {
        out.note(format!("in place of {name}@{} at {}", invite.network, invite.target));
    }
    Ok(())
}
