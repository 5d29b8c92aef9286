//! Printing: data to stdout, as text or as JSON lines; everything else to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use crate::exit::{End, Fault};
use crate::json;
use crate::text::harmless;

/// Where and how a command prints. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
    colour_out: bool,
    colour_err: bool,
    terminal: bool,
}

/// How a piece of text looks, where colours are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// Less important.
    Dim,
    /// More important.
    Bold,
    /// Went well.
    Good,
    /// Did not.
    Bad,
    /// A name.
    Name,
}

impl Look {
    /// The ANSI code.
    const fn code(self) -> &'static str {
        match self {
            Look::Dim => "2",
            Look::Bold => "1",
            Look::Good => "32",
            Look::Bad => "31",
            Look::Name => "36",
        }
    }
}

impl Out {
    /// Text or JSON; with colours where somebody sees them and does not mind.
    pub(crate) fn new(json: bool) -> Out {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let wanted = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let terminal = io::stdout().is_terminal();
        Out {
            json,
            colour_out: wanted && terminal && !json,
            colour_err: wanted && io::stderr().is_terminal(),
            terminal,
        }
    }

    /// Whether JSON is wanted.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether stdout is a terminal.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// `text` with this look, for stdout.
    pub(crate) fn paint(&self, look: Look, text: impl Display) -> String {
        paint(self.colour_out, look, text)
    }

    /// One piece of data: the line as JSON, or `text`.
    pub(crate) fn data(&self, line: &json::Line, text: impl Display) -> Result<(), End> {
        if self.json { self.line(line) } else { self.text(text) }
    }

    /// One line of JSON, where JSON is wanted.
    pub(crate) fn line(&self, line: &json::Line) -> Result<(), End> {
        if !self.json {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(line).unwrap_or_default();
        bytes.push(b'\n');
        self.raw(&bytes)
    }

    /// A line of text, where JSON is not wanted.
    pub(crate) fn text(&self, text: impl Display) -> Result<(), End> {
        if self.json { Ok(()) } else { self.raw(format!("{text}\n").as_bytes()) }
    }

    /// Bytes, as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), End> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(End::BrokenPipe),
            Err(e) => {
                Err(Fault::machine(format!("cannot write to stdout: {e}"), "check where it goes").into())
            }
        }
    }

    /// News that is no data, to stderr. Nobody may be reading: that is no error.
    pub(crate) fn note(&self, text: impl Display) {
        let text = paint(self.colour_err, Look::Dim, harmless(&text.to_string()));
        let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }

    /// Why the program ends: one line on stderr; with JSON, an object on stdout too.
    pub(crate) fn fault(&self, fault: &Fault) {
        let name = paint(self.colour_err, Look::Bad, "homing:");
        let _ = io::stderr().lock().write_all(format!("{name} {}\n", harmless(&fault.line())).as_bytes());
        let _ = self.line(&json::Line::Error {
            code: fault.reason.map(|reason| reason.code()),
            exit: fault.exit.number(),
            message: fault.what.clone(),
            advice: fault.advice.clone(),
        });
    }
}

fn paint(colour: bool, look: Look, text: impl Display) -> String {
    if colour { format!("\x1b[{}m{text}\x1b[0m", look.code()) } else { text.to_string() }
}
