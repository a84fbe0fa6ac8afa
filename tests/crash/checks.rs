//! What must hold of the two files of a stopped vault, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use subrosa::audit::{Frontier, leaf_hash};

/// Checks both files against each other and the audit logs against their heads.
pub(crate) fn check(dir: &Path, at: &str) {
    let data = Connection::open(dir.join("vault.db")).unwrap();
    let keys = Connection::open(dir.join("keys.db")).unwrap();
    one_active_key_for_each_tenant(&data, &keys, at);
    nothing_is_left_open(&data, &keys, at);
    no_key_without_its_conversation(&data, &keys, at);
    what_was_destroyed_is_gone(&data, &keys, at);
    the_logs_are_whole(&data, at);
}

fn texts(conn: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = conn.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn blobs(conn: &Connection, sql: &str) -> BTreeSet<Vec<u8>> {
    let mut statement = conn.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn count(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Every tenant has a row, both policies, and exactly one active key, on which all that is alive hangs.
fn one_active_key_for_each_tenant(data: &Connection, keys: &Connection, at: &str) {
    let rows = texts(data, "SELECT name FROM tenants");
    assert_eq!(rows, texts(keys, "SELECT tenant FROM tenant_keks"), "{at}: half a tenant");
    assert_eq!(rows, texts(keys, "SELECT tenant FROM tenant_keys"), "{at}: a tenant without an index key");
    let policies = "SELECT count(*) FROM tenants t WHERE
        (SELECT count(DISTINCT kind) FROM policies p WHERE p.tenant = t.id) <> 2";
    assert_eq!(count(data, policies), 0, "{at}: a tenant without its policies");
    let active = "SELECT count(*) FROM (SELECT DISTINCT tenant AS name FROM tenant_keks) WHERE
        (SELECT count(*) FROM tenant_keks k WHERE k.tenant = name AND k.state = 2) <> 1";
    assert_eq!(count(keys, active), 0, "{at}: not one active key");
    for (table, alive) in [("buckets", "b.live = 1"), ("tenant_keys", "1")] {
        let elsewhere = format!(
            "SELECT count(*) FROM {table} b WHERE {alive} AND b.kek_version <>
             (SELECT version FROM tenant_keks k WHERE k.tenant = b.tenant AND k.state = 2)"
        );
        assert_eq!(count(keys, &elsewhere), 0, "{at}: {table} under a key that is not active");
    }
}

fn nothing_is_left_open(data: &Connection, keys: &Connection, at: &str) {
    assert_eq!(count(data, "SELECT count(*) FROM key_acts"), 0, "{at}: an act without its outcome");
    assert_eq!(count(data, "SELECT count(*) FROM open_reads"), 0, "{at}: a read without its end");
    assert_eq!(count(keys, "SELECT count(*) FROM act_marks"), 0, "{at}: the mark of an act is left");
}

/// After the sweep of orphans.
fn no_key_without_its_conversation(data: &Connection, keys: &Connection, at: &str) {
    let there = blobs(data, "SELECT uuid FROM conversations");
    for table in ["conversation_keys", "segments", "handles"] {
        let named = blobs(keys, &format!("SELECT conversation FROM {table}"));
        assert!(named.is_subset(&there), "{at}: orphans in {table}");
    }
}

fn what_was_destroyed_is_gone(data: &Connection, keys: &Connection, at: &str) {
    let wraps = "SELECT count(*) FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap
        WHERE b.live = 0 AND w.wrapped <> zeroblob(length(w.wrapped))";
    assert_eq!(count(keys, wraps), 0, "{at}: the wrap of a destroyed key");
    let segments = "SELECT count(*) FROM segments s JOIN buckets b ON b.id = s.bucket WHERE b.live = 0";
    assert_eq!(count(keys, segments), 0, "{at}: a segment that should be swept");
    // A record without its segment's key can be read by nobody and will be swept by nothing.
    let mut rows = data
        .prepare("SELECT DISTINCT c.uuid, r.dek_id FROM records r JOIN conversations c ON c.id = r.conversation")
        .unwrap();
    let sealed = rows.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))).unwrap();
    for (conversation, dek_id) in sealed.map(Result::unwrap) {
        let sql = "SELECT count(*) FROM segments WHERE conversation = ?1 AND dek_id = ?2";
        let there: i64 = keys.query_row(sql, (&conversation, dek_id), |row| row.get(0)).unwrap();
        assert_eq!(there, 1, "{at}: a record whose key is not there");
    }
    let bodies = "SELECT (SELECT count(*) FROM bodies) - (SELECT count(*) FROM records)";
    assert_eq!(count(data, bodies), 0, "{at}: bodies and records do not go together");
}

/// Every log hashes from its first entry to its head, and every act that was begun has one outcome.
fn the_logs_are_whole(data: &Connection, at: &str) {
    let mut logs = data.prepare("SELECT id, name, frontier FROM audit_logs").unwrap();
    let logs = logs.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    for (id, name, head) in logs.map(Result::<(i64, String, Vec<u8>), _>::unwrap) {
        let mut tree = Frontier::default();
        let mut begun: BTreeMap<String, i64> = BTreeMap::new();
        let sql = "SELECT canonical, commitments, leaf FROM audit_entries WHERE id >> 40 = ?1 ORDER BY id";
        let mut entries = data.prepare(sql).unwrap();
        let entries = entries.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        for (canonical, commitments, leaf) in entries.map(Result::<(Vec<u8>, Vec<u8>, Vec<u8>), _>::unwrap) {
            let commitments: Vec<[u8; 32]> = commitments.chunks(32).map(|one| one.try_into().unwrap()).collect();
            let hash = leaf_hash(&canonical, &commitments);
            assert_eq!(hash.as_bytes()[..], leaf, "{at}: an entry of {name} is not what was hashed");
            tree.push(hash);
            note(&canonical, &mut begun);
        }
        assert_eq!(tree.encode(), head, "{at}: the head of {name} is not that of its entries");
        begun.retain(|_, balance| *balance != 0);
        assert!(begun.is_empty(), "{at}: acts of {name} whose intents and outcomes do not go together: {begun:?}");
    }
}

/// Counts an intent up and an outcome down, by operation.
fn note(canonical: &[u8], begun: &mut BTreeMap<String, i64>) {
    let entry: serde_json::Value = serde_json::from_slice(canonical).unwrap();
    let operation = entry["op"].as_str().unwrap_or_default().to_owned();
    match entry["phase"].as_str() {
        Some("INTENT") => *begun.entry(operation).or_default() += 1,
        Some("OUTCOME") => *begun.entry(operation).or_default() -= 1,
        _ => {}
    }
}
