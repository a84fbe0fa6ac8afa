//! A file that a record holds.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize, de};

use super::codes::MediaType;
use super::error::{Error, Reason, Result};
use super::ids::IdError;

/// The most bytes of a file name.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// A file: its name, its type, and its bytes or what is known of them.
///
/// In the canonical form the bytes are base64 (RFC 4648, section 4) beside their length and SHA-256. Both are of the bytes
/// that stand in the record. So for text they are of the redacted text: the hash of the text as it came would be a
/// fingerprint of what was taken out of it, by which a guess could be tried.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Attachment {
    body: Body,
    media_type: MediaType,
    name: String,
}

#[derive(Clone, PartialEq, Eq)]
enum Body {
    Held(Vec<u8>),
    Known { sha256: [u8; 32], size: u64 },
}

impl Attachment {
    /// Reads a file as a client sends it.
    ///
    /// # Errors
    ///
    /// `INVALID_FIELD` for a name that is none, `ATTACHMENT_TYPE_REFUSED` for a type that is not taken or that the bytes are
    /// not of, `EMPTY_CONTENT` without bytes. The field is `file_name`, `media_type` or `data`.
    pub fn parse(name: String, media_type: &str, data: Vec<u8>) -> Result<Self> {
        if !is_file_name(&name) {
            let hint = "at most 255 bytes, without / and \\, control characters, and characters that turn the direction of text";
            return Err(Error::invalid("file_name", hint).limit(MAX_FILE_NAME_BYTES as u64));
        }
        let media_type: MediaType = media_type.parse().map_err(|error: IdError| {
            Error::new(Reason::AttachmentTypeRefused).at("media_type").hint(error.expected)
        })?;
        if data.is_empty() {
            return Err(Error::new(Reason::EmptyContent).at("data"));
        }
        if !media_type.fits(&data) {
            let hint = "the bytes are not what media_type says";
            return Err(Error::new(Reason::AttachmentTypeRefused).at("data").hint(hint));
        }
        Ok(Self::new(name, media_type, data))
    }

    /// Returns the file `name`, empty for none, of these bytes.
    pub fn new(name: String, media_type: MediaType, data: Vec<u8>) -> Self {
        Self { body: Body::Held(data), media_type, name }
    }

    /// Returns the name, empty for none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// Returns the bytes, unless they are left out.
    pub fn data(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Held(data) => Some(data),
            Body::Known { .. } => None,
        }
    }

    /// Returns how many bytes the file has, also when they are left out.
    pub fn size(&self) -> u64 {
        match &self.body {
            Body::Held(data) => data.len() as u64,
            Body::Known { size, .. } => *size,
        }
    }

    /// Returns the SHA-256 of the bytes, also when they are left out.
    pub fn sha256(&self) -> [u8; 32] {
        match &self.body {
            Body::Held(data) => sha256(data),
            Body::Known { sha256, .. } => *sha256,
        }
    }

    /// Returns name and type, and the bytes where they are here.
    pub fn into_parts(self) -> (String, MediaType, Option<Vec<u8>>) {
        match self.body {
            Body::Held(data) => (self.name, self.media_type, Some(data)),
            Body::Known { .. } => (self.name, self.media_type, None),
        }
    }

    /// Leaves the bytes out; length and hash stay.
    #[must_use]
    pub fn without_data(self) -> Self {
        let body = Body::Known { sha256: self.sha256(), size: self.size() };
        Self { body, ..self }
    }

    /// Returns the file as it may leave: whole where it was redacted, else without its bytes.
    #[must_use]
    pub fn as_shown(self) -> Self {
        if self.media_type.is_text() { self } else { self.without_data() }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.media_type, self.size())
    }
}

/// Tells whether the text can be the name of a file, or is empty: it names no folder, and shows as what it is. Refused are
/// control characters, line separators, and the characters by which `gpj.exe` shows as `exe.jpg`
/// ([UAX #9](https://www.unicode.org/reports/tr9/)).
fn is_file_name(name: &str) -> bool {
    let deceives = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\')
            || matches!(u32::from(c), 0x061C | 0x200B | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF)
    };
    name.len() <= MAX_FILE_NAME_BYTES && !matches!(name, "." | "..") && !name.chars().any(deceives)
}

fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, data).as_ref());
    hash
}

/// A file in the canonical form. The fields stand in order of their names.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    media_type: MediaType,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    name: String,
    sha256: String,
    size: u64,
}

impl From<Attachment> for Stored {
    fn from(found: Attachment) -> Self {
        let (sha256, size) = (HEXLOWER.encode(&found.sha256()), found.size());
        let data = found.data().map(|data| BASE64.encode(data));
        Self { data, media_type: found.media_type, name: found.name, sha256, size }
    }
}

