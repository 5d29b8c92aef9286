//! Runs the program as a user does: real processes, real TCP, and no sleeping: every wait is for a
//! line or for an end.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of a test's own, removed at its end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Dir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, before it is started.
pub fn homing<S: AsRef<OsStr>>(home: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homing"));
    command.args(arguments).arg("--home").arg(home);
    command.env_remove("NO_COLOR").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command that ended has left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The lines of stdout, as JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    /// Those of one kind.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    #[track_caller]
    pub fn done(self) -> Ended {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It failed with `code`, and said so in one line.
    #[track_caller]
    pub fn failed(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.starts_with("homing: ") && self.err.contains(" : "), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self
    }
}

/// Runs a command to its end.
pub fn run(home: &Path, arguments: &[&str]) -> Ended {
    finish(homing(home, arguments))
}

pub fn finish(mut command: Command) -> Ended {
    Running::of(command.spawn().unwrap(), &format!("{command:?}")).end()
}

/// The same, with JSON; a failure must be told there too.
#[track_caller]
pub fn run_json(home: &Path, arguments: &[&str]) -> Ended {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let ended = run(home, &arguments);
    let last = ended.lines().pop();
    match ended.code {
        Some(0) => assert!(last.is_none_or(|line| line["event"] != "error"), "{ended:?}"),
        code => {
            let last = last.unwrap_or_else(|| panic!("no error object: {ended:?}"));
            assert_eq!(
                (&last["event"], last["exit"].as_i64()),
                (&"error".into(), code.map(i64::from)),
                "{ended:?}"
            );
        }
    }
    ended
}

/// A process that runs, and is gone when this is.
pub struct Running {
    child: Child,
    what: String,
    lines: Receiver<String>,
    seen: Vec<String>,
    errors: Option<thread::JoinHandle<String>>,
}

impl Running {
    pub fn start(home: &Path, arguments: &[&str]) -> Running {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        let mut command = homing(home, &arguments);
        Running::of(command.stdin(Stdio::piped()).spawn().unwrap(), &format!("{arguments:?}"))
    }

    pub fn of(mut child: Child, what: &str) -> Running {
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.map(|mut err| err.read_to_string(&mut text));
            text
        });
        Running { child, what: what.into(), lines, seen: Vec::new(), errors: Some(errors) }
    }

    /// The next line that `wanted` wants; those before it are passed over.
    #[track_caller]
    pub fn line(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let value: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
                    self.seen.push(line);
                    if wanted(&value) {
                        return value;
                    }
                }
                Err(e) => {
                    let _ = self.child.kill();
                    let errors = self.errors.take().map(|errors| errors.join());
                    panic!("{e} at {}; it printed {:#?} {errors:?}", self.what, self.seen);
                }
            }
        }
    }

    /// The next line of this kind.
    #[track_caller]
    pub fn event(&mut self, event: &str) -> Value {
        self.line(|line| line["event"] == event)
    }

    /// The next news that a peer of this name came (`up`) or left (`down`).
    #[track_caller]
    pub fn peer(&mut self, change: &str, name: &str) -> Value {
        self.line(|line| {
            line["event"] == "peer"
                && line["change"] == change
                && line["name"] == name
                && line["priority"] == 0
        })
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub fn say(&mut self, line: &str) {
        self.child.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let mut out = String::new();
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => out = out + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("{} does not end; it printed {out}", self.what);
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        let err = self.errors.take().unwrap().join().unwrap();
        Ended { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An open hub, and what joins it.
pub struct Net {
    pub dir: Dir,
    pub hub: Option<Running>,
    pub invite: String,
}

impl Net {
    /// An open hub of the network `home` on a free port.
    pub fn open() -> Net {
        Net::hub(&["--open", "--listen", "127.0.0.1:0"])
    }

    pub fn hub(options: &[&str]) -> Net {
        let mut net = Net { dir: Dir::new(), hub: None, invite: String::new() };
        net.start_hub(options);
        net
    }

    pub fn start_hub(&mut self, options: &[&str]) {
        let mut arguments = vec!["hub", "--name", "hub", "--network", "home", "--heartbeat", "lan"];
        arguments.extend(options);
        let mut hub = Running::start(&self.dir.path("hub"), &arguments);
        self.invite = hub.event("hub")["invite"].as_str().unwrap().to_string();
        self.hub = Some(hub);
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.path(name)
    }

    /// Joins under `name`, with a home of that name.
    #[track_caller]
    pub fn join(&self, name: &str) -> PathBuf {
        run_json(&self.home(name), &["join", &self.invite, "--name", name]).done();
        self.home(name)
    }

    /// Joins under `name`, and stays.
    #[track_caller]
    pub fn listen(&self, name: &str) -> Running {
        let home = self.join(name);
        let mut listen = Running::start(&home, &["listen", "--heartbeat", "lan"]);
        listen.event("ready");
        listen
    }
}

/// A port below those that the system hands out for outgoing connections: nobody takes it while it is
/// free for a moment.
pub fn steady_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = std::process::id().wrapping_mul(7).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(20_000 + n % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
