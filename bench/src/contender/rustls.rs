//! Mutual TLS 1.3 by rustls, and nothing behind it: what letting a client in costs at least.

use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, PATIENCE, built, certificate};
use crate::Result;
use crate::process::Process;

pub(super) const LOGIN: Contender =
    Contender { key: "rustls-login", name: "rustls, mutual TLS 1.3", roles: &[Role::Login], start };

fn start(folder: TempDir) -> Result<Broker> {
    let [certificate, _] = certificate()?;
    let mut command = Command::new(built("rustls-login-broker")?);
    let process = Process::start("rustls-login-broker", command.arg(&certificate))?;
    let target = process.wait(PATIENCE, |line| line.strip_prefix("listening ").map(String::from))?;
    Ok(Broker {
        process: Some(process),
        client: built("rustls-login")?,
        prefix: &[],
        target,
        tls: Some(certificate),
        _folder: folder,
    })
}
