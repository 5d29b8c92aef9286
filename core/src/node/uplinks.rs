//! The networks that this node dials: what it knows of each, and when it tries again.

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::key::Stream;
use crate::link::LinkId;
use crate::node::agenda::{Agenda, tree_memory};
use crate::node::dial::{Dial, UplinkId};
use crate::node::roster::Roster;
use crate::{Address, Instance, Instant, Limits, Network, PeerId};

/// One network that this node dials.
#[derive(Debug)]
pub(crate) struct Uplink {
    pub(crate) dial: Dial,
    /// The same at each dial: whoever comes back takes its own place again.
    pub(crate) instance: Instance,
    pub(crate) state: UplinkState,
    /// How often in a row it did not last.
    pub(crate) attempts: u32,
    /// Whether it was ever up: what a stranger on the way can forge ends nothing that has worked.
    pub(crate) ever_up: bool,
    /// The application wants it no more.
    pub(crate) leaving: bool,
}

/// Where an uplink stands.
#[derive(Debug)]
pub(crate) enum UplinkState {
    /// It is dialed again then.
    Waiting(Instant),
    /// The link is being dialed, or its handshake is under way.
    Dialing(LinkId),
    /// This node is in.
    Up(Membership),
}

/// A network that this node is in.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) link: LinkId,
    pub(crate) address: Address,
    pub(crate) hub: Address,
    pub(crate) hub_key: PeerId,
    pub(crate) roster: Roster,
    pub(crate) since: Instant,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Uplinks {
    pub(crate) all: BTreeMap<UplinkId, Uplink>,
    pub(crate) agenda: Agenda<UplinkId>,
    pub(crate) next: u64,
    /// How often this node came into a network or left one: while it is the same, it is who it was in each.
    pub(crate) changes: u64,
    /// The network that was asked for last, on which link this node is in it, and after which change.
    last: Option<(Network, LinkId, u64)>,
}

impl Uplinks {
    /// The link to `network` if it was [remembered](Uplinks::remember), and nothing has changed since.
    pub(crate) fn remembered(&self, network: &str) -> Option<LinkId> {
        let (last, link, changes) = self.last.as_ref()?;
        (*changes == self.changes && last.as_str() == network).then_some(*link)
    }

    /// What is sent mostly goes the way of what was sent before it.
    pub(crate) fn remember(&mut self, network: Network, link: LinkId) {
        self.last = Some((network, link, self.changes));
    }

    /// The membership in `network`, if this node is in it: the first, when it dialed it twice.
    pub(crate) fn member(&self, network: &str) -> Option<(UplinkId, &Membership)> {
        self.members().find(|(_, member)| member.address.network() == network)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (UplinkId, &Membership)> {
        self.all.iter().filter_map(|(id, uplink)| match &uplink.state {
            UplinkState::Up(member) => Some((*id, member)),
            _ => None,
        })
    }

    pub(crate) fn membership_mut(&mut self, id: UplinkId) -> Option<&mut Membership> {
        match &mut self.all.get_mut(&id)?.state {
            UplinkState::Up(member) => Some(member),
            _ => None,
        }
    }

    pub(crate) fn membership(&self, id: UplinkId) -> Option<&Membership> {
        match &self.all.get(&id)?.state {
            UplinkState::Up(member) => Some(member),
            _ => None,
        }
    }

    pub(crate) fn memory(&self) -> usize {
        tree_memory::<(UplinkId, Uplink)>(self.all.len())
            + self.agenda.memory()
            + self.members().map(|(_, member)| member.roster.memory()).sum::<usize>()
    }
}

/// How long to wait before the `attempts`-th redial: full jitter, so that a thousand peers that lost
/// one hub do not come back in one moment.
pub(crate) fn backoff(attempts: u32, limits: &Limits, random: &mut Stream) -> Duration {
    let window = backoff_window(attempts, limits);
    Duration::from_micros(random.up_to(u64::try_from(window.as_micros()).unwrap_or(u64::MAX)))
}

/// The longest wait before the `attempts`-th redial.
pub(crate) fn backoff_window(attempts: u32, limits: &Limits) -> Duration {
    limits.redial_first.saturating_mul(1 << attempts.min(20)).min(limits.redial_most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::key::Purpose;

    #[test]
    fn the_wait_grows_to_its_cap_and_is_spread() {
        let limits = Limits::DEFAULT;
        let mut random = Seed::from_bytes([5; 32]).stream(Purpose::Redial, 0);
        let windows: alloc::vec::Vec<u128> = (0..8).map(|n| backoff_window(n, &limits).as_millis()).collect();
        assert_eq!(windows, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff_window(u32::MAX, &limits), limits.redial_most);
        let waits: alloc::vec::Vec<Duration> = (0..100).map(|_| backoff(3, &limits, &mut random)).collect();
        assert!(waits.iter().all(|wait| *wait <= backoff_window(3, &limits)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_secs(1)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_secs(3)));
    }
}
