//! Sealing and opening records with both backends, and wrapping keys. Run: `cargo bench --bench sealing`.

#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use subrosa::sealing::{
    Backend, Key32, KeyKind, RecordContext, WrapContext, WrappingKey, open, seal, unwrap, with_clean_stack, wrap,
};

const RECORD: RecordContext<'static> = RecordContext {
    vault_id: [1; 16],
    generation: 0,
    tenant: "acme",
    conversation: [2; 16],
    sequence: 3,
    kind: 1,
    dek_id: 4,
    policy_version: 1,
};

const WRAP: WrapContext<'static> = WrapContext {
    vault_id: [1; 16],
    tenant: "acme",
    what: KeyKind::SegmentDek,
    subject: &[4; 16],
    wrapping_kind: KeyKind::BucketKek,
    wrapping_id: b"2027-01-31",
    wrapping_version: 1,
};

fn records(c: &mut Criterion) {
    let dek = Key32::random();
    for backend in [Backend::Ring, Backend::RustCrypto] {
        for len in [1024, 64 * 1024] {
            let plaintext = vec![b'x'; len];
            let sealed = seal(backend, &dek, &RECORD, &plaintext).expect("short enough");
            let mut group = c.benchmark_group(format!("record/{backend:?}/{len}"));
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function("seal", |b| b.iter(|| seal(backend, &dek, &RECORD, black_box(&plaintext))));
            group.bench_function("open", |b| b.iter(|| open(backend, &dek, &RECORD, black_box(&sealed))));
            group.finish();
        }
    }
}

/// What wiping the stack costs, and what one wipe for a batch saves.
fn stack(c: &mut Criterion) {
    let dek = Key32::random();
    let plaintext = vec![b'x'; 1024];
    c.bench_function("stack/wipe alone", |b| b.iter(|| with_clean_stack(|| black_box(()))));
    let mut group = c.benchmark_group("stack");
    group.throughput(Throughput::Elements(200));
    let seal_200 = || (0..200).map(|_| seal(Backend::Ring, &dek, &RECORD, black_box(&plaintext))).collect::<Vec<_>>();
    group.bench_function("200 records, wiped each", |b| b.iter_batched(|| (), |()| seal_200(), BatchSize::SmallInput));
    group.bench_function("200 records, wiped once", |b| {
        b.iter_batched(|| (), |()| with_clean_stack(seal_200), BatchSize::SmallInput);
    });
    group.finish();
}

fn wraps(c: &mut Criterion) {
    let (kek, key) = (Key32::random(), Key32::random());
    let wrapped = wrap(&kek, &WRAP, &key);
    let wrapping = WrappingKey::new(&kek);
    c.bench_function("wrap", |b| b.iter(|| wrap(&kek, &WRAP, black_box(&key))));
    c.bench_function("unwrap", |b| b.iter(|| unwrap(&kek, &WRAP, black_box(&wrapped))));
    c.bench_function("wrap, derived once", |b| b.iter(|| wrapping.wrap(&WRAP, black_box(&key))));
    c.bench_function("unwrap, derived once", |b| b.iter(|| wrapping.unwrap(&WRAP, black_box(&wrapped))));
}

criterion_group!(benches, records, stack, wraps);
criterion_main!(benches);
