//! Signed tree heads: [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint) in a signed note.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::hkdf::{HKDF_SHA512, KeyType, Prk};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroizing;

use super::hash::Hash;
use super::note::{self, Note, NoteError, check_key_name, key_id};

/// A tree head: which log, how many leaves, which root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The identity of the log, which is also the name of its key; see [`origin()`].
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Merkle Tree Hash of the leaves.
    pub root: Hash,
}

/// Returns the origin of a log: `subrosa.invalid/{vault}/{log}`, `log` as in its entries (`system`, `tenants/acme`).
pub fn origin(vault_id: &str, log: &str) -> String {
    format!("subrosa.invalid/{vault_id}/{log}")
}

impl Checkpoint {
    /// The signed text: origin, size in decimal and root in base64, each on a line of its own.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads the signed text; extension lines, which our logs never write, are refused.
    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(NoteError::NotCheckpoint);
        let (origin, size, root) = (next()?, next()?, next()?);
        let root = BASE64.decode(root.as_bytes()).map_err(|_| NoteError::NotCheckpoint)?;
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteError::NotCheckpoint)?,
            root: root.as_slice().try_into().map_err(|_| NoteError::NotCheckpoint)?,
        };
        if checkpoint.text() == text { Ok(checkpoint) } else { Err(NoteError::NotCheckpoint) }
    }
}

/// Signs the checkpoints of one log with Ed25519.
///
/// # Security
///
/// A log must never sign two checkpoints of which one is not an extension of the other; this type cannot see that, its
/// caller keeps it by signing only what is committed.
pub struct LogSigner {
    name: String,
    key_id: [u8; 4],
    public_key: [u8; 32],
    seed: SecretBox<[u8; 32]>,
}

impl LogSigner {
    /// Makes the signer of one log of a vault from the vault's 32-byte log signing key.
    ///
    /// Every log has a key of its own, because [tlog-policy](https://c2sp.org/tlog-policy) refuses a policy file in
    /// which two logs share one: its Ed25519 seed is
    /// `HKDF-Expand-SHA-512(vault key, "subrosa audit log key v1" | 0x0A | origin, 32)`.
    ///
    /// # Errors
    ///
    /// [`NoteError::KeyName`] when the origin cannot name a key.
    pub fn for_log(origin: &str, vault_key: &[u8; 32]) -> Result<Self, NoteError> {
        let mut seed = Zeroizing::new([0; 32]);
        let prk = Prk::new_less_safe(HKDF_SHA512, vault_key);
        let info = [LOG_KEY_LABEL, origin.as_bytes()];
        let derived = prk.expand(&info, SeedLength).and_then(|okm| okm.fill(seed.as_mut_slice()));
        derived.map_err(|_| NoteError::KeyName)?;
        Self::new(origin, &seed)
    }

    /// Makes the signer of the log with this origin, which is also the key's name, from a 32-byte Ed25519 seed
    /// ([RFC 8032 section 5.1.5](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.5)).
    ///
    /// Kept is the seed, wiped when dropped, and not `ring`'s key pair, which nothing wipes. The pair that each signature
    /// makes lies on the stack: this and [`LogSigner::sign_head`] are called where the stack is wiped after.
    ///
    /// # Errors
    ///
    /// [`NoteError::KeyName`] when the origin cannot name a key.
    pub fn new(origin: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        check_key_name(origin)?;
        let mut public_key = [0; 32];
        public_key.copy_from_slice(pair(seed)?.public_key().as_ref());
        let seed = SecretBox::init_with_mut(|into: &mut [u8; 32]| into.copy_from_slice(seed));
        Ok(Self { name: origin.to_owned(), key_id: key_id(origin, &public_key), public_key, seed })
    }

    /// The origin of the log.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// Signs a tree head of this log and returns the note.
    pub fn sign_head(&self, size: u64, root: Hash) -> String {
        self.note(&Checkpoint { origin: self.name.clone(), size, root }.text())
    }

    /// Signs a checkpoint and returns the note.
    ///
    /// # Errors
    ///
    /// [`NoteError::OtherLog`] when the checkpoint's origin is not this signer's.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, NoteError> {
        if checkpoint.origin == self.name { Ok(self.note(&checkpoint.text())) } else { Err(NoteError::OtherLog) }
    }

    /// The verifier of what this signs.
    pub fn verifier(&self) -> LogVerifier {
        LogVerifier { name: self.name.clone(), key_id: self.key_id, public_key: self.public_key }
    }

    fn note(&self, text: &str) -> String {
        let pair = pair(self.seed.expose_secret()).expect("the seed made a key pair before");
        let signature = pair.sign(text.as_bytes());
        let line = note::signature_line(&self.name, self.key_id, signature.as_ref());
        format!("{text}\n{line}")
    }
}

