//! Everything that a stopped vault of `subrosa dev` sealed, opened again by docs/format.md with the primitives alone.

use std::path::Path;

use rusqlite::{Connection, Row, params};
use serde_json::Value;
use subrosa::domain::Day;
use subrosa::sealing::{
    Backend, BlobContext, Key32, KeyKind, Label, RecordContext, WrapContext, derive_key, open, open_blob, unwrap,
};

/// What one sealed thing says.
pub(super) struct Plain {
    pub(super) place: String,
    /// What somebody could be shown: escapes of JSON decoded, files that were redacted in clear.
    pub(super) shown: Vec<u8>,
    /// The bytes of a file that was sealed as it came.
    pub(super) withheld: Vec<u8>,
}

/// Opens every record and every conversation's metadata.
pub(super) fn open_all(folder: &Path) -> Vec<Plain> {
    let vault = Opened::new(folder);
    let mut all = vault.metadata();
    all.extend(vault.records());
    let rows = |table: &str| -> usize {
        vault.data.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap() as usize
    };
    assert_eq!(all.len(), rows("records") + rows("conversations"), "something sealed was not opened");
    all
}

struct Opened {
    data: Connection,
    keys: Connection,
    root: Key32,
    vault_id: [u8; 16],
    generation: u32,
}

