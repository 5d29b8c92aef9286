//! A stream of async-std that can be closed one way.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_std::net::TcpStream;
#[cfg(not(unix))]
use async_std::net::TcpStream as UnixStream; // There are none, and this one is never made.
#[cfg(unix)]
use async_std::os::unix::net::UnixStream;
use futures_util::future::Either;
use futures_util::io::{AsyncRead, AsyncWrite};

/// A TCP or a Unix stream.
#[derive(Debug)]
pub struct Stream(pub(crate) Either<TcpStream, UnixStream>);

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    /// async-std's own closing only flushes: the other side would wait for an end that never comes.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match &self.0 {
            Either::Left(tcp) => tcp.shutdown(Shutdown::Write),
            Either::Right(unix) => unix.shutdown(Shutdown::Write),
        })
    }
}
