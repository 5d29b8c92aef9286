//! The file of a Unix socket: replaced when it is dead, removed when nobody listens any more.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// A listener, and the file of its socket: that is removed when this is dropped, and before the listener.
///
/// (Between the end of a listener and that of its file another process would find a dead socket, put its
/// own in the place, and lose it to us.)
#[derive(Debug)]
pub struct UnixSocket<L> {
    // The order is that of dropping.
    _file: SocketFile,
    /// What was bound.
    pub listener: L,
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Binds a Unix socket at `path` by `bind`. Is the path taken, `connect` says whether somebody
/// listens there: a socket that refuses was left by a process that was killed, and is replaced.
///
/// # Errors
///
/// [`AddrInUse`](ErrorKind::AddrInUse) when somebody listens, or when what is there is no socket; else
/// those of `bind` and of the file system.
pub async fn bind_unix<L, B, S, C>(
    path: &Path,
    bind: impl Fn() -> B,
    connect: impl FnOnce() -> C,
) -> io::Result<UnixSocket<L>>
where
    B: Future<Output = io::Result<L>>,
    C: Future<Output = io::Result<S>>,
{
    let listener = match bind().await {
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            let socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            let dead =
                socket && matches!(connect().await, Err(e) if e.kind() == ErrorKind::ConnectionRefused);
            if !dead {
                return Err(e);
            }
            std::fs::remove_file(path)?;
            bind().await?
        }
        result => result?,
    };
    Ok(UnixSocket { _file: SocketFile(path.into()), listener })
}
