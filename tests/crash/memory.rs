//! No key is left in memory: when it was destroyed, when its tenant is shut, when the vault is closed.
//!
//! The keys of a working vault are learned by opening their wraps as `docs/format.md` says, and kept inverted, so that
//! what is looked for is not found in what looks. Then the process reads all of its own writable memory.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use subrosa::access::acts;
use subrosa::audit::origin;
use subrosa::domain::{Purpose, Role, TenantId, Timestamp, View};
use subrosa::keys::roots::{Cost, Passphrase, Root as _};
use subrosa::sealing::{Key32, KeyKind, Label, WrapContext, derive_key, unwrap, with_clean_stack};
use subrosa::vault::{Checkpointer, ReadScope};
use zeroize::Zeroize as _;

use crate::acts::{append, freeze, make_tenant, rotate, unfreeze};
use crate::observe::{acme, look, read};
use crate::world::{DAYS, Open, Plan, START, make};

const DAY: Duration = Duration::from_secs(86_400);

/// What is looked for: a key, and the keys that can be made of it and do the same.
struct Masked {
    what: String,
    inverse: Vec<u8>,
}

/// Every secret of a vault at one moment, as far as the files tell.
struct Learned(Vec<Masked>);

impl Learned {
    fn note(&mut self, what: &str, key: &Key32) {
        let inverse = key.expose().iter().map(|byte| !byte).collect();
        self.0.push(Masked { what: what.to_owned(), inverse });
    }

    /// The keys whose names begin so.
    fn of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Masked> {
        let found: Vec<_> = self.0.iter().filter(move |key| key.what.starts_with(prefix)).collect();
        assert!(!found.is_empty(), "no key was learned whose name begins with {prefix}");
        found.into_iter()
    }
}

/// Opens every wrap in the files.
struct Opener {
    keys: Connection,
    vault_id: [u8; 16],
}

type Wrap = (Vec<u8>, Vec<u8>, Vec<u8>);

impl Opener {
    fn open(
        &self,
        kek: &Key32,
        tenant: &str,
        what: KeyKind,
        subject: &[u8],
        under: (KeyKind, &[u8], u64),
        wrapped: &[u8],
    ) -> Key32 {
        let (wrapping_kind, wrapping_id, wrapping_version) = under;
        let vault_id = self.vault_id;
        let context = WrapContext { vault_id, tenant, what, subject, wrapping_kind, wrapping_id, wrapping_version };
        unwrap(kek, &context, wrapped).unwrap()
    }

    fn rows<T>(&self, sql: &str, row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut statement = self.keys.prepare(sql).unwrap();
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    fn wraps(&self, sql: &str) -> Vec<Wrap> {
        self.rows(sql, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }
}

/// Learns every key of the vault in `dir`, from the root down.
fn learn(dir: &Path) -> Learned {
    let keys = Connection::open(dir.join("keys.db")).unwrap();
    let vault_id = keys.query_row("SELECT value FROM meta WHERE key = 'vault_id'", [], |row| row.get(0)).unwrap();
    let (opener, mut learned) = (Opener { keys, vault_id }, Learned(Vec::new()));
    let root = root(dir);
    learned.note("root", &root);
    let epochs = opener.wraps("SELECT wrapped, zeroblob(0), zeroblob(0) FROM root_slots");
    let one = 1_u32.to_be_bytes();
    let epoch = opener.open(&root, "", KeyKind::Epoch, &one, (KeyKind::Root, b"key-file", 0), &epochs[0].0);
    learned.note("epoch", &epoch);
    log_keys(&opener, &mut learned, &epoch);
    let keks = opener.rows("SELECT tenant, version, wrapped FROM tenant_keks", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get::<_, Vec<u8>>(2)?))
    });
    for (tenant, version, wrapped) in keks {
        let under = (KeyKind::Epoch, &b""[..], 1);
        let kek = opener.open(&epoch, &tenant, KeyKind::TenantKek, &version.to_be_bytes(), under, &wrapped);
        learned.note(&format!("{tenant}: kek {version}"), &kek);
        learned.note(&format!("{tenant}: kek {version}: wrap key"), &derive_key(&kek, Label::WRAP_KEY, &[]));
        index_key(&opener, &mut learned, &tenant, version, &kek);
        buckets(&opener, &mut learned, &tenant, version, &kek);
    }
    learned
}

fn root(dir: &Path) -> Key32 {
    let mut text = fs::read(dir.join("root.key")).unwrap();
    let mut bytes = data_encoding::HEXLOWER.decode(text.trim_ascii()).unwrap();
    let key = Key32::from_slice(&bytes).unwrap();
    text.zeroize();
    bytes.zeroize();
    key
}

