//! Sockets that the reactor watches, and how nodes dial and listen with them.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::future::Either;
use futures_util::io::{AsyncRead, AsyncWrite};
use futures_util::stream::{BoxStream, StreamExt, unfold};
use homing_conformance::offload;
use homing_futures::{Endpoint, Net, bind};
use mio::Token;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::reactor::{REACTOR, Waiting};
use crate::timer::OwnTimer;

/// A socket that the reactor watches.
pub(crate) struct Socket<S: Source> {
    socket: S,
    token: Token,
    waiting: Arc<Waiting>,
}

impl<S: Source> Socket<S> {
    fn new(mut socket: S) -> io::Result<Socket<S>> {
        let (token, waiting) = REACTOR.add(&mut socket)?;
        Ok(Socket { socket, token, waiting })
    }

    /// Tries what may block; then `cx` is woken when `waiting` is.
    fn poll<T>(
        &self,
        waiting: &Mutex<Option<Waker>>,
        cx: &Context<'_>,
        mut act: impl FnMut(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        // Before it is tried: readiness that comes between the two is not missed.
        *waiting.lock().unwrap() = Some(cx.waker().clone());
        loop {
            match act(&self.socket) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// The next that comes in.
    async fn accept<T>(&self, act: impl Fn(&S) -> io::Result<T>) -> io::Result<T> {
        poll_fn(|cx| self.poll(&self.waiting.read, cx, &act)).await
    }

    /// Waits until a dial has come through: `peer` is known then.
    async fn connected<T>(
        self,
        error: impl Fn(&S) -> io::Result<Option<io::Error>>,
        peer: impl Fn(&S) -> io::Result<T>,
    ) -> io::Result<Socket<S>> {
        let is_through = |socket: &S| match (error(socket)?, peer(socket)) {
            (Some(e), _) => Err(e),
            (None, Err(e)) if e.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
            (None, peer) => peer.map(drop),
        };
        poll_fn(|cx| self.poll(&self.waiting.write, cx, is_through)).await?;
        Ok(self)
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        REACTOR.remove(&mut self.socket, self.token);
    }
}

/// What can be ended one way.
pub(crate) trait End {
    fn end(&self) -> io::Result<()>;
}

impl End for TcpStream {
    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl End for UnixStream {
    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl<S: Source + Unpin> AsyncRead for Socket<S>
where
    for<'a> &'a S: Read,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(&self.waiting.read, cx, |mut socket| socket.read(out))
    }
}

impl<S: Source + Unpin + End> AsyncWrite for Socket<S>
where
    for<'a> &'a S: Write,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(&self.waiting.write, cx, |mut socket| socket.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.end())
    }
}

/// How nodes dial and listen.
pub(crate) struct OwnNet;

type Stream = Either<Socket<TcpStream>, Socket<UnixStream>>;
type Listener = BoxStream<'static, io::Result<Stream>>;

impl Net for OwnNet {
    type Stream = Stream;
    type Listener = Listener;
    type Connecting = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;
    type Listening = Pin<Box<dyn Future<Output = io::Result<(Listener, Endpoint)>> + Send>>;

    fn connect(&self, to: &Endpoint) -> Self::Connecting {
        let to = to.clone();
        Box::pin(async move {
            match &to {
                Endpoint::Tcp(target) => {
                    let addresses = look_up(target).await?;
                    bind::connect_first(addresses, connect_tcp, OwnTimer::default()).await
                }
                Endpoint::Unix(path) => connect_unix(path).await,
                Endpoint::Memory(_) => Err(bind::unsupported(&to)),
            }
        })
    }

    fn listen(&self, on: &Endpoint) -> Self::Listening {
        let on = on.clone();
        Box::pin(async move {
            match &on {
                Endpoint::Tcp(target) => {
                    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
                    for address in look_up(target).await? {
                        match TcpListener::bind(address) {
                            Ok(listener) => {
                                let bound = Endpoint::Tcp(listener.local_addr()?.to_string());
                                return Ok((accept_tcp(Socket::new(listener)?), bound));
                            }
                            Err(e) => last = e,
                        }
                    }
                    Err(last)
                }
                Endpoint::Unix(path) => {
                    let listen = || async { Socket::new(UnixListener::bind(path)?) };
                    let socket = bind::bind_unix(path, listen, || connect_unix(path)).await?;
                    Ok((accept_unix(socket), on))
                }
                Endpoint::Memory(_) => Err(bind::unsupported(&on)),
            }
        })
    }
}

/// Names are looked up by a call that blocks: on a thread of its own.
async fn look_up(target: &str) -> io::Result<Vec<SocketAddr>> {
    let name = target.to_owned();
    let found = offload(move || std::net::ToSocketAddrs::to_socket_addrs(&name)).await?;
    bind::addresses(target, found)
}

async fn connect_tcp(to: SocketAddr) -> io::Result<Stream> {
    let dialing = Socket::new(TcpStream::connect(to)?)?;
    tcp(dialing.connected(TcpStream::take_error, TcpStream::peer_addr).await?)
}

async fn connect_unix(to: &Path) -> io::Result<Stream> {
    let dialing = Socket::new(UnixStream::connect(to)?)?;
    Ok(Either::Right(dialing.connected(UnixStream::take_error, UnixStream::peer_addr).await?))
}

/// Without this every small message waits for the acknowledgement of the one before.
fn tcp(stream: Socket<TcpStream>) -> io::Result<Stream> {
    stream.socket.set_nodelay(true)?;
    Ok(Either::Left(stream))
}

fn accept_tcp(listener: Socket<TcpListener>) -> Listener {
    unfold(listener, |listener| async {
        let stream = listener.accept(TcpListener::accept).await;
        let stream = stream.and_then(|(stream, _)| tcp(Socket::new(stream)?));
        Some((stream, listener))
    })
    .boxed()
}

fn accept_unix(socket: bind::UnixSocket<Socket<UnixListener>>) -> Listener {
    unfold(socket, |socket| async {
        let stream = socket.listener.accept(UnixListener::accept).await;
        let stream = stream.and_then(|(stream, _)| Ok(Either::Right(Socket::new(stream)?)));
        Some((stream, socket))
    })
    .boxed()
}
