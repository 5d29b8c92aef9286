//! Who is measured: brokers, and the clients that speak with them.

mod homing;
mod ideal;
mod libp2p;
mod mosquitto;
mod nats;
mod redis;
mod rustls;
mod tonic;
mod zeromq;

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use homing_bench_worker::Role;
use tempfile::TempDir;

use crate::Result;
use crate::process::Process;

/// What the clients do of whoever is measured in all of it.
const EVERYTHING: &[Role] = &[
    Role::Send,
    Role::Receive,
    Role::Publish,
    Role::Subscribe,
    Role::Ask,
    Role::Answer,
    Role::Idle,
    Role::Login,
];

/// How long a broker may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker, and who is to speak with it.
#[derive(Debug)]
pub(crate) struct Contender {
    /// What it is called on the command line and in JSON.
    pub(crate) key: &'static str,
    /// What it is called in tables.
    pub(crate) name: &'static str,
    /// What its clients can do.
    pub(crate) roles: &'static [Role],
    /// Starts the broker; the folder is its own, and goes with it.
    start: fn(TempDir) -> Result<Broker>,
}

/// All of them, Homing first.
pub(crate) static ALL: &[Contender] = &[
    homing::HOMING,
    homing::SINGLE,
    ideal::IDEAL,
    nats::TLS,
    nats::ASYNC,
    nats::PLAIN,
    mosquitto::MOSQUITTO,
    zeromq::ZEROMQ,
    redis::REDIS,
    tonic::TONIC,
    libp2p::LIBP2P,
    rustls::LOGIN,
];

/// One that runs.
#[derive(Debug)]
pub(crate) struct Broker {
    /// None when the clients speak with each other.
    process: Option<Process>,
    client: PathBuf,
    /// What comes before the role on the client's command line.
    prefix: &'static [&'static str],
    target: String,
    /// The certificate that its clients trust.
    tls: Option<PathBuf>,
    _folder: TempDir,
}

impl Contender {
    pub(crate) fn start(&self) -> Result<Broker> {
        (self.start)(TempDir::new()?)
    }

    /// Whether it can do what all of these do.
    pub(crate) fn can(&self, roles: &[Role]) -> bool {
        roles.iter().all(|role| self.roles.contains(role))
    }
}

impl Broker {
    /// A client of it, for the rest of its arguments.
    pub(crate) fn client(&self, role: Role) -> Command {
        let mut command = Command::new(&self.client);
        command.args(self.prefix).arg(role.word()).arg(&self.target);
        if let Some(tls) = &self.tls {
            command.arg("--tls").arg(tls);
        }
        command
    }

    /// The CPU time that it has used, in seconds. None where there is no broker.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.process.as_ref().map(Process::cpu)
    }

    /// What it holds of the machine's memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.process.as_ref().ok_or("there is no broker")?.memory()
    }
}

/// Where `bench/setup` puts the clients of others and the certificate.
fn prepared() -> PathBuf {
    env::var_os("HOMING_BENCH_PEERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/target/release"), PathBuf::from)
}

/// One of the clients that `bench/setup` builds.
fn built(name: &str) -> Result<PathBuf> {
    let path = prepared().join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if path.exists() { Ok(path) } else { Err(format!("{path:?} is not there: run bench/setup").into()) }
}

/// A program of the system. Debian keeps brokers where only root looks.
fn installed(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.ok_or_else(|| format!("{name} is not installed: run bench/setup").into())
}

/// The certificate and the key of a server that is called `localhost`.
fn certificate() -> Result<[PathBuf; 2]> {
    let files = ["certificate.pem", "key.pem"].map(|name| prepared().join("tls").join(name));
    match files.iter().find(|path| !path.exists()) {
        Some(path) => Err(format!("{path:?} is not there: run bench/setup").into()),
        None => Ok(files),
    }
}

/// A port that was free just now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
