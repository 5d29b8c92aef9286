//! What a node was made of.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::crypto::{Fake, Provider, Pure};
use crate::key::OpenKeys;
use crate::trace::bytes::{Reader, Sink, TraceError};
use crate::trace::part::Part;
use crate::trace::unsealed::Unsealed;
use crate::{Config, Heartbeat, Instant, Limits, Seed, Serving, StaticKey, Suite};

/// Whose cryptography a trace is of, and is to be replayed with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ciphers {
    /// Real: [`Pure`], or any provider that [conforms](crate::crypto::conformance).
    Real,
    /// [`Fake`].
    Fake,
    /// None: the trace is [redacted](crate::trace::redact), and [`Unsealed`] goes with it.
    Unsealed,
}

impl Ciphers {
    /// What a provider is, by what it makes of a key.
    pub fn of(provider: &dyn Provider) -> Ciphers {
        const SECRET: [u8; 32] = [1; 32];
        let public = provider.public_key(&SECRET);
        if public == Fake.public_key(&SECRET) {
            Ciphers::Fake
        } else if public == SECRET {
            Ciphers::Unsealed
        } else {
            Ciphers::Real
        }
    }

    /// A provider of this kind.
    pub fn provider(self) -> Arc<dyn Provider> {
        match self {
            Ciphers::Real => Arc::new(Pure),
            Ciphers::Fake => Arc::new(Fake),
            Ciphers::Unsealed => Arc::new(Unsealed),
        }
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Ciphers::Real => "real",
            Ciphers::Fake => "fake",
            Ciphers::Unsealed => "unsealed",
        }
    }
}

impl fmt::Display for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Part for Ciphers {
    fn write(&self, out: &mut impl Sink) {
        out.byte(match self {
            Ciphers::Real => 0,
            Ciphers::Fake => 1,
            Ciphers::Unsealed => 2,
        });
    }

    fn read(input: &mut Reader<'_>) -> Result<Ciphers, TraceError> {
        match input.byte()? {
            0 => Ok(Ciphers::Real),
            1 => Ok(Ciphers::Fake),
            2 => Ok(Ciphers::Unsealed),
            _ => Err(input.wrong("ciphers that are not known")),
        }
    }
}

/// What a node was made of: a replay begins with another one like it.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) ciphers: Ciphers,
    pub(super) start: Instant,
    pub(super) key: StaticKey,
    pub(super) seed: Seed,
    pub(super) suite: Suite,
    pub(super) heartbeat: Heartbeat,
    pub(super) serving: Option<Serving>,
    pub(super) limits: Limits,
}

impl Header {
    /// Of a node that is about to be made of these.
    pub(super) fn new(start: Instant, key: &StaticKey, seed: &Seed, config: &Config) -> Header {
        let Config { serving, limits, heartbeat, provider, suite } = config;
        Header {
            ciphers: Ciphers::of(&**provider),
            start,
            key: key.clone(),
            seed: seed.clone(),
            suite: *suite,
            heartbeat: *heartbeat,
            serving: serving.clone(),
            limits: limits.clone(),
        }
    }

    /// The configuration, with this provider.
    pub(super) fn config(&self, provider: Arc<dyn Provider>) -> Config {
        Config {
            serving: self.serving.clone(),
            limits: self.limits.clone(),
            heartbeat: self.heartbeat,
            provider,
            suite: self.suite,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.ciphers.write(out);
        self.start.as_micros().write(out);
        out.put(self.key.expose());
        let (root, open) = self.seed.expose();
        out.put(root);
        open.is_some().write(out);
        open.into_iter().flatten().for_each(|key| out.put(key));
        self.suite.write(out);
        self.heartbeat.write(out);
        self.serving.write(out);
        self.limits.write(out);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Header, TraceError> {
        Ok(Header {
            ciphers: Part::read(input)?,
            start: Instant::from_micros(input.number()?),
            key: StaticKey::from_bytes(input.array()?),
            seed: Seed::from_parts(input.array()?, read_open_keys(input)?),
            suite: Part::read(input)?,
            heartbeat: Part::read(input)?,
            serving: Part::read(input)?,
            limits: Part::read(input)?,
        })
    }
}

fn read_open_keys(input: &mut Reader<'_>) -> Result<Option<OpenKeys>, TraceError> {
    if !bool::read(input)? {
        return Ok(None);
    }
    let mut keys = OpenKeys::default();
    for key in &mut keys {
        *key = input.array()?;
    }
    Ok(Some(keys))
}
