//! The ideal pipe: the least that brings messages encrypted from A to B through a hub that reads them.
//!
//! It has Homing's cryptography and nothing else of it: no names, no JSON, no receipts, no limits, no timers. A record is
//! `u16 length`, ciphertext and tag, and carries many messages, each of them `u16 length` and body. Keys come of an
//! exchange of ephemeral keys; nobody is authenticated, which costs nothing afterwards. Sockets block, each direction has
//! a thread, and the hub opens and seals a record where it lies.

mod client;
mod hub;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use homing_core::crypto::{Aead, CipherKind, HashKind, Provider};
use homing_std::{Options, StaticKey};

use crate::Result;

pub(crate) use client::work;
pub(crate) use hub::run as run_hub;

/// What is read and written at once, at most.
pub(super) const BUFFER: usize = 64 * 1024;
/// The plaintext of a record, at most.
const RECORD: usize = 16 * 1024;
/// The bytes of a length, of a record or of a message.
const LENGTH: usize = 2;
const TAG: usize = 16;

/// The provider that Homing's programs have.
pub(super) fn provider() -> Arc<dyn Provider> {
    Options::new(StaticKey::from_bytes([0; 32])).config.provider
}

/// One direction's cipher.
struct Cipher {
    kind: CipherKind,
    aead: Box<dyn Aead>,
    n: u64,
}

impl Cipher {
    fn nonce(&mut self) -> [u8; 12] {
        self.n += 1;
        self.kind.nonce(self.n - 1)
    }

    /// Seals what is in `record` before the place for its tag.
    fn seal(&mut self, record: &mut [u8]) -> Result<()> {
        let nonce = self.nonce();
        let (plain, tag) = record.split_last_chunk_mut::<TAG>().ok_or("no place for a tag")?;
        *tag = self.aead.seal(&nonce, b"", plain);
        Ok(())
    }

    /// Opens `record`, where it lies.
    fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<&'a [u8]> {
        let nonce = self.nonce();
        let (sealed, tag) = record.split_last_chunk_mut::<TAG>().ok_or("a record without a tag")?;
        self.aead.open(&nonce, b"", sealed, tag)?;
        Ok(sealed)
    }
}

/// Who calls, and who is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Hub,
}

/// Agrees on keys with the other side: what comes from it, and what goes to it.
fn shake(mut stream: TcpStream, side: Side) -> Result<(Input, Output)> {
    let (provider, mut secret, mut theirs) = (provider(), [0; 32], [0; 32]);
    File::open("/dev/urandom")?.read_exact(&mut secret)?;
    let ours = provider.public_key(&secret);
    stream.set_nodelay(true)?;
    stream.write_all(&ours)?;
    stream.read_exact(&mut theirs)?;
    let shared = provider.agree(&secret, &theirs).ok_or("a key of low order")?;
    let [client, hub] = if side == Side::Client { [ours, theirs] } else { [theirs, ours] };
    let kind = if provider.prefers_aes() { CipherKind::AesGcm } else { CipherKind::ChaChaPoly };
    let cipher = |from: Side| {
        let (mut digest, mut key) = (provider.digest(HashKind::Sha256), [0; 32]);
        [&shared[..], &client, &hub, &[from as u8]].into_iter().for_each(|part| digest.update(part));
        digest.finish(&mut key);
        Cipher { kind, aead: provider.aead(kind, &key), n: 0 }
    };
    let [outgoing, incoming] =
        if side == Side::Client { [Side::Client, Side::Hub] } else { [Side::Hub, Side::Client] };
    let input = Input {
        stream: stream.try_clone()?,
        cipher: cipher(incoming),
        buffer: vec![0; BUFFER],
        taken: 0,
        end: 0,
    };
    Ok((
        input,
        Output { stream, cipher: cipher(outgoing), buffer: Vec::with_capacity(2 * BUFFER), record: 0 },
    ))
}

/// What comes from the other side.
struct Input {
    stream: TcpStream,
    cipher: Cipher,
    buffer: Vec<u8>,
    /// What was given before this place is not needed any more.
    taken: usize,
    /// Here ends what was read.
    end: usize,
}

