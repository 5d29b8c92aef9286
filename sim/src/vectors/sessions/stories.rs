//! The sessions in which nobody does wrong.

use std::convert::Infallible;
use std::time::Duration;

use homing_core::{
    Address, Command, Event, Failure, Limits, Message, Method, Node, Priority, Reason, Receipts, Response,
    Suite,
};

use crate::vectors::sessions::node::{ada, fault, party};
use crate::vectors::sessions::stage::Stage;
use crate::vectors::sessions::{Party, Session};

const SHORT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

fn bob() -> Party {
    party(0x55, 0x66, "home")
}

/// All of them, under both suites.
pub(super) fn sessions() -> Result<Vec<Session>, String> {
    let mut all = Vec::new();
    for suite in [Suite::XxChaChaPoly, Suite::XxAesGcm] {
        all.push(join(suite)?);
        all.push(guest(suite)?);
        all.extend(message(suite)?);
        all.extend(call(suite)?);
        all.push(roster(suite)?);
        all.push(heartbeat(suite)?);
        all.push(rekey(suite)?);
        all.push(goodbye_of_the_hub(suite)?);
    }
    Ok(all)
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(fault)
}

fn leave(stage: &mut Stage, who: usize) -> Result<(), String> {
    stage.act(who, |node, now| {
        node.shutdown(now);
        Ok::<(), Infallible>(())
    })
}

fn join(suite: Suite) -> Result<Session, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let pinned = Party { pin: Some(hub_key().into()), ..ada() };
    let ada = stage.join(pinned, Some("ada"))?;
    stage.advance(SHORT)?;
    leave(&mut stage, ada)?;
    stage.session(0, "join and leave", "the handshake, established, the roster, its ack, and the goodbye")
}

fn hub_key() -> [u8; 32] {
    *homing_core::StaticKey::from_bytes([0x33; 32]).peer_id().as_bytes()
}

fn guest(suite: Suite) -> Result<Session, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let guest = stage.join(ada(), None)?;
    stage.advance(SHORT)?;
    leave(&mut stage, guest)?;
    stage.session(0, "a guest", "scheme guest, no name: the hub makes one up")
}

/// Ada writes to bob; both streams.
fn message(suite: Suite) -> Result<Vec<Session>, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let ada = stage.join(ada(), Some("ada"))?;
    let bob = stage.join(bob(), Some("bob"))?;
    stage.advance(SHORT)?;
    let mut hello = Message::text("hello bob").with_receipts(Receipts::Consumed);
    hello.metadata.insert("subject".into(), "lunch".into());
    let to = address("bob@home")?;
    stage.act(ada, |node, now| node.send(now, &to, hello))?;
    let got = stage.events(bob).into_iter().find_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    let got = got.ok_or("bob got nothing")?;
    stage.act(bob, |node, now| node.consume(now, &got))?;
    // To nobody, to everybody, and urgent.
    let nobody = address("nobody@home")?;
    stage.act(ada, |node, now| node.send(now, &nobody, Message::text("is there anybody?")))?;
    let everybody = address("*@home")?;
    let all = Message::text("hello all").with_receipts(Receipts::Received);
    stage.act(ada, |node, now| node.send(now, &everybody, all))?;
    let urgent = Message { priority: Priority::Urgent, ..Message::new("image/png", [0x89, b'P', 0, 0xff]) };
    stage.act(ada, |node, now| node.send(now, &to, urgent))?;
    stage.advance(SHORT)?;
    leave(&mut stage, ada)?;
    leave(&mut stage, bob)?;
    Ok(vec![
        stage.session(
            0,
            "messages, who sends",
            "receipts up to consumed; to nobody, to everybody, urgent",
        )?,
        stage.session(1, "messages, who receives", "the other half: `from` and hops are the hub's")?,
    ])
}

