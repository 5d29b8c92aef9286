//! Rare situations, by name: a simulation that never reaches them proves nothing about them.

use homing_core::{CallOutcome, Event, Reason, SendError, Stage};

use crate::fact::{Fact, What};
use crate::invariant::Scene;
use crate::plan::Fault;

macro_rules! situations {
    ($($variant:ident = $name:literal,)*) => {
        /// A rare situation.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Situation {
            $(#[doc = $name] $variant,)*
        }

        impl Situation {
            /// All of them.
            pub const ALL: &[Situation] = &[$(Situation::$variant),*];

            /// What it is called.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Situation::$variant => $name,)*
                }
            }
        }
    };
}

situations! {
    Delivered = "a message was delivered",
    ToEveryone = "a message to everybody was delivered",
    ToItself = "a message to the sender itself was delivered",
    ToInstance = "a message to one instance was delivered",
    Consumed = "a message was dealt with, and its sender knew",
    RefusedByPeer = "a message was refused by its recipient",
    NotFound = "a message was for nobody who is there",
    NotAvailable = "a message was for a name that takes none",
    Expired = "a message waited too long in a queue",
    RemoteFull = "a message found its recipient's queue full",
    Lost = "a link was lost before the other side confirmed",
    NoReceipt = "no receipt came in time",
    LocalFull = "a sender's own queue was full",
    TooManyReceipts = "too many receipts were awaited",
    NotConnected = "a sender was not connected",
    Called = "a call was answered by all",
    CallTimedOut = "a call was not answered in time",
    CallCancelled = "a call was given up",
    CallToAll = "a call to all ended",
    CallRefused = "a call came back with a failure",
    LateAnswer = "an answer came when nobody waited for it any more",
    RequestEnded = "a request was taken back while the application had it",
    Silence = "a link died of silence",
    SilenceAtHub = "a hub found that a member is silent",
    Broken = "a link was broken",
    HandshakeTimeout = "a handshake took too long",
    DialFailed = "a dial failed",
    Redialed = "a link came back",
    Replaced = "a peer took its own session's place",
    Storage = "a newcomer was turned away because the hub could not store its name",
    HubRestarted = "a hub came back with what it had stored",
    HubForgot = "a hub came back and remembered nothing",
    MemberRestarted = "a member came back",
    ShutDown = "a node was shut down in order",
    ClockStood = "a clock stood still",
    ClockJumped = "a clock jumped over a heartbeat's silence",
    ClosedUnread = "a link was closed with bytes unread",
    NotReading = "a node did not read what had arrived",
    ManyInstances = "a name was there twice",
    TwoNetworks = "a peer was in two networks",
    HubStopped = "a hub said goodbye and its members heard it",
    RosterChanged = "a member saw another come and go",
    Rekeyed = "a link lived longer than one key",
}

/// How often each [`Situation`] was reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sometimes {
    counts: Vec<u64>,
}

impl Default for Sometimes {
    fn default() -> Sometimes {
        Sometimes { counts: vec![0; Situation::ALL.len()] }
    }
}

impl Sometimes {
    /// How often this one was.
    pub fn count(&self, situation: Situation) -> u64 {
        self.counts.get(situation as usize).copied().unwrap_or(0)
    }

