//! ZeroMQ with CURVE: libzmq's own proxy as a broker, and its clients.

use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, PATIENCE, built};
use crate::Result;
use crate::process::Process;

pub(super) const ZEROMQ: Contender = Contender {
    key: "zeromq",
    name: "ZeroMQ + CURVE",
    roles: &[Role::Send, Role::Receive, Role::Ask, Role::Answer],
    start,
};

fn start(folder: TempDir) -> Result<Broker> {
    let client = built("zeromq")?;
    let process = Process::start("zeromq-broker", &mut Command::new(built("zeromq-broker")?))?;
    let target = process.wait(PATIENCE, |line| line.strip_prefix("target: ").map(String::from))?;
    Ok(Broker { process: Some(process), client, prefix: &[], target, tls: None, _folder: folder })
}
