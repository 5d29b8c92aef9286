//! Runs the examples of an adapter, as a user does: processes, TCP, standard input and output. Each
//! adapter has the same three, and runs this in its own `tests/examples.rs`.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use homing_std::{Dial, Event, Invite, Message, Options, Peer, Receipts, Seed, Serving, StaticKey};

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where cargo puts the example `name` of the adapter whose test this is.
fn example(name: &str) -> PathBuf {
    let adapter = env!("CARGO_PKG_NAME").trim_start_matches("homing-");
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("{adapter}-{name}{}", env::consts::EXE_SUFFIX));
    // `cargo test` builds it, but `cargo test --test examples` does not.
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
    let is_new = changed(&path).is_ok_and(|built| built >= changed(&source).unwrap());
    assert!(is_new, "{path:?} is not there, or old: build it first, with `cargo build --examples`");
    path
}

/// A hub that admits everybody, and its invite.
fn hub() -> (Peer, String) {
    let mut options = Options::new(StaticKey::generate(&Seed::from_bytes([1; 32])));
    let address = "hub@home".parse().unwrap();
    options.config.serving = Some(Serving { address, open: true, allow: Default::default() });
    let hub = Peer::start(options).unwrap();
    let target = hub.listen(&"127.0.0.1:0".parse().unwrap()).unwrap().to_string();
    let invite = Invite { key: hub.peer_id(), target, network: "home".parse().unwrap() };
    (hub, invite.to_string())
}

/// A process that runs, and is gone when this is.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Runs the example `name` in `folder`, where it keeps its key.
    fn start(folder: &Path, name: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new(example(name));
        command.args(arguments).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let (input, stdout, stderr) =
            (child.stdin.take(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
        forward(stdout, sender.clone());
        forward(stderr, sender);
        Running { child, input, lines, seen: Vec::new() }
    }

    #[track_caller]
    fn types(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line that begins with `begin`.
    #[track_caller]
    fn prints(&mut self, begin: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line that begins with {begin:?} in {:#?}", self.seen);
            };
            self.seen.push(line);
            if self.seen.last().is_some_and(|line| line.starts_with(begin)) {
                return;
            }
        }
    }

    /// Ends its input, and then as [`exits`](Running::exits).
    #[track_caller]
    fn ends(mut self, code: i32) -> Vec<String> {
        self.input = None;
        self.exits(code)
    }

    /// Waits for its end; gives back everything it has printed.
    #[track_caller]
    fn exits(mut self, code: i32) -> Vec<String> {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < end, "it does not end: {:#?}", self.seen),
            }
            thread::sleep(Duration::from_millis(5));
        };
        self.seen.extend(self.lines.iter());
        assert_eq!(status.code(), Some(code), "{:#?}", self.seen);
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|l| to.send(l)));
}

#[track_caller]
fn has(lines: &[String], begin: &str) {
    assert!(lines.iter().any(|line| line.starts_with(begin)), "no {begin:?} in {lines:#?}");
}

#[test]
fn two_chat() {
    let (_hub, invite) = hub();
    let folder = tempfile::tempdir().unwrap();
    let mut ada = Running::start(folder.path(), "chat", &[&invite, "ada"]);
    ada.prints("* you are ada@home");
    let mut bob = Running::start(folder.path(), "chat", &[&invite, "bob"]);
    ada.prints("* bob is here");
    bob.prints("* ada is here");

    ada.types("hello everybody");
    bob.prints("ada: hello everybody");
    bob.types("@ada just you");
    ada.prints("bob: just you");
    bob.prints("* received by ada");
    bob.types("@nobody are you there?");
    bob.prints("* not sent: ");
    bob.types("");
    bob.types("bye");
    ada.prints("bob: bye");

    bob.ends(0);
    ada.prints("* bob has left");
    ada.ends(0);
}

