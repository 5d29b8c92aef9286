//! Bad use: each is told in one line that says what to do, with its exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

use common::{Dir, Ended, Net, finish, homing, run, run_json};

/// A key in the form of a hub's, which nobody has.
const KEY: &str = "j2woecfe752kgumsnucvio76wpk6jpvofkijzps7gucemi6s6bnqct37";

#[track_caller]
fn says(ended: Ended, code: i32, what: &str, advice: &str) {
    let ended = ended.failed(code);
    let (said, advised) = ended.err.rsplit_once(" : ").unwrap();
    assert!(said.contains(what) && advised.contains(advice), "{what:?} / {advice:?}: {}", ended.err);
}

#[test]
fn no_hub_there() {
    let dir = Dir::new();
    let invite = format!("homing://{KEY}@127.0.0.1:1/home");
    let ended = run_json(&dir.path("ada"), &["join", &invite, "--name", "ada"]);
    says(ended, 5, "127.0.0.1:1", "start the hub there");
    assert!(!dir.path("ada").join("profile.json").exists());
    says(run(&dir.path("ada"), &["peers"]), 2, "no network was joined", "homing join INVITE");
}

#[test]
fn wrong_network_or_key() {
    let net = Net::open();
    let other = net.invite.replace("/home", "/work");
    says(run_json(&net.home("ada"), &["join", &other, "--name", "ada"]), 8, "join work", "ask its keeper");
    let at = net.invite.find('@').unwrap();
    let impostor = format!("homing://{KEY}{}", &net.invite[at..]);
    says(run_json(&net.home("ada"), &["join", &impostor, "--name", "ada"]), 8, "join home", "ask its keeper");
}

#[test]
fn a_name_that_another_key_has() {
    let net = Net::open();
    net.join("ada");
    let ended = run_json(&net.home("eve"), &["join", &net.invite, "--name", "ada"]);
    says(ended, 3, "belongs to another key", "another name");
    says(run_json(&net.home("eve"), &["join", &net.invite, "--name", "hub"]), 3, "as hub", "another name");
}

#[test]
fn a_key_that_is_not_on_the_list() {
    let mut net = Net::hub(&["--listen", "127.0.0.1:0"]);
    let ended = run_json(&net.home("ada"), &["join", &net.invite, "--name", "ada"]);
    let key = ended.err.trim().rsplit(' ').next().unwrap().to_string();
    assert_eq!(key.len(), 56, "{ended:?}");
    says(ended, 3, "not on the hub's list", "--allow");
    // Its keeper does as it says.
    net.hub.take().unwrap().kill();
    net.start_hub(&["--listen", "127.0.0.1:0", "--allow", &key]);
    net.join("ada");
    says(run_json(&net.home("eve"), &["join", &net.invite, "--name", "eve"]), 3, "list", "--allow");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_or_that_holds_no_key() {
    use std::os::unix::fs::PermissionsExt;
    let net = Net::open();
    let ada = net.join("ada");
    let key = ada.join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    for arguments in [&["peers"][..], &["listen"], &["send", "bob", "x"], &["chat"], &["hub", "--open"]] {
        says(run_json(&ada, arguments), 2, "others can use the key file", "chmod 600");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    run(&ada, &["peers"]).done();
    fs::write(&key, "no key").unwrap();
    says(run_json(&ada, &["peers"]), 2, "holds no key", "backup");
    fs::remove_file(&key).unwrap();
    says(run_json(&ada, &["peers"]), 2, "is gone", "join again");
    fs::create_dir(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o700)).unwrap();
    says(run_json(&ada, &["peers"]), 2, "cannot read the key file", "--home");
}

#[test]
fn a_profile_that_is_none() {
    let net = Net::open();
    let ada = net.join("ada");
    fs::write(ada.join("profile.json"), "{").unwrap();
    says(run_json(&ada, &["peers"]), 2, "not a profile", "join again");
}

#[test]
fn bad_addresses_and_bad_json() {
    let net = Net::open();
    let ada = net.join("ada");
    for to in ["Bob", "bob@", "bob@home/x/y", "-"] {
        says(run_json(&ada, &["send", to, "hello"]), 2, "is no address", "write a name");
    }
    says(run_json(&ada, &["call", "hub", "echo", "{n:1}"]), 2, "no JSON", "quote it");
    says(run_json(&ada, &["send", "bob@work", "hello"]), 7, "bob@work", "network's name");
    says(run_json(&ada, &["ping", "*"]), 2, "one peer", "homing call '*' ping");
    says(run(&ada, &["join", "nonsense", "--name", "ada"]), 2, "an invite has the form", "--help");
    says(run(&ada, &["hub", "--allow", "nonsense"]), 2, "a key is 56", "--help");
    says(run(&ada, &["hub", "--listen", "1.2.3.4:99999"]), 2, "port", "--help");
    says(run(&ada, &["sned"]), 2, "unrecognized", "did you mean send?");
    says(run(&ada, &["send", "bob"]), 2, "<TEXT>", "homing send --help");
    says(run(&ada, &["ping", "bob", "--timeout", "soon"]), 2, "write a time like", "--help");
    says(run_json(&ada, &["ping"]), 2, "<TO>", "--help");
}

#[test]
fn a_port_or_an_address_that_cannot_be_had() {
    let (dir, taken) = (Dir::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let at = taken.local_addr().unwrap().to_string();
    says(run_json(&dir.path("hub"), &["hub", "--open", "--listen", &at]), 1, &at, "--listen");
    let ended =
        run_json(&dir.path("hub"), &["hub", "--open", "--listen", "127.0.0.1:0", "--advertise", "a b"]);
    says(ended, 2, "cannot stand in an invite", "--advertise");
}

#[test]
fn what_is_there_is_no_hub() {
    let dir = Dir::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let invite = format!("homing://{KEY}@{}/home", server.local_addr().unwrap());
    let silent = thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // The next one is not even spoken to; both stay open until the test ends.
        (stream, server.accept())
    });
    let ended = run_json(&dir.path("ada"), &["join", &invite, "--name", "ada"]);
    says(ended, 8, "does not speak Homing", "another program");
    let ended = run_json(&dir.path("ada"), &["join", &invite, "--name", "ada", "--connect-timeout", "300ms"]);
    says(ended, 6, "in time", "");
    let _ = silent.join();
}

#[test]
fn a_home_that_cannot_be_made() {
    let dir = Dir::new();
    fs::write(dir.path("file"), "").unwrap();
    says(run_json(&dir.path("file/home"), &["keygen"]), 2, "cannot make", "--home");
    let mut command = homing(&dir.path("x"), &["keygen"]);
    command.env_clear();
    finish(command).done();
}
