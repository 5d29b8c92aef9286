//! A store in one file that only grows.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::store::Store;

/// The file's first bytes: what it is, and the version of its form.
const MAGIC: [u8; 8] = *b"HOMINGJ\x01";
/// Length and checksum before each entry.
const HEAD: usize = 8;
/// The largest entry. A length beyond it is damage, not a length.
const MOST: usize = 64 * 1024;

/// Keeps a node's entries in a file, each on the disk before the node goes on.
///
/// The file is a header of 8 bytes, then for each entry its length (`u32`, big-endian), the CRC-32 of
/// length and entry (`u32`, big-endian), and the entry. A crash in the middle of writing leaves a
/// last entry that is not whole; it was never acknowledged, and is cut off at the next start
/// ([`cut_off`](Journal::cut_off) says so). Anything else that does not check is damage, and the file
/// is left as it is.
///
/// One process at a time may have it open.
#[derive(Debug)]
pub struct Journal {
    file: File,
    entries: Vec<Vec<u8>>,
    /// Where the next entry goes.
    end: u64,
    cut_off: u64,
    /// A half-written entry could not be taken back.
    broken: bool,
}

impl Journal {
    /// Opens the journal at `path`, or begins one there.
    ///
    /// # Errors
    /// When another process has it open ([`ErrorKind::WouldBlock`]); when the file cannot be read or
    /// written, is not a journal, or is damaged: the error names the place, in bytes from the start
    /// ([`ErrorKind::InvalidData`]).
    pub fn open(path: impl AsRef<Path>) -> io::Result<Journal> {
        let path = path.as_ref();
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => io::Error::new(
                ErrorKind::WouldBlock,
                "another process has this journal open: is the hub running already?",
            ),
            TryLockError::Error(e) => e,
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
            // New, or the first start ended before the header was written.
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&MAGIC)?;
            file.sync_all()?;
            sync_folder(path)?;
            bytes = MAGIC.to_vec();
        }
        let (entries, end) = parse(&bytes)?;
        let cut_off = (bytes.len() - end) as u64;
        if cut_off > 0 {
            file.set_len(end as u64)?;
            file.sync_all()?;
        }
        Ok(Journal { file, entries, end: end as u64, cut_off, broken: false })
    }

    /// How many bytes of an entry that was not whole were cut off when it was opened; usually none.
    pub fn cut_off(&self) -> u64 {
        self.cut_off
    }
}

impl Store for Journal {
    fn entries(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(std::mem::take(&mut self.entries))
    }

    fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier entry was half written; open the journal again"));
        }
        let record = record(entry)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        match self.file.write_all(&record).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.end += record.len() as u64;
                Ok(())
            }
            Err(e) => {
                // What follows must not stand behind half an entry.
                self.broken = self.file.set_len(self.end).and_then(|()| self.file.sync_data()).is_err();
                Err(e)
            }
        }
    }
}

fn record(entry: &[u8]) -> io::Result<Vec<u8>> {
    let length = match u32::try_from(entry.len()) {
        Ok(length) if length > 0 && entry.len() <= MOST => length.to_be_bytes(),
        _ => return Err(io::Error::new(ErrorKind::InvalidInput, "an entry has 1 to 65536 bytes")),
    };
    let mut record = Vec::with_capacity(HEAD + entry.len());
    record.extend_from_slice(&length);
    record.extend_from_slice(&checksum(length, entry).to_be_bytes());
    record.extend_from_slice(entry);
    Ok(record)
}

fn checksum(length: [u8; 4], entry: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length);
    crc.update(entry);
    crc.finalize()
}

/// The whole entry that `bytes` begin with.
fn first(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let n = u32::from_be_bytes(*length) as usize;
    let entry = rest.get(..n).filter(|_| n > 0 && n <= MOST)?;
    (checksum(*length, entry) == u32::from_be_bytes(*sum)).then_some(entry)
}

