//! A server that only lets clients in: mutual TLS 1.3, one byte there and back, and the end. It does so in
//! one thread, so that its CPU time is that of one core. Its argument is its certificate, in whose folder
//! are its key, `key.pem`, and the certificate of the clients it takes, `client.pem`.

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use homing_bench_peers::tls::{certificates, provider, roots};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn config() -> Result<ServerConfig> {
    let certificate = env::args_os().nth(1).map(PathBuf::from).ok_or("the certificate is missing")?;
    let clients = Arc::new(roots(&certificate.with_file_name("client.pem"))?);
    let verifier = WebPkiClientVerifier::builder_with_provider(clients, provider()).build()?;
    let key = PrivateKeyDer::from_pem_file(certificate.with_file_name("key.pem"))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&certificate)?, key)?;
    // Each login is a whole one: nothing is kept of the last.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    stream.write_all(&byte).await?;
    stream.shutdown().await
}

async fn run() -> Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(config()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?);
    stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(e) = serve(acceptor, stream).await {
                eprintln!("not let in: {e}");
            }
        });
    }
}

fn main() -> Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(run())
}