fn log_keys(opener: &Opener, learned: &mut Learned, epoch: &Key32) {
    let wraps = opener.wraps("SELECT wrapped, zeroblob(0), zeroblob(0) FROM log_keys");
    let under = (KeyKind::Epoch, &b""[..], 1);
    let seed = opener.open(epoch, "", KeyKind::LogKey, &1_u32.to_be_bytes(), under, &wraps[0].0);
    learned.note("log key", &seed);
    // The signing key of one log, and the scalar that Ed25519 makes of it and signs with (RFC 8032, section 5.1.5).
    let vault = data_encoding::HEXLOWER.encode(&opener.vault_id);
    for log in ["system", "tenants/acme"] {
        let own = log_seed(&seed, &origin(&vault, log));
        learned.note(&format!("log key of {log}"), &own);
        let scalar = with_clean_stack(|| {
            let mut hash = zeroize::Zeroizing::new([0_u8; 64]);
            hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA512, own.expose()).as_ref());
            hash[0] &= 248;
            hash[31] &= 63;
            hash[31] |= 64;
            Key32::from_slice(&hash[..32]).unwrap()
        });
        learned.note(&format!("log key of {log}: scalar"), &scalar);
    }
}

/// HKDF-Expand, as `docs/audit.md` says.
fn log_seed(seed: &Key32, origin: &str) -> Key32 {
    struct Length;
    impl ring::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    with_clean_stack(|| {
        Key32::init_with(|into| {
            let prk = ring::hkdf::Prk::new_less_safe(ring::hkdf::HKDF_SHA512, seed.expose());
            let info = [&b"subrosa audit log key v1\n"[..], origin.as_bytes()];
            prk.expand(&info, Length).unwrap().fill(into).unwrap();
        })
    })
}

fn index_key(opener: &Opener, learned: &mut Learned, tenant: &str, version: u32, kek: &Key32) {
    let sql = format!(
        "SELECT wrapped, zeroblob(0), zeroblob(0) FROM tenant_keys WHERE tenant = '{tenant}' AND kek_version = {version}"
    );
    for (wrapped, ..) in opener.wraps(&sql) {
        let under = (KeyKind::TenantKek, &b""[..], u64::from(version));
        let key = opener.open(kek, tenant, KeyKind::IndexKey, &[], under, &wrapped);
        learned.note(&format!("{tenant}: index key"), &key);
    }
}

fn buckets(opener: &Opener, learned: &mut Learned, tenant: &str, version: u32, kek: &Key32) {
    let sql = format!(
        "SELECT b.id, b.day, w.wrapped FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap
         WHERE b.live = 1 AND b.tenant = '{tenant}' AND b.kek_version = {version}"
    );
    let rows = opener.rows(&sql, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i32>(1)?, row.get::<_, Vec<u8>>(2)?)));
    for (id, day, wrapped) in rows {
        let kind = subrosa::store::BucketKind::Day(subrosa::domain::Day::from_number(day));
        let subject = [&id.to_be_bytes()[..], kind.to_string().as_bytes()].concat();
        let under = (KeyKind::TenantKek, &b""[..], u64::from(version));
        let bucket = opener.open(kek, tenant, KeyKind::BucketKek, &subject, under, &wrapped);
        let name = format!("{tenant}: day {day}");
        learned.note(&format!("{name}: bucket"), &bucket);
        let under = (KeyKind::BucketKek, &id.to_be_bytes()[..], 0);
        let sql = format!("SELECT conversation, dek_id, wrapped FROM segments WHERE bucket = {id}");
        let segments =
            opener.rows(&sql, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?)));
        for (of, dek_id, wrapped) in segments {
            let subject = [&of[..], &dek_id.to_be_bytes()[..]].concat();
            let dek = opener.open(&bucket, tenant, KeyKind::SegmentDek, &subject, under, &wrapped);
            learned.note(&format!("{name}: segment"), &dek);
        }
        for (of, wrapped, _) in opener
            .wraps(&format!("SELECT conversation, wrapped, zeroblob(0) FROM conversation_keys WHERE bucket = {id}"))
        {
            let key = opener.open(&bucket, tenant, KeyKind::ConversationKey, &of, under, &wrapped);
            learned.note(&format!("{name}: conversation"), &key);
            learned.note(&format!("{name}: pseudonyms"), &derive_key(&key, Label::PSEUDONYM, &[]));
            learned.note(&format!("{name}: metadata"), &derive_key(&key, Label::METADATA, &[]));
        }
    }
}

/// Checks that none of these keys is anywhere in the process.
fn none_left<'a>(keys: impl Iterator<Item = &'a Masked>, when: &str) {
    let keys: Vec<_> = keys.collect();
    let found = find(&keys);
    let left: Vec<_> = keys.iter().zip(&found).filter(|(_, count)| **count > 0).map(|(key, _)| &key.what).collect();
    assert!(left.is_empty(), "{when}: {} of {} keys are left: {left:?}", left.len(), keys.len());
}

