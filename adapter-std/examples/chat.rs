//! A chat on threads: what is typed goes to everybody, `@bob text` to bob alone. Ctrl-D or Ctrl-C ends it.
//!
//! ```sh
//! homing hub --open --listen 127.0.0.1:4702    # prints an invite
//! cargo run -p homing-std --example std-chat -- INVITE ada
//! ```

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use homing_std::{Address, Dial, Event, Invite, Message, Name, Options, Peer, Receipts, Stage, key_file};

const PATIENCE: Duration = Duration::from_secs(10);

/// What the chat waits for.
enum Turn {
    Event(Event),
    Line(io::Result<String>),
    End,
}

fn main() -> ExitCode {
    match chat() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("chat: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever happens, from three threads: one waits for the network, one for what is typed, one for Ctrl-C.
fn turns(peer: &Peer) -> Result<Receiver<Turn>, ctrlc::Error> {
    let (sender, turns) = channel();
    let (events, of_network, of_keys) = (peer.events(), sender.clone(), sender.clone());
    thread::spawn(move || events.map(Turn::Event).all(|turn| of_network.send(turn).is_ok()));
    thread::spawn(move || {
        let typed = io::stdin().lines().map(Turn::Line);
        typed.chain([Turn::End]).all(|turn| sender.send(turn).is_ok())
    });
    ctrlc::set_handler(move || {
        let _ = of_keys.send(Turn::End); // nobody is there: it ends already
    })?;
    Ok(turns)
}

fn chat() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(invite), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: chat INVITE NAME (`homing hub --open` prints an invite)".into());
    };
    let (invite, name): (Invite, Name) = (invite.parse()?, name.parse()?);
    // Made at the first start, and for its owner only: the name belongs to this key from now on.
    let key = key_file(format!("{name}.key"))?;

    let peer = Peer::start(Options::new(key))?;
    let joined = peer.connect(Dial::invite(&invite, name), PATIENCE)?;
    println!("* you are {}; a line goes to everybody, @name text to one", joined.address);
    let talked = talk(&peer, &invite, &joined.address);
    peer.close(PATIENCE)?;
    talked
}

fn talk(peer: &Peer, invite: &Invite, own: &Address) -> Result<(), Box<dyn Error>> {
    for turn in turns(peer)? {
        match turn {
            Turn::End => break,
            Turn::Line(line) => {
                if let Err(e) = say(peer, invite, line?.trim()) {
                    println!("* not sent: {e}");
                }
            }
            Turn::Event(event) => match event {
                Event::Message(message) => {
                    // It comes from elsewhere: what would steer the terminal is not shown.
                    let text = String::from_utf8_lossy(&message.body).replace(char::is_control, " ");
                    println!("{}: {text}", message.from.name());
                    let _ = peer.consume(&message); // its sender may wait for that
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
fn say(peer: &Peer, invite: &Invite, line: &str) -> Result<(), Box<dyn Error>> {
    if line.is_empty() {
        return Ok(());
    }
    let Some(line) = line.strip_prefix('@') else {
        peer.send(&Address::everyone(&invite.network), Message::text(line))?;
        return Ok(());
    };
    let (to, text) = line.split_once(' ').ok_or("write @name and then the text")?;
    let to = Address::parse_in(to, &invite.network)?;
    peer.send_and_wait(&to, Message::text(text), Receipts::Received, PATIENCE)?;
    println!("* received by {}", to.name());
    Ok(())
}
