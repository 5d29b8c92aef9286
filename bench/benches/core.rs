//! The core, piece by piece, for those who work on it: `cargo bench -p homing-bench -- message/hub`.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use homing_bench::PROVIDERS;
use homing_bench::trio::{Part, Trio};
use homing_core::Config;
use homing_core::crypto::{CipherKind, Fake};
use homing_core::wire::letter::{self, Letter, MessageHead};
use homing_native::Native;

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1));
    let mut criterion = criterion.measurement_time(Duration::from_secs(2)).configure_from_args();
    messages(&mut criterion);
    roster(&mut criterion);
    handshake(&mut criterion);
    heads(&mut criterion);
    ciphers(&mut criterion);
    criterion.final_summary();
}

fn real() -> Config {
    Config::with_provider(Arc::new(Native))
}

fn fake() -> Config {
    Config::with_provider(Arc::new(Fake))
}

/// What one message costs, by whose work it is, encryption included.
fn messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("message");
    for (name, part) in
        [("send", Part::Send), ("seal", Part::Seal), ("hub", Part::Hub), ("receive", Part::Receive)]
    {
        for size in [64, 256, 1024, 8192] {
            let mut trio = Trio::new(real).unwrap();
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|count| {
                    let mut spent = Duration::ZERO;
                    let watch = |now: Part, work: &mut dyn FnMut()| {
                        let start = Instant::now();
                        work();
                        if now == part {
                            spent += start.elapsed();
                        }
                    };
                    trio.run(count, size, watch).unwrap();
                    spent
                });
            });
        }
    }
    group.finish();
}

/// One comes and goes in a network of so many more than three, and all of them hear of it; and all are listed.
fn roster(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roster");
    for members in [0, 10, 100] {
        let mut trio = Trio::new(fake).unwrap();
        (0..members).for_each(|n| trio.admit(&format!("member{n}"), fake()).unwrap());
        group.bench_function(BenchmarkId::new("come and go", members), |bencher| {
            bencher.iter(|| trio.visit(fake()).unwrap());
        });
        assert_eq!(trio.bob().peers("home").map(|peers| peers.len()), Some(members + 3));
        group.bench_function(BenchmarkId::new("list", members), |bencher| {
            bencher.iter(|| trio.bob().peers("home"));
        });
    }
    group.finish();
}

/// Both sides of coming into a network, and of going again, with the cryptography of each.
fn handshake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handshake");
    for (name, config) in [("AWS-LC", real as fn() -> Config), ("pure", Config::new), ("none", fake)] {
        let mut trio = Trio::new(config).unwrap();
        group.bench_function(name, |bencher| bencher.iter(|| trio.visit(config()).unwrap()));
    }
    group.finish();
}

/// The JSON before a body. A message of bytes without metadata has none.
fn heads(criterion: &mut Criterion) {
    const MOST: usize = 4096;
    let mut group = criterion.benchmark_group("head");
    let metadata = [("thread".to_string(), "17".to_string())].into();
    let head = MessageHead { content_type: "text/plain".to_string().into(), metadata };
    let mut out = Vec::new();
    group.bench_function("write", |bencher| {
        bencher.iter(|| {
            out.clear();
            letter::write(&mut out, black_box(&head), b"", MOST)
        });
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| Letter::read(black_box(&out), MOST).unwrap().head::<MessageHead>());
    });
    group.finish();
}

/// One record's encryption.
fn ciphers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cipher");
    for (name, provider) in PROVIDERS {
        for kind in [CipherKind::AesGcm, CipherKind::ChaChaPoly] {
            let aead = provider.aead(kind, &[7; 32]);
            for size in [64, 1024, 15 * 1024] {
                let (mut plain, nonce) = (vec![0x5a; size], kind.nonce(1));
                group.throughput(Throughput::Bytes(size as u64));
                group.bench_function(format!("{name} {kind:?} seal/{size}"), |bencher| {
                    bencher.iter(|| aead.seal(&nonce, b"", black_box(&mut plain)));
                });
                let mut sealed = vec![0x5a; size];
                let tag = aead.seal(&nonce, b"", &mut sealed);
                group.bench_function(format!("{name} {kind:?} open/{size}"), |bencher| {
                    bencher.iter_batched_ref(
                        || sealed.clone(),
                        |sealed| aead.open(&nonce, b"", sealed, &tag).unwrap(),
                        BatchSize::SmallInput,
                    );
                });
            }
        }
    }
    group.finish();
}
