//! A record's encryption, by each provider.

use std::hint::black_box;

use homing_bench::PROVIDERS;
use homing_core::crypto::{CipherKind, Provider};

use super::nanoseconds;
use crate::Result;

const CIPHERS: [(&str, CipherKind); 2] =
    [("AES-256-GCM", CipherKind::AesGcm), ("ChaCha20-Poly1305", CipherKind::ChaChaPoly)];

/// The lengths of a record's plaintext.
const SIZES: [usize; 4] = [64, 256, 1024, 15 * 1024];

/// What stays in the cache that is nearest to a core.
const BATCH: usize = 128 * 1024;

/// Prints nanoseconds for each record.
pub(super) fn print() -> Result<()> {
    println!("ns a record of plaintext");
    print!("  {:20} {:10} {:6}", "cipher", "provider", "");
    SIZES.iter().for_each(|size| print!(" {size:>8}"));
    println!();
    for (cipher, kind) in CIPHERS {
        for (name, provider) in PROVIDERS {
            for (what, time) in
                [("seal", seal as fn(&dyn Provider, CipherKind, usize) -> f64), ("open", open)]
            {
                print!("  {cipher:20} {name:10} {what:6}");
                SIZES.iter().for_each(|size| print!(" {:>8.0}", time(*provider, kind, *size)));
                println!();
            }
        }
    }
    Ok(())
}

fn seal(provider: &dyn Provider, kind: CipherKind, size: usize) -> f64 {
    let (aead, mut buffer, mut n) = (provider.aead(kind, &[7; 32]), vec![0x5a; size], 0);
    let each = BATCH / size;
    let work = |(): &mut ()| {
        for _ in 0..each {
            n += 1;
            black_box(aead.seal(&kind.nonce(n), b"", &mut buffer));
        }
    };
    nanoseconds(each, || (), work)
}

fn open(provider: &dyn Provider, kind: CipherKind, size: usize) -> f64 {
    let (aead, mut sealed) = (provider.aead(kind, &[7; 32]), vec![0x5a; size]);
    let nonce = kind.nonce(1);
    let tag = aead.seal(&nonce, b"", &mut sealed);
    let each = BATCH / size;
    // What is opened is plaintext then: it takes as many records as are opened.
    let work = |records: &mut Vec<u8>| {
        for record in records.chunks_exact_mut(size) {
            assert!(black_box(aead.open(&nonce, b"", record, &tag)).is_ok(), "what was sealed is opened");
        }
    };
    nanoseconds(each, || sealed.repeat(each), work)
}
