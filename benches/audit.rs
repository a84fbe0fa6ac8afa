//! What an audit entry costs: to make, to hash into the tree, to sign in batches, and to verify again.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic and has no readers of its documentation")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use subrosa::audit::{Count, Entry, Frontier, LogItem, LogSigner, PolicyKind, Verifier, commitment, leaf_hash, origin};
use uuid::Uuid;

/// Entries between two signed checkpoints.
const BATCH: u64 = 64;
/// Entries in the log that is verified.
const LOG: u64 = 10_000;

criterion_group!(benches, parts, append, verify);
criterion_main!(benches);

/// One of each.
fn parts(c: &mut Criterion) {
    let (entry, signer, root) = (entry(1), signer(), frontier(1).root());
    let mut group = c.benchmark_group("audit");
    group.bench_function("build entry", |b| b.iter(|| self::entry(black_box(1))));
    group.bench_function("parse entry", |b| b.iter(|| Entry::parse(black_box(entry.canonical()))));
    group.bench_function("leaf hash", |b| b.iter(|| leaf_hash(black_box(entry.canonical()), &[[1; 32]])));
    group.bench_function("commitment, 1 KiB record", |b| b.iter(|| commitment(&[1; 32], black_box(&[2; 1024]))));
    group.bench_function("sign checkpoint", |b| b.iter(|| signer.sign_head(black_box(1), root)));
    group.finish();
}

/// Entries a second on one core in batches of 64: build, hash, tree, root, encode the frontier, sign.
fn append(c: &mut Criterion) {
    let signer = signer();
    let mut group = c.benchmark_group("audit");
    group.throughput(Throughput::Elements(BATCH));
    let mut log = Frontier::new();
    group.bench_function("append, batches of 64, signed", |b| {
        b.iter(|| {
            for _ in 0..BATCH {
                log.push(leaf_hash(entry(log.size()).canonical(), &[[1; 32]]));
            }
            black_box(log.encode());
            signer.sign_head(log.size(), log.root())
        });
    });
    group.finish();
}

/// Entries a second on one core: parse, check the canonical form, hash, tree, one checkpoint at the end.
fn verify(c: &mut Criterion) {
    let (signer, log) = (signer(), frontier(LOG));
    let (vkey, note) = (signer.verifier().vkey(), signer.sign_head(LOG, log.root()));
    let entries: Vec<Vec<u8>> = (0..LOG).map(|i| entry(i).into_canonical()).collect();
    let mut group = c.benchmark_group("audit");
    group.throughput(Throughput::Elements(LOG)).sample_size(20);
    group.bench_function("verify", |b| {
        b.iter(|| {
            let mut verifier = Verifier::new(signer.origin(), &vkey).unwrap();
            verifier.check_checkpoint(&note).unwrap();
            for (index, canonical) in (0..).zip(&entries) {
                verifier.feed(LogItem { index, canonical, commitments: &[[1; 32]], leaf: None }).unwrap();
            }
            verifier.finish(LOG, log.root()).unwrap()
        });
    });
    group.finish();
}

/// A usual append of one record, about 380 bytes.
fn entry(i: u64) -> Entry {
    Entry::builder(1_795_251_979_123 + i as i64, "tenants/acme", "AppendRecords")
        .actor("key_7f3a9b")
        .role("ingestor")
        .allow()
        .object("tenants/acme/conversations/0190a1b2-0000-7000-8000-000000000000")
        .sequences(i, i)
        .count(Count::Records, 1)
        .count(Count::Findings, 2)
        .policy(PolicyKind::Redaction, 3)
        .key_version(4)
        .request_id(Uuid::from_u128(i.into()))
        .build()
        .unwrap()
}

fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::new();
    (0..size).for_each(|i| frontier.push(leaf_hash(entry(i).canonical(), &[[1; 32]])));
    frontier
}

fn signer() -> LogSigner {
    LogSigner::new(&origin("v1", "tenants/acme"), &[7; 32]).unwrap()
}
