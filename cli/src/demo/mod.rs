//! `homing demo`: real peers on three runtimes over real TCP on this machine, narrated.

mod company;
mod story;
mod table;

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant as Clock};

use homing_core::{Address, Command, Event, Invite, Message, Network, Pattern, Reason, Receipts, Stage};
use homing_std::{Error, Summary};
use homing_tokio::Peer;
use smol::stream::StreamExt;
use tokio::time::timeout;

use crate::Context;
use crate::args::Demo;
use crate::exit::{End, Exit, Fault, fault_of};
use crate::session::Running;
use crate::text::human;
use company::{ADA, Ada, BOB, Bob, CAROL, HUB, Who, join_carol, start_hub};
use story::Story;

/// How long any one thing may take. All of them take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The network's name.
const NETWORK: &str = "demo";

/// Plays the demo. It succeeds only if everything was seen.
pub(crate) fn run(context: &Context, args: &Demo) -> Result<(), End> {
    let mut story = Story::new(context, args.fast);
    let result = play(context, &mut story);
    context.interrupt.check()?;
    result?;
    story.close()
}

fn play(context: &Context, story: &mut Story) -> Result<(), End> {
    story.open()?;
    let (_hub, invite) = open_hub(context, story)?;
    let (ada, bob, carol) = join_all(context, story, &invite)?;
    let network = &invite.network;
    // Ada's part is a program on tokio; the pauses for reading block its thread and not her node.
    ada.run(async {
        send_with_receipts(story, &ada.peer, &bob, network).await?;
        call_one_and_all(story, &ada.peer, network).await?;
        lose_one(story, &ada.peer, &carol).await?;
        send_into_the_void(story, &ada.peer, network).await
    })
    // Everybody says goodbye before the table: that it works is part of what is shown.
}

fn open_hub(context: &Context, story: &mut Story) -> Result<(Running, Invite), End> {
    story.step(
        "A hub",
        "One peer has authority over a network: it lets others in and passes their messages on.",
    )?;
    story.shell("homing hub --open --network demo --listen 127.0.0.1:0")?;
    let (hub, invite) = start_hub(context)?;
    story
        .seen_of(HUB, format!("it listens on {}; its key is {}", invite.target, invite.key.fingerprint()))?;
    story.seen(format!("invite {invite}"))?;
    Ok((hub, invite))
}

fn join_all(context: &Context, story: &mut Story, invite: &Invite) -> Result<(Ada, Bob, Running), End> {
    story.step(
        "Three peers join",
        "The invite pins the hub's key, so no impostor can answer. Each brings a key of its own; everything is \
         encrypted. What each runs on, no other can tell.",
    )?;
    let began = Clock::now();
    let (bob, address) = entering(context, story, BOB, || Bob::join(context, invite))?;
    story.seen_of(BOB, format!("{address} is in"))?;
    let (carol, address) = entering(context, story, CAROL, || join_carol(context, invite))?;
    story.seen_of(CAROL, format!("{address} is in"))?;
    let (ada, address) = entering(context, story, ADA, || Ada::join(context, invite))?;
    story.seen_of(ADA, format!("{address} is in, and does what follows"))?;
    let all = || {
        let there = ada.peer.peers(NETWORK).unwrap_or_default();
        Who::ALL.iter().all(|who| there.iter().any(|peer| peer.address.name() == who.name))
    };
    if !ada.run(wait_until(&ada.peer, |_| all())) {
        return Err(unseen("everybody in the roster").into());
    }
    let names = Who::ALL.map(|who| who.name).join(", ");
    story.seen(format!("the hub tells each who else is there: {names}"))?;
    story.count("peers joined", 3, Some(began.elapsed()));
    Ok((ada, bob, carol))
}

