//! The byte scan.

use std::path::Path;

use aho_corasick::AhoCorasick;

/// Looks for values in every form in which a program may write them down without meaning to.
pub(crate) struct Scanner {
    automaton: AhoCorasick,
    /// The value of each pattern of the automaton.
    of: Vec<usize>,
    values: Vec<String>,
}

impl Scanner {
    pub(crate) fn new(values: &[String]) -> Self {
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (at, value) in values.iter().enumerate() {
            for form in forms(value) {
                patterns.push(form);
                of.push(at);
            }
        }
        Self { automaton: AhoCorasick::new(&patterns).unwrap(), of, values: values.to_vec() }
    }

    /// The values that lie in the bytes, each once.
    pub(crate) fn values_in(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self.automaton.find_overlapping_iter(bytes).map(|found| self.of[found.pattern().as_usize()]);
        let found: std::collections::BTreeSet<_> = found.collect();
        found.into_iter().map(|at| self.values[at].as_str()).collect()
    }

    /// Every place under `folder` where a value lies.
    pub(crate) fn places_under(&self, folder: &Path) -> Vec<String> {
        let mut places = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places.extend(self.places_under(&path));
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            places.extend(self.values_in(&content).iter().map(|value| format!("{value} in {}", path.display())));
        }
        places
    }
}

/// Returns every place under `folder` where a value lies, in whatever form.
pub(crate) fn hits(folder: &Path, values: &[String]) -> Vec<String> {
    Scanner::new(values).places_under(folder)
}

/// A value as it is, in hexadecimal, in base64 wherever it may begin, as UTF-16, as numbers of a list of bytes, and escaped
/// as in a URL and in JSON.
pub(super) fn forms(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let mut forms = vec![
        bytes.to_vec(),
        data_encoding::HEXLOWER.encode(bytes).into_bytes(),
        data_encoding::HEXUPPER.encode(bytes).into_bytes(),
        value.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        value.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into_bytes(),
        value.replace('@', "%40").replace(':', "%3A").replace(' ', "%20").replace('+', "%2B").into_bytes(),
        value.replace('@', "\\u0040").into_bytes(),
        escaped(value).into_bytes(),
    ];
    for shift in 0..3_usize {
        let padded = [&vec![0; shift][..], bytes].concat();
        let encoded = data_encoding::BASE64.encode(&padded[..padded.len() / 3 * 3]).into_bytes();
        forms.push(encoded[if shift == 0 { 0 } else { 4 }..].to_vec());
    }
    forms.sort();
    forms.dedup();
    forms
}

/// A text with every character as a JSON escape.
pub(super) fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[test]
fn the_scan_finds_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let value = "someone.else@example.org".to_owned();
    assert!(forms(&value).len() >= 12);
    for form in forms(&value) {
        std::fs::write(folder.path().join("f"), [b"xx".as_slice(), &form, b"yy"].concat()).unwrap();
        assert_eq!(hits(folder.path(), std::slice::from_ref(&value)).len(), 1);
    }
    let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    for around in ["", "a", "ab"] {
        std::fs::write(folder.path().join("f"), base64(&format!("{around}{value}!!"))).unwrap();
        assert_eq!(hits(folder.path(), std::slice::from_ref(&value)).len(), 1);
    }
    std::fs::write(folder.path().join("f"), "someone else").unwrap();
    assert!(hits(folder.path(), &[value]).is_empty());
}
