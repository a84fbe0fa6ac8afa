//! Everything that can be done to a small log, and what the verifier says of it.

use subrosa::audit::{
    Count, Entry, EntryError, Frontier, Hash, LogItem, LogSigner, NoteError, Report, Verifier, VerifyError, leaf_hash,
    origin,
};

/// Entries of the small log, and how many lie between two checkpoints.
const SIZE: usize = 12;
const STRIDE: usize = 4;

#[test]
fn whole_log_is_found_whole() {
    let log = Log::new();
    let report = log.replay(&log.rows, SIZE).unwrap();
    let records = log.rows.iter().map(|row| row.commitments.len() as u64).sum();
    assert_eq!(report, Report { size: 12, root: log.roots[SIZE], checkpoints: 3, records, unsigned: 0 });
}

#[test]
fn every_removed_entry_is_named() {
    let log = Log::new();
    for i in 0..SIZE {
        let mut rows = log.rows.clone();
        rows.remove(i);
        let expected = match i {
            11 => VerifyError::RolledBack { have: 11, signed: 12 },
            i => VerifyError::Missing { index: i as u64 },
        };
        assert_eq!(log.replay(&rows, SIZE), Err(expected), "{i}");
        // A clever remover numbers the rest again, and claims the smaller size.
        let expected = match i {
            8.. => VerifyError::RolledBack { have: 11, signed: 12 },
            i => head_error(i),
        };
        assert_eq!(log.replay(&renumbered(rows), SIZE - 1), Err(expected), "{i}");
    }
}

#[test]
fn every_doubled_entry_is_named() {
    let log = Log::new();
    for i in 0..SIZE {
        for at in i + 1..=SIZE {
            let mut rows = log.rows.clone();
            rows.insert(at, log.rows[i].clone());
            assert_eq!(log.replay(&rows, SIZE), Err(VerifyError::Repeated { index: i as u64 }), "{i} at {at}");
            let expected = match at {
                SIZE => VerifyError::Surplus { index: 12 },
                at => head_error(at),
            };
            assert_eq!(log.replay(&renumbered(rows), SIZE), Err(expected), "{i} at {at}");
        }
    }
}

#[test]
fn every_swapped_pair_is_named() {
    let log = Log::new();
    for i in 0..SIZE {
        for j in i + 1..SIZE {
            let mut rows = log.rows.clone();
            rows.swap(i, j);
            assert_eq!(log.replay(&rows, SIZE), Err(VerifyError::Missing { index: i as u64 }), "{i} {j}");
            assert_eq!(log.replay(&renumbered(rows), SIZE), Err(head_error(i)), "{i} {j}");
        }
    }
}

#[test]
fn every_altered_entry_is_named() {
    let log = Log::new();
    for i in 0..SIZE {
        let mut rows = log.rows.clone();
        rows[i].canonical = entry(i, rows[i].commitments.len(), "key_2");
        assert_eq!(log.replay(&rows, SIZE), Err(VerifyError::Mismatch { index: i as u64 }), "stale leaf hash {i}");
        rows[i].leaf = Some(leaf_hash(&rows[i].canonical, &rows[i].commitments));
        assert_eq!(log.replay(&rows, SIZE), Err(head_error(i)), "leaf hash altered too {i}");
        rows[i].leaf = None;
        assert_eq!(log.replay(&rows, SIZE), Err(head_error(i)), "no leaf hash {i}");
    }
}

#[test]
fn every_flipped_bit_of_every_row_is_found() {
    let log = Log::new();
    // Against the unsigned tree head of the whole: 30,000 replays need no signatures.
    let altered = Err(VerifyError::Head { from: 0, size: 12 });
    for (i, row) in log.rows.iter().enumerate() {
        for bit in 0..row.canonical.len() * 8 {
            let mut rows = log.rows.clone();
            rows[i].canonical[bit / 8] ^= 1 << (bit % 8);
            rows[i].leaf = None;
            assert!(log.replay_with(&rows, &[], SIZE).is_err(), "entry {i} bit {bit}");
        }
        for bit in 0..row.commitments.len() * 256 {
            let mut rows = log.rows.clone();
            rows[i].commitments.as_flattened_mut()[bit / 8] ^= 1 << (bit % 8);
            rows[i].leaf = None;
            assert_eq!(log.replay_with(&rows, &[], SIZE), altered, "commitment of {i} bit {bit}");
        }
    }
}

