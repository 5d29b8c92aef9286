//! The demo's other processes: this program again, each with a home of its own. None outlives it.

use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant as Clock};

use serde_json::Value;

use crate::Context;
use crate::exit::{End, Exit, Fault};
use crate::interrupt::Interrupt;

/// How long a child may take to end by itself.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the children say, and what ends the waiting for it.
enum Said {
    /// A process, by its number, printed this.
    Line(usize, Value),
    /// It has closed its stdout.
    End(usize),
    /// The user wants the demo to end.
    Interrupted,
}

/// One process. It ends when its stdin does, however the demo itself ends.
struct Member {
    who: String,
    process: Child,
    lines: Vec<Value>,
    ended: bool,
}

/// All the processes, and the directory with their homes.
pub(crate) struct Company {
    dir: PathBuf,
    members: Vec<Member>,
    sender: Sender<Said>,
    said: Receiver<Said>,
    interrupt: Interrupt,
}

impl Company {
    /// Nobody yet.
    pub(crate) fn new(context: &Context) -> Result<Company, Fault> {
        let (sender, said) = channel();
        let dir = temporary_dir()?;
        let wake = sender.clone();
        context.interrupt.on(move || {
            let _ = wake.send(Said::Interrupted);
        });
        Ok(Company { dir, members: Vec::new(), sender, said, interrupt: context.interrupt.clone() })
    }

    /// Starts this program as `who`, with these arguments.
    pub(crate) fn start(&mut self, who: &str, arguments: &[&str]) -> Result<(), Fault> {
        let failed = |e: std::io::Error| {
            Fault::machine(
                format!("cannot start a process for {who}: {e}"),
                "see what limits this machine sets",
            )
        };
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(arguments).arg("--json").arg("--home").arg(self.dir.join(who));
        if matches!(arguments, ["hub" | "listen", ..]) {
            command.arg("--until-eof");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(failed)?;
        let (number, sender, stdout) = (self.members.len(), self.sender.clone(), process.stdout.take());
        self.members.push(Member { who: who.to_string(), process, lines: Vec::new(), ended: false });
        let read = move || {
            for line in
                stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok)
            {
                let _ = sender.send(Said::Line(number, serde_json::from_str(&line).unwrap_or_default()));
            }
            let _ = sender.send(Said::End(number));
        };
        thread::Builder::new().spawn(read).map_err(failed)?;
        Ok(())
    }

    /// The first line of the latest process of `who` with this `event`, once there is one.
    pub(crate) fn wait_for(&mut self, who: &str, event: &str, patience: Duration) -> Result<Value, End> {
        let until = Clock::now() + patience;
        loop {
            let member = self.latest(who)?;
            let named = |name| move |line: &&Value| line.get("event").and_then(Value::as_str) == Some(name);
            if let Some(line) = member.lines.iter().find(named(event)) {
                return Ok(line.clone());
            }
            let error = member.lines.iter().find(named("error")).cloned();
            let ended = member.ended;
            self.interrupt.check()?;
            if let Some(error) = error {
                let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
                let advice = error.get("advice").and_then(Value::as_str).unwrap_or_default();
                return Err(Fault::new(Exit::Protocol, format!("{who} failed: {message}"), advice).into());
            }
            if ended || !self.listen(until)? {
                let what = format!("{who} did not say \"{event}\" within {} s", patience.as_secs());
                return Err(Fault::new(Exit::Timeout, what, "run it again").into());
            }
        }
    }

    /// Waits until the latest process of `who` has ended by itself.
    pub(crate) fn wait_end(&mut self, who: &str, patience: Duration) -> Result<(), End> {
        let until = Clock::now() + patience;
        while !self.latest(who)?.ended {
            if !self.listen(until)? {
                return Err(Fault::new(Exit::Timeout, format!("{who} did not end"), "run it again").into());
            }
        }
        let member = self.latest(who)?;
        member
            .process
            .wait()
            .map_err(|e| Fault::machine(format!("cannot wait for {who}: {e}"), "run it again"))?;
        Ok(())
    }

    /// Gives the reader time, and listens meanwhile.
    pub(crate) fn pause(&mut self, time: Duration) -> Result<(), End> {
        let until = Clock::now() + time;
        while self.listen(until)? {}
        Ok(())
    }

    /// Ends the latest process of `who` as a crash does: SIGKILL.
    pub(crate) fn kill(&mut self, who: &str) -> Result<(), End> {
        let process = &mut self.latest(who)?.process;
        let killed = process.kill().and_then(|()| process.wait());
        killed.map_err(|e| Fault::machine(format!("cannot kill {who}: {e}"), "run it again"))?;
        Ok(())
    }

    /// Lets everybody go, the hub last, and removes their homes.
    pub(crate) fn dismiss(&mut self) {
        while let Some(mut member) = self.members.pop() {
            drop(member.process.stdin.take());
            let until = Clock::now() + GOODBYE;
            while matches!(member.process.try_wait(), Ok(None)) {
                if Clock::now() >= until {
                    let _ = member.process.kill();
                    let _ = member.process.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }

    fn latest(&mut self, who: &str) -> Result<&mut Member, Fault> {
        let missing = || Fault::machine(format!("there is no process of {who}"), "run it again");
        self.members.iter_mut().rev().find(|member| member.who == who).ok_or_else(missing)
    }

    /// Takes what is said next; false when nothing was until `until`.
    fn listen(&mut self, until: Clock) -> Result<bool, End> {
        match self.said.recv_timeout(until.saturating_duration_since(Clock::now())) {
            Ok(Said::Line(number, line)) => {
                if let Some(member) = self.members.get_mut(number) {
                    member.lines.push(line);
                }
                Ok(true)
            }
            Ok(Said::End(number)) => {
                if let Some(member) = self.members.get_mut(number) {
                    member.ended = true;
                }
                Ok(true)
            }
            Ok(Said::Interrupted) => Err(End::Interrupted),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                self.interrupt.check()?;
                Ok(false)
            }
        }
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.dismiss();
    }
}

/// A new directory that only this user can enter.
fn temporary_dir() -> Result<PathBuf, Fault> {
    let failed = |e: &dyn std::fmt::Display| {
        Fault::machine(
            format!("cannot make a temporary directory: {e}"),
            "set TMPDIR to a place that can be written",
        )
    };
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|e| failed(&e))?;
    let dir = std::env::temp_dir().join(format!("homing-demo-{:016x}", u64::from_be_bytes(random)));
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&dir).map_err(|e| failed(&e))?;
    Ok(dir)
}
