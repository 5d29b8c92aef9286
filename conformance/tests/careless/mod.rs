//! A peer of futures with one fault, on the executor of `own_executor`.

use std::future::{Future, poll_fn};
use std::mem::{ManuallyDrop, take};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use homing_conformance::{Call, Calls, block_on, offload};
use homing_futures::{
    Address, Command, Delivery, Dial, Endpoint, Error, Event, Joined, Message, MessageId, Options, Peer,
    Receipts, Response, Timer,
};

use crate::executor::spawn;
use crate::net::OwnNet;
use crate::timer::OwnTimer;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// One wake-up of the driver in so many goes nowhere.
    LosesWakes,
    /// The timer is armed once, and never again.
    NeverRearms,
    /// It has sent before it is ready.
    SendsEarly,
    /// What it was told is gone with it.
    LosesReceipts,
    /// It takes an event, and gives it only when it is polled again.
    LosesEvents,
    /// A waker of everybody who ever waited.
    KeepsWakers,
    /// The call inside is not dropped.
    ForgetsCalls,
    /// It dials, whether somebody waits for it or not.
    DialsOn,
    /// It listens, whether somebody waits for it or not.
    ListensOn,
    /// It begins to close when it is polled again.
    ClosesLate,
}

const ONE_IN: u64 = 10;

pub fn start(fault: Option<Fault>, options: Options) -> Result<Careless, Error> {
    let peer = match fault {
        Some(Fault::NeverRearms) => start_with(options, Once::default(), false)?,
        fault => start_with(options, OwnTimer::default(), fault == Some(Fault::LosesWakes))?,
    };
    Ok(Careless { peer, fault, kept: Mutex::default() })
}

fn start_with(options: Options, timer: impl Timer + Send + 'static, deaf: bool) -> Result<Peer, Error> {
    let (peer, mut driver, server) = homing_futures::start(options, OwnNet, timer)?;
    let heard = Arc::new(AtomicU64::new(0));
    spawn(poll_fn(move |cx| {
        let half_deaf = Waker::from(Arc::new(HalfDeaf(cx.waker().clone(), Arc::clone(&heard))));
        let waker = if deaf { &half_deaf } else { cx.waker() };
        Pin::new(&mut driver).poll(&mut Context::from_waker(waker))
    }))?;
    spawn(server)?;
    Ok(peer)
}

struct HalfDeaf(Waker, Arc<AtomicU64>);

impl Wake for HalfDeaf {
    fn wake(self: Arc<Self>) {
        if self.1.fetch_add(1, SeqCst) % ONE_IN != ONE_IN - 1 {
            self.0.wake_by_ref();
        }
    }
}

#[derive(Default)]
struct Once {
    timer: OwnTimer,
    armed: bool,
}

impl Timer for Once {
    fn set(&mut self, at: Instant) {
        self.timer = OwnTimer::default();
        if !std::mem::replace(&mut self.armed, true) {
            self.timer.set(at);
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_due(cx)
    }
}

pub struct Careless {
    peer: Peer,
    fault: Option<Fault>,
    kept: Mutex<Vec<Waker>>,
}

impl Careless {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

/// Is polled once more.
async fn once_more() {
    let mut first = true;
    poll_fn(|cx| {
        if take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

impl Calls for Careless {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn listen<'a>(&'a self, on: &'a Endpoint) -> Call<'a, Result<Endpoint, Error>> {
        if !self.has(Fault::ListensOn) {
            return Box::pin(self.peer.listen(on));
        }
        let (peer, on) = (self.peer.clone(), on.clone());
        Box::pin(async move { offload(move || block_on(peer.listen(&on))).await? })
    }

    fn connect(&self, dial: Dial, timeout: Duration) -> Call<'_, Result<Joined, Error>> {
        if !self.has(Fault::DialsOn) {
            return Box::pin(self.peer.connect(dial, timeout));
        }
        let peer = self.peer.clone();
        Box::pin(async move { offload(move || block_on(peer.connect(dial, timeout * 100))).await? })
    }

    fn send<'a>(&'a self, to: &'a Address, message: Message) -> Call<'a, Result<MessageId, Error>> {
        Box::pin(async move {
            let id = self.peer.send(to, message).await?;
            if self.has(Fault::SendsEarly) {
                once_more().await;
            }
            Ok(id)
        })
    }

    fn send_and_wait<'a>(
        &'a self,
        to: &'a Address,
        mut message: Message,
        until: Receipts,
        timeout: Duration,
    ) -> Call<'a, Result<Delivery, Error>> {
        if !self.has(Fault::LosesReceipts) {
            return Box::pin(self.peer.send_and_wait(to, message, until, timeout));
        }
        Box::pin(async move {
            message.receipts = until;
            let mut tracking = self.peer.track(to, message).await?;
            let mut receipts = Vec::new();
            while let Some((from, stage)) = tracking.next().await {
                receipts.push((Duration::ZERO, from, stage));
            }
            Ok(Delivery { id: tracking.id(), receipts })
        })
    }

    fn request<'a>(
        &'a self,
        to: &'a Address,
        command: Command,
        timeout: Duration,
    ) -> Call<'a, Result<Response, Error>> {
        let call = Box::pin(self.peer.request(to, command, timeout));
        if !self.has(Fault::ForgetsCalls) {
            return call;
        }
        let mut call = ManuallyDrop::new(call);
        Box::pin(poll_fn(move |cx| call.as_mut().poll(cx)))
    }

    fn next_event(&self) -> Call<'_, Option<Event>> {
        Box::pin(async {
            if self.has(Fault::KeepsWakers) {
                poll_fn(|cx| {
                    self.kept.lock().unwrap().push(cx.waker().clone());
                    Poll::Ready(())
                })
                .await;
            }
            let event = self.peer.events().next().await;
            if self.has(Fault::LosesEvents) {
                once_more().await;
            }
            event
        })
    }

    fn close(&self, timeout: Duration) -> Call<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.has(Fault::ClosesLate) {
                once_more().await;
            }
            self.peer.close(timeout).await
        })
    }
}