/// What the reader would type for `who` to come in, and what comes of it.
fn entering<T>(
    context: &Context,
    story: &Story,
    who: Who,
    join: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, End> {
    context.interrupt.check()?;
    story.shell(format_args!("homing join INVITE --name {}; homing listen", who.name))?;
    Ok(join()?)
}

async fn send_with_receipts(story: &mut Story, ada: &Peer, bob: &Bob, network: &Network) -> Result<(), End> {
    story.step(
        "A message, and what becomes of it",
        "Receipts say how far it has come: the hub took it, passed it on, bob's program has it, bob has read it.",
    )?;
    story.shell("homing send bob 'hello bob' --wait consumed")?;
    let message = Message::text("hello bob").with_receipts(Receipts::Consumed);
    let began = Clock::now();
    let mut tracking =
        ada.track(&address(BOB, network)?, message).await.map_err(|e| fault_of("send to bob", &e))?;
    let mut stages = Vec::new();
    while let Some((from, stage)) = soon(tracking.next()).await.flatten() {
        let by = from.as_ref().map_or_else(String::new, |from| format!(" by {from}"));
        story.seen_by(from.as_ref(), format!("{}{by} after {}", stage.name(), human(began.elapsed())))?;
        stages.push(stage.name());
    }
    let took = began.elapsed();
    for wanted in ["accepted", "dispatched", "received", "consumed"] {
        if !stages.contains(&wanted) {
            let all = stages.join(", ");
            return Err(unseen(format_args!("the receipt \"{wanted}\" (there was {all})")).into());
        }
    }
    match bob.read.recv_timeout(PATIENCE) {
        Ok(read) if read == b"hello bob" => story.seen_of(BOB, "and bob has read: hello bob")?,
        _ => return Err(unseen("the message at bob's, as it was sent").into()),
    }
    story.count("receipts for one message", stages.len(), Some(took));
    Ok(())
}

async fn call_one_and_all(story: &mut Story, ada: &Peer, network: &Network) -> Result<(), End> {
    story.step(
        "Commands",
        "A peer can call a command of another, of some or of all, and gathers the answers.",
    )?;
    let argument = r#"{"n":1}"#;
    story.shell(format_args!("homing call bob echo '{argument}'"))?;
    let began = Clock::now();
    let echo = Command::get("echo").with_body("application/json", argument);
    let answer = ada.request(&address(BOB, network)?, echo, PATIENCE).await;
    let took = began.elapsed();
    let body = answer.map_err(|e| fault_of("call bob", &e))?.body;
    let text = String::from_utf8_lossy(&body);
    if text != argument {
        return Err(unseen(format_args!("the echo of {argument} (there was {text})")).into());
    }
    story.seen_of(BOB, format!("bob answers {text} after {}", human(took)))?;
    story.count("answers from one peer", 1, Some(took));

    story.shell("homing call '*' ping")?;
    let cannot = |e: Error| fault_of("call everyone", &e);
    let began = Clock::now();
    let all = Pattern::All(network.clone());
    let mut answers = ada.request_many(&all, Command::get("ping"), PATIENCE).await.map_err(cannot)?;
    while let Some((from, answer)) = answers.next().await {
        let word = if answer.is_ok() { "answers" } else { "fails" };
        story.seen_by(Some(&from), format!("{from} {word} after {}", human(began.elapsed())))?;
    }
    let took = began.elapsed();
    match answers.summary() {
        Some(Summary { answered, asked, .. }) if answered == asked && asked >= 2 => {
            story.count("answers from everyone", answered, Some(took));
            Ok(())
        }
        other => Err(unseen(format_args!("an answer from everyone ({other:?})")).into()),
    }
}

async fn lose_one(story: &mut Story, ada: &Peer, carol: &Running) -> Result<(), End> {
    story.step(
        "A crash",
        "Carol's node ends as in a crash, without a goodbye. The hub notices and tells the others; where not even \
         the connection breaks (a cable pulled), the heartbeat does.",
    )?;
    story.shell("kill -9 CAROL")?;
    let began = Clock::now();
    carol.peer.abort();
    let is_hers =
        |event: &Event| matches!(event, Event::PeerDown { peer } if peer.address.name() == CAROL.name);
    if !wait_until(ada, |event| event.is_some_and(is_hers)).await {
        return Err(unseen("that carol is gone").into());
    }
    let took = began.elapsed();
    story.seen_of(ADA, format!("ada hears that carol left, {} after the crash", human(took)))?;
    story.count("peers lost and noticed", 1, Some(took));
    Ok(())
}

async fn send_into_the_void(story: &mut Story, ada: &Peer, network: &Network) -> Result<(), End> {
    story
        .step("Nothing is lost in silence", "A message that cannot be delivered comes back and says why.")?;
    story.shell("homing send carol 'are you there?'")?;
    let message = Message::text("are you there?").with_receipts(Receipts::Received);
    let began = Clock::now();
    let mut tracking =
        ada.track(&address(CAROL, network)?, message).await.map_err(|e| fault_of("send to carol", &e))?;
    while let Some((_, stage)) = soon(tracking.next()).await.flatten() {
        let took = began.elapsed();
        if let Stage::Failed(failure) = &stage {
            story.seen_of(ADA, format!("failed after {}: {failure}", human(took)))?;
            if failure.reason != Reason::NOT_FOUND {
                return Err(Fault::not_delivered("carol", failure).into());
            }
            story.count("messages that came back", 1, Some(took));
            return Ok(());
        }
        story.seen(format!("{} after {}", stage.name(), human(took)))?;
    }
    Err(unseen("that the message came back").into())
}

/// What `work` gives, unless it takes too long.
async fn soon<T>(work: impl Future<Output = T>) -> Option<T> {
    timeout(PATIENCE, work).await.ok()
}

/// Waits until `seen` says yes to what the peer's events have brought about.
async fn wait_until(peer: &Peer, mut seen: impl FnMut(Option<&Event>) -> bool) -> bool {
    let waiting = async {
        let mut events = peer.events();
        while !seen(None) {
            match events.next().await {
                Some(event) if seen(Some(&event)) => break,
                Some(_) => {}
                None => return false,
            }
        }
        true
    };
    soon(waiting).await.unwrap_or(false)
}

fn address(who: Who, network: &Network) -> Result<Address, Fault> {
    Address::parse_in(who.name, network).map_err(|e| Fault::usage(format!("{e}"), "report it"))
}

/// Something that should have happened did not.
fn unseen(what: impl Display) -> Fault {
    Fault::new(
        Exit::Timeout,
        format!("the demo did not see {what}"),
        "run it again; if it stays, report it with homing demo --json",
    )
}
