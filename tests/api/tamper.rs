//! What was done to the files while the vault was stopped: it refuses to start, or refuses to show, and says what is wrong.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;
use subrosa::audit::{Frontier, leaf_hash};
use subrosa_proto::v1;
use tonic::Code;

use crate::support::{House, TENANT, eventually, refused, said, text_of};

/// A stopped vault with two conversations of five records and a log of some length.
async fn stopped() -> (House, [String; 2]) {
    let mut house = House::new().await;
    let bot = house.bot();
    let names = [bot.create().await, bot.create().await];
    for n in 0..5 {
        for name in &names {
            bot.append(name, vec![said(&format!("message {n}"))]).await.unwrap();
        }
    }
    house.stop().await;
    (house, names)
}

fn change(db: &Connection, sql: &str) {
    assert!(db.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
}

/// Checks that the vault does not start and that the error says one of these things.
async fn does_not_start(house: &mut House, says: &[&str]) {
    let error = house.start().await.expect_err("the vault started");
    assert!(says.iter().all(|say| error.contains(say)), "{error}");
}

/// The ids of a log's entries: `log * 2^40 + index`.
const OF_TENANT: &str = "id >> 40 = (SELECT id FROM audit_logs WHERE name = 'tenants/dev')";

/// Takes the signed checkpoints of the data store back to an earlier size, as they were before later entries came.
async fn with_unsigned_end() -> (House, [String; 2]) {
    let (mut house, names) = stopped().await;
    let copy = house.dir.path().join("checkpoints.db");
    house.vault_db().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let keys_copy = house.dir.path().join("keys-checkpoints.db");
    house.keys_db().execute("VACUUM INTO ?1", [keys_copy.to_str().unwrap()]).unwrap();
    house.start().await.unwrap();
    for _ in 0..5 {
        house.bot().append(&names[0], vec![said("after the checkpoint")]).await.unwrap();
    }
    house.stop().await;
    for (db, copy) in [(house.vault_db(), &copy), (house.keys_db(), &keys_copy)] {
        db.execute("ATTACH ?1 AS old", [copy.to_str().unwrap()]).unwrap();
        change(&db, "DELETE FROM checkpoints");
        change(&db, "INSERT INTO checkpoints SELECT * FROM old.checkpoints");
    }
    (house, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_after_the_last_checkpoint_are_checked_at_start() {
    let (mut house, names) = with_unsigned_end().await;
    house.start().await.unwrap();
    assert_eq!(house.reader().read(&names[0]).await.unwrap().len(), 10, "a late checkpoint alone is no damage");

    for (damage, says) in [
        (
            "UPDATE audit_entries SET canonical = CAST(replace(canonical, '\"records\":1', '\"records\":2') AS BLOB)",
            "audit entry",
        ),
        ("UPDATE audit_entries SET commitments = zeroblob(32)", "audit entry"),
        ("UPDATE audit_entries SET canonical = CAST(substr(canonical, 2) AS BLOB)", "audit entry"),
        ("UPDATE audit_entries SET leaf = zeroblob(32)", "audit entry"),
        ("DELETE FROM audit_entries", "is missing"),
    ] {
        let (mut house, _) = with_unsigned_end().await;
        change(
            &house.vault_db(),
            &format!(
                "{damage} WHERE {OF_TENANT} AND id = (SELECT max(id) - 1 FROM audit_entries WHERE {OF_TENANT} AND length(commitments) = 32)"
            ),
        );
        does_not_start(&mut house, &[TENANT, says]).await;
    }
}

/// What lies before the last signed checkpoint is not read again at every start: the checkpoint speaks for its hashes. It is
/// found when it is listed.
#[tokio::test(flavor = "multi_thread")]
async fn an_alteration_before_the_last_checkpoint_is_found_when_the_log_is_listed() {
    for damage in [
        "UPDATE audit_entries SET canonical = CAST(replace(canonical, '\"records\":1', '\"records\":2') AS BLOB)",
        "UPDATE audit_entries SET commitments = zeroblob(32)",
        "UPDATE audit_entries SET leaf = zeroblob(32)",
        "DELETE FROM audit_entries",
    ] {
        let (mut house, _) = stopped().await;
        change(
            &house.vault_db(),
            &format!(
                "{damage} WHERE id = (SELECT min(id) FROM audit_entries WHERE {OF_TENANT} AND length(commitments) = 32)"
            ),
        );
        house.start().await.unwrap();
        let request = v1::ListAuditEventsRequest { parent: TENANT.to_owned(), page_size: 500, ..Default::default() };
        let answer = house.role("auditor").audit().list_audit_events(request).await;
        refused(answer, Code::DataLoss, "INTEGRITY_FAILURE");
    }
}

/// Who alters an entry and its leaf hash alike is found by whoever recomputes the root, which a checkpoint signs.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_altered_with_its_leaf_does_not_lead_to_the_root() {
    let (mut house, _) = stopped().await;
    let db = house.vault_db();
    let of = format!("WHERE id = (SELECT min(id) FROM audit_entries WHERE {OF_TENANT} AND length(commitments) = 32)");
    let (canonical, commitments): (Vec<u8>, Vec<u8>) = db
        .query_row(&format!("SELECT canonical, commitments FROM audit_entries {of}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let altered = String::from_utf8(canonical).unwrap().replacen("\"ingestor\"", "\"operator\"", 1);
    let leaf = leaf_hash(altered.as_bytes(), &[commitments.try_into().unwrap()]);
    let set = format!("UPDATE audit_entries SET canonical = ?1, leaf = ?2 {of}");
    assert_eq!(db.execute(&set, (altered.as_bytes(), leaf.as_bytes().as_slice())).unwrap(), 1);
    drop(db);
    house.start().await.unwrap();
    let log = house.role("auditor").log(TENANT).await;
    assert!(
        log.events.iter().any(|event| event.operation == "AppendRecords" && event.actor_role() == v1::Role::Operator)
    );
    let mut tree = Frontier::new();
    for event in &log.events {
        let commitments = event.commitments.iter().map(|found| found.as_slice().try_into().unwrap());
        tree.push(leaf_hash(&event.canonical, &commitments.collect::<Vec<[u8; 32]>>()));
    }
    assert_ne!(tree.root().as_bytes().as_slice(), log.root, "the alteration cannot be seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_missing_or_shorter_or_older_is_seen() {
    let (mut house, _) = stopped().await;
    change(&house.vault_db(), "DELETE FROM audit_logs WHERE name = 'tenants/dev'");
    does_not_start(&mut house, &[TENANT, "missing"]).await;

    let (mut house, _) = stopped().await;
    change(&house.vault_db(), &format!("DELETE FROM audit_entries WHERE {OF_TENANT}"));
    change(&house.vault_db(), "DELETE FROM checkpoints WHERE log = 'tenants/dev'");
    does_not_start(&mut house, &[TENANT]).await;

    let (mut house, names) = stopped().await;
    let older = house.dir.path().join("older.db");
    std::fs::copy(house.data_dir().join("vault.db"), &older).unwrap();
    house.start().await.unwrap();
    house.bot().append(&names[0], vec![said("later")]).await.unwrap();
    house.stop().await;
    std::fs::copy(&older, house.data_dir().join("vault.db")).unwrap();
    does_not_start(&mut house, &["audit log"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_tree_head_or_checkpoint_is_refused() {
    let (mut house, _) = stopped().await;
    change(
        &house.vault_db(),
        "UPDATE audit_logs SET frontier = CAST(substr(frontier, 1, 9) || zeroblob(length(frontier) - 9) AS BLOB) WHERE name = 'tenants/dev'",
    );
    does_not_start(&mut house, &[TENANT]).await;

    for store in ["data", "keys"] {
        let (mut house, _) = stopped().await;
        let db = if store == "data" { house.vault_db() } else { house.keys_db() };
        let note: String =
            db.query_row("SELECT note FROM checkpoints WHERE log = 'tenants/dev'", [], |row| row.get(0)).unwrap();
        let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
        lines[2] = data_encoding::BASE64.encode(&[7; 32]);
        db.execute("UPDATE checkpoints SET note = ?1 WHERE log = 'tenants/dev'", [lines.join("\n")]).unwrap();
        drop(db);
        does_not_start(&mut house, &[TENANT]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_record_opens_only_where_it_was_put() {
    let row = "SELECT r.body FROM records r JOIN conversations c ON c.id = r.conversation WHERE c.uuid = ";
    let (house, names) = stopped().await;
    drop(house);
    assert_eq!(names.len(), 2);
    // What is done, and the sequences of the first conversation that must not be shown after it.
    let damages: [(&str, &[u64]); 5] = [
        ("swap two bodies of one conversation", &[2, 3]),
        ("put a body of the other conversation into this one", &[2]),
        ("flip one byte", &[4]),
        ("change the role that stands in clear", &[5]),
        ("cut a body short", &[1]),
    ];
    for (what, broken) in damages {
        let (mut house, names) = stopped().await;
        let ids = names.each_ref().map(|name| format!("x'{}'", name.rsplit('/').next().unwrap().replace('-', "")));
        let body =
            |conversation: usize, sequence: u64| format!("({row}{} AND r.sequence = {sequence})", ids[conversation]);
        let db = house.vault_db();
        let sealed = |conversation: usize, sequence: u64| -> Vec<u8> {
            let sql = format!("SELECT sealed FROM bodies WHERE id = {}", body(conversation, sequence));
            db.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let put = |sequence: u64, bytes: Vec<u8>| {
            let sql = format!("UPDATE bodies SET sealed = ?1 WHERE id = {}", body(0, sequence));
            assert_eq!(db.execute(&sql, [bytes]).unwrap(), 1);
        };
        match broken {
            [2, 3] => {
                let (two, three) = (sealed(0, 2), sealed(0, 3));
                put(2, three);
                put(3, two);
            }
            [2] => put(2, sealed(1, 2)),
            [4] => {
                let mut bytes = sealed(0, 4);
                *bytes.last_mut().unwrap() ^= 1;
                put(4, bytes);
            }
            [5] => change(&db, &format!("UPDATE bodies SET author_role = 2 WHERE id = {}", body(0, 5))),
            _ => put(1, sealed(0, 1)[..40].to_vec()),
        }
        drop(db);
        house.start().await.unwrap();
        let reader = house.reader();
        for sequence in 1..=5_u64 {
            let request = v1::ReadConversationRequest {
                name: names[0].clone(),
                purpose: v1::Purpose::Quality.into(),
                after_sequence: sequence - 1,
                ..Default::default()
            };
            let mut stream = reader.conversations().read_conversation(request).await.unwrap().into_inner();
            let first = stream.message().await;
            if broken.contains(&sequence) {
                refused(first, Code::DataLoss, "INTEGRITY_FAILURE");
            } else {
                let record =
                    first.unwrap_or_else(|status| panic!("{what}: {sequence}: {status:?}")).unwrap().record.unwrap();
                assert_eq!(
                    (record.sequence, text_of(&record)),
                    (sequence, format!("message {}", sequence - 1).as_str()),
                    "{what}"
                );
            }
        }
        assert_eq!(reader.read(&names[1]).await.unwrap().len(), 5, "{what}: the other conversation suffers");
        let log = house.role("auditor").log(TENANT).await.events;
        assert!(log.iter().any(|event| event.reason == "INTEGRITY_FAILURE"), "{what}: not in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_moved_or_removed_is_not_passed_over_in_silence() {
    for (what, sql) in [
        ("a row under another sequence", "UPDATE records SET sequence = 9 WHERE sequence = 5 AND conversation = 1"),
        ("a row removed from the middle", "DELETE FROM records WHERE sequence = 3 AND conversation = 1"),
        ("a row removed from the end", "DELETE FROM records WHERE sequence = 5 AND conversation = 1"),
        (
            "a body removed",
            "DELETE FROM bodies WHERE id = (SELECT body FROM records WHERE sequence = 3 AND conversation = 1)",
        ),
    ] {
        let (mut house, names) = stopped().await;
        change(&house.vault_db(), sql);
        house.start().await.unwrap();
        let answer = house.reader().read(&names[0]).await;
        assert!(
            answer.is_err(),
            "{what}: read as {:?}",
            answer.unwrap().iter().map(|record| record.sequence).collect::<Vec<_>>()
        );
        refused(answer, Code::DataLoss, "INTEGRITY_FAILURE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_its_files_or_with_another_root_does_not_start() {
    let (mut house, _) = stopped().await;
    let root = std::fs::read_dir(house.data_dir()).unwrap().map(|entry| entry.unwrap().path());
    let root = root.into_iter().find(|path| path.to_string_lossy().contains("root")).expect("the root key file");
    let good = std::fs::read(&root).unwrap();
    let (other, _) = stopped().await;
    let foreign = std::fs::read(other.data_dir().join(root.file_name().unwrap())).unwrap();
    assert_ne!(good, foreign);
    let put = |content: &[u8]| {
        std::fs::write(&root, content).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    put(&foreign);
    does_not_start(&mut house, &["root"]).await;
    put(b"no key");
    does_not_start(&mut house, &["key"]).await;
    std::fs::remove_file(&root).unwrap();
    does_not_start(&mut house, &["key"]).await;
    put(&good);

    for file in ["vault.db", "keys.db"] {
        let (here, aside) = (house.data_dir().join(file), house.dir.path().join(file));
        std::fs::rename(&here, &aside).unwrap();
        does_not_start(&mut house, &[]).await;
        assert!(!here.exists(), "an empty {file} was put in place of the missing one");
        std::fs::copy(other.data_dir().join(file), &here).unwrap();
        does_not_start(&mut house, &[]).await;
        std::fs::rename(&aside, &here).unwrap();
        let _ = std::fs::remove_file(house.data_dir().join(format!("{file}-wal")));
        let _ = std::fs::remove_file(house.data_dir().join(format!("{file}-shm")));
    }
    // A start that failed lets go of the files a moment later.
    let house = tokio::sync::Mutex::new(house);
    eventually("a start with everything in place", || async {
        match house.lock().await.start().await {
            Err(error) if error.contains("in use") => false,
            other => other.map(|()| true).unwrap(),
        }
    })
    .await;
}
