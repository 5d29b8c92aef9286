//! A simulated machine: a node, its application, its disk and its clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use homing_core::{
    Address, CallId, Command, Config, Dial, Failure, Input, Instant, LinkId, Message, MessageId, Pattern,
    PeerId, Received, RequestId, Response, Seed, SendError, StaticKey, StoreId, UplinkId,
};

use homing_core::trace::{Recorded, Tape};

use crate::Clock;
use crate::fact::{Identity, What};
use crate::handler::{Disk, Handler};
use crate::world::Notice;

/// How a machine's application is made at each start, from what its disk holds.
pub type Maker = Arc<dyn Fn(&Disk) -> Box<dyn Handler> + Send + Sync>;

/// What a machine is, whatever happens to it.
#[derive(Clone)]
pub struct HostSpec {
    /// Its name in the world, for people.
    pub name: String,
    /// Which key it has. Two machines that are instances of one name have one key.
    pub key: u64,
    /// How its node behaves.
    pub config: Config,
    /// What others dial to reach it.
    pub listens: Option<String>,
    /// The networks that it joins when it starts.
    pub dials: Vec<Dial>,
    /// Its application.
    pub maker: Maker,
}

/// What an application's machine consists of: all that its [`Cx`](crate::Cx) reaches.
pub(crate) struct Machine {
    pub(crate) identity: Identity,
    /// None while it is down.
    pub(crate) node: Option<Recorded>,
    /// The latest time that the node was told.
    pub(crate) latest: Instant,
    pub(crate) disk: Disk,
    /// When the application wants to be woken, and with what, in its own time.
    pub(crate) timers: Vec<(Instant, u64)>,
    /// What happened since somebody looked, in order.
    pub(crate) said: Vec<What>,
    pub(crate) uplinks: Vec<UplinkId>,
    /// Those of its uplinks that it is leaving.
    pub(crate) leaving: BTreeSet<UplinkId>,
    pub(crate) calls: VecDeque<CallId>,
    /// How much it was asked to say.
    pub(crate) asked: u64,
}

impl Machine {
    pub(crate) fn say(&mut self, what: What) {
        self.said.push(what);
    }

    /// Does something with the node; a machine that is down refuses.
    pub(crate) fn node<R>(
        &mut self,
        now: Instant,
        work: impl FnOnce(&mut Recorded) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        self.latest = self.latest.max(now);
        match &mut self.node {
            Some(node) => work(node),
            None => Err(SendError::Stopped),
        }
    }

    fn noted<R>(&mut self, command: &'static str, result: Result<R, SendError>) -> Result<R, SendError> {
        if let Err(error) = &result {
            self.say(What::Refused { command, error: error.clone() });
        }
        result
    }

    pub(crate) fn send(
        &mut self,
        now: Instant,
        to: &Address,
        message: Message,
    ) -> Result<MessageId, SendError> {
        let result = self.node(now, |node| node.send(now, to, message.clone()));
        let id = self.noted("send", result)?;
        self.say(What::Sent { id, to: to.clone(), message });
        Ok(id)
    }

    pub(crate) fn request(
        &mut self,
        now: Instant,
        to: &Pattern,
        command: Command,
        patience: Duration,
    ) -> Result<CallId, SendError> {
        let result = self.node(now, |node| node.request(now, to, command.clone(), patience));
        let call = self.noted("request", result)?;
        self.calls.push_back(call);
        if self.calls.len() > 16 {
            self.calls.pop_front();
        }
        self.say(What::Called { call, to: to.clone(), command, patience });
        Ok(call)
    }

    pub(crate) fn cancel(&mut self, now: Instant, call: CallId) -> Result<(), SendError> {
        let result = self.node(now, |node| node.cancel(now, call));
        if result.is_ok() {
            self.say(What::Cancelled { call });
        }
        result
    }

    pub(crate) fn respond(
        &mut self,
        now: Instant,
        request: RequestId,
        response: Result<Response, Failure>,
    ) -> Result<(), SendError> {
        let ok = response.is_ok();
        let result = self.node(now, |node| node.respond(now, request, response));
        self.noted("respond", result)?;
        self.say(What::Answered { request, ok });
        Ok(())
    }

    pub(crate) fn deal(&mut self, now: Instant, message: &Received, refused: Option<Failure>) {
        let result = self.node(now, |node| match &refused {
            None => node.consume(now, message),
            Some(why) => node.refuse(now, message, why.clone()),
        });
        if self.noted("consume", result).is_ok() {
            self.say(What::Dealt { id: message.id, from: message.from.clone(), refused });
        }
    }

    pub(crate) fn serve(&mut self, path: &str, description: &str) -> Result<(), SendError> {
        self.node.as_mut().ok_or(SendError::Stopped)?.serve(path, description)
    }

    pub(crate) fn dial(&mut self, now: Instant, dial: Dial) -> Result<UplinkId, SendError> {
        let result = self.node(now, |node| node.dial(now, dial));
        let uplink = self.noted("dial", result)?;
        self.uplinks.push(uplink);
        Ok(uplink)
    }
}

