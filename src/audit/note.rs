//! Notes signed with Ed25519: [C2SP signed-note](https://c2sp.org/signed-note).

use data_encoding::BASE64;

use super::hash::sha256;

/// Why a signed note, or a key for one, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note has more bytes or more signatures than any log of ours makes.
    #[error("signed note is too large")]
    TooLarge,
    /// The bytes are not a signed note.
    #[error("signed note is malformed")]
    Malformed,
    /// The note's text is not a checkpoint: origin, size and root, one a line, and nothing else.
    #[error("signed note is not a checkpoint")]
    NotCheckpoint,
    /// The checkpoint's origin is not the name of the key.
    #[error("checkpoint is of another log")]
    OtherLog,
    /// No signature is by the expected key.
    #[error("signed note has no signature by the log's key")]
    Unsigned,
    /// A signature that says it is by the expected key is not.
    #[error("signed note has a bad signature")]
    BadSignature,
    /// A key name is empty, or holds white space, a control character or a plus sign.
    #[error("key name is not admitted")]
    KeyName,
    /// A verifier key string is malformed, of another signature type, or its id does not fit its key.
    #[error("verifier key is malformed")]
    VerifierKey,
}

/// Most bytes of a note.
///
/// Sixteen signatures, which every verifier must accept, can be of post-quantum size (nearly 5 kB before base64).
const MAX_NOTE_BYTES: usize = 1 << 18;
/// Most signatures of a note.
const MAX_SIGNATURES: usize = 100;
/// Signature type identifier of Ed25519.
pub(super) const ED25519: u8 = 0x01;

/// A note taken apart; nothing in it is to be believed before its signature is checked.
pub(super) struct Note<'a> {
    /// The signed text, final newline included.
    pub(super) text: &'a str,
    /// The signature lines, in order.
    pub(super) signatures: Vec<Signature<'a>>,
}

/// One signature line.
pub(super) struct Signature<'a> {
    pub(super) name: &'a str,
    pub(super) key_id: [u8; 4],
    pub(super) signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    pub(super) fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::Malformed);
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, signatures) = (&note[..blank + 1], &note[blank + 2..]);
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        let (name, base64) =
            line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or(NoteError::Malformed)?;
        check_key_name(name).map_err(|_| NoteError::Malformed)?;
        let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| NoteError::Malformed)?;
        match bytes.split_first_chunk::<4>() {
            Some((key_id, signature)) if !signature.is_empty() => {
                Ok(Self { name, key_id: *key_id, signature: signature.to_vec() })
            }
            _ => Err(NoteError::Malformed),
        }
    }
}

/// Returns the signature line of one signature, newline included.
pub(super) fn signature_line(name: &str, key_id: [u8; 4], signature: &[u8]) -> String {
    format!("— {name} {}\n", BASE64.encode(&[&key_id, signature].concat()))
}

/// Returns the key id: the first four bytes of `SHA-256(name | 0x0A | signature type | public key)`.
pub(super) fn key_id(name: &str, public_key: &[u8]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[ED25519], public_key]);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// Refuses a key name that signed-note does not admit.
pub(super) fn check_key_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) { Err(NoteError::KeyName) } else { Ok(()) }
}
