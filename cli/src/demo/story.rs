//! The narration: what is said, and the time to read it.

use std::fmt::Display;
use std::time::{Duration, Instant as Clock};

use super::children::Company;
use super::table::Table;
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
}

impl Story {
    /// Nothing told yet. `fast`: without pauses.
    pub(crate) fn new(out: Out, fast: bool) -> Story {
        Story { out, fast, step: 0, table: Table::default(), began: Clock::now() }
    }

    /// What this is about.
    pub(crate) fn open(&self) -> Result<(), End> {
        self.out.text(wrap(
            "Everything here is real: processes of this program, encrypted TCP on this machine's loopback. \
             Behind $ is what you would type.",
            "",
        ))
    }

    /// Begins a step, after a moment for reading the one before.
    pub(crate) fn step(&mut self, company: &mut Company, title: &str, why: &str) -> Result<(), End> {
        if self.step > 0 {
            self.pause(company)?;
        }
        self.step += 1;
        let heading = self.out.paint(Look::Bold, format_args!("{}. {title}", self.step));
        self.out.data(
            &Line::Step { step: self.step, text: format!("{title}. {why}") },
            format_args!("\n{heading}\n{}", wrap(why, "   ")),
        )
    }

    fn pause(&self, company: &mut Company) -> Result<(), End> {
        if self.fast { Ok(()) } else { company.pause(READING) }
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
        self.out.data(
            &Line::Step { step: self.step, text: what.to_string() },
            format_args!("   {} {what}", self.out.paint(Look::Good, "✓")),
        )
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
