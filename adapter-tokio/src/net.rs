//! TCP and Unix sockets of tokio.

use std::io;

use futures_util::future::{BoxFuture, Either};
use futures_util::stream::{BoxStream, unfold};
use homing_futures::{Endpoint, Net, bind};
#[cfg(not(unix))]
use tokio::net::TcpStream as UnixStream; // There are none, and this one is never made.
use tokio::net::{TcpListener, TcpStream, lookup_host};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::TokioTimer;

/// A TCP or a Unix stream, with the traits of `futures-io`.
pub type Stream = Either<Compat<TcpStream>, Compat<UnixStream>>;

/// Connects and listens by the runtime that it is used in.
#[derive(Clone, Copy, Default, Debug)]
pub struct TokioNet;

impl Net for TokioNet {
    type Stream = Stream;
    type Listener = BoxStream<'static, io::Result<Stream>>;
    type Connecting = BoxFuture<'static, io::Result<Stream>>;
    type Listening = BoxFuture<'static, io::Result<(Self::Listener, Endpoint)>>;

    fn connect(&self, to: &Endpoint) -> Self::Connecting {
        let to = to.clone();
        Box::pin(async move {
            match &to {
                Endpoint::Tcp(target) => {
                    let addresses = bind::addresses(target, lookup_host(target).await)?;
                    let timer = TokioTimer::default();
                    bind::connect_first(addresses, TcpStream::connect, timer).await.map(tcp)
                }
                #[cfg(unix)]
                Endpoint::Unix(path) => UnixStream::connect(path).await.map(unix),
                _ => Err(bind::unsupported(&to)),
            }
        })
    }

    fn listen(&self, on: &Endpoint) -> Self::Listening {
        let on = on.clone();
        Box::pin(async move {
            match &on {
                Endpoint::Tcp(target) => {
                    let addresses = bind::addresses(target, lookup_host(target).await)?;
                    let listener = TcpListener::bind(&addresses[..]).await?;
                    let bound = Endpoint::Tcp(listener.local_addr()?.to_string());
                    Ok((accept_tcp(listener), bound))
                }
                #[cfg(unix)]
                Endpoint::Unix(path) => {
                    let listen = || async { UnixListener::bind(path) };
                    let socket = bind::bind_unix(path, listen, || UnixStream::connect(path)).await?;
                    Ok((accept_unix(socket), on))
                }
                _ => Err(bind::unsupported(&on)),
            }
        })
    }
}

fn tcp(stream: TcpStream) -> Stream {
    // Without it every small message waits for the acknowledgement of the one before. It can fail only
    // when the stream is dead already, and then reading says so.
    let _ = stream.set_nodelay(true);
    Either::Left(stream.compat())
}

#[cfg(unix)]
fn unix(stream: UnixStream) -> Stream {
    Either::Right(stream.compat())
}

fn accept_tcp(listener: TcpListener) -> <TokioNet as Net>::Listener {
    Box::pin(unfold(listener, |listener| async {
        let stream = listener.accept().await.map(|(stream, _)| tcp(stream));
        Some((stream, listener))
    }))
}

#[cfg(unix)]
fn accept_unix(socket: bind::UnixSocket<UnixListener>) -> <TokioNet as Net>::Listener {
    Box::pin(unfold(socket, |socket| async {
        let stream = socket.listener.accept().await.map(|(stream, _)| unix(stream));
        Some((stream, socket))
    }))
}