impl Input {
    /// Reads until one whole record is there, and gives all that are: nothing at the end of the stream.
    fn records(&mut self) -> Result<(&mut Cipher, &mut [u8])> {
        self.buffer.copy_within(self.taken..self.end, 0);
        self.end -= self.taken;
        self.taken = 0;
        loop {
            while let Some(length) = self.buffer[self.taken..self.end].first_chunk() {
                let next = self.taken + LENGTH + usize::from(u16::from_be_bytes(*length));
                if next > self.end {
                    break;
                }
                self.taken = next;
            }
            if self.taken > 0 {
                return Ok((&mut self.cipher, &mut self.buffer[..self.taken]));
            }
            match self.stream.read(&mut self.buffer[self.end..])? {
                0 => return Ok((&mut self.cipher, &mut [])),
                n => self.end += n,
            }
        }
    }

    /// Gives the messages of the next records to `take`. False at the end of the stream.
    fn messages(&mut self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let (cipher, mut records) = self.records()?;
        let some = !records.is_empty();
        while let Some((record, rest)) = split(records) {
            let mut plain = cipher.open(record)?;
            while let Some((length, rest)) = plain.split_first_chunk() {
                let length = usize::from(u16::from_be_bytes(*length));
                let (message, rest) = rest.split_at_checked(length).ok_or("a message is cut off")?;
                take(message)?;
                plain = rest;
            }
            records = rest;
        }
        Ok(some)
    }
}

/// The first of whole records, and the rest.
fn split(records: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let (length, rest) = records.split_first_chunk_mut::<LENGTH>()?;
    rest.split_at_mut_checked(usize::from(u16::from_be_bytes(*length)))
}

/// What goes to the other side.
struct Output {
    stream: TcpStream,
    cipher: Cipher,
    buffer: Vec<u8>,
    /// Where in the buffer the record begins that messages are added to.
    record: usize,
}

impl Output {
    /// Adds a message. It is written with others, or by [`Output::flush`].
    fn send(&mut self, message: &[u8]) -> Result<()> {
        let length = u16::try_from(message.len()).ok().filter(|_| LENGTH + message.len() <= RECORD);
        let length = length.ok_or("a message is longer than a record")?;
        if self.buffer.len() - self.record + message.len() > RECORD {
            self.seal()?;
            if self.buffer.len() + LENGTH + RECORD + TAG > BUFFER {
                self.flush()?;
            }
        }
        if self.buffer.len() == self.record {
            self.buffer.extend_from_slice(&[0; LENGTH]);
        }
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(message);
        Ok(())
    }

    /// Ends the record, if there is something in it.
    fn seal(&mut self) -> Result<()> {
        if self.buffer.len() > self.record {
            self.buffer.extend_from_slice(&[0; TAG]);
            let (length, record) =
                self.buffer[self.record..].split_first_chunk_mut().ok_or("a record without its length")?;
            *length = u16::try_from(record.len())?.to_be_bytes();
            self.cipher.seal(record)?;
            self.record = self.buffer.len();
        }
        Ok(())
    }

    /// Writes all that was added.
    fn flush(&mut self) -> Result<()> {
        self.seal()?;
        self.stream.write_all(&self.buffer)?;
        self.buffer.clear();
        self.record = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn pair() -> [(Input, Output); 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let client = thread::spawn(|| shake(stream, Side::Client).unwrap());
        let hub = shake(listener.accept().unwrap().0, Side::Hub).unwrap();
        [client.join().unwrap(), hub]
    }

    #[test]
    fn what_goes_in_comes_out() {
        let [(_, mut to), (mut from, _)] = pair();
        let sent: Vec<Vec<u8>> = (0..2000_usize).map(|n| vec![n.to_le_bytes()[0]; n * 7 % RECORD]).collect();
        let sending = sent.clone();
        let sending = thread::spawn(move || {
            sending.iter().for_each(|message| to.send(message).unwrap());
            to.flush().unwrap();
        });
        let mut got = Vec::new();
        let mut take = |message: &[u8]| {
            got.push(message.to_vec());
            Ok(())
        };
        while from.messages(&mut take).unwrap() {}
        sending.join().unwrap();
        assert!(got == sent);
    }

    #[test]
    fn what_was_altered_is_refused() {
        let [(_, mut to), (mut from, _)] = pair();
        to.send(b"hello").unwrap();
        to.seal().unwrap();
        let last = to.buffer.len() - 1;
        to.buffer[last] ^= 1;
        to.flush().unwrap();
        assert!(from.messages(|_| Ok(())).is_err());
    }

    #[test]
    fn what_is_longer_than_a_record_is_refused() {
        let [(_, mut to), _hub] = pair();
        assert!(to.send(&vec![0; RECORD - LENGTH]).is_ok());
        assert!(to.send(&vec![0; RECORD]).is_err());
    }
}
