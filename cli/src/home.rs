//! What is kept in `--home DIR`: the key, the profile, a hub's journal.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use homing_core::{Invite, Name, StaticKey};
use serde::{Deserialize, Serialize};

use crate::exit::Fault;

/// The profile's version. A reader refuses a later one.
const VERSION: u32 = 1;

/// More than any file here has.
const MOST: u64 = 64 * 1024;

/// The directory in which a user's, or a hub's, state lives.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    dir: PathBuf,
}

/// What `homing join` remembers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Profile {
    /// How to come into the network.
    pub(crate) invite: Invite,
    /// The name there.
    pub(crate) name: Name,
}

/// `profile.json`. Fields that are not known are passed over; the first network is the one in use.
#[derive(Serialize, Deserialize)]
struct ProfileFile {
    version: u32,
    networks: Vec<NetworkEntry>,
}

/// One network that was joined.
#[derive(Serialize, Deserialize)]
struct NetworkEntry {
    invite: String,
    name: String,
}

impl Home {
    /// `dir`, or the usual place.
    pub(crate) fn at(dir: Option<PathBuf>) -> Result<Home, Fault> {
        match dir.or_else(usual) {
            Some(dir) => Ok(Home { dir }),
            None => Err(Fault::usage("there is no home directory", "say where to keep state: --home DIR")),
        }
    }

    /// Where the key is.
    pub(crate) fn key_path(&self) -> PathBuf {
        self.dir.join("key")
    }

    /// Where the hub's journal is.
    pub(crate) fn journal_path(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// Where the profile is.
    pub(crate) fn profile_path(&self) -> PathBuf {
        self.dir.join("profile.json")
    }

    /// Makes the directory, for its owner only.
    pub(crate) fn create(&self) -> Result<(), Fault> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir).map_err(|e| {
            Fault::usage(
                format!("cannot make {}: {e}", self.dir.display()),
                "choose another place with --home DIR",
            )
        })
    }

    /// The key, if there is one.
    pub(crate) fn key(&self) -> Result<Option<StaticKey>, Fault> {
        let path = self.key_path();
        let shown = path.display();
        match homing_std::load_key(&path) {
            Ok(key) => Ok(Some(key)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(Fault::usage(
                format!("the key file {shown} holds no key (64 hexadecimal digits)"),
                "restore it from a backup, or move it away and run homing keygen",
            )),
            // An error of the system's has a number; the other is that others can use the file.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied && e.raw_os_error().is_none() => {
                Err(Fault::usage(
                    format!("others can use the key file {shown}"),
                    format!("chmod 600 {shown}; if somebody may have read it, make a new one"),
                ))
            }
            Err(e) => Err(Fault::usage(
                format!("cannot read the key file {shown}: {e}"),
                "make it readable for you alone (chmod 600), or choose another --home DIR",
            )),
        }
    }

    /// The key; a new one, if there is none.
    pub(crate) fn key_or_new(&self) -> Result<StaticKey, Fault> {
        match self.key()? {
            Some(key) => Ok(key),
            None => self.new_key(),
        }
    }

    /// Draws a key and keeps it. An existing one is never overwritten.
    pub(crate) fn new_key(&self) -> Result<StaticKey, Fault> {
        self.create()?;
        let path = self.key_path();
        homing_std::create_key(&path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Fault::usage(
                format!("there is a key already in {}", path.display()),
                "keep it: it is who you are; or choose another --home DIR",
            ),
            _ => Fault::usage(format!("cannot write {}: {e}", path.display()), "choose another --home DIR"),
        })
    }

    /// What was joined.
    pub(crate) fn profile(&self) -> Result<Profile, Fault> {
        let path = self.profile_path();
        let text = match File::open(&path).and_then(read) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::usage(
                    format!("no network was joined yet in {}", self.dir.display()),
                    "homing join INVITE --name YOU",
                ));
            }
            Err(e) => {
                let advice = match e.kind() {
                    io::ErrorKind::InvalidData => "join again: homing join INVITE --name YOU",
                    _ => "make it readable for you, or choose another --home DIR",
                };
                return Err(Fault::usage(format!("cannot read {}: {e}", path.display()), advice));
            }
        };
        parse_profile(&text).map_err(|why| {
            Fault::usage(format!("{}: {why}", path.display()), "join again: homing join INVITE --name YOU")
        })
    }

    /// Remembers what was joined, in place of what was before: at any moment the file holds one or the other.
    pub(crate) fn remember(&self, profile: &Profile) -> Result<(), Fault> {
        let entry = NetworkEntry { invite: profile.invite.to_string(), name: profile.name.to_string() };
        let file = ProfileFile { version: VERSION, networks: vec![entry] };
        let path = self.profile_path();
        let write = || -> io::Result<()> {
            let text = serde_json::to_string_pretty(&file)? + "\n";
            let draft = self.dir.join(format!("profile.json.{}", std::process::id()));
            let _ = fs::remove_file(&draft);
            create_private(&draft, text.as_bytes())?;
            fs::rename(&draft, &path).inspect_err(|_| {
                let _ = fs::remove_file(&draft);
            })?;
            sync_dir(&self.dir)
        };
        write().map_err(|e| {
            Fault::machine(
                format!("cannot write {}: {e}", path.display()),
                "make room, or choose another --home DIR",
            )
        })
    }
}

/// A key from the system's randomness.
pub(crate) fn random_key() -> Result<StaticKey, Fault> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Fault::machine(format!("the system has no randomness: {e}"), "try again later"))?;
    Ok(StaticKey::from_bytes(bytes))
}

/// The XDG data directory; on Windows, the application data directory.
fn usual() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = if cfg!(windows) {
        var("APPDATA")
    } else {
        var("XDG_DATA_HOME").or_else(|| Some(var("HOME")?.join(".local/share")))
    };
    Some(data?.join("homing"))
}

/// Reads the profile's text; an error says what is wrong with it.
fn parse_profile(text: &str) -> Result<Profile, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_str(text).map_err(|e| format!("not a profile: {e}"))?;
    if version > VERSION {
        return Err(format!("written by a later version of homing ({version})"));
    }
    let file: ProfileFile = serde_json::from_str(text).map_err(|e| format!("not a profile: {e}"))?;
    let first = file.networks.first().ok_or("it holds no network")?;
    Ok(Profile {
        invite: first.invite.parse().map_err(|e| format!("{e}"))?,
        name: first.name.parse().map_err(|e| format!("the name: {e}"))?,
    })
}

fn read(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a file that was not there, for its owner only, and makes it durable.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| path.parent().map_or(Ok(()), sync_dir)).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Makes durable which files a directory holds, where that can be asked for.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_what_is_wrong_with_them() {
        let key = StaticKey::from_bytes([1; 32]).peer_id();
        let good = format!(
            r#"{{"version":1,"later":true,"networks":[{{"invite":"homing://{key}@h:1/home","name":"ada","x":1}}]}}"#
        );
        let profile = parse_profile(&good).unwrap();
        assert_eq!((profile.name.as_str(), profile.invite.network.as_str()), ("ada", "home"));
        for (text, why) in [
            (String::new(), "not a profile"),
            ("{}".into(), "version"),
            (good.replace(":1,", ":2,"), "later version"),
            (r#"{"version":1,"networks":[]}"#.into(), "no network"),
            (good.replace("ada", "Ada"), "the name"),
            (good.replace("homing:", "http:"), "an invite has the form"),
        ] {
            let error = parse_profile(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
