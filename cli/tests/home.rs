//! Where state is kept, and who can read it; and the help.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::process::{Command, Stdio};

use common::{Dir, Net, finish, run, run_json};

#[cfg(unix)]
#[test]
fn the_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let home = dir.path("a/b");
    let made = run_json(&home, &["keygen"]).done();
    let key = made.events("key")[0]["key"].as_str().unwrap().to_string();
    assert_eq!(key.len(), 56);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&home.join("key")), mode(&home)), (0o600, 0o700));
    // It is never overwritten.
    let before = std::fs::read(home.join("key")).unwrap();
    let again = run_json(&home, &["keygen"]).failed(2);
    assert!(again.err.contains(home.join("key").to_str().unwrap()), "{again:?}");
    assert_eq!(std::fs::read(home.join("key")).unwrap(), before);
    // It is the one that is used.
    let net = Net::hub(&["--listen", "127.0.0.1:0", "--allow", &key]);
    let joined = run_json(&home, &["join", &net.invite, "--name", "ada"]).done();
    assert_eq!(joined.events("joined")[0]["key"], key.as_str());
    assert_eq!(mode(&home.join("profile.json")), 0o600);
    assert_eq!(mode(&net.home("hub").join("key")), 0o600);
}

fn plain() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homing"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn home_stands_before_or_after_the_command_or_is_the_usual_one() {
    let dir = Dir::new();
    let mut before = plain();
    before.arg("--home").arg(dir.path("before")).arg("keygen");
    let mut after = plain();
    after.arg("keygen").arg("--home").arg(dir.path("after"));
    let mut xdg = plain();
    xdg.arg("keygen").env("XDG_DATA_HOME", dir.path("xdg"));
    let mut user = plain();
    user.arg("keygen").env_remove("XDG_DATA_HOME").env("HOME", dir.path("user"));
    for command in [before, after, xdg, user] {
        finish(command).done();
    }
    for home in ["before", "after", "xdg/homing", "user/.local/share/homing"] {
        assert!(dir.path(home).join("key").is_file(), "{home}");
    }
}

#[test]
fn every_help_begins_with_an_example() {
    let dir = Dir::new();
    let help = run(&dir.path("x"), &["--help"]).done().out;
    assert!(help.starts_with("Example:\n  homing demo"), "{help}");
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for name in ["demo", "keygen", "hub", "join", "listen", "send", "call", "peers", "ping", "why", "chat"] {
        assert!(names.contains(&name), "{names:?} lacks {name}");
    }
    for name in names {
        for flag in ["--help", "-h"] {
            let help = run(&dir.path("x"), &[name, flag]).done().out;
            assert!(help.starts_with(&format!("Example:\n  homing {name}")), "{name}: {help}");
            assert!(help.contains("--json") && help.contains("--home"), "{name}: {help}");
        }
    }
    assert!(run(&dir.path("x"), &["--version"]).done().out.starts_with("homing "));
}
