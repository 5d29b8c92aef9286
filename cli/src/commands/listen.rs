//! `homing listen`: stay in the network and print what arrives.

use crate::Context;
use crate::args::Listen;
use crate::commands::arrivals::Arrivals;
use crate::commands::record;
use crate::exit::End;
use crate::json::Line;
use crate::session::dial_and_stay;

/// Until Ctrl-C, or until the hub says that dialing again cannot help.
pub(crate) fn run(context: &Context, args: &Listen) -> Result<(), End> {
    let profile = context.home.profile()?;
    let prepared = record::prepare(&args.record)?;
    let running = dial_and_stay(context, &profile, args.instance.clone(), args.heartbeat, prepared.most())?;
    let recording = prepared.of(&running.peer);
    if args.until_eof {
        context.interrupt.trip_at_eof();
    }
    let mut arrivals = Arrivals::new(context, &running.peer);
    for event in running.peer.events() {
        arrivals.take(&event)?;
    }
    recording.write()?;
    context.out.line(&Line::Stopped {})
}
