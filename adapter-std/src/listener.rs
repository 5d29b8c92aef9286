//! Where streams come in.

use std::io::{self, ErrorKind};
use std::net::ToSocketAddrs;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use homing_adapter::Endpoint;
use mio::event::Source;
use mio::net::TcpListener;
#[cfg(unix)]
use mio::net::UnixListener;

use crate::stream::Stream;

pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        /// Goes before it: once nobody listens, another may put a file of its own there.
        _file: SocketFile,
        listener: UnixListener,
    },
}

impl Listener {
    /// Listens on `endpoint`; the second is what it really listens on. Looking a name up may block.
    pub(crate) fn bind(endpoint: &Endpoint) -> io::Result<(Listener, Endpoint)> {
        match endpoint {
            Endpoint::Tcp(target) => {
                let listener = bind_tcp(target)?;
                let bound = listener.local_addr()?;
                Ok((Listener::Tcp(listener), Endpoint::Tcp(bound.to_string())))
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                let listener = bind_unix(path)?;
                Ok((Listener::Unix { _file: SocketFile(path.clone()), listener }, endpoint.clone()))
            }
            #[cfg(not(unix))]
            Endpoint::Unix(_) => Err(io::Error::new(ErrorKind::Unsupported, "no Unix sockets here: use TCP")),
            // These are the adapter's own, and never come here.
            Endpoint::Memory(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            Listener::Tcp(listener) => listener,
            #[cfg(unix)]
            Listener::Unix { listener, .. } => listener,
        }
    }
}

impl homing_adapter::Listener for Listener {
    type Stream = Stream;

    fn accept(&mut self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                // Without it every small message waits for the acknowledgement of the one before.
                // It can fail only when the stream is dead already, and then reading says so.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Listener::Unix { listener, .. } => Ok(Stream::Unix(listener.accept()?.0)),
        }
    }
}

fn bind_tcp(target: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("{target} has no address"));
    for address in target.to_socket_addrs()? {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// A socket file that nobody answers any more, left by a process that was killed, is replaced.
#[cfg(unix)]
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;

    match UnixListener::bind(path) {
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            let socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            let dead = matches!(std::os::unix::net::UnixStream::connect(path),
                Err(e) if e.kind() == ErrorKind::ConnectionRefused);
            if !(socket && dead) {
                return Err(e);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

/// Removes the socket's file when nobody listens any more.
#[cfg(unix)]
pub(crate) struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
