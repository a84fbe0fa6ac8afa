//! The process under its operator: told to read its configuration again, short of file descriptors, told to stop while much
//! is under way.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::program::Program;
use crate::support::{eventually, reason_of, refused, said, uuid};

/// How long anything here may take before the test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

async fn is_served(program: &Program) -> bool {
    HealthClient::new(program.channel()).check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_the_configuration_again_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::serve(dir.path());
    let config = dir.path().join("vault/subrosa.toml");
    let first = std::fs::read_to_string(&config).unwrap();
    let told = |line: &'static str| {
        let program = &program;
        eventually(line, move || async move { program.log().contains(line) })
    };
    program.signal("HUP");
    told("was read again and is in force").await;
    std::fs::write(&config, format!("{first}\n[log]\nfilter = \"warn\"\n[limits]\ncall_deadline = \"30s\"\n")).unwrap();
    // It is told at `info`, which is silent as soon as the filter is in force.
    eventually("a quiet log", || async {
        let before = program.log().len();
        program.signal("HUP");
        tokio::time::sleep(Duration::from_millis(200)).await;
        program.log().len() == before
    })
    .await;
    std::fs::write(&config, format!("{first}\n[audit]\ncheckpoint_entries = 9\n")).unwrap();
    program.signal("HUP");
    told("these keys change with the next start").await;
    assert!(program.log().contains("audit.checkpoint_entries"), "{}", program.log());
    std::fs::write(&config, format!("{first}\n[log]\nfilter = \"hunter2=loud\"\n")).unwrap();
    program.signal("HUP");
    told("cannot be used").await;
    std::fs::write(&config, "[server]\nno_such_key = \"hunter2\"\n").unwrap();
    program.signal("HUP");
    told("server.no_such_key: there is no such key").await;
    assert!(!program.log().contains("hunter2"), "{}", program.log());
    assert!(is_served(&program).await);
    program.signal("TERM");
    assert_eq!(program.ended().code(), Some(0));
}

/// Adds lines to a section of the configuration that a program serves by.
fn configure(config: &Path, section: &str, lines: &str) {
    let mut table: toml::Table = std::fs::read_to_string(config).unwrap().parse().unwrap();
    let keys: toml::Table = lines.parse().unwrap();
    let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
    section.as_table_mut().unwrap().extend(keys);
    std::fs::write(config, table.to_string()).unwrap();
}

/// Tells the program to read its configuration again, and returns once it has logged `line` once more.
async fn hang_up(program: &Program, line: &str) {
    let before = program.log().matches(line).count();
    program.signal("HUP");
    eventually(line, || async move { program.log().matches(line).count() > before }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_never_takes_tls_away_and_says_each_time_what_is_not_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::serve(dir.path());
    let config = dir.path().join("vault/subrosa.toml");
    let next_start = "these keys change with the next start";
    configure(&config, "server", "insecure_plaintext = true");
    configure(&config, "audit", "checkpoint_entries = 9");
    for _ in 0..2 {
        hang_up(&program, next_start).await;
        let log = program.log();
        let told = log.lines().rfind(|line| line.contains(next_start)).unwrap();
        assert!(told.contains("server.insecure_plaintext") && told.contains("audit.checkpoint_entries"), "{told}");
        assert!(is_served(&program).await, "the listener has left TLS");
    }
    // Nor does a certificate that cannot be used.
    configure(&config, "server", "tls_cert = \"nowhere.pem\"");
    hang_up(&program, "cannot be used").await;
    assert!(is_served(&program).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_listener_takes_more_connections_as_soon_as_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::serve(dir.path());
    let config = dir.path().join("vault/subrosa.toml");
    let in_force = "was read again and is in force";
    configure(&config, "server", "max_connections = 2\nhandshake_timeout = \"1h\"");
    hang_up(&program, in_force).await;
    // The listener waits for its next connection by the old number already: that one is served whatever the new one is.
    assert!(is_served(&program).await);
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(program.address("data")).await.unwrap());
    }
    let mut third = Box::pin(is_served(&program));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut third).await;
    assert!(early.is_err(), "a third connection was served: {early:?}");
    configure(&config, "server", "max_connections = 3");
    hang_up(&program, in_force).await;
    assert!(tokio::time::timeout(PATIENCE, third).await.expect("the listener takes no more than before"));
    drop(held);
}