impl TryFrom<Stored> for Attachment {
    type Error = de::value::Error;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let wrong = |what: &'static str| <de::value::Error as de::Error>::custom(what);
        let hash = HEXLOWER.decode(stored.sha256.as_bytes()).map_err(|_| wrong("the hash is not hexadecimal"))?;
        let hash: [u8; 32] = hash.try_into().map_err(|_| wrong("the hash has another length"))?;
        let body = match stored.data {
            None => Body::Known { sha256: hash, size: stored.size },
            Some(data) => {
                let data = BASE64.decode(data.as_bytes()).map_err(|_| wrong("the bytes are not base64"))?;
                if sha256(&data) != hash || data.len() as u64 != stored.size {
                    return Err(wrong("the bytes are not those of the hash"));
                }
                Body::Held(data)
            }
        };
        Ok(Self { body, media_type: stored.media_type, name: stored.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Attachment {
        Attachment::new("a.png".to_owned(), MediaType::Png, b"\x89PNG\r\n\x1a\n".to_vec())
    }

    #[test]
    fn the_stored_form_has_the_bytes_once_and_their_hash() {
        let hash = "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6";
        let whole = serde_json::to_string(&picture()).unwrap();
        assert_eq!(
            whole,
            format!(r#"{{"data":"iVBORw0KGgo=","media_type":"image/png","name":"a.png","sha256":"{hash}","size":8}}"#)
        );
        assert_eq!(serde_json::from_str::<Attachment>(&whole).unwrap(), picture());
        let rest = serde_json::to_string(&picture().without_data()).unwrap();
        assert_eq!(rest, format!(r#"{{"media_type":"image/png","name":"a.png","sha256":"{hash}","size":8}}"#));
        assert_eq!(serde_json::from_str::<Attachment>(&rest).unwrap(), picture().without_data());
    }

    #[test]
    fn bytes_that_are_not_those_of_the_hash_are_refused() {
        let good = serde_json::to_string(&picture()).unwrap();
        for (from, to) in [("iVBO", "iVBP"), ("\"size\":8", "\"size\":9"), ("4c4b", "4c4c"), ("4c4b", "4c")] {
            let bad = good.replacen(from, to, 1);
            assert!(bad != good && serde_json::from_str::<Attachment>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_or_deceive_are_refused() {
        let parse = |name: &str| Attachment::parse(name.to_owned(), "text/plain", b"x".to_vec());
        for name in ["", "a.txt", ".profile", "Größe 1 (2).txt", "عقد.pdf", &"x".repeat(255)] {
            assert!(parse(name).is_ok(), "{name}");
        }
        let bad = [
            "a/b",
            "..\\b",
            "..",
            ".",
            "a\0b",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{9b}b",
            "a\u{202e}gpj.exe",
            "a\u{2066}b",
            "a\u{200b}b",
        ];
        for name in bad.iter().copied().chain([&*"x".repeat(256)]) {
            let error = parse(name).unwrap_err();
            assert_eq!((error.reason(), error.field()), (Reason::InvalidField, Some("file_name")), "{name:?}");
        }
    }

    #[test]
    fn the_bytes_must_be_what_the_type_says() {
        let refusal = |media_type: &str, data: &[u8]| {
            let error = Attachment::parse(String::new(), media_type, data.to_vec()).unwrap_err();
            (error.reason(), error.field().unwrap_or_default().to_owned())
        };
        let refused = |field: &str| (Reason::AttachmentTypeRefused, field.to_owned());
        for media_type in
            ["", "text/html", "image/svg+xml", "application/zip", "text/plain; charset=utf-8", "TEXT/PLAIN"]
        {
            assert_eq!(refusal(media_type, b"x"), refused("media_type"), "{media_type}");
        }
        assert_eq!(refusal("image/png", b"GIF89a"), refused("data"));
        assert_eq!(refusal("text/plain", b"\xff"), refused("data"));
        assert_eq!(refusal("text/plain", b""), (Reason::EmptyContent, "data".to_owned()));
    }

    #[test]
    fn what_is_no_text_is_shown_without_its_bytes() {
        assert_eq!(picture().as_shown().data(), None);
        assert_eq!((picture().as_shown().size(), picture().as_shown().sha256()), (8, picture().sha256()));
        let text = Attachment::new(String::new(), MediaType::Csv, b"a,b".to_vec());
        assert_eq!(text.as_shown().data(), Some(b"a,b".as_slice()));
        assert_eq!(format!("{:?}", picture()), "image/png(8 bytes)");
    }
}
