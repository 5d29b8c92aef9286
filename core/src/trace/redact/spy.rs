//! A provider that notes what another one opens and refuses.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::crypto::{Aead, CipherKind, Digest, Forged, HashKind, KeyPair, Provider, Zeroizing};
use crate::trace::bytes::{Reader, TraceError};

/// Something that a provider did with what came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen<'a> {
    /// Bytes that end in this tag were opened.
    Opened { tag: [u8; 16], plain: &'a [u8] },
    /// So many bytes and this tag behind them are forged.
    Forged { tag: [u8; 16], length: usize },
    /// Nothing can be agreed with this key.
    Refused { public: [u8; 32] },
}

const OPENED: u8 = 0;
const FORGED: u8 = 1;
const REFUSED: u8 = 2;

/// What was seen since it was last looked at.
///
/// One thread writes it and reads it. But a provider is for all of them, and here is no lock: so the bytes
/// are atomic ones, and as many as can ever be needed.
pub(super) struct Notes {
    bytes: Vec<AtomicU8>,
    used: AtomicUsize,
}

impl Notes {
    /// For so many bytes of opened and forged records at a time.
    pub(super) fn new(most: usize) -> Notes {
        // The shortest that can be noted takes 18 bytes of a stream, and 22 here and a few for its length.
        let room = most.saturating_mul(2).saturating_add(1024);
        Notes { bytes: (0..room).map(|_| AtomicU8::new(0)).collect(), used: AtomicUsize::new(0) }
    }

    fn put(&self, bytes: &[u8]) {
        let at = self.used.fetch_add(bytes.len(), Relaxed);
        for (place, byte) in self.bytes.iter().skip(at).zip(bytes) {
            place.store(*byte, Relaxed);
        }
    }

    fn note(&self, kind: u8, tag: &[u8], length: usize, plain: &[u8]) {
        self.put(&[kind]);
        self.put(tag);
        self.put(&(length as u64).to_le_bytes());
        self.put(plain);
    }

    fn refused(&self, public: &[u8; 32]) {
        self.put(&[REFUSED]);
        self.put(public);
    }

    /// Everything, which is forgotten.
    pub(super) fn take(&self) -> Zeroizing<Vec<u8>> {
        let used = self.used.swap(0, Relaxed);
        let taken = self.bytes.iter().take(used).map(|byte| byte.swap(0, Relaxed));
        Zeroizing::new(taken.collect())
    }
}

/// Reads what was [taken](Notes::take).
pub(super) fn read<'a>(notes: &mut Reader<'a>) -> Result<Option<Seen<'a>>, TraceError> {
    if notes.is_at_end() {
        return Ok(None);
    }
    let kind = notes.byte()?;
    if kind == REFUSED {
        return Ok(Some(Seen::Refused { public: notes.array()? }));
    }
    let tag = notes.array()?;
    let length = u64::from_le_bytes(notes.array()?);
    let length = usize::try_from(length).map_err(|_| TraceError::Truncated)?;
    Ok(Some(match kind {
        OPENED => Seen::Opened { tag, plain: notes.take(length)? },
        _ => Seen::Forged { tag, length },
    }))
}

/// Does what another provider does, and notes it.
pub(super) struct Spy {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) notes: Arc<Notes>,
}

impl fmt::Debug for Spy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spy").field(&self.provider).finish()
    }
}

impl Provider for Spy {
    fn prefers_aes(&self) -> bool {
        self.provider.prefers_aes()
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Arc::new(SpyPair { pair: self.provider.key_pair(secret), notes: self.notes.clone() })
    }

    fn is_canonical(&self, public: &[u8; 32]) -> bool {
        let canonical = self.provider.is_canonical(public);
        if !canonical {
            self.notes.refused(public);
        }
        canonical
    }

    fn aead(&self, kind: CipherKind, key: &[u8; 32]) -> Box<dyn Aead> {
        Box::new(SpyAead { aead: self.provider.aead(kind, key), notes: self.notes.clone() })
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        self.provider.digest(kind)
    }
}

struct SpyPair {
    pair: Arc<dyn KeyPair>,
    notes: Arc<Notes>,
}

impl KeyPair for SpyPair {
    fn public_key(&self) -> &[u8; 32] {
        self.pair.public_key()
    }

    fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.pair.agree(public);
        if shared.is_none() {
            self.notes.refused(public);
        }
        shared
    }
}

struct SpyAead {
    aead: Box<dyn Aead>,
    notes: Arc<Notes>,
}

impl Aead for SpyAead {
    fn seal(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        self.aead.seal(nonce, ad, buffer)
    }

    fn open(&self, nonce: &[u8; 12], ad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), Forged> {
        let length = buffer.len();
        let result = self.aead.open(nonce, ad, buffer, tag);
        match result {
            Ok(()) => self.notes.note(OPENED, tag, length, buffer),
            Err(Forged) => self.notes.note(FORGED, tag, length, &[]),
        }
        result
    }
}
