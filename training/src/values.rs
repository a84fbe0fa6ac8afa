//! What fills the slots: values per locale, and the lists of our own.

use std::collections::BTreeMap;
use std::path::Path;

use crate::rng::Rng;

/// Values by locale and kind, and the lists by name.
pub struct Values {
    locales: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    lists: BTreeMap<String, Vec<String>>,
    /// English words in lower case.
    pub common: Vec<String>,
}

impl Values {
    /// Reads `data/values.tsv`, `data/common.txt` and `lists/*.txt` below `root`.
    pub fn read(root: &Path) -> Values {
        let mut locales: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for line in text(&root.join("data/values.tsv")).lines() {
            let mut fields = line.split('\t');
            if let (Some(locale), Some(kind), Some(value)) = (fields.next(), fields.next(), fields.next()) {
                let value = value.replace("\\n", "\n");
                locales.entry(locale.into()).or_default().entry(kind.into()).or_default().push(value);
            }
        }
        let mut lists = BTreeMap::new();
        for entry in std::fs::read_dir(root.join("lists")).expect("lists/").flatten() {
            let name = entry.path().file_stem().expect("a file").to_string_lossy().into_owned();
            lists.insert(name, lines(&entry.path()));
        }
        Values { locales, lists, common: lines(&root.join("data/common.txt")) }
    }

    /// Every value of a kind over all locales.
    pub fn all<'v>(&'v self, kind: &'v str) -> impl Iterator<Item = (&'v str, &'v str)> {
        let of = move |(locale, kinds): (&'v String, &'v BTreeMap<String, Vec<String>>)| {
            kinds.get(kind).into_iter().flatten().map(move |value| (locale.as_str(), value.as_str()))
        };
        self.locales.iter().flat_map(of)
    }

    /// Picks a value of a locale; of another locale in the same script when it has none.
    pub fn pick<'v>(&'v self, locale: &str, kind: &str, rng: &mut Rng) -> &'v str {
        let own = self.locales.get(locale).and_then(|kinds| kinds.get(kind));
        let fallback = || self.locales["en_US"].get(kind);
        own.or_else(fallback).map_or("", |values| rng.pick::<String>(values))
    }

    /// Whether a locale has values of a kind.
    pub fn has(&self, locale: &str, kind: &str) -> bool {
        self.locales.get(locale).is_some_and(|kinds| kinds.contains_key(kind))
    }

    /// Picks from a list of our own.
    pub fn list<'v>(&'v self, name: &str, rng: &mut Rng) -> &'v str {
        self.lists.get(name).map_or_else(|| panic!("no list {name}"), |list| rng.pick::<String>(list))
    }

    /// Returns a list of our own; empty when there is none.
    pub fn whole_list(&self, name: &str) -> &[String] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    /// Picks a common English word.
    pub fn word<'v>(&'v self, rng: &mut Rng) -> &'v str {
        rng.pick::<String>(&self.common)
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}; see README.md", path.display()))
}

/// The lines of a file that are neither blank nor comments.
pub fn lines(path: &Path) -> Vec<String> {
    let text = text(path);
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
