//! The processes of a measurement: brokers, and the clients at them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use homing_bench_worker::Report;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;

/// A process that is gone when this is.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Runs `command`, whose output is read line by line.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Process> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{name}: {:?}: {e}", command.get_program()))?;
        let (sender, lines) = channel();
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        let to = sender.clone();
        thread::spawn(move || {
            BufReader::new(out?).lines().map_while(std::result::Result::ok).try_for_each(|l| to.send(l)).ok()
        });
        thread::spawn(move || {
            let mut lines = BufReader::new(errors?).lines().map_while(std::result::Result::ok);
            lines.try_for_each(|line| sender.send(line)).ok()
        });
        Ok(Process { name: name.to_string(), child, lines })
    }

    /// Waits for a line in which `find` finds something.
    pub(crate) fn wait<T>(&self, patience: Duration, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let (end, mut seen) = (Instant::now() + patience, Vec::new());
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => match find(&line) {
                    Some(found) => return Ok(found),
                    None => seen.push(line),
                },
                Err(why) => {
                    let why = match why {
                        RecvTimeoutError::Timeout => format!("nothing came within {patience:?}"),
                        RecvTimeoutError::Disconnected => "it has ended".into(),
                    };
                    let last = &seen[seen.len().saturating_sub(3)..];
                    return Err(format!("{}: {why}; it said {last:?}", self.name).into());
                }
            }
        }
    }

    /// The next line, if one comes in this time.
    fn line(&self, patience: Duration) -> Result<Option<String>> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(format!("{}: it has ended", self.name).into()),
        }
    }

    /// Fails when it has ended, with what it said last.
    fn check(&self) -> Result<()> {
        if Path::new(&format!("/proc/{}/task", self.child.id())).exists() && !self.is_zombie() {
            return Ok(());
        }
        let said: Vec<_> = self.lines.try_iter().collect();
        Err(format!("{}: {}", self.name, said.last().map_or("it has ended", String::as_str)).into())
    }

    /// It has ended, and nobody has asked how.
    fn is_zombie(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
    }

    /// What it holds of the machine's memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        let resident = text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
        Ok(resident.ok_or("how much is resident is not said")?.parse::<u64>()? * 1024)
    }

    fn files(&self, name: &str) -> impl Iterator<Item = String> + use<> {
        let (tasks, name) = (format!("/proc/{}/task", self.child.id()), name.to_string());
        let tasks = fs::read_dir(tasks).into_iter().flatten().flatten();
        tasks.filter_map(move |task| fs::read_to_string(task.path().join(&name)).ok())
    }

    /// The CPU time of its threads that live, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let of_task = |text: String| text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok());
        self.files("schedstat").filter_map(of_task).sum::<f64>() / 1e9
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of a broker.
#[derive(Debug)]
pub(crate) struct Client {
    process: Process,
    input: ChildStdin,
}

impl Client {
    /// Starts one, and waits until it is ready.
    pub(crate) fn start(name: &str, command: &mut Command, patience: Duration) -> Result<Client> {
        let mut process = Process::start(name, command)?;
        let input = process.child.stdin.take().ok_or("no input")?;
        process.wait(patience, |line| (line == "ready").then_some(()))?;
        Ok(Client { process, input })
    }

    /// The CPU time of its threads that live, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        self.process.cpu()
    }

    /// Fails when it has ended, with what it said last.
    pub(crate) fn check(&self) -> Result<()> {
        self.process.check()
    }

    pub(crate) fn say(&mut self, word: &str) -> Result<()> {
        Ok(writeln!(self.input, "{word}")?)
    }

    /// What it measured.
    pub(crate) fn report(&self, patience: Duration) -> Result<Report> {
        self.process.wait(patience, |line| serde_json::from_str(line).ok())
    }

    /// The same; fails at once when `other`, without which nothing comes of it, has failed.
    pub(crate) fn report_beside(&self, other: &Client, patience: Duration) -> Result<Report> {
        let end = Instant::now() + patience;
        loop {
            match self.process.line(Duration::from_millis(50))? {
                Some(line) => {
                    if let Ok(report) = serde_json::from_str(&line) {
                        return Ok(report);
                    }
                }
                // What it says is why it fails, or what it measures and is asked for later.
                None => other.check()?,
            }
            if Instant::now() > end {
                return Err(format!("{}: nothing came within {patience:?}", self.process.name).into());
            }
        }
    }
}

/// Waits until `cpu`, the CPU time of some processes in seconds, hardly grows any more: what connecting has brought
/// with it is done.
pub(crate) fn settle(patience: Duration, cpu: impl Fn() -> f64) -> Result<()> {
    const MOMENT: Duration = Duration::from_millis(100);
    let (end, mut before) = (Instant::now() + patience, cpu());
    loop {
        thread::sleep(MOMENT);
        let now = cpu();
        if now - before < MOMENT.as_secs_f64() / 10.0 {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("still busy after {patience:?}").into());
        }
        before = now;
    }
}

/// Lets processes that are started from now on open as many files as the system allows.
pub(crate) fn raise_open_files() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// How many files a process may open.
pub(crate) fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
