//! Redis: `redis-server`, and a client of the bare protocol. Nothing is encrypted, and so it costs least.

use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, PATIENCE, built, free_port, installed};
use crate::Result;
use crate::process::Process;

pub(super) const REDIS: Contender = Contender {
    key: "redis",
    name: "redis pub/sub, plain",
    roles: &[Role::Send, Role::Receive, Role::Publish, Role::Subscribe, Role::Ask, Role::Answer, Role::Idle],
    start,
};

fn start(folder: TempDir) -> Result<Broker> {
    let port = free_port()?;
    let mut command = Command::new(installed("redis-server")?);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no"]).arg("--dir").arg(folder.path());
    // What a fast publisher has sent waits in the broker; it must not throw the subscriber out for that.
    command.args(["--client-output-buffer-limit", "pubsub 0 0 0"]);
    let process = Process::start("redis-server", &mut command)?;
    process.wait(PATIENCE, |line| line.contains("Ready to accept connections").then_some(()))?;
    Ok(Broker {
        process: Some(process),
        client: built("redis")?,
        prefix: &[],
        target: format!("127.0.0.1:{port}"),
        tls: None,
        _folder: folder,
    })
}
