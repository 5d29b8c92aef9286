//! Dialing. What may block does so on a thread of its own.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use homing_adapter::{Endpoint, Mailbox};
use homing_core::LinkId;

use crate::engine::{Post, Posts};
use crate::stream::Stream;

/// Dials `to` for `link`. The answer comes at once, or later by post; `patience` is for the
/// connecting alone, and a name server may take longer.
pub(crate) fn dial(
    link: LinkId,
    to: &Endpoint,
    patience: Duration,
    posts: &Posts,
    mailbox: &Arc<Mailbox>,
) -> Option<io::Result<Stream>> {
    match to {
        Endpoint::Tcp(target) => {
            let (target, posts, mailbox) = (target.clone(), posts.clone(), Arc::clone(mailbox));
            let thread = std::thread::Builder::new().name("homing-dial".into());
            let spawned = thread.spawn(move || {
                let result = connect(&target, patience);
                posts.put(Post::Dialed { link, result }, &mailbox);
            });
            spawned.err().map(Err)
        }
        // It answers at once or never: a full queue of a Unix socket is an error, not a wait.
        #[cfg(unix)]
        Endpoint::Unix(path) => Some(mio::net::UnixStream::connect(path).map(Stream::Unix)),
        #[cfg(not(unix))]
        Endpoint::Unix(_) => {
            Some(Err(io::Error::new(ErrorKind::Unsupported, "no Unix sockets here: use TCP")))
        }
        // These are the adapter's own, and never come here.
        Endpoint::Memory(_) => Some(Err(ErrorKind::Unsupported.into())),
    }
}

/// How long is tried when there is no end to the patience.
const LONG: Duration = Duration::from_secs(3600);

/// Tries each address of `target` in turn. Those that are left share the time that is left, so that
/// one dead address does not use it up.
fn connect(target: &str, patience: Duration) -> io::Result<Stream> {
    let addresses: Vec<_> = match target.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(e) => {
            return Err(io::Error::new(ErrorKind::NotFound, format!("no address found for {target}: {e}")));
        }
    };
    let until = Instant::now().checked_add(patience);
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let time = until.map_or(LONG, |until| until.saturating_duration_since(Instant::now())) / left;
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
