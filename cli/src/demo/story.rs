//! The narration: what is said, and the time to read it.

use std::fmt::Display;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant as Clock};

use homing_core::Address;

use super::company::Who;
use super::table::Table;
use crate::Context;
use crate::exit::End;
use crate::json::Line;
use crate::out::{Look, Out};

/// Time to read before each step but the first: about ten seconds in all.
const READING: Duration = Duration::from_millis(2000);

/// How wide the explanations are.
const WIDTH: usize = 88;

/// Tells the story and counts what was seen.
pub(crate) struct Story {
    out: Out,
    fast: bool,
    step: u32,
    table: Table,
    began: Clock,
    /// Its other end is dropped when the user wants the demo to end.
    interrupted: Receiver<()>,
}

impl Story {
    /// Nothing told yet. `fast`: without pauses.
    pub(crate) fn new(context: &Context, fast: bool) -> Story {
        let (until, interrupted) = channel();
        context.interrupt.on(move || drop(until));
        Story { out: context.out, fast, step: 0, table: Table::default(), began: Clock::now(), interrupted }
    }

    /// What this is about.
    pub(crate) fn open(&self) -> Result<(), End> {
        self.out.text(wrap(
            "Everything here is real: four peers in this process, on three runtimes (std, tokio, smol), and \
             encrypted TCP on this machine's loopback. Behind $ is what you would type, behind ✓ what the peer runs \
             on of which it was seen.",
            "",
        ))
    }

    /// Begins a step, after a moment for reading the one before.
    pub(crate) fn step(&mut self, title: &str, why: &str) -> Result<(), End> {
        if self.step > 0 {
            self.pause()?;
        }
        self.step += 1;
        let heading = self.out.paint(Look::Bold, format_args!("{}. {title}", self.step));
        self.out.data(
            &self.line(None, format!("{title}. {why}")),
            format_args!("\n{heading}\n{}", wrap(why, "   ")),
        )
    }

    fn pause(&self) -> Result<(), End> {
        let time = if self.fast { Duration::ZERO } else { READING };
        match self.interrupted.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(End::Interrupted),
        }
    }

    /// What the reader would type for what happens now.
    pub(crate) fn shell(&self, command: impl Display) -> Result<(), End> {
        self.out.text(format_args!(
            "   {} {}",
            self.out.paint(Look::Dim, "$"),
            self.out.paint(Look::Name, command)
        ))
    }

    /// Something was seen.
    pub(crate) fn seen(&self, what: impl Display) -> Result<(), End> {
        self.seen_with(None, what)
    }

    /// Something was seen of `who`.
    pub(crate) fn seen_of(&self, who: Who, what: impl Display) -> Result<(), End> {
        self.seen_with(Some(who), what)
    }

    /// Something was seen of whoever has this address, if anybody.
    pub(crate) fn seen_by(&self, address: Option<&Address>, what: impl Display) -> Result<(), End> {
        self.seen_with(address.and_then(Who::of), what)
    }

    /// On the left, what the one of whom it was seen runs on.
    fn seen_with(&self, who: Option<Who>, what: impl Display) -> Result<(), End> {
        let runtime = format!("{:5}", who.map_or("", |who| who.runtime));
        let text =
            format!("   {} {} {what}", self.out.paint(Look::Good, "✓"), self.out.paint(Look::Dim, runtime));
        self.out.data(&self.line(who, what.to_string()), text)
    }

    fn line(&self, who: Option<Who>, text: String) -> Line {
        let (peer, runtime) = who.map(|who| (who.name, who.runtime)).unzip();
        Line::Step { step: self.step, text, peer, runtime }
    }

    /// A row for the table at the end.
    pub(crate) fn count(&mut self, what: &'static str, count: impl TryInto<u64>, took: Option<Duration>) {
        self.table.add(what, count.try_into().unwrap_or(u64::MAX), took);
    }

    /// The table, and what to try next.
    pub(crate) fn close(mut self) -> Result<(), End> {
        self.table.add("steps, all as they should be", self.step.into(), Some(self.began.elapsed()));
        for line in self.table.lines() {
            self.out.line(&line)?;
        }
        self.out.text(format_args!("\n{}", self.out.paint(Look::Bold, "What happened")))?;
        self.out.text(self.table.text())?;
        self.out.text(format_args!("\n{}", self.out.paint(Look::Bold, "Now yourself")))?;
        for (command, what) in [
            ("homing hub --open", "here; it prints an invite"),
            ("homing join INVITE --name ada", "on another machine, or here with --home /tmp/ada"),
            ("homing listen", "there; it prints what arrives"),
            ("homing send ada 'hello'", "from a third, which has joined as somebody else"),
            ("homing call '*' ping", "and homing peers, ping, why, chat; each has --help"),
        ] {
            let command = self.out.paint(Look::Name, format_args!("{command:30}"));
            self.out.text(format_args!("  {command} {}", self.out.paint(Look::Dim, what)))?;
        }
        Ok(())
    }
}

/// Breaks text into lines, each behind `indent`.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_string()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() == indent.len() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let text = "word ".repeat(40);
        let wrapped = wrap(&text, "  ");
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH && line.starts_with("  word")));
        assert_eq!(wrapped.split_whitespace().count(), 40);
    }
}
