//! Raw never lands: a thousand unlike values over every path into the vault, a kill in the middle, and then every byte is
//! looked at: on disk, in what the vault said, and in what it sealed.

mod mint;
mod opened;
mod plant;
mod scan;

use subrosa_proto::v1;

use crate::support::program::Program;
use crate::support::{Client, TENANT, file, said, tool, uuid};

use opened::{Plain, open_all};
use plant::Planting;
pub(crate) use scan::{Scanner, hits};

/// How often a value of its own goes over each path, before the kill and after it.
const ROUNDS: usize = 4;

/// How long all of it may take; it takes seconds.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(900);

/// What is planted where the tenant's policy looks for no addresses: the decrypted scan must find each of them.
const KEPT: &[&str] = &[
    "kept.text@control.example.org",
    "kept.argument@control.example.org",
    "kept.escape@control.example.org",
    "kept.key@control.example.org",
    "kept.metadata@control.example.org",
    "kept.client.id@control.example.org",
    "kept.reference@control.example.org",
    "kept.note@control.example.org",
    "kept.file@control.example.org",
    "kept.json.file@control.example.org",
    "kept.file.name@control.example.org",
    "kept.stream@control.example.org",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_value_reaches_a_file_a_log_a_reply_or_what_is_sealed() {
    tokio::time::timeout(PATIENCE, plant_and_scan()).await.expect("the vault hangs");
}

async fn plant_and_scan() {
    let dir = tempfile::tempdir().unwrap();
    let mut planting = Planting::default();
    let program = Program::dev(dir.path(), "trace");
    for _ in 0..ROUNDS {
        planting.round(&program).await;
    }
    kill_in_the_middle(program, &mut planting).await;
    let early = Scanner::new(&planting.mint.0);
    assert_eq!(early.places_under(dir.path()), Vec::<String>::new(), "after the kill");

    let program = Program::dev(dir.path(), "trace");
    let rotate = v1::RotateKeyRequest { parent: TENANT.to_owned(), request_id: uuid() };
    program.role("operator").keys().rotate_key(rotate).await.unwrap();
    for _ in 0..ROUNDS {
        planting.round(&program).await;
    }
    let records = planting.read_back(&program).await;
    assert!(records > planting.names.len() * 2 * 10, "{records} records were read back");
    keep_some(&program).await;
    let all = Scanner::new(&planting.mint.0);
    assert!(planting.mint.0.len() >= 1_000, "{planting:?}");
    assert_eq!(all.places_under(dir.path()), Vec::<String>::new(), "while it runs, with its write-ahead logs");
    program.stop();
    assert_eq!(all.places_under(dir.path()), Vec::<String>::new(), "when it has stopped");
    let kept: Vec<_> = KEPT.iter().map(|value| (*value).to_owned()).collect();
    assert_eq!(hits(dir.path(), &kept), Vec::<String>::new(), "what is kept is sealed too");
    assert_eq!(all.values_in(&planting.heard), Vec::<&str>::new(), "in what the vault said");
    scans_can_find(dir.path(), &planting);
    nothing_recognised_is_sealed(&open_all(&dir.path().join("vault")), &planting, &all);
}

/// Kills the program while appends are on their way.
async fn kill_in_the_middle(program: Program, planting: &mut Planting) {
    let bot = program.role("ingestor");
    let name = bot.create().await;
    let mut work = tokio::task::JoinSet::new();
    let texts: Vec<Vec<String>> = (0..8).map(|_| (0..8).map(|_| planting.mint.sentence()).collect()).collect();
    let (done, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    for texts in texts {
        let (bot, name, done) = (bot.clone(), name.clone(), done.clone());
        work.spawn(async move {
            for text in texts.iter().cycle() {
                match bot.append(&name, vec![said(text); 20]).await {
                    Ok(_) => drop(done.send(())),
                    Err(status) => return status,
                }
            }
            unreachable!("the texts go round")
        });
    }
    for _ in 0..20 {
        acknowledged.recv().await.unwrap();
    }
    program.kill();
    while let Some(status) = work.join_next().await {
        planting.heard.extend(format!("{:?}", status.unwrap()).bytes());
    }
    planting.names.push(name);
}

/// Turns the class `EMAIL` off and plants addresses everywhere, so that they are sealed as they came.
async fn keep_some(program: &Program) {
    let (bot, compliance) = (program.role("ingestor"), program.role("compliance"));
    let base_version = 0;
    let rules = vec![v1::ClassRule { finding_class: "CARD".to_owned(), ..Default::default() }];
    let document = Some(v1::policy::Document::Redaction(v1::RedactionPolicy { rules, ..Default::default() }));
    let policy = Some(v1::Policy { document, ..Default::default() });
    let request = v1::ProposePolicyRequest { parent: TENANT.to_owned(), policy, base_version, request_id: uuid() };
    compliance.policies().propose_policy(request).await.unwrap();
    let [text, argument, escape, key, metadata, client_id, reference, note, in_file, in_json, file_name, stream] = KEPT
    else {
        panic!("a value without a place")
    };
    let conversation =
        v1::Conversation { bot: "a".to_owned(), client_reference: (*reference).to_owned(), ..Default::default() };
    let name = bot.create_as(conversation).await.unwrap().name;
    let arguments = format!(r#"{{"{key}": "{argument}", "e": "{}"}}"#, scan::escaped(escape));
    let said_it = v1::Record {
        client_id: (*client_id).to_owned(),
        metadata: [("note".to_owned(), (*metadata).to_owned())].into(),
        ..said(text)
    };
    let records = vec![
        said_it,
        tool("lookup", &arguments, ""),
        file(file_name, "text/plain", in_file.as_bytes()),
        file("a.json", "application/json", format!("[\"{}\"]", scan::escaped(in_json)).as_bytes()),
    ];
    bot.append(&name, records).await.unwrap();
    append_by_stream(&bot, &name, stream).await;
    let request = v1::AnnotateRequest { name, note: (*note).to_owned(), ..Default::default() };
    compliance.conversations().annotate(request).await.unwrap();
}

async fn append_by_stream(bot: &Client, name: &str, text: &str) {
    let mut session = bot.open_stream(name, &uuid()).await.unwrap();
    session.append(1, said(text)).await;
    session.acked(1).await.unwrap();
}

/// That nothing was found proves something only where something would be.
fn scans_can_find(dir: &std::path::Path, planting: &Planting) {
    let control = ["conversations_by_time".to_owned(), "journal".to_owned()];
    assert!(!hits(&dir.join("vault"), &control).is_empty(), "the scan does not find what is there");
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG") || log.contains("INFO"), "the log is empty: {}", log.len());
    for (what, control) in [("a reply", "<EMAIL_"), ("a refusal", "PERSONAL_DATA_IN_KEY"), ("the metrics", "# EOF")] {
        let found = memchr::memmem::find(&planting.heard, control.as_bytes());
        assert!(found.is_some(), "{what} was not taken down");
    }
}

/// Scans what was opened. The bytes of files that are sealed as they came are left out by design, and hold what is in them.
fn nothing_recognised_is_sealed(opened: &[Plain], planting: &Planting, all: &Scanner) {
    let found: Vec<_> = opened
        .iter()
        .flat_map(|plain| all.values_in(&plain.shown).into_iter().map(move |value| (value, plain.place.as_str())))
        .collect();
    assert_eq!(found, [], "sealed as they came");
    let withheld: Vec<u8> = opened.iter().flat_map(|plain| plain.withheld.iter().copied()).collect();
    assert_eq!(all.values_in(&withheld).len(), planting.raw.len(), "the files that are left out");
    // The same scan over the same vault, where redaction was off for a class: it finds every one.
    let kept: Vec<_> = KEPT.iter().map(|value| (*value).to_owned()).collect();
    let shown: Vec<u8> = opened.iter().flat_map(|plain| plain.shown.iter().copied()).collect();
    assert_eq!(Scanner::new(&kept).values_in(&shown), kept, "the scan misses what was not redacted");
}
