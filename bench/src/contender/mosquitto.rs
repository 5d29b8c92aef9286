//! MQTT: `mosquitto`, and a client of the bare protocol.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{Broker, Contender, EVERYTHING, PATIENCE, built, certificate, free_port, installed};
use crate::Result;
use crate::process::Process;

pub(super) const MOSQUITTO: Contender =
    Contender { key: "mosquitto", name: "mosquitto + TLS, QoS 0", roles: EVERYTHING, start };

/// With neither a maximum nor a window it keeps what a slow subscriber has not taken yet; it would drop
/// messages of QoS 0 beyond either. As root it would become a user who may not read the key.
const CONFIG: &str = "allow_anonymous true
user root
persistence false
sys_interval 0
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_inflight_bytes 0
set_tcp_nodelay true
connection_messages false
log_dest stderr
log_type information
log_type warning
log_type error
";

fn start(folder: TempDir) -> Result<Broker> {
    let program = installed("mosquitto")?;
    let port = free_port()?;
    let [certificate, key] = certificate()?;
    let mut config = String::from(CONFIG);
    writeln!(config, "listener {port} 127.0.0.1")?;
    writeln!(config, "certfile {}\nkeyfile {}", certificate.display(), key.display())?;
    let file = folder.path().join("mosquitto.conf");
    fs::write(&file, config)?;
    let process = Process::start("mosquitto", Command::new(program).arg("-c").arg(file))?;
    process.wait(PATIENCE, |line| line.ends_with(" running").then_some(()))?;
    Ok(Broker {
        process: Some(process),
        client: built("mosquitto")?,
        prefix: &[],
        target: format!("127.0.0.1:{port}"),
        tls: Some(certificate),
        _folder: folder,
    })
}
