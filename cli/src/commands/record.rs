//! `--record`: what a node was told, kept in a file for `homing replay`.

use std::fs;
use std::path::{Path, PathBuf};

use homing_std::Peer;

use crate::args::Record;
use crate::exit::Fault;
use crate::home::create_private;

/// The file of a recording, made before anything is recorded: what cannot be written is said at once.
pub(crate) struct Prepared {
    file: Option<PathBuf>,
    most: usize,
}

/// Makes the file that `--record` names, for its owner only: the private key will be in it.
pub(crate) fn prepare(args: &Record) -> Result<Prepared, Fault> {
    if let Some(file) = &args.record {
        make(file, &[])?;
    }
    Ok(Prepared { file: args.record.clone(), most: args.record_most })
}

/// Makes a new file with these bytes, for its owner only.
pub(crate) fn make(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let made = std::path::absolute(file).and_then(|whole| create_private(&whole, bytes));
    made.map_err(|e| {
        Fault::usage(
            format!("cannot make {}: {e}", file.display()),
            "name a file that is not there yet, in a directory that is yours",
        )
    })
}

impl Prepared {
    /// How much the peer is to keep, if anything.
    pub(crate) fn most(&self) -> Option<usize> {
        self.file.as_ref().map(|_| self.most)
    }

    /// What `peer` keeps is what will be written.
    pub(crate) fn of(self, peer: &Peer) -> Recording {
        Recording { file: self.file, peer: peer.clone() }
    }
}

/// A recording under way. It is written when it is dropped, however the command ends.
pub(crate) struct Recording {
    file: Option<PathBuf>,
    peer: Peer,
}

impl Recording {
    /// Writes it, and says when that fails.
    pub(crate) fn write(mut self) -> Result<(), Fault> {
        self.write_now()
    }

    fn write_now(&mut self) -> Result<(), Fault> {
        let (Some(file), Some(trace)) = (self.file.take(), self.peer.trace()) else { return Ok(()) };
        // It is there already, with the permissions that it was made with.
        fs::write(&file, trace).map_err(|e| {
            Fault::machine(format!("cannot write {}: {e}", file.display()), "make room on that disk")
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Whatever ended the command is what is to be said.
        let _ = self.write_now();
    }
}
