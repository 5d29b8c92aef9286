//! What every adapter promises, a file for each.

mod backpressure;
mod batches;
mod busy;
mod callers;
mod chunking;
mod dialing;
mod echo;
mod flood;
mod futures;
mod handlers;
mod hostile;
mod idle;
mod links;
mod reset;
mod shutdown;
mod slow_reader;
mod stores;

use crate::Case;

/// All cases, in the order in which they are run.
pub fn cases() -> &'static [Case] {
    const CASES: &[Case] = &[
        echo::CASE,
        chunking::CASE,
        backpressure::CASE,
        batches::CASE,
        slow_reader::CASE,
        reset::CASE,
        links::CASE,
        idle::CASE,
        busy::CASE,
        shutdown::CASE,
        hostile::CASE,
        dialing::CASE,
        handlers::CASE,
        stores::CASE,
        callers::CASE,
        futures::CASE,
    ];
    CASES
}