    /// Each of them, and how often it was reached.
    pub fn iter(&self) -> impl Iterator<Item = (Situation, u64)> + '_ {
        Situation::ALL.iter().map(|situation| (*situation, self.count(*situation)))
    }

    /// Those that were never reached.
    pub fn missing(&self) -> Vec<Situation> {
        self.iter().filter(|(_, n)| *n == 0).map(|(situation, _)| situation).collect()
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Sometimes) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    fn reached(&mut self, situation: Situation) {
        if let Some(count) = self.counts.get_mut(situation as usize) {
            *count += 1;
        }
    }

    pub(crate) fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) {
        let serves = scene.spec(fact.host).config.serving.is_some();
        match &fact.what {
            What::Told(event) => self.told(scene, fact, event, serves),
            What::Refused { command, error } => match error {
                SendError::Full => self.reached(Situation::LocalFull),
                SendError::TooMany { .. } if *command == "send" => self.reached(Situation::TooManyReceipts),
                SendError::NotConnected(_) => self.reached(Situation::NotConnected),
                SendError::Unknown if *command == "respond" => self.reached(Situation::LateAnswer),
                _ => {}
            },
            What::Started { before, kept } if *before > 0 => self.reached(match (serves, kept) {
                (true, true) => Situation::HubRestarted,
                (true, false) => Situation::HubForgot,
                _ => Situation::MemberRestarted,
            }),
            What::Closed { unread, .. } if *unread > 0 => self.reached(Situation::ClosedUnread),
            What::Struck(Fault::Drift { per_million: -1_000_000, .. }) => self.reached(Situation::ClockStood),
            What::Struck(Fault::Jump { by }) if is_past(*by, scene, fact) => {
                self.reached(Situation::ClockJumped);
            }
            What::Rested { .. } => self.rested(scene, fact),
            _ => {}
        }
    }

    fn rested(&mut self, scene: &Scene<'_>, fact: &Fact) {
        let Some(node) = scene.node(fact.host) else { return };
        let unread = scene.links(fact.host).find(|link| scene.unread(fact.host, *link) > 0);
        if unread.is_some_and(|link| node.read_budget(link) == 0) {
            self.reached(Situation::NotReading);
        }
        if scene.past_first_key(fact.host) {
            self.reached(Situation::Rekeyed);
        }
    }

    fn told(&mut self, scene: &Scene<'_>, fact: &Fact, event: &Event, serves: bool) {
        match event {
            Event::Message(message) => {
                self.reached(Situation::Delivered);
                if message.to.is_everyone() {
                    self.reached(Situation::ToEveryone);
                }
                if message.to.instance().is_some() {
                    self.reached(Situation::ToInstance);
                }
                if scene.identity(fact.host).has(&message.from) {
                    self.reached(Situation::ToItself);
                }
            }
            Event::Receipt { stage: Stage::Consumed, .. } => self.reached(Situation::Consumed),
            Event::Receipt { stage: Stage::Failed(failure), .. } => match failure.reason {
                Reason::REFUSED => self.reached(Situation::RefusedByPeer),
                Reason::NOT_FOUND => self.reached(Situation::NotFound),
                Reason::NOT_AVAILABLE => self.reached(Situation::NotAvailable),
                Reason::EXPIRED => self.reached(Situation::Expired),
                Reason::QUEUE_FULL => self.reached(Situation::RemoteFull),
                Reason::LINK_LOST => self.reached(Situation::Lost),
                Reason::NO_RECEIPT => self.reached(Situation::NoReceipt),
                _ => {}
            },
            Event::Answer { response: Err(_), .. } => self.reached(Situation::CallRefused),
            Event::CallEnded { outcome, asked, .. } => {
                self.reached(match outcome {
                    CallOutcome::Complete => Situation::Called,
                    CallOutcome::TimedOut => Situation::CallTimedOut,
                    CallOutcome::Cancelled => Situation::CallCancelled,
                });
                if *asked > 1 {
                    self.reached(Situation::CallToAll);
                }
            }
            Event::RequestEnded { .. } => self.reached(Situation::RequestEnded),
            Event::Down { why, .. } | Event::LinkDown { why, .. } => match why.reason() {
                Reason::SILENCE if serves => self.reached(Situation::SilenceAtHub),
                Reason::SILENCE => self.reached(Situation::Silence),
                Reason::GONE => self.reached(Situation::Broken),
                Reason::HANDSHAKE_TIMEOUT => self.reached(Situation::HandshakeTimeout),
                Reason::UNREACHABLE => self.reached(Situation::DialFailed),
                Reason::REPLACED => self.reached(Situation::Replaced),
                Reason::STORAGE => self.reached(Situation::Storage),
                Reason::FINISHED if matches!(event, Event::Down { retry: Some(_), .. }) => {
                    self.reached(Situation::HubStopped);
                }
                _ => {}
            },
            Event::Up { .. } => {
                if scene.streams_of(fact.host) > scene.spec(fact.host).dials.len() {
                    self.reached(Situation::Redialed);
                }
                if scene.node(fact.host).is_some_and(|node| node.networks().len() > 1) {
                    self.reached(Situation::TwoNetworks);
                }
            }
            Event::LinkUp { address, .. } => {
                let here = scene.node(fact.host).and_then(|node| node.peers(address.network()));
                if here.is_some_and(|all| {
                    all.iter().filter(|it| it.address.name() == address.name()).count() > 1
                }) {
                    self.reached(Situation::ManyInstances);
                }
            }
            Event::PeerDown { .. } => self.reached(Situation::RosterChanged),
            Event::Stopped => self.reached(Situation::ShutDown),
            _ => {}
        }
    }
}

/// Whether a clock jumps over what would be a silence.
fn is_past(by: i64, scene: &Scene<'_>, fact: &Fact) -> bool {
    i128::from(by) > scene.spec(fact.host).config.heartbeat.silence.as_micros().cast_signed()
}
