//! The handshake of both roles: the preface, three Noise messages, two hellos.
//! PROTOCOL.md, sections 2, 3 and 7.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::buffer::Buffer;
use crate::crypto::KeyPair;
use crate::key::Stream;
use crate::link::session::{GUEST, InitiatorHello, KEY, Options, ResponderHello, to_json};
use crate::noise::{Handshake, NoiseError, Suite, Transport};
use crate::wire::letter::parse;
use crate::wire::record;
use crate::{Config, Failure, Instance, Name, Network, PeerId, Reason};

/// What an initiator wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Initiator {
    /// The network, which both sides must mean.
    pub network: Network,
    /// The key that must answer.
    pub pin: Option<PeerId>,
    /// The name to ask for; a guest has none.
    pub name: Option<Name>,
    /// Which of several nodes of this name.
    pub instance: Instance,
    /// Its priority among them.
    pub priority: i8,
}

/// What a responder stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Responder {
    /// The network, which both sides must mean.
    pub network: Network,
    /// Whether it takes guests.
    pub guests: bool,
}

/// Who asks to be let in, with a key that the handshake has proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The proven key.
    pub key: PeerId,
    /// The name that it wants; a guest has none.
    pub name: Option<Name>,
    /// Which of several nodes of that name it is.
    pub instance: Option<Instance>,
    /// Its priority among them.
    pub priority: i8,
    /// What it takes.
    pub(crate) options: Options,
}

/// What the handshake's side needs besides the other's bytes.
pub(crate) struct Greeter {
    pub(crate) config: Arc<Config>,
    pub(crate) key: Arc<dyn KeyPair>,
    pub(crate) random: Stream,
}

/// Why a handshake went no further.
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Refusal {
        Refusal { reason, text: text.into() }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure { reason: refusal.reason, text: refusal.text }
    }
}

fn failed(error: NoiseError) -> Refusal {
    Refusal::new(Reason::HANDSHAKE, error.to_string())
}

/// The preface and the network's name: both sides must have meant the same from the first byte on.
fn prologue(suite: Suite, network: &Network) -> Vec<u8> {
    [&record::preface(suite.byte())[..], network.as_str().as_bytes()].concat()
}

/// Appends the record that a handshake message makes; nothing of it, when it cannot be made.
fn write_record(noise: &mut Handshake, payload: &[u8], out: &mut Buffer) -> Result<(), Refusal> {
    let mut message = Vec::new();
    noise.write(payload, &mut message).map_err(failed)?;
    let length = u16::try_from(message.len()).map_err(|_| failed(NoiseError::Length))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&message);
    Ok(())
}

/// Initiator: the preface and the first message.
pub(crate) fn open(greeter: Greeter, network: &Network, out: &mut Buffer) -> Result<Handshake, Refusal> {
    let Greeter { config, key, random } = greeter;
    let suite = config.suite;
    let mut noise = Handshake::initiator(&config.provider, suite, &prologue(suite, network), &key, random)
        .map_err(failed)?;
    out.extend_from_slice(&record::preface(suite.byte()));
    write_record(&mut noise, &[], out)?;
    Ok(noise)
}

/// Responder: the suite that the preface names is one that it speaks.
pub(crate) fn accept(
    greeter: Greeter,
    suite: u8,
    responder: &Responder,
) -> Result<(Handshake, Options), Refusal> {
    let Greeter { config, key, random } = greeter;
    let suite = Suite::from_byte(suite)
        .ok_or_else(|| Refusal::new(Reason::VERSION, alloc::format!("cipher suite {suite:#04x}")))?;
    let prologue = prologue(suite, &responder.network);
    let noise = Handshake::responder(&config.provider, suite, &prologue, &key, random).map_err(failed)?;
    Ok((noise, Options::offer(config.heartbeat, &config.limits)))
}

/// Responder: the first message came, the second goes out.
pub(crate) fn answer(
    noise: &mut Handshake,
    message: &[u8],
    responder: &Responder,
    offer: &Options,
    out: &mut Buffer,
) -> Result<(), Refusal> {
    let mut payload = Vec::new();
    noise.read(message, &mut payload).map_err(failed)?;
    if !payload.is_empty() {
        // It is readable by anybody: nothing belongs there.
        return Err(Refusal::new(Reason::HANDSHAKE, "a payload in the first message"));
    }
    let schemes: &[&str] = if responder.guests { &[KEY, GUEST] } else { &[KEY] };
    let hello =
        ResponderHello { schemes: schemes.iter().map(ToString::to_string).collect(), options: offer.clone() };
    write_record(noise, &to_json(&hello), out)
}

