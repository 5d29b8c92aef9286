//! `homing demo`: real processes over real TCP on this machine, narrated.

mod children;
mod story;
mod table;

use std::time::{Duration, Instant as Clock};

use homing_core::{Command, Dial, Event, Invite, Message, Name, Network, Pattern, Reason, Receipts, Stage};
use homing_std::{Peer, Summary};

use crate::Context;
use crate::args::{Demo, Pace};
use crate::exit::{End, Exit, Fault, fault_of};
use crate::home::random_key;
use crate::session::{Running, wait_until};
use crate::text::human;
use children::Company;
use story::Story;

/// How long any one thing may take. All of them take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The network's name.
const NETWORK: &str = "demo";

/// Plays the demo. It succeeds only if everything was seen.
pub(crate) fn run(context: &Context, args: &Demo) -> Result<(), End> {
    let mut company = Company::new(context)?;
    let mut story = Story::new(context.out, args.fast);
    story.open()?;
    let invite = start_hub(&mut story, &mut company)?;
    let ada = join_all(context, &mut story, &mut company, &invite)?;
    let result = play(&mut story, &mut company, &ada.peer, &invite.network);
    context.interrupt.check()?;
    result?;
    // Goodbyes before the table: that they work is part of what is shown.
    drop(ada);
    company.dismiss();
    story.close()
}

/// What happens once everybody is there.
fn play(story: &mut Story, company: &mut Company, ada: &Peer, network: &Network) -> Result<(), End> {
    send_with_receipts(story, company, ada, network)?;
    call_one_and_all(story, company, ada, network)?;
    kill_one(story, company, ada)?;
    send_into_the_void(story, company, ada, network)
}

fn start_hub(story: &mut Story, company: &mut Company) -> Result<Invite, End> {
    story.step(
        company,
        "A hub",
        "One peer has authority over a network: it lets others in and passes their messages on.",
    )?;
    story.shell("homing hub --open --network demo --listen 127.0.0.1:0")?;
    let options = ["hub", "--open", "--network", NETWORK, "--listen", "127.0.0.1:0", "--heartbeat", "lan"];
    company.start("hub", &options)?;
    let line = company.wait_for("hub", "hub", PATIENCE)?;
    let text = |field: &str| line.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_string();
    story.seen(format!("it listens on {}; its key is {}", text("listening"), text("fingerprint")))?;
    story.seen(format!("invite {}", text("invite")))?;
    let invite = text("invite");
    Ok(invite
        .parse()
        .map_err(|e| Fault::new(Exit::Protocol, format!("the hub's invite {invite}: {e}"), "report it"))?)
}

/// Bob and Cy are processes of their own; this process is Ada.
fn join_all(
    context: &Context,
    story: &mut Story,
    company: &mut Company,
    invite: &Invite,
) -> Result<Running, End> {
    story.step(
        company,
        "Three peers join",
        "The invite pins the hub's key, so no impostor can answer. Each brings a key of its own; everything is encrypted.",
    )?;
    let began = Clock::now();
    for name in ["bob", "cy"] {
        story.shell(format_args!("homing join INVITE --name {name}; homing listen"))?;
        company.start(name, &["join", &invite.to_string(), "--name", name])?;
        company.wait_for(name, "joined", PATIENCE)?;
        company.wait_end(name, PATIENCE)?;
        company.start(name, &["listen", "--heartbeat", "lan"])?;
        let line = company.wait_for(name, "ready", PATIENCE)?;
        let address = line.get("address").and_then(|value| value.as_str()).unwrap_or_default();
        story.seen(format!("{address} is in"))?;
    }
    let ada = Running::start(context, random_key()?, Pace::Lan)?;
    let name: Name = "ada".parse().map_err(|e| Fault::usage(format!("{e}"), "report it"))?;
    let dial = Dial { redial: false, ..Dial::invite(invite, name) };
    let joined = ada.peer.connect(dial, PATIENCE);
    context.interrupt.check()?;
    let joined = joined.map_err(|e| fault_of("join the demo's hub", &e))?;
    story.seen(format!("{} is in: that is this process", joined.address))?;
    let all = |names: &[&str]| {
        let peers = ada.peer.peers(NETWORK).unwrap_or_default();
        names.iter().all(|name| peers.iter().any(|peer| peer.address.name() == *name && peer.priority >= 0))
    };
    if !wait_until(&ada.peer, PATIENCE, |_| all(&["hub", "ada", "bob", "cy"])) {
        context.interrupt.check()?;
        return Err(unseen("everybody in the roster").into());
    }
    story.seen("the hub tells each who else is there: hub, ada, bob, cy")?;
    story.count("peers joined", 3, Some(began.elapsed()));
    Ok(ada)
}