#[test]
fn commitments_are_as_many_as_records_and_in_order() {
    let log = Log::new();
    for i in 0..SIZE {
        let named = Err(VerifyError::Commitments { index: i as u64 });
        let mut rows = log.rows.clone();
        rows[i].commitments.push([0; 32]);
        assert_eq!(log.replay(&rows, SIZE), named, "one more {i}");
        if log.rows[i].commitments.len() == 2 {
            rows[i].commitments.truncate(1);
            assert_eq!(log.replay(&rows, SIZE), named, "one less {i}");
            let mut rows = log.rows.clone();
            rows[i].commitments.swap(0, 1);
            assert_eq!(log.replay(&rows, SIZE), Err(VerifyError::Mismatch { index: i as u64 }), "swapped {i}");
        }
    }
}

#[test]
fn entries_that_are_none_or_of_another_log_are_named() {
    let log = Log::new();
    for i in 0..SIZE {
        let index = i as u64;
        let with = |canonical: Vec<u8>| {
            let mut rows = log.rows.clone();
            rows[i].canonical = canonical;
            log.replay(&rows, SIZE)
        };
        let canonical = String::from_utf8(log.rows[i].canonical.clone()).unwrap();
        assert_eq!(with(format!("{canonical} ").into_bytes()), Err(VerifyError::NotCanonical { index }));
        let malformed = VerifyError::Entry { index, error: EntryError::Malformed };
        assert_eq!(with(canonical[1..].into()), Err(malformed));
        for other in ["tenants/acm", "tenants/acmee", "system", "tenants/tenants"] {
            let moved = canonical.replace("tenants/acme", other);
            assert_eq!(with(moved.into_bytes()), Err(VerifyError::OtherLog { index }), "{other}");
        }
    }
}

#[test]
fn every_truncation_is_found_by_the_checkpoint_and_only_by_it() {
    let log = Log::new();
    for have in 0..SIZE {
        // The tree head was rolled back with the rows, so that the database agrees with itself.
        let rows = &log.rows[..have];
        let rolled_back = VerifyError::RolledBack { have: have as u64, signed: 12 };
        assert_eq!(log.replay(rows, have), Err(rolled_back), "{have}");
        let older: Vec<String> = log.notes.iter().take(have / STRIDE).cloned().collect();
        let report = log.replay_with(rows, &older, have).unwrap();
        assert_eq!(report.unsigned, (have % STRIDE) as u64);
        // The tree head was not rolled back.
        let missing = VerifyError::Missing { index: have as u64 };
        assert_eq!(log.replay_with(rows, &older, SIZE), Err(missing), "{have}");
    }
}

#[test]
fn log_rewritten_and_signed_again_contradicts_an_older_checkpoint() {
    let (log, other) = (Log::new(), Log::of("key_2"));
    assert!(other.replay(&other.rows, SIZE).is_ok());
    for (kept, note) in log.notes.iter().enumerate() {
        let size = (kept as u64 + 1) * 4;
        assert_eq!(
            other.replay_with(&other.rows, std::slice::from_ref(note), SIZE),
            Err(VerifyError::Head { from: 0, size })
        );
        let both = [note.clone(), other.notes[kept].clone()];
        assert_eq!(other.replay_with(&other.rows, &both, SIZE), Err(VerifyError::Forked { size }));
    }
}

#[test]
fn forged_checkpoints_and_keys_are_refused() {
    let log = Log::new();
    let forger = LogSigner::new(&log.origin(), &[9; 32]).unwrap();
    let note = forger.sign_head(12, log.roots[SIZE]);
    assert_eq!(log.replay_with(&log.rows, &[note], SIZE), Err(VerifyError::Checkpoint(NoteError::Unsigned)));
    let altered = log.notes[0].replacen("\n4\n", "\n5\n", 1);
    assert_eq!(log.replay_with(&log.rows, &[altered], SIZE), Err(VerifyError::Checkpoint(NoteError::BadSignature)));
    let refused = |origin: &str, vkey: &str| Verifier::new(origin, vkey).err();
    assert_eq!(refused(&log.origin(), "x"), Some(VerifyError::Key(NoteError::VerifierKey)));
    assert_eq!(refused(&origin("v1", "system"), &log.vkey()), Some(VerifyError::Key(NoteError::OtherLog)));
}

#[test]
fn replay_resumes_after_a_verified_checkpoint() {
    let log = Log::new();
    let resume = |frontier: &Frontier, note: &str| Verifier::resume(&log.origin(), &log.vkey(), frontier.clone(), note);
    let mut verifier = resume(&log.frontiers[8], &log.notes[1]).unwrap();
    verifier.check_checkpoint(&log.notes[2]).unwrap();
    for (index, row) in log.rows.iter().enumerate().skip(8) {
        verifier.feed(row.item(index as u64)).unwrap();
    }
    let report = verifier.finish(12, log.roots[SIZE]).unwrap();
    assert_eq!((report.size, report.checkpoints, report.unsigned), (12, 2, 0));
    for size in (0..=SIZE).filter(|size| *size != 8) {
        assert!(resume(&log.frontiers[size], &log.notes[1]).is_err(), "frontier of {size}");
    }
    let other = &Log::of("key_2").frontiers[8];
    assert_eq!(resume(other, &log.notes[1]).err(), Some(VerifyError::Head { from: 0, size: 8 }));
}

