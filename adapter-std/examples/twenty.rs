//! The twenty lines of docs/ADAPTERS.md, where `ada` is somebody who is there, as by `homing listen`.

use std::time::Duration;

use homing_std::{Command, Dial, Event, Message, Options, Peer, Receipts, Response, key_file};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let patience = Duration::from_secs(10);
    // Made at the first start, and for its owner only: the name belongs to this key from now on.
    let peer = Peer::start(Options::new(key_file("example.key")?))?;

    let invite = std::env::args().nth(1).ok_or("usage: example homing://KEY@HOST:PORT/NETWORK")?;
    peer.connect(Dial::invite(&invite.parse()?, "example".parse()?), patience)?;
    peer.serve("/shout", "answers in capitals", |request| {
        Ok(Response::new("text/plain", String::from_utf8_lossy(&request.body).to_uppercase()))
    })?;

    let ada = peer.resolve("ada")?;
    peer.send_and_wait(&ada, Message::text("hello"), Receipts::Received, patience)?;
    let pong = peer.request(&ada, Command::get("ping"), patience)?;
    println!("{}", String::from_utf8_lossy(&pong.body));
    for event in peer.events() {
        if let Event::Message(message) = event {
            println!("{}: {}", message.from, String::from_utf8_lossy(&message.body));
            let _ = peer.consume(&message); // its sender may wait for that
        }
    }
    Ok(())
}
