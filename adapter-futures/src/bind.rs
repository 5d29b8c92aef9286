//! What every executor's binding would otherwise write again: for those who implement
//! [`Net`](crate::Net), not for programs.

#[cfg(unix)]
mod unix;

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use homing_adapter::Endpoint;

use crate::Timer;
#[cfg(unix)]
pub use unix::{UnixSocket, bind_unix};

/// How long an address may keep the next one waiting: what RFC 8305 (section 5) recommends.
pub const HEAD_START: Duration = Duration::from_millis(250);

/// What looking up `target` gave, at least one address; else an error that names `target`, of kind
/// [`NotFound`](ErrorKind::NotFound).
pub fn addresses<A>(target: &str, found: io::Result<A>) -> io::Result<Vec<SocketAddr>>
where
    A: IntoIterator<Item = SocketAddr>,
{
    let no_address = |why| io::Error::new(ErrorKind::NotFound, format!("no address found for {target}{why}"));
    let addresses: Vec<_> = found.map_err(|e| no_address(format!(": {e}")))?.into_iter().collect();
    if addresses.is_empty() { Err(no_address(String::new())) } else { Ok(addresses) }
}

/// Connects to whichever of `addresses` answers first.
///
/// They are tried in their order: each one when the one before has failed, or has had its
/// [`HEAD_START`]. So an address that never answers costs the others a moment, not all of the time
/// there is; and that needs no knowledge of how much there is. The attempts that are late are given up.
///
/// # Errors
///
/// Of the attempt that failed last, when all have.
pub async fn connect_first<C, S>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> C,
    mut timer: impl Timer + Unpin,
) -> io::Result<S>
where
    C: Future<Output = io::Result<S>>,
{
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::new(ErrorKind::NotFound, "no address to connect to");
    for address in addresses {
        attempts.push(connect(address));
        arm(&mut timer);
        match select(attempts.next(), pin!(poll_fn(|cx| timer.poll_due(cx)))).await {
            Either::Left((Some(Ok(stream)), _)) => return Ok(stream),
            Either::Left((Some(Err(e)), _)) => last = e,
            // It goes on beside the next one.
            Either::Left((None, _)) | Either::Right(_) => {}
        }
    }
    while let Some(result) = attempts.next().await {
        match result {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn arm<T: Timer>(timer: &mut T) {
    timer.set(T::now() + HEAD_START);
}

/// Why there is no stream to `endpoint` here.
pub fn unsupported(endpoint: &Endpoint) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, format!("{endpoint}: no such streams here; use TCP"))
}

#[cfg(test)]
mod tests;
