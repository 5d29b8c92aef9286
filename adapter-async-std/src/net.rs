//! TCP and Unix sockets of async-std.

use std::io;

use async_std::net::{TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use async_std::os::unix::net::{UnixListener, UnixStream};
use futures_util::future::{BoxFuture, Either};
use futures_util::stream::{BoxStream, unfold};
use homing_futures::{Endpoint, Net, bind};

use crate::{AsyncStdTimer, Stream};

/// Connects and listens by async-std's reactor.
#[derive(Clone, Copy, Default, Debug)]
pub struct AsyncStdNet;

impl Net for AsyncStdNet {
    type Stream = Stream;
    type Listener = BoxStream<'static, io::Result<Stream>>;
    type Connecting = BoxFuture<'static, io::Result<Stream>>;
    type Listening = BoxFuture<'static, io::Result<(Self::Listener, Endpoint)>>;

    fn connect(&self, to: &Endpoint) -> Self::Connecting {
        let to = to.clone();
        Box::pin(async move {
            match &to {
                Endpoint::Tcp(target) => {
                    let addresses = bind::addresses(target, target.to_socket_addrs().await)?;
                    let timer = AsyncStdTimer::default();
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
                    let addresses = bind::addresses(target, target.to_socket_addrs().await)?;
                    let listener = TcpListener::bind(&addresses[..]).await?;
                    let bound = Endpoint::Tcp(listener.local_addr()?.to_string());
                    Ok((accept_tcp(listener), bound))
                }
                #[cfg(unix)]
                Endpoint::Unix(path) => {
                    let listen = || UnixListener::bind(path);
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
    Stream(Either::Left(stream))
}

#[cfg(unix)]
fn unix(stream: UnixStream) -> Stream {
    Stream(Either::Right(stream))
}

fn accept_tcp(listener: TcpListener) -> <AsyncStdNet as Net>::Listener {
    Box::pin(unfold(listener, |listener| async {
        let stream = listener.accept().await.map(|(stream, _)| tcp(stream));
        Some((stream, listener))
    }))
}

#[cfg(unix)]
fn accept_unix(socket: bind::UnixSocket<UnixListener>) -> <AsyncStdNet as Net>::Listener {
    Box::pin(unfold(socket, |socket| async {
        let stream = socket.listener.accept().await.map(|(stream, _)| unix(stream));
        Some((stream, socket))
    }))
}
