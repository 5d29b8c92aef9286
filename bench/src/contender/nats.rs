//! NATS: `nats-server`, and two clients: one of the bare protocol, and the official one for Rust.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, EVERYTHING, PATIENCE, built, certificate, free_port, installed};
use crate::Result;
use crate::process::Process;

pub(super) const TLS: Contender = Contender {
    key: "nats-tls",
    name: "NATS + TLS, raw client",
    roles: EVERYTHING,
    start: |folder| start(folder, "nats", true),
};

pub(super) const ASYNC: Contender = Contender {
    key: "nats-async",
    name: "NATS + TLS, async-nats",
    roles: &[Role::Send, Role::Receive, Role::Ask, Role::Answer, Role::Login],
    start: |folder| start(folder, "nats-async", true),
};

pub(super) const PLAIN: Contender = Contender {
    key: "nats-plain",
    name: "NATS without encryption, raw client",
    roles: EVERYTHING,
    start: |folder| start(folder, "nats", false),
};

fn start(folder: TempDir, client: &str, tls: bool) -> Result<Broker> {
    let program = installed("nats-server")?;
    let port = free_port()?;
    // What a fast publisher has sent waits in the broker; it must not throw the subscriber out for that.
    let mut config =
        format!("host: 127.0.0.1\nport: {port}\nmax_pending: 4000000000\nwrite_deadline: \"60s\"\n");
    let [certificate, key] = certificate()?;
    if tls {
        writeln!(config, "tls {{ cert_file: {certificate:?}, key_file: {key:?} }}")?;
    }
    let file = folder.path().join("nats.conf");
    fs::write(&file, config)?;
    let process = Process::start("nats-server", Command::new(program).arg("-c").arg(file))?;
    process.wait(PATIENCE, |line| line.contains("Server is ready").then_some(()))?;
    Ok(Broker {
        process: Some(process),
        client: built(client)?,
        prefix: &[],
        target: format!("127.0.0.1:{port}"),
        tls: tls.then_some(certificate),
        _folder: folder,
    })
}