/// Ticks of processor time that a process has used, of which there are a hundred a second.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_accepts_slowly_says_so_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::dev(dir.path(), "info");
    assert!(is_served(&program).await);
    let pid = Pid::from_raw(i32::try_from(program.pid()).unwrap());
    let open = std::fs::read_dir(format!("/proc/{}/fd", program.pid())).unwrap().count() as u64;
    let limit = Rlimit { current: Some(open + 4), ..getrlimit(Resource::Nofile) };
    prlimit(pid, Resource::Nofile, limit).unwrap();
    let mut held = Vec::new();
    for _ in 0..24 {
        held.push(TcpStream::connect(program.address("data")).await.unwrap());
    }
    let word = "no connection can be accepted";
    eventually("a word of it", || async { program.log().contains(word) }).await;
    let before = ticks(program.pid());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = ticks(program.pid()) - before;
    assert!(used < 100, "it spins: {used} ticks of processor time in 200");
    // Again only when a connection was accepted in between: not once for each try.
    assert!(program.log().matches(word).count() <= 5, "{}", program.log());
    drop(held);
    eventually("a connection", || is_served(&program)).await;
    eventually("a word of that", || async { program.log().contains("connections are accepted again") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_under_way_and_ends_with_0_whoever_hangs_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::dev(dir.path(), "warn");
    let bot = program.role("ingestor");
    let name = bot.create().await;
    let mut stream = bot.open_stream(&bot.create().await, &uuid()).await.unwrap();
    stream.append(1, said("before the end")).await;
    stream.acked(1).await.unwrap();
    // Two that hang on: one says nothing, one begins a handshake (a TLS record's header) and leaves it.
    let _silent = TcpStream::connect(program.address("data")).await.unwrap();
    let mut half = TcpStream::connect(program.address("operator")).await.unwrap();
    half.write_all(&[22, 3, 1, 2, 0]).await.unwrap();

    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let (bot, name) = (bot.clone(), name.clone());
            #[expect(clippy::disallowed_methods, reason = "a client of a test needs no name")]
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                loop {
                    let text = format!("writer {writer} line {}", acknowledged.len());
                    match bot.append(&name, vec![said(&text)]).await {
                        Ok(_) => acknowledged.push(text),
                        Err(status) => return (acknowledged, status),
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    program.signal("TERM");
    refused(stream.end().await.1, Code::Unavailable, "SHUTTING_DOWN");
    let mut acknowledged = Vec::new();
    for writer in writers {
        let (texts, status) = writer.await.unwrap();
        assert!(!texts.is_empty());
        acknowledged.extend(texts);
        // Cut off between calls: told to go, or no longer connected. Never an error of the vault's making.
        let code = status.code();
        assert!(matches!(code, Code::Unavailable | Code::Unknown | Code::Cancelled), "{status:?}");
        assert!(["", "SHUTTING_DOWN"].contains(&reason_of(&status).as_str()), "{status:?}");
    }
    assert_eq!(program.ended().code(), Some(0), "{}", program.log());

    let program = Program::dev(dir.path(), "warn");
    let stored = program.role("reader").read(&name).await.unwrap();
    let mut stored: Vec<_> = stored.iter().map(|record| crate::support::text_of(record).to_owned()).collect();
    stored.sort();
    acknowledged.sort();
    let lost: Vec<_> = acknowledged.iter().filter(|text| stored.binary_search(text).is_err()).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // A call that was cut off may have been done: one for each writer.
    assert!(stored.len() <= acknowledged.len() + 16);
}