/// Checks that each of these keys can be found: the scan can see.
fn all_there<'a>(keys: impl Iterator<Item = &'a Masked>, when: &str) {
    let keys: Vec<_> = keys.collect();
    let found = find(&keys);
    let hidden: Vec<_> = keys.iter().zip(&found).filter(|(_, count)| **count == 0).map(|(key, _)| &key.what).collect();
    assert!(hidden.is_empty(), "{when}: not seen, though in use: {hidden:?}");
}

/// Counts how often each key stands in any writable memory of this process.
fn find(keys: &[&Masked]) -> Vec<usize> {
    let maps = fs::read_to_string("/proc/self/maps").expect("a Linux /proc");
    let mut memory = File::open("/proc/self/mem").expect("a process may read itself");
    let mut found = vec![0; keys.len()];
    let mut chunk = vec![0_u8; 1 << 20];
    let own = chunk.as_ptr() as u64..chunk.as_ptr() as u64 + chunk.len() as u64;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).expect("hexadecimal"));
        let mut at = start;
        while at < end && memory.seek(SeekFrom::Start(at)).is_ok() {
            let want = chunk.len().min((end - at) as usize);
            let Ok(read) = memory.read(&mut chunk[..want]) else { break };
            count(&chunk[..read], at, &own, keys, &mut found);
            if read < 32 || at + read as u64 == end {
                break;
            }
            at += (read - 31) as u64;
        }
        // What was read is not to be found in its turn.
        chunk.as_mut_slice().zeroize();
    }
    found
}

/// Counts without ever making a copy of what is looked for. What lies in the buffer of the scan itself does not count.
fn count(bytes: &[u8], at: u64, own: &std::ops::Range<u64>, keys: &[&Masked], found: &mut [usize]) {
    let mut first: [Vec<usize>; 256] = std::array::from_fn(|_| Vec::new());
    for (number, key) in keys.iter().enumerate() {
        first[usize::from(!key.inverse[0])].push(number);
    }
    let mut place = 0;
    while place + 32 <= bytes.len() {
        if bytes[place..].starts_with(&NOTHING) {
            place += NOTHING.len() - 31;
            continue;
        }
        let window = &bytes[place..place + 32];
        place += 1;
        if own.contains(&(at + place as u64)) {
            continue;
        }
        for number in &first[usize::from(window[0])] {
            let inverse = &keys[*number].inverse;
            found[*number] += usize::from(window.iter().zip(inverse).all(|(byte, mask)| *byte == !mask));
        }
    }
}

/// Untouched memory, which is most of it, is passed over in strides.
static NOTHING: [u8; 1024] = [0; 1024];

/// Does what a vault does all day, with values that become pseudonyms.
async fn work(open: &Open, tag: &str) {
    for number in 0..20_u128 {
        let text = format!("{tag} {number}: mail jane{number}@example.org or call +1 415 555 0132");
        let texts: Vec<&str> = std::iter::repeat_n(text.as_str(), 10).collect();
        append(open, &format!("{tag} {number}"), &texts, 1_000 + number + tag.len() as u128 * 100).await.unwrap();
    }
    look(open).await;
}