#[test]
fn heads_given_too_late_are_not_taken_for_checked() {
    let log = Log::new();
    let mut verifier = Verifier::new(&log.origin(), &log.vkey()).unwrap();
    for (index, row) in log.rows.iter().enumerate().take(5) {
        verifier.feed(row.item(index as u64)).unwrap();
    }
    assert_eq!(verifier.check_checkpoint(&log.notes[0]).err(), Some(VerifyError::Late { size: 4 }));
    assert_eq!(verifier.check_head(5, log.roots[4]), Err(VerifyError::Head { from: 0, size: 5 }));
}

/// A row as a database keeps it.
#[derive(Clone)]
struct Row {
    index: Option<u64>,
    canonical: Vec<u8>,
    commitments: Vec<[u8; 32]>,
    leaf: Option<Hash>,
}

impl Row {
    fn item(&self, position: u64) -> LogItem<'_> {
        let index = self.index.unwrap_or(position);
        LogItem { index, canonical: &self.canonical, commitments: &self.commitments, leaf: self.leaf }
    }
}

/// A whole small log: appends with two records, reads with none.
struct Log {
    signer: LogSigner,
    rows: Vec<Row>,
    /// Frontier and root at each size, and the checkpoints at 4, 8 and 12.
    frontiers: Vec<Frontier>,
    roots: Vec<Hash>,
    notes: Vec<String>,
}

impl Log {
    fn new() -> Self {
        Self::of("key_1")
    }

    fn of(actor: &str) -> Self {
        let signer = LogSigner::new(&origin("v1", "tenants/acme"), &[7; 32]).unwrap();
        let mut frontiers = vec![Frontier::new()];
        let mut rows = Vec::new();
        for i in 0..SIZE {
            let commitments: Vec<_> = (0..i % 3).map(|record| [(i * 16 + record) as u8; 32]).collect();
            let canonical = entry(i, commitments.len(), actor);
            let leaf = leaf_hash(&canonical, &commitments);
            let mut frontier = frontiers[i].clone();
            frontier.push(leaf);
            frontiers.push(frontier);
            rows.push(Row { index: Some(i as u64), canonical, commitments, leaf: Some(leaf) });
        }
        let roots: Vec<Hash> = frontiers.iter().map(Frontier::root).collect();
        let notes = [4, 8, 12].map(|size| signer.sign_head(size, roots[size as usize])).to_vec();
        Self { signer, rows, frontiers, roots, notes }
    }

    fn origin(&self) -> String {
        self.signer.origin().to_owned()
    }

    fn vkey(&self) -> String {
        self.signer.verifier().vkey()
    }

    fn replay(&self, rows: &[Row], claimed: usize) -> Result<Report, VerifyError> {
        self.replay_with(rows, &self.notes, claimed)
    }

    fn replay_with(&self, rows: &[Row], notes: &[String], claimed: usize) -> Result<Report, VerifyError> {
        let mut verifier = Verifier::new(&self.origin(), &self.vkey())?;
        for note in notes {
            verifier.check_checkpoint(note)?;
        }
        for (position, row) in rows.iter().enumerate() {
            verifier.feed(row.item(position as u64))?;
        }
        verifier.finish(claimed as u64, self.roots[claimed])
    }
}

/// The canonical bytes of the small log's entry `i`.
fn entry(i: usize, records: usize, actor: &str) -> Vec<u8> {
    let op = if records > 0 { "AppendRecords" } else { "ReadConversation" };
    let builder = Entry::builder(i as i64 * 1_000, "tenants/acme", op).actor(actor).role("ingestor").allow();
    let builder = if records > 0 { builder.count(Count::Records, records as u64) } else { builder };
    builder.object("tenants/acme/conversations/c1").build().unwrap().into_canonical()
}

/// Rows numbered by where they stand, with leaf hashes that agree.
fn renumbered(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().map(|row| Row { index: None, ..row }).collect()
}

/// The error of the first checkpoint after entry `i`.
fn head_error(i: usize) -> VerifyError {
    let from = (i / STRIDE * STRIDE) as u64;
    VerifyError::Head { from, size: from + STRIDE as u64 }
}
