//! A forwarder: what comes on the stream of one client goes to the stream of the client it names. Each hop
//! is encrypted for itself, as at a hub.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::{Arc, Mutex, PoisonError};

use futures::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use futures::stream::StreamExt;
use homing_bench_peers::streams::{BATCH, PROTOCOL, Reader, node, push, runtime};
use libp2p::Stream;
use libp2p::swarm::SwarmEvent;
use tokio::sync::mpsc::{Receiver, Sender, channel};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// So many batches wait for one client; who sends more waits too, and nothing is lost.
const LANE: usize = 32;

/// Who is here, and where what is for them goes.
type Lanes = Arc<Mutex<HashMap<Vec<u8>, Sender<Vec<u8>>>>>;

/// Gives `batch` to the client it is for, and leaves it empty.
async fn pass(lanes: &Lanes, to: &[u8], batch: &mut Vec<u8>) {
    if batch.is_empty() {
        return;
    }
    let lane = lanes.lock().unwrap_or_else(PoisonError::into_inner).get(to).cloned();
    let full = std::mem::replace(batch, Vec::with_capacity(BATCH + BATCH / 2));
    let passed = match lane {
        Some(lane) => lane.send(full).await.is_ok(),
        None => false,
    };
    if !passed {
        eprintln!("lost: {} is not here", String::from_utf8_lossy(to));
    }
}

/// Writes what waits; sends it off when there is no more.
async fn write(mut stream: WriteHalf<Stream>, mut lane: Receiver<Vec<u8>>) -> Result<()> {
    while let Some(batch) = lane.recv().await {
        stream.write_all(&batch).await?;
        while let Ok(batch) = lane.try_recv() {
            stream.write_all(&batch).await?;
        }
        stream.flush().await?;
    }
    Ok(stream.close().await?)
}

/// A client, from its name to its end.
async fn serve(stream: Stream, lanes: &Lanes) -> Result<()> {
    let mut reader = Reader::default();
    let (mut input, output) = stream.split();
    let own = loop {
        match reader.message()? {
            Some(hello) => break hello.name.to_vec(),
            None => reader.fill(&mut input).await?,
        }
    };
    let (sender, lane) = channel(LANE);
    let mut welcome = Vec::new();
    push(&mut welcome, b"", b"");
    sender.send(welcome).await?;
    lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(own.clone(), sender);
    tokio::spawn(write(output, lane));
    let forwarded = forward(&mut reader, &mut input, &own, lanes).await;
    lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
    forwarded
}

async fn forward(
    reader: &mut Reader,
    input: &mut (impl futures::AsyncRead + Unpin),
    own: &[u8],
    lanes: &Lanes,
) -> Result<()> {
    // What comes in a row for the same client goes to it at once.
    let (mut to, mut batch) = (Vec::new(), Vec::with_capacity(BATCH + BATCH / 2));
    loop {
        while let Some(message) = reader.message()? {
            if message.name != to || batch.len() >= BATCH {
                pass(lanes, &to, &mut batch).await;
                to.clear();
                to.extend_from_slice(message.name);
            }
            push(&mut batch, own, message.payload);
        }
        pass(lanes, &to, &mut batch).await;
        reader.fill(input).await?;
    }
}

async fn run() -> Result<()> {
    let mut node = node()?;
    let mut streams = node.behaviour().new_control().accept(PROTOCOL)?;
    node.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let lanes = Lanes::default();
    loop {
        tokio::select! {
            event = node.select_next_some() => {
                if let SwarmEvent::NewListenAddr { address, .. } = event {
                    println!("listening {address}/p2p/{}", node.local_peer_id());
                    stdout().flush()?;
                }
            }
            Some((_, stream)) = streams.next() => {
                let lanes = Arc::clone(&lanes);
                // That a client goes is its end, and no failure.
                tokio::spawn(async move { serve(stream, &lanes).await.ok() });
            }
        }
    }
}

fn main() -> Result<()> {
    runtime()?.block_on(run())
}