impl fmt::Debug for LogSigner {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSigner").field("name", &self.name).finish_non_exhaustive()
    }
}

fn pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, NoteError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::VerifierKey)
}

/// Domain separation of the log keys derived from a vault's log signing key.
const LOG_KEY_LABEL: &[u8] = b"subrosa audit log key v1\n";

/// Tells `ring` that an Ed25519 seed is 32 bytes long.
struct SeedLength;

impl KeyType for SeedLength {
    fn len(&self) -> usize {
        32
    }
}

/// Checks the checkpoints of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    key_id: [u8; 4],
    public_key: [u8; 32],
}

impl LogVerifier {
    /// Reads a verifier key, `name+id+key`: the id in 8 hexadecimal digits, the key as base64 of 0x01 and the public
    /// key (the form of Go's `x/mod/sumdb/note` and of [tlog-policy](https://c2sp.org/tlog-policy)).
    ///
    /// # Errors
    ///
    /// [`NoteError::VerifierKey`] when the form is wrong, the type is not Ed25519 or the id is not the key's.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey);
        };
        check_key_name(name).map_err(|_| NoteError::VerifierKey)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::VerifierKey)?;
        let [note::ED25519, public_key @ ..] = key.as_slice() else { return Err(NoteError::VerifierKey) };
        let public_key: [u8; 32] = public_key.try_into().map_err(|_| NoteError::VerifierKey)?;
        let key_id = key_id(name, &public_key);
        if HEXLOWER.encode(&key_id) != id {
            return Err(NoteError::VerifierKey);
        }
        Ok(Self { name: name.to_owned(), key_id, public_key })
    }

    /// The verifier key as a string; [`LogVerifier::parse`] reads it.
    pub fn vkey(&self) -> String {
        let key = [&[note::ED25519], self.public_key.as_slice()].concat();
        format!("{}+{}+{}", self.name, HEXLOWER.encode(&self.key_id), BASE64.encode(&key))
    }

    /// The origin of the log.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// Checks a note and returns the checkpoint in it.
    ///
    /// Signatures by other keys (witnesses, a next log key) are ignored, as signed-note demands.
    ///
    /// # Errors
    ///
    /// [`NoteError`]: the form is wrong, the key did not sign it, one signature under its id is bad, or the text is not
    /// a checkpoint of this log.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::parse(self.open(note)?)?;
        if checkpoint.origin == self.name { Ok(checkpoint) } else { Err(NoteError::OtherLog) }
    }

    /// Checks a note and returns its text.
    fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let note = Note::parse(note)?;
        let public_key = UnparsedPublicKey::new(&ED25519, self.public_key);
        let mut signed = false;
        for line in note.signatures.iter().filter(|line| line.name == self.name && line.key_id == self.key_id) {
            public_key.verify(note.text.as_bytes(), &line.signature).map_err(|_| NoteError::BadSignature)?;
            signed = true;
        }
        if signed { Ok(note.text) } else { Err(NoteError::Unsigned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::hash::sha256;

    // The published example of Go's `x/mod/sumdb/note`.
    const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                           then you don't know what your problem is.\n";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer() -> LogSigner {
        LogSigner::new(&origin("v1", "tenants/acme"), &[7; 32]).unwrap()
    }

    fn note() -> String {
        signer().sign_head(5, sha256(&[b"root"]))
    }

    #[test]
    fn signs_the_published_note_of_go() {
        let key = BASE64.decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        let signer = LogSigner::new("PeterNeumann", key[1..].try_into().unwrap()).unwrap();
        assert_eq!(signer.verifier().vkey(), GO_VKEY);
        assert_eq!(signer.note(GO_TEXT), GO_NOTE);
        let verifier = LogVerifier::parse(GO_VKEY).unwrap();
        assert_eq!(verifier.open(GO_NOTE), Ok(GO_TEXT));
        assert_eq!(verifier.verify(GO_NOTE), Err(NoteError::NotCheckpoint));
    }

    #[test]
    fn signed_checkpoint_verifies_and_reads_back() {
        let checkpoint = signer().verifier().verify(&note()).unwrap();
        assert_eq!(checkpoint.origin, "subrosa.invalid/v1/tenants/acme");
        assert_eq!((checkpoint.size, checkpoint.root), (5, sha256(&[b"root"])));
        assert_eq!(signer().sign(&checkpoint), Ok(note()));
    }

    #[test]
    fn every_flipped_bit_of_a_note_is_refused() {
        let (verifier, note) = (signer().verifier(), note().into_bytes());
        let mut refused = 0;
        for bit in 0..note.len() * 8 {
            let mut flipped = note.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // What is no longer UTF-8 cannot even be given to the verifier.
            let Ok(text) = std::str::from_utf8(&flipped) else { continue };
            assert!(verifier.verify(text).is_err(), "bit {bit} of\n{text}");
            refused += 1;
        }
        assert!(refused > note.len() * 6);
    }

    #[test]
    fn every_removed_or_doubled_byte_of_a_note_is_refused() {
        let (verifier, note) = (signer().verifier(), note());
        for (at, c) in note.char_indices() {
            let (before, after) = (&note[..at], &note[at + c.len_utf8()..]);
            assert!(verifier.verify(&format!("{before}{after}")).is_err(), "removed {at}");
            assert!(verifier.verify(&format!("{before}{c}{c}{after}")).is_err(), "doubled {at}");
            assert!(verifier.verify(before).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn signatures_of_others_are_ignored_and_never_enough() {
        let verifier = signer().verifier();
        let witness = LogSigner::new("witness.invalid/w1", &[8; 32]).unwrap();
        let same_name = LogSigner::new(verifier.origin(), &[9; 32]).unwrap();
        let text = verifier.open(&note()).unwrap().to_owned();
        let line = |note: &str| note.rsplit_once("\n\n").unwrap().1.to_owned();
        for other in [&witness, &same_name] {
            let other_note = other.note(&text);
            assert_eq!(verifier.verify(&other_note), Err(NoteError::Unsigned));
            assert!(verifier.verify(&(note() + &line(&other_note))).is_ok());
            assert!(verifier.verify(&(other_note + &line(&note()))).is_ok());
        }
        // A bad line under the known key spoils the note, even beside a good one.
        let bad = note::signature_line(verifier.origin(), verifier.key_id, &[0; 64]);
        assert_eq!(verifier.verify(&(note() + &bad)), Err(NoteError::BadSignature));
    }

    #[test]
    fn only_checkpoints_of_this_log_in_the_exact_form_are_taken() {
        let (signer, verifier) = (signer(), signer().verifier());
        let (name, root) = (verifier.origin(), sha256(&[b"root"]).to_base64());
        for text in [
            format!("{name}\n05\n{root}\n"),
            format!("{name}\n+5\n{root}\n"),
            format!("{name}\n-1\n{root}\n"),
            format!("{name}\n18446744073709551616\n{root}\n"),
            format!("{name}\n5\n{}\n", &root[..40]),
            format!("{name}\n5\n{root}\nextension\n"),
            format!("{name}\n5\n"),
            format!("{name}\n5\n{root}\n\n"),
        ] {
            assert_eq!(verifier.verify(&signer.note(&text)), Err(NoteError::NotCheckpoint), "{text}");
        }
        let other = Checkpoint { origin: origin("v1", "system"), size: 5, root: sha256(&[b"root"]) };
        assert_eq!(verifier.verify(&signer.note(&other.text())), Err(NoteError::OtherLog));
        assert_eq!(signer.sign(&other), Err(NoteError::OtherLog));
    }

    #[test]
    fn sixteen_large_foreign_signatures_are_accepted_and_a_flood_is_not() {
        let verifier = signer().verifier();
        let foreign = note::signature_line("witness.invalid/pq", [0; 4], &[1; 5_000]);
        assert!(verifier.verify(&(note() + &foreign.repeat(16))).is_ok());
        assert_eq!(verifier.verify(&(note() + &foreign.repeat(40))), Err(NoteError::TooLarge));
        let small = note::signature_line("w", [0; 4], &[1]);
        assert_eq!(verifier.verify(&(note() + &small.repeat(100))), Err(NoteError::TooLarge));
    }

    #[test]
    fn verifier_keys_read_back_and_every_altered_one_is_refused() {
        let vkey = signer().verifier().vkey();
        assert_eq!(LogVerifier::parse(&vkey), Ok(signer().verifier()));
        for bit in 0..vkey.len() * 8 {
            let mut flipped = vkey.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(text) = std::str::from_utf8(&flipped) else { continue };
            assert_eq!(LogVerifier::parse(text), Err(NoteError::VerifierKey), "{text}");
        }
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
            assert_eq!(LogSigner::new(name, &[7; 32]).err(), Some(NoteError::KeyName), "{name:?}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", signer()), r#"LogSigner { name: "subrosa.invalid/v1/tenants/acme", .. }"#);
    }
}