/// The entries, and where the last of them ends.
fn parse(bytes: &[u8]) -> io::Result<(Vec<Vec<u8>>, usize)> {
    if !bytes.starts_with(&MAGIC) {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a journal of this version"));
    }
    let (mut entries, mut at) = (Vec::new(), MAGIC.len());
    while let Some(entry) = first(&bytes[at..]) {
        entries.push(entry.to_vec());
        at += HEAD + entry.len();
    }
    if is_torn(&bytes[at..]) {
        return Ok((entries, at));
    }
    let text =
        format!("the journal is damaged at byte {at}, behind {} entries: restore a copy", entries.len());
    Err(io::Error::new(ErrorKind::InvalidData, text))
}

/// Whether `rest` can be an entry that a crash left unfinished: one entry, and nothing behind it. A
/// length that is damaged may point anywhere; but then whole entries follow somewhere.
fn is_torn(rest: &[u8]) -> bool {
    if rest.iter().all(|byte| *byte == 0) {
        // Some file systems grow a file before they fill it.
        return true;
    }
    let one_at_most = match rest.first_chunk::<4>() {
        None => true,
        Some(length) => {
            let n = u32::from_be_bytes(*length) as usize;
            n > 0 && n <= MOST && rest.len() <= HEAD + n
        }
    };
    one_at_most && (1..rest.len()).all(|at| first(&rest[at..]).is_none())
}

/// A new file is durable when its name is.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn journal(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for entry in entries {
            bytes.extend(record(entry).unwrap());
        }
        bytes
    }

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn entries_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.journal");
        for round in 0..3u8 {
            let mut journal = Journal::open(&path).unwrap();
            assert_eq!(journal.cut_off(), 0);
            assert_eq!(journal.entries().unwrap(), (0..round).map(|n| vec![n; 40]).collect::<Vec<_>>());
            journal.append(&[round; 40]).unwrap();
        }
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.append(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(journal.append(&vec![0; MOST + 1]).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(journal.entries().unwrap().len(), 3);
    }

    #[test]
    fn a_torn_tail_is_cut_off_wherever_it_is_torn() {
        let entries = vec![vec![1; 30], vec![2; 50], vec![3; 40]];
        let whole = journal(&entries);
        let last = whole.len() - HEAD - 40;
        for end in 0..whole.len() {
            let file = written(&whole[..end]);
            let mut journal = Journal::open(file.path()).unwrap();
            let kept = journal.entries().unwrap();
            assert_eq!(kept, entries[..kept.len()]);
            if end >= last {
                assert_eq!((kept.len(), journal.cut_off()), (2, (end - last) as u64));
            }
            journal.append(&[9]).unwrap();
            drop(journal);
            let mut again = Journal::open(file.path()).unwrap();
            assert_eq!(again.entries().unwrap().len(), kept.len() + 1);
        }
        // The file grew, but the bytes did not arrive.
        let mut grown = whole[..last].to_vec();
        grown.extend([0; 4096]);
        assert_eq!(Journal::open(written(&grown).path()).unwrap().cut_off(), 4096);
    }

    #[test]
    fn what_is_no_journal_is_left_alone() {
        for bytes in [&b"HOMINGJ\x02"[..], b"something else", b"x"] {
            let file = written(bytes);
            assert_eq!(Journal::open(file.path()).unwrap_err().kind(), ErrorKind::InvalidData);
            assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
        }
    }

    proptest! {
        #[test]
        fn damage_before_the_last_entry_is_an_error_that_names_the_place(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 2..10),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let mut bytes = journal(&entries);
            let last = bytes.len() - HEAD - entries[entries.len() - 1].len();
            let at = MAGIC.len() + at.index(last - MAGIC.len());
            bytes[at] ^= flip;
            let file = written(&bytes);
            let error = Journal::open(file.path()).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::InvalidData);
            let words = error.to_string();
            let named = words.split(['e', ' ', ',']).find_map(|word| word.parse::<usize>().ok());
            prop_assert!(named.is_some_and(|named| named <= at && at - named < HEAD + 80), "{}", words);
            prop_assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
        }

        #[test]
        fn no_file_makes_it_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(tail);
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn two_processes_do_not_share_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let first = Journal::open(&path).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }
}
