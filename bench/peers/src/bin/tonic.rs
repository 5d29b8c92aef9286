//! gRPC by tonic, over TLS. Nobody is between the two: who answers listens at the target, and who asks
//! speaks with it. Of the target, `HOST:PORT`, the certificate is in the file of `--tls`, and its key in
//! `key.pem` beside it.

use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::process::{ExitCode, exit};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use homing_bench_worker::{Job, Latencies, Report, Role, Stage, run};
use prost::bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{self, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a generated client and a generated server have of their service.
const METHOD: PathAndQuery = PathAndQuery::from_static("/bench.Echo/Echo");

/// What is asked and answered: `message Body { bytes body = 1; }`.
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(bytes = "bytes", tag = "1")]
    body: Bytes,
}

/// The service: it answers with what it was asked.
#[derive(Clone)]
struct Echo;

impl UnaryService<Message> for Echo {
    type Response = Message;
    type Future = Ready<std::result::Result<Response<Message>, Status>>;

    fn call(&mut self, request: Request<Message>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != METHOD.path() {
                return Ok(Status::unimplemented("there is one method").into_http());
            }
            Ok(server::Grpc::new(ProstCodec::<Message, Message>::default()).unary(Echo, request).await)
        })
    }
}

/// All of a process is one connection, which is one task: more threads only cost.
fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn connect(job: &Job) -> Result<Channel> {
    let trusted = fs::read(job.tls.as_ref().ok_or("--tls is missing")?)?;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted)).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", job.target))?;
    let endpoint = endpoint.connect_timeout(Duration::from_secs(10)).tcp_nodelay(true).tls_config(tls)?;
    Ok(endpoint.connect().await?)
}

/// One request; how long it took.
async fn call(channel: Channel, body: Bytes) -> Result<Duration> {
    let start = Instant::now();
    let size = body.len();
    let mut grpc = Grpc::new(channel);
    grpc.ready().await?;
    let codec = ProstCodec::<Message, Message>::default();
    let answer = grpc.unary(Request::new(Message { body }), METHOD, codec).await?.into_inner();
    if answer.body.len() != size {
        return Err(format!("an answer of {} bytes instead of {size}", answer.body.len()).into());
    }
    Ok(start.elapsed())
}

async fn ask(job: &Job, stage: &mut Stage) -> Result<Report> {
    let channel = connect(job).await?;
    let body = Bytes::from(vec![0x5a; job.size]);
    let mut latencies = Latencies::new(job.count);
    let mut open = FuturesUnordered::new();
    stage.ready()?;
    for _ in 0..job.count {
        if open.len() >= job.in_flight {
            let took = open.next().await.ok_or("nothing is in flight: --in-flight 0")??;
            latencies.saw(took);
        }
        open.push(call(channel.clone(), body.clone()));
    }
    while let Some(took) = open.next().await {
        latencies.saw(took?);
    }
    Ok(latencies.report())
}

fn answer(job: &Job, stage: &mut Stage) -> Result<Report> {
    let certificate = job.tls.as_ref().ok_or("--tls is missing")?;
    let key = fs::read(certificate.with_file_name("key.pem"))?;
    let identity = Identity::from_pem(fs::read(certificate)?, key);
    let server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity))?;
    let address: SocketAddr = job.target.parse()?;
    let runtime = runtime()?;
    let incoming = {
        // The socket is registered with the runtime that will serve it.
        let _inside = runtime.enter();
        TcpIncoming::bind(address)?.with_nodelay(Some(true))
    };
    std::thread::spawn(move || {
        if let Err(e) = runtime.block_on(server.serve_with_incoming(Echo, incoming)) {
            eprintln!("the server has ended: {e}");
            exit(1);
        }
    });
    stage.ready()?;
    stage.stopped()?;
    Ok(Report::default())
}

fn main() -> ExitCode {
    run(|job, stage| match job.role {
        Role::Ask => runtime()?.block_on(ask(job, stage)),
        Role::Answer => answer(job, stage),
        other => Err(format!("{} is not what gRPC does here", other.word()).into()),
    })
}
