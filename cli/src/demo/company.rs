//! The demo's peers, all of them in this process: the same node on three runtimes.

use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use homing_core::{Address, Config, Dial, Event, Heartbeat, Invite, Serving};
use homing_std::{Error, Options};
use smol::stream::StreamExt;

use super::{NETWORK, PATIENCE};
use crate::Context;
use crate::args::Pace;
use crate::exit::{Fault, fault_of};
use crate::home::random_key;
use crate::session::Running;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Who takes part, and what it runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Who {
    pub(crate) name: &'static str,
    pub(crate) runtime: &'static str,
}

pub(crate) const HUB: Who = Who { name: "hub", runtime: "std" };
pub(crate) const ADA: Who = Who { name: "ada", runtime: "tokio" };
pub(crate) const BOB: Who = Who { name: "bob", runtime: "smol" };
pub(crate) const CAROL: Who = Who { name: "carol", runtime: "std" };

impl Who {
    /// All of them.
    pub(crate) const ALL: [Who; 4] = [HUB, ADA, BOB, CAROL];

    /// Whose address that is.
    pub(crate) fn of(address: &Address) -> Option<Who> {
        Who::ALL.into_iter().find(|who| who.name == address.name())
    }

    fn cannot_join(self) -> impl Fn(Error) -> Fault {
        move |error| fault_of(&format!("bring {} into the demo's network", self.name), &error)
    }
}

/// What everybody starts with: a key of its own, and a heartbeat for one machine.
fn options() -> Result<Options, Fault> {
    let options = Options::new(random_key()?);
    Ok(Options { config: Config { heartbeat: Heartbeat::LAN, ..options.config }, ..options })
}

fn dial(who: Who, invite: &Invite) -> Result<Dial, Fault> {
    let name = who.name.parse().map_err(|e| Fault::usage(format!("{e}"), "report it"))?;
    Ok(Dial { redial: false, ..Dial::invite(invite, name) })
}

/// Starts the hub, on std; returns how others come in.
pub(crate) fn start_hub(context: &Context) -> Result<(Running, Invite), Fault> {
    let report = |e: &dyn std::fmt::Display| Fault::usage(format!("{e}"), "report it");
    let mut options = options()?;
    let address: Address = format!("{}@{NETWORK}", HUB.name).parse().map_err(|e| report(&e))?;
    options.config.serving =
        Some(Serving { address: address.clone(), open: true, allow: Default::default() });
    let hub = Running::start_with(context, options)?;
    let port = "127.0.0.1:0".parse().map_err(|e| report(&e))?;
    let bound = hub.peer.listen(&port).map_err(|e| fault_of("listen on this machine's loopback", &e))?;
    let network = NETWORK.parse().map_err(|e| report(&e))?;
    let invite = Invite { key: hub.peer.peer_id(), target: bound.to_string(), network };
    Ok((hub, invite))
}

/// Carol, on std: her driver is a thread, and her calls block.
pub(crate) fn join_carol(context: &Context, invite: &Invite) -> Result<(Running, Address), Fault> {
    let carol = Running::start(context, random_key()?, Pace::Lan)?;
    let joined = carol.peer.connect(dial(CAROL, invite)?, PATIENCE).map_err(CAROL.cannot_join())?;
    Ok((carol, joined.address))
}

/// Bob, on smol: he reads what he is sent, and says so.
pub(crate) struct Bob {
    peer: homing_smol::Peer,
    /// The messages that he has read.
    pub(crate) read: Receiver<Vec<u8>>,
}

impl Bob {
    pub(crate) fn join(context: &Context, invite: &Invite) -> Result<(Bob, Address), Fault> {
        let peer = homing_smol::start(options()?).map_err(BOB.cannot_join())?;
        let (sender, read) = channel();
        let bob = Bob { peer, read };
        let closing = bob.peer.clone();
        context.interrupt.on(move || drop(smol::block_on(closing.close(GOODBYE))));
        smol::spawn(read_all(bob.peer.clone(), sender)).detach();
        let joining = bob.peer.connect(dial(BOB, invite)?, PATIENCE);
        let joined = smol::block_on(joining).map_err(BOB.cannot_join())?;
        Ok((bob, joined.address))
    }
}

/// Until the peer is closed.
async fn read_all(peer: homing_smol::Peer, read: Sender<Vec<u8>>) {
    let mut events = peer.events();
    while let Some(event) = events.next().await {
        if let Event::Message(message) = event
            && peer.consume(&message).await.is_ok()
        {
            // The demo may be over.
            let _ = read.send(message.body.into());
        }
    }
}

impl Drop for Bob {
    fn drop(&mut self) {
        let _ = smol::block_on(self.peer.close(GOODBYE));
    }
}

/// Ada, on tokio: she does what is told of.
pub(crate) struct Ada {
    executor: tokio::runtime::Runtime,
    pub(crate) peer: homing_tokio::Peer,
}

impl Ada {
    pub(crate) fn join(context: &Context, invite: &Invite) -> Result<(Ada, Address), Fault> {
        let executor = tokio::runtime::Runtime::new().map_err(|e| {
            Fault::machine(format!("cannot start tokio: {e}"), "see what limits this machine sets")
        })?;
        let started = {
            let _within = executor.enter();
            homing_tokio::start(options()?)
        };
        let ada = Ada { executor, peer: started.map_err(ADA.cannot_join())? };
        let closing = ada.peer.clone();
        context.interrupt.on(move || drop(smol::block_on(closing.close(GOODBYE))));
        let joined = ada.run(ada.peer.connect(dial(ADA, invite)?, PATIENCE)).map_err(ADA.cannot_join())?;
        Ok((ada, joined.address))
    }

    /// Does on tokio what ada does, and blocks until it is done.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.executor.block_on(work)
    }
}

impl Drop for Ada {
    fn drop(&mut self) {
        let _ = self.run(self.peer.close(GOODBYE));
    }
}
