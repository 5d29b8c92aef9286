//! A connection for protocols that are spoken by hand: reads and writes of many messages at once.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// As much is written at once as a record of TLS and a usual socket take.
pub const BATCH: usize = 32 * 1024;

/// What bytes come from and go to.
pub trait Duplex: Read + Write + Send {
    /// What is below it.
    fn socket(&self) -> &TcpStream;
}

impl Duplex for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

#[cfg(feature = "rustls")]
impl Duplex for crate::tls::Tls {
    fn socket(&self) -> &TcpStream {
        self.get_ref()
    }
}

/// A stream, what was read from it and not yet looked at, and what is to be written.
pub struct Wire {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// What is to be written: see [`Wire::flush`].
    pub out: Vec<u8>,
}

impl Wire {
    /// Over `stream`, with nothing read and nothing to be written.
    pub fn new(stream: impl Duplex + 'static) -> Wire {
        let (buffer, out) = (vec![0; 256 * 1024], Vec::with_capacity(2 * BATCH));
        Wire { stream: Box::new(stream), buffer, start: 0, end: 0, out }
    }

    /// What bytes come from at last.
    pub fn socket(&self) -> &TcpStream {
        self.stream.socket()
    }

    /// What was read and not yet skipped.
    pub fn there(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The same, and where to put what is to be written.
    pub fn split(&mut self) -> (&[u8], &mut Vec<u8>) {
        (&self.buffer[self.start..self.end], &mut self.out)
    }

    /// The first `len` bytes of what is there were looked at.
    pub fn skip(&mut self, len: usize) {
        self.start += len;
    }

    /// Reads more behind what is there. False when nothing has come, on a socket that does not wait.
    ///
    /// # Errors
    /// When the stream fails or has ended.
    pub fn fill(&mut self) -> Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            return Err("a message that is too large".into());
        }
        match self.stream.read(&mut self.buffer[self.end..]) {
            Ok(0) => Err("closed by the broker".into()),
            Ok(n) => {
                self.end += n;
                Ok(true)
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes all that is to be written.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.out)?;
        self.stream.flush()?;
        self.out.clear();
        Ok(())
    }

    /// Writes when there is a batch.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn flush_batch(&mut self) -> Result<()> {
        if self.out.len() >= BATCH { self.flush() } else { Ok(()) }
    }
}
