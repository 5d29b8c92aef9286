//! Homing: the program `homing hub`, and the `Peer` of `homing-std`.

use std::env;
use std::process::Command;

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, EVERYTHING, PATIENCE};
use crate::Result;
use crate::process::Process;

pub(super) const HOMING: Contender = Contender {
    key: "homing",
    name: "Homing",
    roles: EVERYTHING,
    start: |folder| start(folder, &["client"]),
};

/// What those lose who do not say when they have many.
pub(super) const SINGLE: Contender = Contender {
    key: "homing-single",
    name: "Homing, message by message",
    roles: &[Role::Send, Role::Receive],
    start: |folder| start(folder, &["single-client"]),
};

fn start(folder: TempDir, prefix: &'static [&'static str]) -> Result<Broker> {
    let client = env::current_exe()?;
    let homing = client.with_file_name(format!("homing{}", env::consts::EXE_SUFFIX));
    if !homing.exists() {
        return Err(format!("{homing:?} is not there: cargo build --release -p homing-cli").into());
    }
    let mut command = Command::new(homing);
    command.arg("--home").arg(folder.path()).args(["hub", "--open", "--quiet", "--listen", "127.0.0.1:0"]);
    let process = Process::start("homing hub", &mut command)?;
    let invite =
        |line: &str| line.split_whitespace().find(|word| word.starts_with("homing://")).map(String::from);
    let target = process.wait(PATIENCE, invite)?;
    Ok(Broker { process: Some(process), client, prefix, target, tls: None, _folder: folder })
}