fn send_with_receipts(
    story: &mut Story,
    company: &mut Company,
    ada: &Peer,
    network: &Network,
) -> Result<(), End> {
    story.step(
        company,
        "A message, and what becomes of it",
        "Receipts say how far it has come: the hub took it, passed it on, bob's program has it, bob has read it.",
    )?;
    story.shell("homing send bob 'hello bob' --wait consumed")?;
    let to = address("bob", network)?;
    let message = Message::text("hello bob").with_receipts(Receipts::Consumed);
    let mut tracking = ada.track(&to, message).map_err(|e| fault_of("send to bob", &e))?;
    let (began, mut stages) = (Clock::now(), Vec::new());
    while let Some((from, stage)) = tracking.next_timeout(PATIENCE) {
        let from = from.map_or_else(String::new, |from| format!(" by {from}"));
        story.seen(format!("{}{from} after {}", stage.name(), human(began.elapsed())))?;
        stages.push(stage.name());
    }
    let took = began.elapsed();
    for wanted in ["accepted", "dispatched", "received", "consumed"] {
        if !stages.contains(&wanted) {
            return Err(
                unseen(format_args!("the receipt \"{wanted}\" (there was {})", stages.join(", "))).into()
            );
        }
    }
    let line = company.wait_for("bob", "message", PATIENCE)?;
    if line.get("text").and_then(|text| text.as_str()) != Some("hello bob") {
        return Err(unseen("the message at bob's, as it was sent").into());
    }
    story.seen("and bob's process has printed it")?;
    story.count("receipts for one message", stages.len(), Some(took));
    Ok(())
}

fn call_one_and_all(
    story: &mut Story,
    company: &mut Company,
    ada: &Peer,
    network: &Network,
) -> Result<(), End> {
    story.step(
        company,
        "Commands",
        "A peer can call a command of another, of some or of all, and gathers the answers.",
    )?;
    let argument = r#"{"n":1}"#;
    story.shell(format_args!("homing call bob echo '{argument}'"))?;
    let began = Clock::now();
    let echo = Command::get("echo").with_body("application/json", argument);
    let answer =
        ada.request(&address("bob", network)?, echo, PATIENCE).map_err(|e| fault_of("call bob", &e))?;
    let took = began.elapsed();
    let text = String::from_utf8_lossy(&answer.body);
    if text != argument {
        return Err(unseen(format_args!("the echo of {argument} (there was {text})")).into());
    }
    story.seen(format!("bob answers {text} after {}", human(took)))?;
    story.count("answers from one peer", 1, Some(took));

    story.shell("homing call '*' ping")?;
    let began = Clock::now();
    let all = Pattern::All(network.clone());
    let calls = ada.request_many(&all, Command::get("ping"), PATIENCE);
    let mut answers = calls.map_err(|e| fault_of("call everyone", &e))?;
    for (from, answer) in answers.by_ref() {
        let word = if answer.is_ok() { "answers" } else { "fails" };
        story.seen(format!("{from} {word} after {}", human(began.elapsed())))?;
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

fn kill_one(story: &mut Story, company: &mut Company, ada: &Peer) -> Result<(), End> {
    story.step(
        company,
        "A crash",
        "Cy's process is killed and says no goodbye. The hub notices and tells the others; where not even the \
         connection breaks (a cable pulled), the heartbeat does.",
    )?;
    story.shell("kill -9 CY")?;
    let began = Clock::now();
    company.kill("cy")?;
    let gone = wait_until(
        ada,
        PATIENCE,
        |event| matches!(event, Some(Event::PeerDown { peer }) if peer.address.name() == "cy" && peer.priority >= 0),
    );
    if !gone {
        return Err(unseen("that cy is gone").into());
    }
    let took = began.elapsed();
    story.seen(format!("ada hears that cy left, {} after the kill", human(took)))?;
    story.count("peers lost and noticed", 1, Some(took));
    Ok(())
}

fn send_into_the_void(
    story: &mut Story,
    company: &mut Company,
    ada: &Peer,
    network: &Network,
) -> Result<(), End> {
    story.step(
        company,
        "Nothing is lost in silence",
        "A message that cannot be delivered comes back and says why.",
    )?;
    story.shell("homing send cy 'are you there?'")?;
    let message = Message::text("are you there?").with_receipts(Receipts::Received);
    let mut tracking =
        ada.track(&address("cy", network)?, message).map_err(|e| fault_of("send to cy", &e))?;
    let began = Clock::now();
    while let Some((_, stage)) = tracking.next_timeout(PATIENCE) {
        let took = began.elapsed();
        if let Stage::Failed(failure) = &stage {
            story.seen(format!("failed after {}: {failure}", human(took)))?;
            if failure.reason != Reason::NOT_FOUND {
                return Err(Fault::not_delivered("cy", failure).into());
            }
            story.count("messages that came back", 1, Some(took));
            return Ok(());
        }
        story.seen(format!("{} after {}", stage.name(), human(took)))?;
    }
    Err(unseen("that the message came back").into())
}

fn address(name: &str, network: &Network) -> Result<homing_core::Address, Fault> {
    homing_core::Address::parse_in(name, network).map_err(|e| Fault::usage(format!("{e}"), "report it"))
}

/// Something that should have happened did not.
fn unseen(what: impl std::fmt::Display) -> Fault {
    Fault::new(
        Exit::Timeout,
        format!("the demo did not see {what}"),
        "run it again; if it stays, report it with homing demo --json",
    )
}
