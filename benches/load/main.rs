//! The load driver: the whole vault, over TLS on loopback, every promise on, beside raw SQLite inserts of the same rows.
//!
//! `cargo bench --bench load -- [ingest|read|all] [--json]`, or `benches/run`. Rounds are interleaved, so that both sides see
//! the same machine; what is quoted is the median of the rounds with the least and the most. Client and server share the
//! machine's cores.

mod drive;
mod raw;
mod report;

use std::alloc::System;
use std::path::Path;

use report::{Figure, Report};
use subrosa::app::App;
use subrosa::cli::{DevOptions, Host, Running};
use zeroizing_alloc::ZeroAlloc;

/// As in the program: what is freed is overwritten, and that costs.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// Rounds of each measurement.
const ROUNDS: usize = 5;
/// Records of 1 KiB in each round of `Ingest`.
const INGEST_RECORDS: usize = 40_000;
/// Streams that share them.
const STREAMS: usize = 4;
/// Records in each round of `AppendRecords`, and in each call.
const APPEND_RECORDS: usize = 20_000;
const PER_CALL: usize = 100;
/// Records in each round of single-record calls.
const SINGLE_RECORDS: usize = 2_000;
/// Callers that append at the same time.
const CALLERS: usize = 8;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let what = arguments.iter().find(|argument| !argument.starts_with('-')).map_or("all", String::as_str);
    let mut report = Report::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    if matches!(what, "ingest" | "all") {
        ingest(folder.path(), &mut report).await;
    }
    if matches!(what, "read" | "all") {
        read(folder.path(), &mut report).await;
    }
    report.print(json);
}

/// Ingest by stream, by batch and by single call, each beside a raw insert of the rows that the round stored.
async fn ingest(folder: &Path, report: &mut Report) {
    let (mut stream, mut batch, mut single, mut raw) =
        (Figure::default(), Figure::default(), Figure::default(), Figure::default());
    let (mut stream_ratio, mut batch_ratio) = (Figure::default(), Figure::default());
    for round in 0..ROUNDS {
        let dir = folder.join(format!("ingest-{round}"));
        let options = DevOptions { data_dir: dir.clone(), clock_file: None, names_model: None };
        let (vault, facts) = App.dev(options).await.expect("a vault");
        let client = drive::Client::connect(vault.endpoints(), &facts).await;
        let streamed = client.ingest(STREAMS, INGEST_RECORDS).await;
        let batched = client.append(CALLERS, APPEND_RECORDS, PER_CALL).await;
        let singles = client.append(CALLERS, SINGLE_RECORDS, 1).await;
        vault.shutdown().await.expect("a clean end");
        let inserted =
            raw::insert_again(&dir.join("vault.db"), &folder.join(format!("raw-{round}.db")), INGEST_RECORDS);
        stream.add(streamed);
        batch.add(batched);
        single.add(singles);
        raw.add(inserted);
        stream_ratio.add(streamed / inserted);
        batch_ratio.add(batched / inserted);
        std::fs::remove_dir_all(&dir).expect("a folder to remove");
    }
    report.line("ingest", "raw SQLite insert of the same rows and audit rows, batch 1,000", "records/s", raw);
    report.line("ingest", &format!("Ingest, {STREAMS} streams, 1 KiB, TLS"), "records/s", stream);
    report.line("ingest", "Ingest / raw", "ratio", stream_ratio);
    report.line("ingest", &format!("AppendRecords, {CALLERS} callers, {PER_CALL} records a call"), "records/s", batch);
    report.line("ingest", "AppendRecords / raw", "ratio", batch_ratio);
    report.line("ingest", &format!("AppendRecords, {CALLERS} callers, 1 record a call"), "records/s", single);
}

/// Reading a whole conversation, and the last turns of one.
async fn read(folder: &Path, report: &mut Report) {
    let options = DevOptions { data_dir: folder.join("read"), clock_file: None, names_model: None };
    let (vault, facts) = App.dev(options).await.expect("a vault");
    let client = drive::Client::connect(vault.endpoints(), &facts).await;
    let name = client.conversation_with(10_000).await;
    let (mut whole, mut context) = (Figure::default(), Figure::default());
    for _ in 0..ROUNDS {
        whole.add(client.read(&name).await);
        context.add(client.context(&name, 200).await);
    }
    vault.shutdown().await.expect("a clean end");
    report.line("read", "ReadConversation, 10,000 records of 1 KiB, TLS", "records/s", whole);
    report.line("read", "GetContext, last 20, one caller", "calls/s", context);
}
