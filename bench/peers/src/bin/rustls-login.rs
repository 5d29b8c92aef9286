//! Logs in by mutual TLS 1.3, again and again, over `links` connections at once. In the folder of the
//! certificate that `--tls` names are this client's own: `client.pem` and `client-key.pem`.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use homing_bench_peers::tls::{certificates, provider, roots, wrap};
use homing_bench_worker::{Job, Report, Role, Stage, run};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn config(trusted: &Path) -> Result<Arc<ClientConfig>> {
    let own = certificates(&trusted.with_file_name("client.pem"))?;
    let key = PrivateKeyDer::from_pem_file(trusted.with_file_name("client-key.pem"))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots(trusted)?)
        .with_client_auth_cert(own, key)?;
    // Each login is a whole one: nothing is kept of the last.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// One login. The byte that comes back says that the server has taken our certificate.
fn once(target: &str, config: &Arc<ClientConfig>) -> Result<()> {
    let stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    let mut stream = wrap(stream, config)?;
    stream.write_all(b"!")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer == b"!" { Ok(()) } else { Err(format!("{answer:?} came back").into()) }
}

fn login(job: &Job, stage: &mut Stage) -> Result<Report> {
    let config = config(job.tls.as_deref().ok_or("--tls is missing")?)?;
    // What is wrong shows before anything is measured.
    once(&job.target, &config)?;
    stage.ready()?;
    let begun = AtomicU64::new(0);
    let log_in = || -> std::result::Result<(), String> {
        while begun.fetch_add(1, Ordering::Relaxed) < job.count {
            once(&job.target, &config).map_err(|e| e.to_string())?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..job.links.max(1)).map(|_| scope.spawn(log_in)).collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| "a thread panicked".to_string())?)
    })?;
    Ok(Report::default())
}

fn main() -> ExitCode {
    run(|job, stage| match job.role {
        Role::Login => login(job, stage),
        other => Err(format!("{} is more than a login", other.word()).into()),
    })
}
