//! Who a program is, kept in a file of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use homing_core::{Seed, StaticKey};

use crate::journal::sync_folder;

/// More than the file of a key ever has.
const MOST: u64 = 4096;

/// The key that is kept in the file at `path`, or a new one, which is kept there from now on.
///
/// The file holds 64 hexadecimal digits and can be read by its owner only. Who has it is this peer:
/// keep it like a password.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("key");
/// let key = homing_adapter::key_file(&path).unwrap();
/// assert_eq!(homing_adapter::key_file(&path).unwrap().peer_id(), key.peer_id());
/// ```
///
/// # Errors
/// Those of [`load_key`] and [`create_key`].
pub fn key_file(path: impl AsRef<Path>) -> io::Result<StaticKey> {
    let path = path.as_ref();
    match load_key(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => create_key(path),
        result => result,
    }
}

/// The key that is kept in the file at `path`.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::PermissionDenied`] when others than its owner
/// can use the file (or its owner cannot), [`ErrorKind::InvalidData`] when it holds no key.
pub fn load_key(path: impl AsRef<Path>) -> io::Result<StaticKey> {
    let file = File::open(path)?;
    check_private(&file)?;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    decode(text.trim()).ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidData, "the file holds no key (64 hexadecimal digits)")
    })
}

/// Draws a key from the system's randomness and keeps it in a new file at `path`, durably and for its
/// owner only.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when there is a file: a key is never overwritten. Besides, whatever
/// keeps it from being written.
pub fn create_key(path: impl AsRef<Path>) -> io::Result<StaticKey> {
    let path = path.as_ref();
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let key = StaticKey::generate(&Seed::from_bytes(random));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let digits: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    let written = writeln!(file, "{digits}").and_then(|()| file.sync_all());
    written.and_then(|()| sync_folder(path)).inspect_err(|_| {
        // Half a key is none.
        let _ = fs::remove_file(path);
    })?;
    Ok(key)
}

fn decode(text: &str) -> Option<StaticKey> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(StaticKey::from_bytes(bytes))
}

/// Refuses a file that others can use: what is in it is not only ours.
fn check_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let data = file.metadata()?;
        let mode = data.mode() & 0o7777;
        if data.is_file() && mode & 0o077 != 0 {
            let what = format!("others can use the key file (its mode is {mode:03o}): chmod 600");
            return Err(io::Error::new(ErrorKind::PermissionDenied, what));
        }
    }
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let kind = |result: io::Result<StaticKey>| result.unwrap_err().kind();
        assert_eq!(kind(load_key(&path)), ErrorKind::NotFound);
        let key = create_key(&path).unwrap();
        assert_eq!(load_key(&path).unwrap().expose(), key.expose());
        assert_eq!(kind(create_key(&path)), ErrorKind::AlreadyExists);
        for text in ["", "no key", &"g".repeat(64), &"é".repeat(32), &"0".repeat(63), &"0".repeat(65)] {
            fs::write(&path, text).unwrap();
            assert_eq!(kind(key_file(&path)), ErrorKind::InvalidData, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        key_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o644, 0o640, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(key_file(&path).unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
    }
}
