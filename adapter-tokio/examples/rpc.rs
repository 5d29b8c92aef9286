//! Commands on tokio: serving them, calling one peer or all, and what a failure looks like.
//!
//! ```sh
//! cargo run -p homing-tokio --example tokio-rpc -- demo    # all of it in one process
//! cargo run -p homing-tokio --example tokio-rpc -- serve INVITE bob
//! cargo run -p homing-tokio --example tokio-rpc -- call INVITE ada bob 1 2 3
//! cargo run -p homing-tokio --example tokio-rpc -- call INVITE ada all 1 2 3
//! ```

use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::{FutureExt, TryFutureExt, try_join};
use futures_util::stream::StreamExt;
use homing_tokio::{
    Command, Dial, Error, Event, Failure, Invite, Options, Peer, Reason, Request, Response, Seed, Serving,
    StaticKey, key_file, start,
};

const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rpc: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Outcome<()> {
    match *arguments {
        ["demo"] => demo().await,
        ["serve", invite, name] => serve(&join(invite, name, key_file(format!("{name}.key"))?).await?).await,
        ["call", invite, name, to, ref numbers @ ..] => {
            let peer = join(invite, name, key_file(format!("{name}.key"))?).await?;
            let called = call(&peer, to, &numbers.join(" ")).await;
            peer.close(PATIENCE).await?;
            called
        }
        _ => Err("usage: rpc demo | rpc serve INVITE NAME | rpc call INVITE NAME PEER|all NUMBER ..".into()),
    }
}

async fn join(invite: &str, name: &str, key: StaticKey) -> Outcome<Peer> {
    let peer = start(Options::new(key))?;
    peer.connect(Dial::invite(&invite.parse()?, name.parse()?), PATIENCE).await?;
    Ok(peer)
}

/// The commands. Many are answered at once: while one waits, others go on.
fn offer(peer: &Peer) -> Result<(), Error> {
    peer.serve("/sum", "adds the numbers that it is given", |request| async move { sum(&request) })?;
    peer.serve("/slow", "takes a second", |_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Response::new("text/plain", "done"))
    })
}

fn sum(request: &Request) -> Result<Response, Failure> {
    let mut sum = 0.0;
    for word in String::from_utf8_lossy(&request.body).split_whitespace() {
        sum += word.parse::<f64>().map_err(|_| Failure {
            reason: Reason::ARGUMENT,
            text: format!("{word:?} is no number; send some, as in 1 2.5 -3"),
        })?;
    }
    Ok(Response::new("text/plain", sum.to_string()))
}

async fn serve(peer: &Peer) -> Outcome<()> {
    offer(peer)?;
    println!("serving /sum and /slow");
    // Handlers need no help. What else happens is taken, so that no message to this peer waits for ever.
    while let Some(event) = peer.events().next().await {
        if let Event::Down { why, retry: None, .. } = event {
            return Err(why.to_string().into());
        }
    }
    Ok(())
}

/// Has numbers added, by one peer or by everybody.
async fn call(peer: &Peer, to: &str, numbers: &str) -> Outcome<()> {
    let command = Command::get("sum").with_body("text/plain", numbers);
    if to != "all" {
        let response = peer.request(&peer.resolve(to)?, command, PATIENCE).await?;
        println!("{to}: {}", String::from_utf8_lossy(&response.body));
        return Ok(());
    }
    // Who has not answered when the time is up is not waited for.
    let mut answers = peer.request_many(&peer.resolve("*")?.into(), command, PATIENCE).await?;
    while let Some((from, answer)) = answers.next().await {
        match answer {
            Ok(response) => println!("{}: {}", from.name(), String::from_utf8_lossy(&response.body)),
            Err(why) => println!("{}: {why}", from.name()),
        }
    }
    if let Some(end) = answers.summary() {
        println!("{} of {} answered", end.answered, end.asked);
    }
    Ok(())
}

async fn demo() -> Outcome<()> {
    // For a demonstration only: everybody knows these keys.
    let key = |number| StaticKey::generate(&Seed::from_bytes([number; 32]));
    let mut options = Options::new(key(1));
    options.config.serving =
        Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
    let hub = start(options)?;
    let target = hub.listen(&"127.0.0.1:0".parse()?).await?.to_string();
    let invite = Invite { key: hub.peer_id(), target, network: "home".parse()? }.to_string();
    let (bob, ada) = (join(&invite, "bob", key(2)).await?, join(&invite, "ada", key(3)).await?);

    offer(&bob)?;
    call(&ada, "bob", "1 2 3").await?;
    if let Err(e) = call(&ada, "bob", "1 x").await {
        println!("bob: {e}");
    }
    // The second need not wait until the first is done.
    let to_bob = ada.resolve("bob")?;
    let slow = ada.request(&to_bob, Command::get("slow"), PATIENCE);
    let slow = slow.inspect(|_| println!("bob has answered /slow"));
    try_join(slow.err_into(), call(&ada, "bob", "4 5")).await?;
    call(&ada, "all", "1 2 3").await?;
    for peer in [ada, bob, hub] {
        peer.close(PATIENCE).await?;
    }
    Ok(())
}
