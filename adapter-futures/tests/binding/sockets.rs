//! Streams, and TCP.

use std::future::Future;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures_util::future::{join, try_join};
use futures_util::io::{AsyncReadExt, AsyncWriteExt, copy};
use futures_util::stream::StreamExt;
use homing_futures::{Endpoint, Net};

fn localhost() -> Endpoint {
    Endpoint::Tcp("127.0.0.1:0".into())
}

fn tcp(address: impl ToString) -> Endpoint {
    Endpoint::Tcp(address.to_string())
}

fn target(endpoint: &Endpoint) -> &str {
    let Endpoint::Tcp(target) = endpoint else { panic!("{endpoint} is not TCP") };
    target
}

/// Two ends of a stream, and what it came in by.
pub(crate) async fn pair<N: Net + Default>(on: &Endpoint) -> (N::Stream, N::Stream, N::Listener) {
    let net = N::default();
    let (mut listener, bound) = net.listen(on).await.unwrap();
    let (near, far) = join(net.connect(&bound), listener.next()).await;
    (near.unwrap(), far.unwrap().unwrap(), listener)
}

/// More than any buffer on the way holds, so that both must wait for each other.
pub(crate) async fn echo<N: Net + Default>(on: &Endpoint) {
    let sent: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    let (near, far, _listener) = pair::<N>(on).await;

    let echoing = async {
        let (from, mut to) = far.split();
        copy(from, &mut to).await?;
        to.close().await
    };
    let (mut from, mut to) = near.split();
    let sending = async {
        to.write_all(&sent).await?;
        to.close().await
    };
    let mut received = Vec::new();
    let receiving = from.read_to_end(&mut received);
    try_join(try_join(echoing, sending), receiving).await.unwrap();
    assert!(received == sent, "{} of {} bytes, or others", received.len(), sent.len());
}

pub(crate) async fn closes_one_way<N: Net + Default>(on: &Endpoint) {
    let (mut near, mut far, _listener) = pair::<N>(on).await;
    let mut text = String::new();

    near.write_all(b"question").await.unwrap();
    near.close().await.unwrap();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "question");

    far.write_all(b"answer").await.unwrap();
    far.close().await.unwrap();
    near.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "questionanswer");
}

pub(crate) async fn echoes_over_tcp<N: Net + Default>() {
    echo::<N>(&localhost()).await;
}

pub(crate) async fn tcp_closes_one_way<N: Net + Default>() {
    closes_one_way::<N>(&localhost()).await;
}

pub(crate) async fn gives_the_real_port<N: Net + Default>() {
    let (_listener, bound) = N::default().listen(&localhost()).await.unwrap();
    assert_ne!(target(&bound).parse::<std::net::SocketAddr>().unwrap().port(), 0);
}

pub(crate) async fn connects_by_host_name<N: Net + Default>() {
    let net = N::default();
    let (mut listener, bound) = net.listen(&tcp("localhost:0")).await.unwrap();
    let (_, port) = target(&bound).rsplit_once(':').unwrap();
    let (near, far) = join(net.connect(&tcp(format!("localhost:{port}"))), listener.next()).await;
    near.unwrap();
    far.unwrap().unwrap();
}

pub(crate) async fn what_is_refused_says_so<N: Net + Default>() {
    // The near end of a stream: nobody listens there, and nobody else can come to.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let held = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let refused = N::default().connect(&tcp(held.local_addr().unwrap())).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::ConnectionRefused);
}

pub(crate) async fn an_unknown_host_is_named<N: Net + Default>() {
    let (net, nobody) = (N::default(), tcp("nobody.invalid:4702"));
    for error in [net.connect(&nobody).await.err().unwrap(), net.listen(&nobody).await.err().unwrap()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("nobody.invalid:4702"), "{error}");
    }
}

pub(crate) async fn a_dropped_tcp_listener_frees_its_address<N: Net + Default>() {
    let net = N::default();
    let (mut listener, bound) = net.listen(&localhost()).await.unwrap();
    // While it is there, nobody else is given that port.
    let (near, far) = join(net.connect(&bound), listener.next()).await;
    let busy = net.listen(&bound).await.err().unwrap();
    assert_eq!(busy.kind(), ErrorKind::AddrInUse);

    drop(listener);
    // Soon: a thread that is just asking the system about the socket keeps it a moment longer.
    let soon = Instant::now() + Duration::from_secs(10);
    let (_listener, again) = loop {
        match net.listen(&bound).await {
            Err(e) if e.kind() == ErrorKind::AddrInUse && Instant::now() < soon => std::thread::yield_now(),
            result => break result.unwrap(),
        }
    };
    assert_eq!(again, bound);
    drop((near, far));
}

pub(crate) async fn a_dropped_dial_leaves_nothing<N: Net + Default>() {
    let (net, listener) = (N::default(), TcpListener::bind("127.0.0.1:0").unwrap());
    let to = tcp(listener.local_addr().unwrap());

    // One that was never asked for has not begun.
    drop(net.connect(&to));
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().err().unwrap().kind(), ErrorKind::WouldBlock);

    {
        let dial = pin!(net.connect(&to));
        let _ = dial.poll(&mut Context::from_waker(Waker::noop()));
    }
    // The system may have made a stream of it already; then its other end is closed, or soon will be.
    if let Ok((mut stream, _)) = listener.accept() {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        match stream.read(&mut [0]) {
            Ok(n) => assert_eq!(n, 0),
            Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset),
        }
    }
}

pub(crate) async fn memory_is_not_supported<N: Net + Default>() {
    let (net, memory) = (N::default(), Endpoint::Memory("hub".into()));
    for error in [net.connect(&memory).await.err().unwrap(), net.listen(&memory).await.err().unwrap()] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("memory:hub"), "{error}");
    }
}
