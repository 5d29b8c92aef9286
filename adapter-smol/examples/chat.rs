//! A chat on smol: what is typed goes to everybody, `@bob text` to bob alone. Ctrl-D or Ctrl-C ends it.
//!
//! ```sh
//! homing hub --open --listen 127.0.0.1:4702    # prints an invite
//! cargo run -p homing-smol --example smol-chat -- INVITE ada
//! ```

use std::error::Error;
use std::future::ready;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::io::AsyncBufReadExt;
use futures_util::stream::{Stream, StreamExt, once, select};
use homing_smol::{
    Address, Dial, Event, Invite, Message, Name, Options, Peer, Receipts, Stage, key_file, start,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// What the chat waits for.
enum Turn {
    Event(Event),
    Line(io::Result<String>),
    EndOfInput,
}

fn main() -> ExitCode {
    match smol::block_on(chat()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("chat: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What is typed.
fn lines() -> impl Stream<Item = io::Result<String>> {
    smol::io::BufReader::new(smol::Unblock::new(io::stdin())).lines()
}

/// Ready when the user presses Ctrl-C.
fn interrupt() -> Result<impl Future, ctrlc::Error> {
    let (sender, pressed) = smol::channel::bounded(1);
    ctrlc::set_handler(move || {
        let _ = sender.try_send(()); // full: it is known already
    })?;
    Ok(async move { pressed.recv().await })
}

async fn chat() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(invite), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: chat INVITE NAME (`homing hub --open` prints an invite)".into());
    };
    let (invite, name): (Invite, Name) = (invite.parse()?, name.parse()?);
    // Made at the first start, and for its owner only: the name belongs to this key from now on.
    let key = key_file(format!("{name}.key"))?;

    let peer = start(Options::new(key))?;
    let joined = peer.connect(Dial::invite(&invite, name), PATIENCE).await?;
    println!("* you are {}; a line goes to everybody, @name text to one", joined.address);
    let talked = talk(&peer, &invite, &joined.address).await;
    peer.close(PATIENCE).await?;
    talked
}

async fn talk(peer: &Peer, invite: &Invite, own: &Address) -> Result<(), Box<dyn Error>> {
    let typed = lines().map(Turn::Line).chain(once(ready(Turn::EndOfInput)));
    let mut turns = pin!(select(peer.events().map(Turn::Event), typed).take_until(interrupt()?));
    while let Some(turn) = turns.next().await {
        match turn {
            Turn::EndOfInput => break,
            Turn::Line(line) => {
                if let Err(e) = say(peer, invite, line?.trim()).await {
                    println!("* not sent: {e}");
                }
            }
            Turn::Event(event) => match event {
                Event::Message(message) => {
                    // It comes from elsewhere: what would steer the terminal is not shown.
                    let text = String::from_utf8_lossy(&message.body).replace(char::is_control, " ");
                    println!("{}: {text}", message.from.name());
                    let _ = peer.consume(&message).await; // its sender may wait for that
                }
                Event::PeerUp { peer } if peer.address == *own => {}
                Event::PeerUp { peer } => println!("* {} is here", peer.address.name()),
                Event::PeerDown { peer } => println!("* {} has left", peer.address.name()),
                Event::Receipt { stage: Stage::Failed(why), .. } => println!("* not delivered: {why}"),
                Event::Down { why, retry: None, .. } => return Err(why.to_string().into()),
                Event::Down { why, .. } => println!("* not connected: {why}; it is tried again"),
                _ => {}
            },
        }
    }
    Ok(())
}

/// Sends one line. What happens while a receipt is waited for waits in the queue of events.
async fn say(peer: &Peer, invite: &Invite, line: &str) -> Result<(), Box<dyn Error>> {
    if line.is_empty() {
        return Ok(());
    }
    let Some(line) = line.strip_prefix('@') else {
        peer.send(&Address::everyone(&invite.network), Message::text(line)).await?;
        return Ok(());
    };
    let (to, text) = line.split_once(' ').ok_or("write @name and then the text")?;
    let to = Address::parse_in(to, &invite.network)?;
    peer.send_and_wait(&to, Message::text(text), Receipts::Received, PATIENCE).await?;
    println!("* received by {}", to.name());
    Ok(())
}