/// A machine in a world.
pub(crate) struct Host {
    pub(crate) spec: HostSpec,
    pub(crate) machine: Machine,
    pub(crate) handler: Option<Box<dyn Handler>>,
    pub(crate) clock: Clock,
    /// How often it was started.
    pub(crate) starts: u32,
    /// Nothing runs on it.
    pub(crate) paused: bool,
    /// Its application takes what is delivered.
    pub(crate) takes: bool,
    /// Stores answer "no".
    pub(crate) disk_full: bool,
    /// Entries that are durable, and those that are on their way to the disk.
    pub(crate) journal: Vec<Vec<u8>>,
    pub(crate) storing: VecDeque<(StoreId, Vec<u8>)>,
    /// Where its links lead: the stream and which end of it this is.
    pub(crate) links: BTreeMap<LinkId, (usize, usize)>,
    /// How many it accepted, ever.
    pub(crate) accepted: u64,
    /// The world's time at which it is woken next, as far as that was asked for.
    pub(crate) armed: Option<Instant>,
    /// Whether there is something to look at.
    pub(crate) dirty: bool,
    /// Links that want to be written.
    pub(crate) writes: Vec<LinkId>,
    /// Links on which something has arrived.
    pub(crate) readable: BTreeSet<LinkId>,
    /// Links that are being dialed.
    pub(crate) dialing: BTreeSet<LinkId>,
    /// What it is told when it runs.
    pub(crate) notices: VecDeque<Notice>,
    /// How much of what its node is told is kept, if it is.
    pub(crate) record: Option<usize>,
    /// What it had stored is gone.
    pub(crate) forgot: bool,
    /// How long it stays off when it was shut down.
    pub(crate) starts_after: Duration,
    /// How long an entry takes to the disk.
    pub(crate) disk_delay: Duration,
}

impl Host {
    pub(crate) fn new(spec: HostSpec, world: Instant, local: Instant) -> Host {
        let key = PeerId::from_bytes(spec.config.provider.public_key(key_of(spec.key).expose()));
        let mut addresses: Vec<Address> = Vec::new();
        addresses.extend(spec.config.serving.as_ref().map(|serving| serving.address.clone()));
        for dial in &spec.dials {
            if let Some(name) = &dial.name {
                addresses.push(Address::new(name, &dial.network, dial.instance.as_ref()));
            }
        }
        let identity = Identity { name: spec.name.clone(), key, addresses };
        Host {
            spec,
            machine: Machine {
                identity,
                node: None,
                latest: local,
                disk: Disk::new(),
                timers: Vec::new(),
                said: Vec::new(),
                uplinks: Vec::new(),
                leaving: BTreeSet::new(),
                calls: VecDeque::new(),
                asked: 0,
            },
            handler: None,
            clock: Clock::new(world, local),
            starts: 0,
            paused: false,
            takes: true,
            disk_full: false,
            journal: Vec::new(),
            storing: VecDeque::new(),
            links: BTreeMap::new(),
            accepted: 0,
            armed: None,
            dirty: false,
            writes: Vec::new(),
            readable: BTreeSet::new(),
            dialing: BTreeSet::new(),
            notices: VecDeque::new(),
            record: None,
            forgot: false,
            starts_after: Duration::ZERO,
            disk_delay: Duration::ZERO,
        }
    }

    /// Makes the node, as it is after a start; its application is not told yet.
    pub(crate) fn boot(&mut self, now: Instant, world_seed: u64) {
        let local = self.clock.local(now);
        self.machine.latest = local;
        let key = StaticKey::from_bytes(*key_of(self.spec.key).expose());
        let number =
            self.machine.identity.name.bytes().fold(world_seed, |n, byte| n.rotate_left(9) ^ u64::from(byte));
        let seed = seed_of(number, u64::from(self.starts) + 1);
        let tape = self.record.map(Tape::new);
        let mut node = Recorded::new(local, key, seed, Arc::new(self.spec.config.clone()), tape);
        for entry in &self.journal {
            if let Err(error) = node.restore(entry) {
                self.machine.said.push(What::Unrestored { error });
            }
        }
        self.starts += 1;
        self.machine.node = Some(node);
        self.machine.uplinks.clear();
        self.machine.calls.clear();
        self.machine.leaving.clear();
        self.handler = Some((self.spec.maker)(&self.machine.disk));
        self.dirty = true;
    }

    /// Tells the node something, at what its clock shows.
    pub(crate) fn tell(&mut self, now: Instant, input: Input<'_>) {
        let local = self.clock.local(now);
        if let Some(node) = &mut self.machine.node {
            node.handle(local, input);
            self.machine.latest = self.machine.latest.max(local);
        }
        self.dirty = true;
    }
}

fn seed_of(number: u64, index: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..16].copy_from_slice(&index.to_be_bytes());
    Seed::from_bytes(bytes)
}

/// The key of this number. Everybody can know it: it protects nothing.
pub fn key_of(number: u64) -> StaticKey {
    StaticKey::generate(&seed_of(number, 0))
}
