//! Into the network and out again, as the profile says.

use std::time::{Duration, Instant as Clock};

use homing_core::{Address, Config, Dial, Event, Heartbeat, Instance, Network, Pattern, StaticKey};
use homing_std::{Options, Peer};

use crate::Context;
use crate::args::{Connect, Pace};
use crate::exit::{End, Fault, fault_of, not_joined};
use crate::home::Profile;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A command that comes, does something and leaves takes none of its name's messages: those are for
/// the name's `homing listen`.
const PASSING: i8 = -1;

impl Pace {
    /// The heartbeat of that name.
    pub(crate) const fn heartbeat(self) -> Heartbeat {
        match self {
            Pace::Internet => Heartbeat::INTERNET,
            Pace::Lan => Heartbeat::LAN,
        }
    }
}

impl Profile {
    /// The address that `text` means in this profile's network.
    pub(crate) fn address(&self, text: &str) -> Result<Address, Fault> {
        Address::parse_in(text, &self.invite.network).map_err(|e| {
            Fault::usage(format!("{text:?} is no address: {e}"), "write a name, like bob, or bob@network")
        })
    }

    /// Several of them with commas between, or all: `*`.
    pub(crate) fn pattern(&self, text: &str) -> Result<Pattern, Fault> {
        if text.contains(',') {
            let list = text.split(',').map(|one| self.address(one.trim()));
            Ok(Pattern::Many(list.collect::<Result<_, _>>()?))
        } else {
            self.address(text).map(Pattern::from)
        }
    }

    /// How to come into the network, in order to stay there.
    pub(crate) fn dial(&self) -> Dial {
        Dial::invite(&self.invite, self.name.clone())
    }
}

/// A peer that runs, says goodbye when it is dropped, and when the user wants the program to end.
pub(crate) struct Running {
    /// The peer.
    pub(crate) peer: Peer,
}

impl Running {
    /// Starts a peer with `key`.
    pub(crate) fn start(context: &Context, key: StaticKey, pace: Pace) -> Result<Running, Fault> {
        let mut options = Options::new(key);
        options.config = Config { heartbeat: pace.heartbeat(), ..options.config };
        Running::start_with(context, options)
    }

    /// Starts a peer with these options.
    pub(crate) fn start_with(context: &Context, options: Options) -> Result<Running, Fault> {
        let peer = Peer::start(options).map_err(|e| fault_of("start", &e))?;
        let handle = peer.clone();
        context.interrupt.on(move || {
            let _ = handle.close(GOODBYE);
        });
        Ok(Running { peer })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever does not take the goodbye in time is left without one.
        let _ = self.peer.close(GOODBYE);
    }
}

/// A peer in a network.
pub(crate) struct Session {
    /// The peer.
    pub(crate) running: Running,
    /// Who it is there.
    pub(crate) address: Address,
    /// The network.
    pub(crate) network: Network,
    /// Who let it in.
    pub(crate) hub: Address,
}

impl Session {
    /// Comes into the network for a short time.
    pub(crate) fn pass(context: &Context, profile: &Profile, connect: &Connect) -> Result<Session, End> {
        let dial = Dial { priority: PASSING, redial: false, ..profile.dial() };
        Session::open(context, dial, connect)
    }

    /// Comes into the network in order to stay.
    pub(crate) fn stay(context: &Context, profile: &Profile, connect: &Connect) -> Result<Session, End> {
        Session::open(context, profile.dial(), connect)
    }

    fn open(context: &Context, dial: Dial, connect: &Connect) -> Result<Session, End> {
        let Some(key) = context.home.key()? else {
            let what = format!("the key {} is gone", context.home.key_path().display());
            return Err(Fault::usage(what, "restore it, or join again: homing join INVITE --name YOU").into());
        };
        let running = Running::start(context, key, connect.heartbeat)?;
        let (network, target) = (dial.network.clone(), dial.target.clone());
        let joined = running.peer.connect(dial, connect.connect_timeout);
        context.interrupt.check()?;
        let joined = joined.map_err(|e| not_joined(&format!("join {network} at {target}"), &e))?;
        Ok(Session { running, address: joined.address, network, hub: joined.hub })
    }

    /// The peer.
    pub(crate) fn peer(&self) -> &Peer {
        &self.running.peer
    }
}

/// Begins to dial and does not wait: for a program that stays, however long the hub is away.
pub(crate) fn dial_and_stay(
    context: &Context,
    profile: &Profile,
    instance: Option<Instance>,
    pace: Pace,
    record: Option<usize>,
) -> Result<Running, End> {
    let key = context.home.key()?.ok_or_else(|| {
        let what = format!("the key {} is gone", context.home.key_path().display());
        Fault::usage(what, "restore it, or join again: homing join INVITE --name YOU")
    })?;
    let mut options = Options::new(key);
    options.config.heartbeat = pace.heartbeat();
    options.record = record;
    let running = Running::start_with(context, options)?;
    let dial = Dial { instance, ..profile.dial() };
    running.peer.dial(dial).map_err(|e| fault_of("join", &e))?;
    Ok(running)
}

/// Waits until `seen` says yes to what the peer's events, or the time, have brought about.
pub(crate) fn wait_until(
    peer: &Peer,
    timeout: Duration,
    mut seen: impl FnMut(Option<&Event>) -> bool,
) -> bool {
    let end = Clock::now() + timeout;
    let events = peer.events();
    if seen(None) {
        return true;
    }
    while let Some(left) = end.checked_duration_since(Clock::now()) {
        match events.next_timeout(left) {
            Some(event) if seen(Some(&event)) => return true,
            Some(_) => {}
            None => return seen(None),
        }
    }
    false
}
