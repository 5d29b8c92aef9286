//! gRPC by tonic: no broker; who answers is the server of who asks.

use homing_bench_worker::Role;
use tempfile::TempDir;

use super::{Broker, Contender, built, certificate, free_port};
use crate::Result;

pub(super) const TONIC: Contender = Contender {
    key: "tonic",
    name: "tonic (gRPC over TLS), direct",
    roles: &[Role::Ask, Role::Answer],
    start,
};

fn start(folder: TempDir) -> Result<Broker> {
    let [certificate, _] = certificate()?;
    Ok(Broker {
        process: None,
        client: built("tonic")?,
        prefix: &[],
        // Who answers listens here, and is started first.
        target: format!("127.0.0.1:{}", free_port()?),
        tls: Some(certificate),
        _folder: folder,
    })
}
