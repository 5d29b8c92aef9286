//! `homing chat`: lines typed go to everyone, or to one with `@name`.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant as Clock};

use homing_core::{Address, Event, Message, MessageId, Network, Stage};
use homing_std::Peer;

use crate::Context;
use crate::args::{Chat, Wait};
use crate::commands::arrivals::Arrivals;
use crate::commands::progress::Progress;
use crate::exit::End;
use crate::json::Line;
use crate::session::Session;
use crate::text::millis;

/// How long the last lines of a piped stdin are followed.
const LAST_RECEIPTS: Duration = Duration::from_secs(10);

/// What the chat waits for.
enum Turn {
    /// Something happened in the network; nothing more will, when there is none.
    Event(Option<Event>),
    /// A line was typed; none will be any more, when there is none.
    Line(Option<String>),
}

/// A line that was sent and not yet heard of.
struct Said {
    to: Address,
    at: Clock,
    progress: Progress,
}

/// Until stdin ends, or Ctrl-C.
pub(crate) fn run(context: &Context, args: &Chat) -> Result<(), End> {
    let profile = context.home.profile()?;
    let session = Session::stay(context, &profile, &args.connect)?;
    let network = &session.network;
    if !context.out.is_json() {
        context.out.note(format!(
            "you are {}; a line goes to everyone, @name text to one, Ctrl-D ends",
            session.address.bare()
        ));
    }
    let turns = turns(session.peer());
    let mut chat = Talk { context, peer: session.peer(), network, said: BTreeMap::new() };
    let mut arrivals = Arrivals::new(context, session.peer());
    chat.talk(&turns, &mut arrivals)?;
    context.out.line(&Line::Stopped {})
}

/// Two threads: one waits for the network, one for the user.
fn turns(peer: &Peer) -> Receiver<Turn> {
    let (sender, turns) = channel();
    let (events, lines): (_, Sender<Turn>) = (peer.events(), sender.clone());
    thread::spawn(move || {
        for event in events {
            if sender.send(Turn::Event(Some(event))).is_err() {
                return;
            }
        }
        let _ = sender.send(Turn::Event(None));
    });
    thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if lines.send(Turn::Line(Some(line))).is_err() {
                return;
            }
        }
        let _ = lines.send(Turn::Line(None));
    });
    turns
}

/// The conversation.
struct Talk<'a> {
    context: &'a Context,
    peer: &'a Peer,
    network: &'a Network,
    said: BTreeMap<MessageId, Said>,
}

impl Talk<'_> {
    fn talk(&mut self, turns: &Receiver<Turn>, arrivals: &mut Arrivals<'_>) -> Result<(), End> {
        let mut end: Option<Clock> = None;
        loop {
            let turn = match end {
                // Nothing more is typed: what was said is followed to its end.
                Some(_) if self.said.is_empty() => return Ok(()),
                Some(end) => turns.recv_timeout(end.saturating_duration_since(Clock::now())),
                None => turns.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match turn {
                Ok(Turn::Line(Some(line))) => self.say(line.trim())?,
                Ok(Turn::Line(None)) => end = Some(Clock::now() + LAST_RECEIPTS),
                Ok(Turn::Event(Some(Event::Receipt { id, from, stage }))) => {
                    self.receipt(id, from.as_ref(), &stage)?;
                }
                Ok(Turn::Event(Some(event))) => arrivals.take(&event)?,
                Ok(Turn::Event(None)) | Err(_) => return Ok(()),
            }
        }
    }

    /// Sends one line. What cannot be sent is said, and ends nothing.
    fn say(&mut self, line: &str) -> Result<(), End> {
        if line.is_empty() {
            return Ok(());
        }
        let (to, text) = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            None => ("*", line),
        };
        let to = match Address::parse_in(to, self.network) {
            Ok(to) => to,
            Err(e) => {
                self.context.out.note(format!("not sent: {to:?} is no address: {e}"));
                return Ok(());
            }
        };
        let message = Message::text(text.trim()).with_receipts(Wait::Received.receipts());
        let bytes = message.body.len();
        match self.peer.try_send(&to, message) {
            Ok(id) => {
                self.context.out.line(&Line::Sent { id: id.to_string(), to: to.to_string(), bytes })?;
                let progress = Progress::new(Wait::Received, to.is_everyone());
                self.said.insert(id, Said { to, at: Clock::now(), progress });
            }
            Err(e) => self.context.out.note(format!("not sent to {to}: {e}")),
        }
        Ok(())
    }

    /// People hear of failures only.
    fn receipt(&mut self, id: MessageId, from: Option<&Address>, stage: &Stage) -> Result<(), End> {
        let Some(said) = self.said.get_mut(&id) else { return Ok(()) };
        self.context.out.line(&Line::receipt(&id.to_string(), from, stage, millis(said.at.elapsed())))?;
        if let (Stage::Failed(failure), false) = (stage, self.context.out.is_json()) {
            let whom = from.filter(|_| said.to.is_everyone()).unwrap_or(&said.to);
            self.context.out.note(format!("not delivered to {whom}: {failure}"));
        }
        let ended = said.progress.take(stage);
        if let (Some(Err(failure)), Stage::Dispatched { .. }) = (&ended, stage) {
            self.context.out.note(format!("nobody else is here: {failure}"));
        }
        if ended.is_some() {
            self.said.remove(&id);
        }
        Ok(())
    }
}
