//! Dropped after it was polled, closing goes on by itself.

use std::time::Duration;

use homing_core::Event;

use super::calls;
use super::steps::{at_each, give_up};
use crate::lab::{HUB, Lab, TCP, hub_options, options};
use crate::wait::{Check, Saying, ensure, until};

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let (hub, at) = lab.hub(hub_options(), TCP)?;
    at_each("close", |when| {
        let ada = lab.join(options(2), &hub, &at, "ada")?;
        // Whatever woke its driver is over.
        ada.ping(HUB)?;
        let closed = give_up(calls(&ada)?.close(lab.patience), when, lab.patience, || Ok(()))?;
        if when.polls == 0 {
            ada.ping(HUB)?;
            ada.close()?;
        }
        let done = closed.map(|closed| closed.saying("closing")).transpose()?.is_some();
        until("the hub is alone", lab.patience, || hub.links() == 0)?;
        hub.wait_peers(1)?;
        let mut last = None;
        while let Some(event) = ada.next_event(lab.patience) {
            last = Some(event);
        }
        ensure(last == Some(Event::Stopped), || format!("the last event was {last:?}"))?;
        // There is nothing left to wait for.
        ada.subject().close(Duration::ZERO).saying("closing again")?;
        Ok(done)
    })
}
