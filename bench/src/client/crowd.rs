//! Many peers in one process: on smol, one thread moves the bytes of all of them. With `homing-std` each would
//! have a thread of its own.

use homing_bench_worker::{Job, Report, Stage};
use homing_smol::{Batch, Dial, Event, Invite, Peer, start};

use super::{PATIENCE, Result, options};

/// So many come in at once: one after the other, each would be told of to all before it in a message of its own.
const AT_ONCE: usize = 32;

/// Peers number 0 to `links`, in the network of `hub`.
fn join(hub: &Invite, links: usize) -> Result<Vec<Peer>> {
    let mut peers = Vec::with_capacity(links);
    for first in (0..links).step_by(AT_ONCE) {
        let mut joining = Vec::with_capacity(AT_ONCE);
        for n in first..links.min(first + AT_ONCE) {
            let name = format!("member{n}");
            let (peer, dial) = (start(options(&name))?, Dial::invite(hub, name.parse()?));
            joining.push(smol::spawn(async move { peer.connect(dial, PATIENCE).await.map(|_| peer) }));
        }
        for peer in joining {
            peers.push(smol::block_on(peer)?);
        }
    }
    Ok(peers)
}

/// Receives what is sent to everybody, as everybody.
pub(super) fn subscribe(job: &Job, stage: &mut Stage, hub: &Invite) -> Result<Report> {
    let peers = join(hub, job.links)?;
    let receiving: Vec<_> =
        peers.into_iter().map(|peer| smol::spawn(receive(peer, job.size, job.count))).collect();
    stage.ready()?;
    smol::block_on(async {
        // Each stays until all have all: of one that leaves everybody is told.
        let mut done = Vec::with_capacity(job.links);
        for peer in receiving {
            done.push(peer.await?);
        }
        Ok(Report::default())
    })
}

/// Receives `count` messages of `size` bytes.
async fn receive(peer: Peer, size: usize, count: u64) -> std::result::Result<Peer, String> {
    let (events, mut batch, mut seen) = (peer.events(), Batch::default(), 0);
    while seen < count {
        if !events.next_batch(&mut batch).await {
            return Err("the peer was closed".into());
        }
        for event in batch.by_ref() {
            match event {
                Event::Message(message) if message.body.len() == size => seen += 1,
                Event::Message(message) => {
                    return Err(format!("{} bytes instead of {size}", message.body.len()));
                }
                _ => {}
            }
        }
    }
    drop(events);
    Ok(peer)
}
