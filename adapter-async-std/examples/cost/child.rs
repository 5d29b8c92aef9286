//! This program again, as one peer in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use crate::runtime::Runtime;

/// A peer in another process, told by lines what to do. It ends when its stdin does.
pub(crate) struct Child {
    process: std::process::Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// What a process has used since it began.
pub(crate) struct Used {
    nanoseconds: u64,
    turns: u64,
}

/// What one message costs a process.
#[derive(Clone, Copy)]
pub(crate) struct Each {
    pub(crate) microseconds: f64,
    pub(crate) turns: f64,
}

impl Used {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn since(&self, before: &Used, count: u64) -> Each {
        let each = |after: u64, before: u64| (after - before) as f64 / count as f64;
        Each {
            microseconds: each(self.nanoseconds, before.nanoseconds) / 1000.0,
            turns: each(self.turns, before.turns),
        }
    }
}

impl Child {
    pub(crate) fn start(role: &str, runtime: Runtime, place: &str) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([role, runtime.name(), place]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (to, from) = (process.stdin.take(), process.stdout.take().unwrap());
        Child { process, to, from: BufReader::new(from) }
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.from.read_line(&mut line).unwrap();
        assert_ne!(read, 0, "a process has ended, and its stderr says why");
        line.trim_end().to_string()
    }

    pub(crate) fn ask(&mut self, what: &str) {
        writeln!(self.to.as_ref().unwrap(), "{what}").unwrap();
    }

    pub(crate) fn used(&mut self) -> Used {
        self.ask("used");
        let line = self.line();
        let (nanoseconds, turns) = line.split_once(' ').unwrap();
        Used { nanoseconds: nanoseconds.parse().unwrap(), turns: turns.parse().unwrap() }
    }

    /// Lets it go, and waits until it has.
    pub(crate) fn dismiss(mut self) {
        drop(self.to.take());
        assert!(self.process.wait().unwrap().success());
    }
}
