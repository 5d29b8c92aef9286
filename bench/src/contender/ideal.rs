//! The ideal pipe: the least that brings messages from A to B through a hub with Homing's cryptography.

use std::env;
use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, PATIENCE};
use crate::Result;
use crate::process::Process;

pub(super) const IDEAL: Contender = Contender {
    key: "ideal",
    name: "ideal pipe",
    roles: &[Role::Send, Role::Receive, Role::Ask, Role::Answer],
    start,
};

fn start(folder: TempDir) -> Result<Broker> {
    let client = env::current_exe()?;
    let process = Process::start("ideal hub", Command::new(&client).arg("ideal-hub"))?;
    let target = process.wait(PATIENCE, |line| line.strip_prefix("listening ").map(String::from))?;
    Ok(Broker { process: Some(process), client, prefix: &["ideal"], target, tls: None, _folder: folder })
}