/// Ada calls bob; both streams.
fn call(suite: Suite) -> Result<Vec<Session>, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let ada = stage.join(ada(), Some("ada"))?;
    let bob = stage.join(bob(), Some("bob"))?;
    stage.act(bob, |node, _| node.serve("/add", "adds one"))?;
    stage.advance(SHORT)?;
    let to = address("bob@home")?;
    let ask = |stage: &mut Stage, to: &Address, command: Command| {
        stage.act(ada, |node: &mut Node, now| node.request(now, &to.clone().into(), command, PATIENCE))
    };
    ask(&mut stage, &to, Command::get("ping"))?;
    ask(&mut stage, &to, Command::get("echo").with_body("text/plain", "hello"))?;
    let answers = [
        Ok(Response::json(r#"{"n":2}"#)),
        Err(Failure { reason: Reason::ARGUMENT, text: "no number".into() }),
    ];
    for answer in answers {
        ask(&mut stage, &to, Command::get("add").with_body("application/json", r#"{"n":1}"#))?;
        let request = stage.events(bob).into_iter().find_map(|event| match event {
            Event::Request(request) => Some(request.request),
            _ => None,
        });
        let request = request.ok_or("bob was not asked")?;
        stage.act(bob, |node, now| node.respond(now, request, answer))?;
    }
    ask(&mut stage, &to, Command { method: Method::Set, ..Command::get("ping") })?;
    ask(&mut stage, &to, Command::get("nothing"))?;
    ask(&mut stage, &address("*@home")?, Command::get("ping"))?;
    let given_up = ask(&mut stage, &to, Command::get("add"))?;
    stage.act(ada, |node, now| node.cancel(now, given_up))?;
    stage.advance(SHORT)?;
    leave(&mut stage, ada)?;
    leave(&mut stage, bob)?;
    Ok(vec![
        stage.session(0, "calls, who calls", "answers, failures, to everybody, one that is cancelled")?,
        stage.session(1, "calls, who is called", "the other half")?,
    ])
}

fn roster(suite: Suite) -> Result<Session, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let ada = stage.join(ada(), Some("ada"))?;
    stage.advance(SHORT)?;
    let bob = stage.join(bob(), Some("bob"))?;
    stage.advance(SHORT)?;
    stage.join(party(0x77, 0x88, "home"), None)?;
    leave(&mut stage, bob)?;
    stage.advance(SHORT)?;
    leave(&mut stage, ada)?;
    stage.session(0, "the roster", "a snapshot, then who comes, then who comes and who leaves in one update")
}

fn heartbeat(suite: Suite) -> Result<Session, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let ada = stage.join(ada(), Some("ada"))?;
    stage.advance(Duration::from_secs(31))?;
    leave(&mut stage, ada)?;
    stage.session(0, "heartbeat", "nobody speaks for 31 s: the initiator pings after each 15")
}

fn rekey(suite: Suite) -> Result<Session, String> {
    let limits = Limits { rekey_records: 3, ..Limits::DEFAULT };
    let mut stage = Stage::new(suite, limits)?;
    let ada = stage.join(ada(), Some("ada"))?;
    let to = address("hub@home")?;
    for n in 0..6 {
        stage.act(ada, |node, now| node.send(now, &to, Message::text(format!("message {n}"))))?;
        stage.advance(SHORT)?;
    }
    leave(&mut stage, ada)?;
    stage.session(
        0,
        "rekeying",
        "both sides replace their key after each 3 records (65536, without that limit)",
    )
}

fn goodbye_of_the_hub(suite: Suite) -> Result<Session, String> {
    let mut stage = Stage::new(suite, Limits::DEFAULT)?;
    let ada = stage.join(ada(), Some("ada"))?;
    stage.advance(SHORT)?;
    let to = address("hub@home")?;
    stage
        .act(ada, |node, now| node.send(now, &to, Message::text("wait").with_receipts(Receipts::Received)))?;
    leave(&mut stage, 0)?;
    stage.session(0, "the hub leaves", "the responder says finishing; what it owes is acknowledged")
}