impl Opened {
    fn new(folder: &Path) -> Self {
        let open = |name: &str| {
            assert!(folder.join(name).exists(), "{name} is not there");
            Connection::open(folder.join(name)).unwrap()
        };
        let (data, keys) = (open("vault.db"), open("keys.db"));
        let text = std::fs::read_to_string(folder.join("root.key")).unwrap();
        let root = Key32::from_slice(&data_encoding::HEXLOWER.decode(text.trim().as_bytes()).unwrap()).unwrap();
        let meta = |key: &str| -> Vec<u8> {
            keys.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).unwrap()
        };
        let vault_id = meta("vault_id").try_into().unwrap();
        let generation = u32::from_be_bytes(meta("generation").try_into().unwrap());
        Self { data, keys, root, vault_id, generation }
    }

    fn unwrap(
        &self,
        by: &Key32,
        wrapped: &[u8],
        tenant: &str,
        what: (KeyKind, &[u8]),
        with: (KeyKind, &[u8], u64),
    ) -> Key32 {
        let context = WrapContext {
            vault_id: self.vault_id,
            tenant,
            what: what.0,
            subject: what.1,
            wrapping_kind: with.0,
            wrapping_id: with.1,
            wrapping_version: with.2,
        };
        unwrap(by, &context, wrapped).unwrap()
    }

    fn epoch(&self, epoch: u32) -> Key32 {
        let sql = "SELECT wrapped FROM root_slots WHERE epoch = ?1 AND kind = 'key-file'";
        let wrapped: Vec<u8> = self.keys.query_row(sql, [epoch], |row| row.get(0)).unwrap();
        let what = (KeyKind::Epoch, &epoch.to_be_bytes()[..]);
        self.unwrap(&self.root, &wrapped, "", what, (KeyKind::Root, b"key-file", 0))
    }

    fn tenant_kek(&self, tenant: &str, version: u32) -> Key32 {
        let sql = "SELECT epoch, wrapped FROM tenant_keks WHERE tenant = ?1 AND version = ?2";
        let row = self.keys.query_row(sql, params![tenant, version], |row| Ok((row.get(0)?, row.get(1)?)));
        let (epoch, wrapped): (u32, Vec<u8>) = row.unwrap();
        let what = (KeyKind::TenantKek, &version.to_be_bytes()[..]);
        self.unwrap(&self.epoch(epoch), &wrapped, tenant, what, (KeyKind::Epoch, b"", epoch.into()))
    }

    fn bucket(&self, id: u64) -> Key32 {
        let sql = "SELECT b.tenant, b.day, b.kek_version, w.wrapped
                   FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap WHERE b.id = ?1 AND b.kind = 1 AND b.live";
        let row = self
            .keys
            .query_row(sql, [id.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let (tenant, day, version, wrapped): (String, i32, u32, Vec<u8>) = row.unwrap();
        let subject = [&id.to_be_bytes()[..], Day::from_number(day).to_string().as_bytes()].concat();
        let kek = self.tenant_kek(&tenant, version);
        let with = (KeyKind::TenantKek, &b""[..], version.into());
        self.unwrap(&kek, &wrapped, &tenant, (KeyKind::BucketKek, &subject), with)
    }

    /// Opens a key that hangs on a bucket.
    fn below(&self, tenant: &str, bucket: u64, wrapped: &[u8], what: (KeyKind, &[u8])) -> Key32 {
        let with = (KeyKind::BucketKek, &bucket.to_be_bytes()[..], 0);
        self.unwrap(&self.bucket(bucket), wrapped, tenant, what, with)
    }

    fn metadata(&self) -> Vec<Plain> {
        let sql = "SELECT c.uuid, t.name, c.meta_version, c.sealed_meta
                   FROM conversations c JOIN tenants t ON t.id = c.tenant";
        let mut rows = self.data.prepare(sql).unwrap();
        let rows = rows.query_map([], |row| {
            let (id, tenant): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
            let (version, sealed): (u64, Vec<u8>) = (number(row, 2)?, row.get(3)?);
            let sql = "SELECT bucket, wrapped FROM conversation_keys WHERE conversation = ?1";
            let (bucket, wrapped): (u64, Vec<u8>) =
                self.keys.query_row(sql, [id], |row| Ok((number(row, 0)?, row.get(1)?)))?;
            let key = self.below(&tenant, bucket, &wrapped, (KeyKind::ConversationKey, &id));
            let context = BlobContext {
                vault_id: self.vault_id,
                generation: self.generation,
                tenant: &tenant,
                conversation: id,
                purpose: "metadata",
                version,
            };
            let plain = open_blob(Backend::Ring, &derive_key(&key, Label::METADATA, b""), &context, &sealed).unwrap();
            Ok(Plain { place: "metadata of a conversation".to_owned(), shown: plain.to_vec(), withheld: Vec::new() })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn records(&self) -> Vec<Plain> {
        let sql = "SELECT c.uuid, t.name, r.sequence, r.dek_id, b.kind, b.policy_version, b.sealed
                   FROM records r JOIN bodies b ON b.id = r.body
                   JOIN conversations c ON c.id = r.conversation JOIN tenants t ON t.id = c.tenant";
        let mut rows = self.data.prepare(sql).unwrap();
        let rows = rows.query_map([], |row| {
            let tenant: String = row.get(1)?;
            let context = RecordContext {
                vault_id: self.vault_id,
                generation: self.generation,
                tenant: &tenant,
                conversation: row.get(0)?,
                sequence: number(row, 2)?,
                kind: row.get(4)?,
                dek_id: number(row, 3)?,
                policy_version: row.get(5)?,
            };
            let sealed: Vec<u8> = row.get(6)?;
            let sql = "SELECT bucket, wrapped FROM segments WHERE conversation = ?1 AND dek_id = ?2";
            let of = params![context.conversation, context.dek_id.cast_signed()];
            let (bucket, wrapped): (u64, Vec<u8>) =
                self.keys.query_row(sql, of, |row| Ok((number(row, 0)?, row.get(1)?)))?;
            let subject = [&context.conversation[..], &context.dek_id.to_be_bytes()].concat();
            let dek = self.below(&tenant, bucket, &wrapped, (KeyKind::SegmentDek, &subject));
            let plain = open(Backend::Ring, &dek, &context, &sealed).unwrap();
            let record = serde_json::from_slice(&plain[32..]).unwrap();
            Ok(read(format!("record {}", context.sequence), record))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// A number of 64 bits without a sign, which SQLite keeps as the one with the same bits.
fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get(at).map(i64::cast_unsigned)
}

/// Takes the files that were sealed as they came out of a record, and decodes what stands in it in another form.
fn read(place: String, mut record: Value) -> Plain {
    let mut decoded = Vec::new();
    let mut withheld = Vec::new();
    if let Some(call) = record["content"].get("tool_call") {
        decoded.extend(["arguments", "result"].map(|field| decoded_json(call[field].as_str().unwrap().as_bytes())));
    }
    if let Some(file) = record["content"].get_mut("attachment").and_then(Value::as_object_mut) {
        let data = file.remove("data").unwrap();
        let data = data_encoding::BASE64.decode(data.as_str().unwrap().as_bytes()).unwrap();
        match file["media_type"].as_str().unwrap() {
            "application/json" => decoded.push(decoded_json(&data)),
            text if text.starts_with("text/") => decoded.push(data),
            _ => withheld = data,
        }
    }
    let shown = [record.to_string().into_bytes(), decoded.join(&b'\n')].concat();
    Plain { place, shown, withheld }
}

/// JSON with its escapes decoded, beside itself.
fn decoded_json(text: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    [text, value.to_string().as_bytes()].join(&b'\n')
}
