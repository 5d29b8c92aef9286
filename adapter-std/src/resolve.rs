//! Dialing. What may block does so on a thread of its own.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use homing_core::LinkId;

use crate::mailbox::{Mail, Mailbox};
use crate::memory;
use crate::stream::Stream;
use crate::waiting::after;
use homing_adapter::Endpoint;

/// Dials `target` for `link`. The answer comes at once, or later by mail; `patience` is for the
/// connecting alone, and a name server may take longer.
pub(crate) fn dial(
    link: LinkId,
    target: &str,
    patience: Duration,
    mailbox: &Arc<Mailbox>,
) -> Option<io::Result<Stream>> {
    let endpoint = match target.parse() {
        Ok(endpoint) => endpoint,
        Err(e) => return Some(Err(io::Error::new(ErrorKind::InvalidInput, e))),
    };
    match endpoint {
        Endpoint::Tcp(target) => {
            let mailbox = Arc::clone(mailbox);
            let thread = std::thread::Builder::new().name("homing-dial".into());
            let spawned = thread.spawn(move || {
                let result = connect(&target, patience);
                mailbox.post(Mail::Dialed { link, result });
            });
            spawned.err().map(Err)
        }
        // Both answer at once or never: a full queue of a Unix socket is an error, not a wait.
        #[cfg(unix)]
        Endpoint::Unix(path) => Some(mio::net::UnixStream::connect(path).map(Stream::Unix)),
        #[cfg(not(unix))]
        Endpoint::Unix(_) => Some(Err(io::Error::new(ErrorKind::Unsupported, "no Unix sockets here"))),
        Endpoint::Memory(name) => Some(memory::connect(&name).map(Stream::Memory)),
    }
}

/// Tries each address of `target` in turn. Those that are left share the time that is left, so that
/// one dead address does not use it up.
fn connect(target: &str, patience: Duration) -> io::Result<Stream> {
    let addresses: Vec<_> = match target.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(e) => {
            return Err(io::Error::new(ErrorKind::NotFound, format!("no address found for {target}: {e}")));
        }
    };
    let until = after(patience);
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let time = until.saturating_duration_since(Instant::now()) / left;
        left -= 1;
        if time.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, time) {
            Ok(stream) => return prepare(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn prepare(stream: TcpStream) -> io::Result<Stream> {
    stream.set_nonblocking(true)?;
    // Without it every small message waits for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok(Stream::Tcp(mio::net::TcpStream::from_std(stream)))
}
