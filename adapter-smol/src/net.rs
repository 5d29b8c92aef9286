//! TCP and Unix sockets of smol.

use std::io;

use futures_util::future::{BoxFuture, Either};
use futures_util::stream::{BoxStream, unfold};
use homing_futures::{Endpoint, Net, bind};
#[cfg(not(unix))]
use smol::net::TcpStream as UnixStream; // There are none, and this one is never made.
#[cfg(unix)]
use smol::net::unix::{UnixListener, UnixStream};
use smol::net::{TcpListener, TcpStream, resolve};

use crate::SmolTimer;

/// A TCP or a Unix stream.
pub type Stream = Either<TcpStream, UnixStream>;

/// Connects and listens by smol's reactor.
#[derive(Clone, Copy, Default, Debug)]
pub struct SmolNet;

impl Net for SmolNet {
    type Stream = Stream;
    type Listener = BoxStream<'static, io::Result<Stream>>;
    type Connecting = BoxFuture<'static, io::Result<Stream>>;
    type Listening = BoxFuture<'static, io::Result<(Self::Listener, Endpoint)>>;

    fn connect(&self, to: &Endpoint) -> Self::Connecting {
        let to = to.clone();
        Box::pin(async move {
            match &to {
                Endpoint::Tcp(target) => {
                    let addresses = bind::addresses(target, resolve(target).await)?;
                    let timer = SmolTimer::default();
                    bind::connect_first(addresses, TcpStream::connect, timer).await.map(tcp)
                }
                #[cfg(unix)]
                Endpoint::Unix(path) => UnixStream::connect(path).await.map(Either::Right),
                _ => Err(bind::unsupported(&to)),
            }
        })
    }

    fn listen(&self, on: &Endpoint) -> Self::Listening {
        let on = on.clone();
        Box::pin(async move {
            match &on {
                Endpoint::Tcp(target) => {
                    let addresses = bind::addresses(target, resolve(target).await)?;
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
    Either::Left(stream)
}

fn accept_tcp(listener: TcpListener) -> <SmolNet as Net>::Listener {
    Box::pin(unfold(listener, |listener| async {
        let stream = listener.accept().await.map(|(stream, _)| tcp(stream));
        Some((stream, listener))
    }))
}

#[cfg(unix)]
fn accept_unix(socket: bind::UnixSocket<UnixListener>) -> <SmolNet as Net>::Listener {
    Box::pin(unfold(socket, |socket| async {
        let stream = socket.listener.accept().await.map(|(stream, _)| Either::Right(stream));
        Some((stream, socket))
    }))
}
