//! Commands on threads: serving them, calling one peer or all, and what a failure looks like.
//!
//! ```sh
//! cargo run -p homing-std --example std-rpc -- demo    # all of it in one process
//! cargo run -p homing-std --example std-rpc -- serve INVITE bob
//! cargo run -p homing-std --example std-rpc -- call INVITE ada bob 1 2 3
//! cargo run -p homing-std --example std-rpc -- call INVITE ada all 1 2 3
//! ```

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use homing_std::{
    Command, Dial, Error, Event, Failure, Invite, Options, Peer, Reason, Request, Response, Seed, Serving,
    StaticKey, key_file,
};

const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rpc: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    match *arguments {
        ["demo"] => demo(),
        ["serve", invite, name] => serve(&join(invite, name, key_file(format!("{name}.key"))?)?),
        ["call", invite, name, to, ref numbers @ ..] => {
            let peer = join(invite, name, key_file(format!("{name}.key"))?)?;
            let called = call(&peer, to, &numbers.join(" "));
            peer.close(PATIENCE)?;
            called
        }
        _ => Err("usage: rpc demo | rpc serve INVITE NAME | rpc call INVITE NAME PEER|all NUMBER ..".into()),
    }
}

fn join(invite: &str, name: &str, key: StaticKey) -> Outcome<Peer> {
    let peer = Peer::start(Options::new(key))?;
    peer.connect(Dial::invite(&invite.parse()?, name.parse()?), PATIENCE)?;
    Ok(peer)
}

/// The commands. They are answered one at a time: while one waits, others wait too.
fn offer(peer: &Peer) -> Result<(), Error> {
    peer.serve("/sum", "adds the numbers that it is given", sum)?;
    peer.serve("/slow", "takes a second", |_| {
        thread::sleep(Duration::from_secs(1));
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

fn serve(peer: &Peer) -> Outcome<()> {
    offer(peer)?;
    println!("serving /sum and /slow");
    // Handlers need no help. What else happens is taken, so that no message to this peer waits for ever.
    for event in peer.events() {
        if let Event::Down { why, retry: None, .. } = event {
            return Err(why.to_string().into());
        }
    }
    Ok(())
}

/// Has numbers added, by one peer or by everybody.
fn call(peer: &Peer, to: &str, numbers: &str) -> Outcome<()> {
    let command = Command::get("sum").with_body("text/plain", numbers);
    if to != "all" {
        let response = peer.request(&peer.resolve(to)?, command, PATIENCE)?;
        println!("{to}: {}", String::from_utf8_lossy(&response.body));
        return Ok(());
    }
    // Who has not answered when the time is up is not waited for.
    let mut answers = peer.request_many(&peer.resolve("*")?.into(), command, PATIENCE)?;
    for (from, answer) in answers.by_ref() {
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

fn demo() -> Outcome<()> {
    // For a demonstration only: everybody knows these keys.
    let key = |number| StaticKey::generate(&Seed::from_bytes([number; 32]));
    let mut options = Options::new(key(1));
    options.config.serving =
        Some(Serving { address: "hub@home".parse()?, open: true, allow: Default::default() });
    let hub = Peer::start(options)?;
    let target = hub.listen(&"127.0.0.1:0".parse()?)?.to_string();
    let invite = Invite { key: hub.peer_id(), target, network: "home".parse()? }.to_string();
    let (bob, ada) = (join(&invite, "bob", key(2))?, join(&invite, "ada", key(3))?);

    offer(&bob)?;
    call(&ada, "bob", "1 2 3")?;
    if let Err(e) = call(&ada, "bob", "1 x") {
        println!("bob: {e}");
    }
    // Who asks while this handler runs is answered after it.
    ada.request(&ada.resolve("bob")?, Command::get("slow"), PATIENCE)?;
    println!("bob has answered /slow");
    call(&ada, "bob", "4 5")?;
    call(&ada, "all", "1 2 3")?;
    for peer in [ada, bob, hub] {
        peer.close(PATIENCE)?;
    }
    Ok(())
}