#[test]
fn what_was_typed_last_is_sent() {
    let (_hub, invite) = hub();
    let folder = tempfile::tempdir().unwrap();
    let mut ada = Running::start(folder.path(), "chat", &[&invite, "ada"]);
    ada.prints("* you are ada@home");
    // As from a pipe that ends at once.
    let mut bob = Running::start(folder.path(), "chat", &[&invite, "bob"]);
    bob.types("@ada one");
    bob.types("two");
    has(&bob.ends(0), "* received by ada");
    ada.prints("bob: one");
    ada.prints("bob: two");
    ada.ends(0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_chat_with_a_goodbye() {
    let (_hub, invite) = hub();
    let folder = tempfile::tempdir().unwrap();
    let mut ada = Running::start(folder.path(), "chat", &[&invite, "ada"]);
    let mut bob = Running::start(folder.path(), "chat", &[&invite, "bob"]);
    // It types first, so that it is known to wait for more, and for Ctrl-C.
    ada.prints("* bob is here");
    bob.types("hello");
    ada.prints("bob: hello");
    let interrupted = Command::new("kill").args(["-INT", &bob.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    // Its input stays open.
    let input = bob.input.take();
    bob.exits(0);
    drop(input);
    ada.prints("* bob has left");
    ada.ends(0);
}

#[test]
fn commands_are_served_and_called() {
    let (_hub, invite) = hub();
    let folder = tempfile::tempdir().unwrap();
    let mut bob = Running::start(folder.path(), "rpc", &["serve", &invite, "bob"]);
    bob.prints("serving");
    let call = |to: &str, numbers: &[&str]| {
        let mut arguments = vec!["call", &invite, "ada", to];
        arguments.extend(numbers);
        Running::start(folder.path(), "rpc", &arguments)
    };
    assert_eq!(call("bob", &["1", "2.5", "-3"]).exits(0), ["bob: 0.5"]);
    assert_eq!(call("bob", &[]).exits(0), ["bob: 0"]);
    let wrong = call("bob", &["1", "x"]).exits(1);
    assert!(wrong[0].starts_with("rpc: ") && wrong[0].contains("\"x\" is no number"), "{wrong:?}");
    let nobody = call("carol", &["1"]).exits(1);
    assert!(nobody[0].contains("no such peer"), "{nobody:?}");
    let all = call("all", &["1", "2"]).exits(0);
    has(&all, "bob: 3");
    has(&all, "2 of 2 answered"); // the hub, too, which says that it cannot
}

#[test]
fn the_demonstration_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Running::start(folder.path(), "rpc", &["demo"]).exits(0);
    assert_eq!(lines[0], "bob: 6");
    assert!(lines[1].contains("\"x\" is no number"), "{lines:#?}");
    let at = |line: &str| lines.iter().position(|other| other == line).unwrap();
    // On threads handlers run one at a time; in tasks, many.
    let one_at_a_time = env!("CARGO_PKG_NAME") == "homing-std";
    assert_eq!(at("bob has answered /slow") < at("bob: 9"), one_at_a_time, "{lines:#?}");
    has(&lines, "2 of 2 answered");
}

#[test]
fn wrong_use_is_answered_with_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, arguments: &[&str]| Running::start(folder.path(), name, arguments).exits(1);
    has(&run("chat", &[]), "chat: usage: ");
    has(&run("chat", &["no invite", "ada"]), "chat: an invite has the form ");
    has(&run("rpc", &["call"]), "rpc: usage: ");
}

#[test]
fn the_twenty_lines_speak_with_ada() {
    let (hub, invite) = hub();
    let ada = Peer::start(Options::new(StaticKey::generate(&Seed::from_bytes([2; 32])))).unwrap();
    ada.connect(Dial::invite(&invite.parse().unwrap(), "ada".parse().unwrap()), PATIENCE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut example = Running::start(folder.path(), "twenty", &[&invite]);
    example.prints("{\"pong\"");
    let hello = ada.events().find_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    assert_eq!(hello.unwrap().body, "hello");

    let to = ada.resolve("example").unwrap();
    let shouted = homing_std::Command::get("shout").with_body("text/plain", "hello");
    assert_eq!(ada.request(&to, shouted, PATIENCE).unwrap().body, b"HELLO");
    ada.send_and_wait(&to, Message::text("who are you?"), Receipts::Consumed, PATIENCE).unwrap();
    example.prints("ada@home/");
    assert!(example.seen.last().unwrap().ends_with(": who are you?"), "{:?}", example.seen);
    drop((example, ada, hub));
}

/// They are what is compiled and was run above, to the letter.
#[test]
fn the_pages_show_the_twenty_lines() {
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(adapter.join(file)).unwrap();
    let example = read("examples/twenty.rs");
    let (_, lines) = example.split_once("\n\n").unwrap(); // without the comment on top
    assert!(read("../docs/ADAPTERS.md").contains(&format!("```rust\n{lines}```")), "docs/ADAPTERS.md");
    // Those of std and tokio are also compiled where they stand.
    let compiled = ["homing-std", "homing-tokio"].contains(&env!("CARGO_PKG_NAME"));
    let kind = if compiled { "no_run" } else { "ignore" };
    assert!(read("../README.md").contains(&format!("```rust,{kind}\n{lines}```")), "README.md");
}
