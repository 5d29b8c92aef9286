//! libp2p: a forwarder between streams of its own, which `bench/setup` builds.

use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, PATIENCE, built};
use crate::Result;
use crate::process::Process;

pub(super) const LIBP2P: Contender = Contender {
    key: "libp2p",
    name: "libp2p, noise + yamux, forwarder",
    roles: &[Role::Send, Role::Receive, Role::Ask, Role::Answer],
    start,
};

fn start(folder: TempDir) -> Result<Broker> {
    let process = Process::start("libp2p-broker", &mut Command::new(built("libp2p-broker")?))?;
    let target = process.wait(PATIENCE, |line| line.strip_prefix("listening ").map(String::from))?;
    Ok(Broker {
        process: Some(process),
        client: built("libp2p")?,
        prefix: &[],
        target,
        tls: None,
        _folder: folder,
    })
}
