//! Messages over a stream of libp2p's, and what speaks so with the forwarder.
//!
//! A message is its length in four bytes, then the length of a name in one, the name, and the payload. To
//! the forwarder the name says whom it is for; from the forwarder, who has sent it. The first one that a
//! client sends has its own name and nothing else; it is answered with one that is empty.

use std::io::{Error, Result};

use futures::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use futures::stream::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::runtime::{Builder, Runtime};

/// What the streams are called on the wire.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/forward/1");

/// As much is written at once as two frames of yamux take.
pub const BATCH: usize = 32 * 1024;

/// No honest message of the stand is larger.
const LARGEST: usize = 1 << 20;

/// All of a process is one connection, or forwards between two: more threads only cost.
/// # Errors
/// When the system has no room for it.
pub fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A node with a key of its own: TCP without delay, noise, yamux, and streams.
/// # Errors
/// When it has no key.
pub fn node() -> Result<Swarm<libp2p_stream::Behaviour>> {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(Error::other)?
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .map_err(Error::other)?
        .build();
    Ok(swarm)
}

/// The stream of `name` to the forwarder whose address, with its key, is `target`.
/// # Errors
/// When the forwarder is not there, or not as it should be.
pub async fn connect(target: &str, name: &str) -> Result<Stream> {
    let address: Multiaddr = target.parse().map_err(Error::other)?;
    let Some(Protocol::P2p(forwarder)) = address.iter().last() else {
        return Err(Error::other(format!("{target} does not end with /p2p/ and a key")));
    };
    let mut node = node()?;
    node.dial(address).map_err(Error::other)?;
    loop {
        match node.select_next_some().await {
            SwarmEvent::ConnectionEstablished { .. } => break,
            SwarmEvent::OutgoingConnectionError { error, .. } => return Err(Error::other(error)),
            _ => {}
        }
    }
    let mut control = node.behaviour().new_control();
    tokio::spawn(async move { while node.next().await.is_some() {} });
    let mut stream = control.open_stream(forwarder, PROTOCOL).await.map_err(Error::other)?;
    let mut hello = Vec::new();
    push(&mut hello, name.as_bytes(), b"");
    stream.write_all(&hello).await?;
    stream.flush().await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    if answer == [0, 0, 0, 1, 0] { Ok(stream) } else { Err(Error::other("not a forwarder")) }
}

/// Adds a message to `out`.
pub fn push(out: &mut Vec<u8>, name: &[u8], payload: &[u8]) {
    let len = 1 + name.len() + payload.len();
    out.extend_from_slice(&(len as u32).to_be_bytes());
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(payload);
}

/// A message that has come.
#[derive(Debug)]
pub struct Message<'a> {
    /// Whom it is for, or who has sent it.
    pub name: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

/// What was read of a stream and not yet looked at.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader { buffer: vec![0; 256 * 1024], start: 0, end: 0 }
    }
}

impl Reader {
    /// The next message, if all of it is there.
    /// # Errors
    /// When it is none.
    pub fn message(&mut self) -> Result<Option<Message<'_>>> {
        let there = &self.buffer[self.start..self.end];
        let Some((head, rest)) = there.split_first_chunk() else { return Ok(None) };
        let len = u32::from_be_bytes(*head) as usize;
        if len > LARGEST {
            return Err(Error::other(format!("a message of {len} bytes")));
        }
        if rest.len() < len {
            self.buffer.resize(self.buffer.len().max(4 + len), 0);
            return Ok(None);
        }
        let message = &self.buffer[self.start + 4..][..len];
        self.start += 4 + len;
        let (name, rest) = message.split_first().ok_or_else(|| Error::other("a message without a name"))?;
        let (name, payload) =
            rest.split_at_checked(usize::from(*name)).ok_or_else(|| Error::other("a name is cut off"))?;
        Ok(Some(Message { name, payload }))
    }

    /// Reads more behind what is there.
    /// # Errors
    /// When the stream has ended.
    pub async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let n = stream.read(&mut self.buffer[self.end..]).await?;
        if n == 0 {
            return Err(Error::other("the stream has ended"));
        }
        self.end += n;
        Ok(())
    }
}