async fn opened(dir: &Path, now: Timestamp) -> Open {
    Open::open(dir, now, Plan::Count).await.map_err(|(error, _)| error).unwrap()
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

/// Argon2id fills memory with what it makes of a passphrase, and its result opens everything.
#[test]
fn a_passphrase_leaves_no_root_key() {
    const COST: Cost = Cost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };
    let root = Passphrase::new("six words that nobody says".into(), COST);
    let params: serde_json::Value = serde_json::from_str(&root.params()).unwrap();
    let salt = data_encoding::HEXLOWER.decode(params["salt"].as_str().unwrap().as_bytes()).unwrap();
    let stretch = || {
        let params = argon2::Params::new(COST.memory_kib, COST.passes, COST.lanes, Some(32)).unwrap();
        let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        Key32::init_with(|out| argon.hash_password_into(b"six words that nobody says", &salt, out).unwrap())
    };
    let mut learned = Learned(Vec::new());
    let key = with_clean_stack(stretch);
    learned.note("stretched", &key);
    learned.note("stretched: wrap key", &derive_key(&key, Label::WRAP_KEY, &[]));
    all_there(learned.of("stretched").take(1), "while it is held");
    drop(key);
    none_left(learned.of("stretched"), "after it was dropped");
    let context = WrapContext {
        vault_id: [7; 16],
        tenant: "",
        what: KeyKind::Epoch,
        subject: b"1",
        wrapping_kind: KeyKind::Root,
        wrapping_id: b"passphrase",
        wrapping_version: 0,
    };
    let wrapped = root.wrap(&context, &Key32::random()).unwrap();
    none_left(learned.of("stretched"), "after wrapping");
    root.unwrap(&root.params(), &context, &wrapped).unwrap();
    none_left(learned.of("stretched"), "after opening");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_outlives_its_end_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path()).await;
    let open = opened(folder.path(), start()).await;
    make_tenant(&open, &acme(), 1).await.unwrap();
    let other: TenantId = "globex".parse().unwrap();
    make_tenant(&open, &other, 2).await.unwrap();
    rotate(&open, &other, 3).await.unwrap();
    let first = append(&open, "a first", &["one"], 4).await.unwrap();
    work(&open, "monday").await;
    open.clock.advance(DAY);
    work(&open, "on tuesday").await;
    let mut checkpointer = Checkpointer::new(std::sync::Arc::clone(&open.vault)).await.unwrap();
    checkpointer.sign().await.unwrap();

    // The scan sees what is in use, and the root is not in use once the vault is open.
    let day = |days: u32| format!("acme: day {}:", subrosa::lifecycle::expiry_day(start(), days).number());
    let (monday, tuesday) = (day(DAYS), day(DAYS + 1));
    let learned = learn(folder.path());
    all_there(learned.of("epoch"), "while the vault is open");
    all_there(learned.of("log key").take(2), "while the vault is open");
    all_there(learned.of("acme: kek 1").take(1), "while the tenant is served");
    all_there(learned.of("acme: index key"), "while the tenant is served");
    let kept: Vec<_> = learned.of(&tuesday).filter(|key| !key.what.ends_with("metadata")).collect();
    assert!(kept.len() > 60, "{} keys", kept.len());
    all_there(kept.into_iter(), "while the day lasts");
    all_there(learned.of(&monday).filter(|key| key.what.ends_with("segment")), "while the day lasts");
    none_left(learned.of("root"), "after the unlocking");
    none_left(learned.of("acme: kek 1: wrap key"), "between two uses");
    none_left(learned.of("log key").filter(|key| key.what.ends_with("scalar")), "between two signatures");
    none_left(learned.of(&tuesday).filter(|key| key.what.ends_with("metadata")), "between two uses");
    // Of a key that was retired before anything else was done nothing is left.
    none_left(learned.of("globex: kek 1"), "after a rotation");

    rotate(&open, &acme(), 5).await.unwrap();
    none_left(learned.of("acme: kek 1"), "after a rotation");

    // A reader whose client is slow holds on while the day runs out.
    let caller = open.caller::<acts::ReadConversation>(Role::Reader).await.unwrap();
    let scope =
        ReadScope { name: first, purpose: Some(Purpose::Quality), case: None, view: View::Redacted, after_sequence: 0 };
    let mut reading = open.vault.read_conversation(&caller, scope).await.unwrap().into_inner();
    assert!(reading.next().await.unwrap().is_some());
    open.clock.set(start().plus(DAY * (DAYS + 1)));
    assert!(open.vault.expire_due().await.unwrap().destroyed >= 1);
    none_left(learned.of(&monday), "after the day has run out");
    let seen = look(&open).await;
    all_there(learned.of(&tuesday).filter(|key| key.what.ends_with("segment")), "while the day lasts");
    drop(reading);

    // Somebody writes until the end.
    append(&open, "on tuesday 2", &["until the end"], 12).await.unwrap();
    let seen_last = look(&open).await;
    assert_ne!(seen, seen_last);
    freeze(&open, 6).await.unwrap();
    let learned_later = learn(folder.path());
    none_left(learned_later.of("acme:"), "after the tenant was shut");
    // Calls that come all the same, and are refused, bring no key back.
    append(&open, "on tuesday 1", &["late"], 7).await.unwrap_err();
    look(&open).await;
    none_left(learned_later.of("acme:"), "after a call to a tenant that is shut");
    all_there(learned_later.of("epoch"), "while the vault is open");
    drop(checkpointer);
    open.close().await;
    none_left(learned.0.iter().chain(&learned_later.0), "after the vault was closed");

    // A frozen tenant stays shut over a start, and its keys come back with it.
    let open = opened(folder.path(), start().plus(DAY * (DAYS + 1))).await;
    append(&open, "on tuesday 1", &["late"], 8).await.unwrap_err();
    none_left(learned_later.of("acme:"), "after another start");
    unfreeze(&open, 9).await.unwrap();
    assert_eq!(look(&open).await, seen_last);
    all_there(learned_later.of(&tuesday).filter(|key| key.what.ends_with("segment")), "when it is served again");
    let name = append(&open, "on tuesday 1", &["again"], 10).await.unwrap();
    assert_eq!(read(&open, &name).await.unwrap().len(), 11);
    open.close().await;
    none_left(learned.0.iter().chain(&learned_later.0), "after the vault was closed");
    println!("{} keys were looked for", learned.0.len() + learned_later.0.len());
}
