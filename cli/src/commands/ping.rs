//! `homing ping`: the way to a peer and back.

use std::time::{Duration, Instant as Clock};

use homing_core::Command;

use crate::Context;
use crate::args::Ping;
use crate::exit::{End, Fault, fault_of};
use crate::json::Line;
use crate::out::Look;
use crate::session::Session;
use crate::text::{human, millis};

/// Asks `count` times, one after the other, and prints each answer's time.
pub(crate) fn run(context: &Context, args: &Ping) -> Result<(), End> {
    let profile = context.home.profile()?;
    let to = profile.address(&args.to)?;
    if to.is_everyone() {
        return Err(Fault::usage("this asks one peer", "for everyone: homing call '*' ping").into());
    }
    let session = Session::pass(context, &profile, &args.connect)?;
    let mut times = Vec::new();
    for _ in 0..args.count {
        let began = Clock::now();
        let answer = session.peer().request(&to, Command::get("ping"), args.timeout);
        context.interrupt.check()?;
        answer.map_err(|e| fault_of(&format!("ping {to}"), &e))?;
        let took = began.elapsed();
        times.push(took);
        let text = format!("{} {}", context.out.paint(Look::Name, &to), human(took));
        context.out.data(&Line::Pong { from: to.to_string(), after_ms: millis(took) }, text)?;
    }
    let (best, worst) = (times.iter().min(), times.iter().max());
    if let (Some(best), Some(worst), 2..) = (best, worst, times.len()) {
        let sum: Duration = times.iter().sum();
        let mean = sum / args.count;
        context.out.note(format!("best {}, mean {}, worst {}", human(*best), human(mean), human(*worst)));
    }
    Ok(())
}
