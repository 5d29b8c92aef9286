//! Binds an executor of one's own: its sockets, its timer, and who runs the two futures of a node. Here
//! all of it runs on one thread, and sockets and timer are smol's; yours stand in their place.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{LocalBoxStream, unfold};
use homing_futures::{
    Dial, Endpoint, Error, Event, Message, Net, Options, Peer, Receipts, Seed, Serving, StaticKey, Timer,
    bind, start,
};
use smol::net::{TcpListener, TcpStream, resolve};

struct MyNet;

impl Net for MyNet {
    type Stream = TcpStream;
    type Listener = LocalBoxStream<'static, io::Result<TcpStream>>;
    type Connecting = LocalBoxFuture<'static, io::Result<TcpStream>>;
    type Listening = LocalBoxFuture<'static, io::Result<(Self::Listener, Endpoint)>>;

    fn connect(&self, to: &Endpoint) -> Self::Connecting {
        let to = to.clone();
        Box::pin(async move {
            let Endpoint::Tcp(target) = &to else { return Err(bind::unsupported(&to)) };
            let addresses = bind::addresses(target, resolve(target).await)?;
            let stream = bind::connect_first(addresses, TcpStream::connect, MyTimer::default()).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    fn listen(&self, on: &Endpoint) -> Self::Listening {
        let on = on.clone();
        Box::pin(async move {
            let Endpoint::Tcp(target) = &on else { return Err(bind::unsupported(&on)) };
            let addresses = bind::addresses(target, resolve(target).await)?;
            let listener = TcpListener::bind(&addresses[..]).await?;
            let bound = Endpoint::Tcp(listener.local_addr()?.to_string());
            let accepted: Self::Listener = Box::pin(unfold(listener, |listener| async {
                let stream = listener.accept().await.map(|(stream, _)| {
                    let _ = stream.set_nodelay(true); // it fails only when the stream is dead already
                    stream
                });
                Some((stream, listener))
            }));
            Ok((accepted, bound))
        })
    }
}

struct MyTimer {
    timer: smol::Timer,
    /// The one below forgets that it was due, and this must not.
    due: bool,
}

impl Default for MyTimer {
    fn default() -> MyTimer {
        MyTimer { timer: smol::Timer::never(), due: false }
    }
}

impl Timer for MyTimer {
    fn set(&mut self, at: Instant) {
        self.timer.set_at(at);
        self.due = false;
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.due = self.due || Pin::new(&mut self.timer).poll(cx).is_ready();
        if self.due { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = smol::LocalExecutor::new();
    let start = |options| -> Result<Peer, Error> {
        let (peer, driver, server) = start(options, MyNet, MyTimer::default())?;
        executor.spawn(driver).detach();
        executor.spawn(server).detach();
        Ok(peer)
    };
    smol::block_on(executor.run(async {
        let patience = Duration::from_secs(10);
        // For a demonstration only: everybody knows these keys.
        let options = |seed| Options::new(StaticKey::generate(&Seed::from_bytes([seed; 32])));
        let mut of_hub = options(1);
        of_hub.config.serving =
            Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
        let hub = start(of_hub)?;
        let target = hub.listen(&"127.0.0.1:0".parse()?).await?;
        let invite = format!("homing://{}@{target}/home", hub.peer_id()).parse()?;
        let (ada, bob) = (start(options(2))?, start(options(3))?);
        ada.connect(Dial::invite(&invite, "ada".parse()?), patience).await?;
        bob.connect(Dial::invite(&invite, "bob".parse()?), patience).await?;

        ada.send_and_wait(&"bob@home".parse()?, Message::text("hello"), Receipts::Received, patience).await?;
        let events = bob.events();
        while let Some(event) = events.next_event().await {
            if let Event::Message(message) = event {
                println!("{}: {}", message.from, String::from_utf8_lossy(&message.body));
                break;
            }
        }
        for peer in [ada, bob, hub] {
            peer.close(patience).await?;
        }
        Ok(())
    }))
}