/// Initiator: the second message came, the third goes out.
pub(crate) fn introduce(
    mut noise: Handshake,
    message: &[u8],
    me: &Initiator,
    config: &Config,
    out: &mut Buffer,
) -> Result<(Transport, PeerId, ResponderHello, Options), Refusal> {
    let mut payload = Vec::new();
    noise.read(message, &mut payload).map_err(|e| match e {
        NoiseError::Forged => Refusal::new(
            Reason::HANDSHAKE,
            alloc::format!(
                "the hub there does not serve the network {:?}, or bytes were altered",
                me.network
            ),
        ),
        e => failed(e),
    })?;
    let hub = noise.remote().ok_or_else(|| failed(NoiseError::State))?;
    if let Some(pin) = me.pin
        && pin != hub
    {
        let (pin, hub) = (pin.fingerprint(), hub.fingerprint());
        return Err(Refusal::new(Reason::WRONG_KEY, alloc::format!("expected {pin}, got {hub}")));
    }
    let hello: ResponderHello = parse(&payload).map_err(|e| Refusal::new(Reason::MALFORMED, e))?;
    let scheme = if me.name.is_some() { KEY } else { GUEST };
    if !hello.schemes.iter().any(|offered| offered == scheme) {
        return Err(Refusal::new(
            Reason::SCHEME,
            alloc::format!("wanted {scheme:?}, the hub takes {:?}", hello.schemes),
        ));
    }
    if !hello.options.is_usable() {
        return Err(Refusal::new(Reason::OPTIONS, "the hub takes only smaller letters than it must"));
    }
    let agreed = config.heartbeat.between(hello.options.heartbeat());
    let mine = Options::offer(agreed, &config.limits);
    let introduction = InitiatorHello {
        scheme: scheme.to_string(),
        name: me.name.as_ref().map(ToString::to_string),
        instance: Some(me.instance.to_string()),
        priority: me.priority,
        options: mine.clone(),
    };
    write_record(&mut noise, &to_json(&introduction), out)?;
    Ok((noise.into_transport().map_err(failed)?, hub, hello, mine))
}

/// Responder: the third message came. What is wrong with the introduction itself is said encrypted.
#[allow(clippy::type_complexity)]
pub(crate) fn conclude(
    mut noise: Handshake,
    message: &[u8],
    responder: &Responder,
    offer: &Options,
) -> Result<(Transport, PeerId, Result<Asked, Refusal>), Refusal> {
    let mut payload = Vec::new();
    noise.read(message, &mut payload).map_err(failed)?;
    let key = noise.remote().ok_or_else(|| failed(NoiseError::State))?;
    let transport = noise.into_transport().map_err(failed)?;
    Ok((transport, key, read_introduction(&payload, key, responder, offer)))
}

fn read_introduction(
    payload: &[u8],
    key: PeerId,
    responder: &Responder,
    offer: &Options,
) -> Result<Asked, Refusal> {
    let hello: InitiatorHello = parse(payload).map_err(|e| Refusal::new(Reason::MALFORMED, e))?;
    if !offer.allows(&hello.options) {
        return Err(Refusal::new(Reason::OPTIONS, "the heartbeat was not offered, or letters are too small"));
    }
    let malformed = |e: crate::AddressError| Refusal::new(Reason::MALFORMED, e.to_string());
    let name = hello.name.map(|name| name.parse()).transpose().map_err(malformed)?;
    let instance = hello.instance.map(|instance| instance.parse()).transpose().map_err(malformed)?;
    match (&*hello.scheme, &name) {
        (KEY, Some(_)) => {}
        (GUEST, None) if responder.guests => {}
        (KEY, None) => return Err(Refusal::new(Reason::MALFORMED, "the scheme \"key\" wants a name")),
        (GUEST, Some(_)) => {
            return Err(Refusal::new(Reason::MALFORMED, "a guest cannot choose its name"));
        }
        (other, _) => return Err(Refusal::new(Reason::SCHEME, alloc::format!("{other:?} was not offered"))),
    }
    Ok(Asked { key, name, instance, priority: hello.priority, options: hello.options })
}
