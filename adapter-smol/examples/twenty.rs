//! The twenty lines of docs/ADAPTERS.md, where `ada` is somebody who is there, as by `homing listen`.

use std::time::Duration;

use homing_smol::{Command, Dial, Event, Message, Options, Receipts, Response, key_file, start};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(example())
}

async fn example() -> Result<(), Box<dyn std::error::Error>> {
    let patience = Duration::from_secs(10);
    // Made at the first start, and for its owner only: the name belongs to this key from now on.
    let peer = start(Options::new(key_file("example.key")?))?;

    let invite = std::env::args().nth(1).ok_or("usage: example homing://KEY@HOST:PORT/NETWORK")?;
    peer.connect(Dial::invite(&invite.parse()?, "example".parse()?), patience).await?;
    peer.serve("/shout", "answers in capitals", |request| async move {
        Ok(Response::new("text/plain", String::from_utf8_lossy(&request.body).to_uppercase()))
    })?;

    let ada = peer.resolve("ada")?;
    peer.send_and_wait(&ada, Message::text("hello"), Receipts::Received, patience).await?;
    let pong = peer.request(&ada, Command::get("ping"), patience).await?;
    println!("{}", String::from_utf8_lossy(&pong.body));
    let events = peer.events();
    while let Some(event) = events.next_event().await {
        if let Event::Message(message) = event {
            println!("{}: {}", message.from, String::from_utf8_lossy(&message.body));
            let _ = peer.consume(&message).await; // its sender may wait for that
        }
    }
    Ok(())
}
