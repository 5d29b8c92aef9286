//! Many peers in one process: on smol, one thread moves the bytes of all of them. With `homing-std` each would
//! have a thread of its own.

use homing_bench_worker::{Job, Report, Stage};
use homing_smol::{Dial, Event, Invite, Peer, start};

use super::{PATIENCE, Result, options};

/// Peers number 0 to `links`, in the network of `hub`.
pub(super) fn join(hub: &Invite, links: usize) -> Result<Vec<Peer>> {
    smol::block_on(async {
        let mut peers = Vec::with_capacity(links);
        for n in 0..links {
            let name = format!("member{n}");
            let peer = start(options(&name))?;
            peer.connect(Dial::invite(hub, name.parse()?), PATIENCE).await?;
            peers.push(peer);
        }
        Ok(peers)
    })
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
    let (events, mut seen) = (peer.events(), 0);
    while seen < count {
        match events.next_event().await {
            Some(Event::Message(message)) if message.body.len() == size => seen += 1,
            Some(Event::Message(message)) => {
                return Err(format!("{} bytes instead of {size}", message.body.len()));
            }
            Some(_) => {}
            None => return Err("the peer was closed".into()),
        }
    }
    drop(events);
    Ok(peer)
}
