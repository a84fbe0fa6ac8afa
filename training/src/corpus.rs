//! Text with known names, made from templates: `[this|that]` picks one, `{slot}` is filled, `\n` is a line break.
//!
//! A file of templates starts with `@locales a b c` and may have `@weight n`; the locales give the values of its slots.

use std::ops::Range;
use std::path::Path;

use crate::noise;
use crate::rng::Rng;
use crate::slots::{self, any_latin};
use crate::tagger::Label;
use crate::values::{Values, lines};

/// A text and what is in it, in order and without overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// Bytes of the text and what they are.
    pub spans: Vec<(Range<usize>, Label)>,
}

/// Templates of one file.
struct Theme {
    locales: Vec<String>,
    weight: usize,
    templates: Vec<String>,
}

/// Makes samples.
pub struct Corpus {
    values: Values,
    themes: Vec<Theme>,
}

impl Corpus {
    /// Reads the values and templates below `root`.
    pub fn read(root: &Path) -> Corpus {
        let mut paths: Vec<_> = std::fs::read_dir(root.join("templates"))
            .expect("templates/")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        Corpus { values: Values::read(root), themes: paths.iter().map(|path| theme(path)).collect() }
    }

    /// The values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// How many templates there are, and how many of them have no slot with a name.
    pub fn count(&self) -> (usize, usize) {
        let all = self.themes.iter().flat_map(|theme| &theme.templates);
        let named = [
            "{first", "{last", "{full", "{name", "{artist", "{line", "{addr", "{street", "{city", "{state", "{country",
            "{place", "{zip",
        ];
        (all.clone().count(), all.filter(|template| !named.iter().any(|slot| template.contains(slot))).count())
    }

    /// Makes one sample.
    pub fn sample(&self, rng: &mut Rng) -> Sample {
        let mut sample = self.plain(rng);
        let more = if rng.chance(22) { 1 + rng.below(3) } else { 0 };
        for _ in 0..more {
            let joint = [" ", " ", "\n", ". ", ", ", " ", "\n\n", "? "][rng.below(8)];
            sample.push(joint, None);
            let next = self.plain(rng);
            sample.append(&next);
        }
        sample.join();
        noise::add(sample, &self.values, rng)
    }

    fn plain(&self, rng: &mut Rng) -> Sample {
        let total: usize = self.themes.iter().map(|theme| theme.weight).sum();
        let mut at = rng.below(total);
        let mut chosen = &self.themes[0];
        for theme in &self.themes {
            if at < theme.weight {
                chosen = theme;
                break;
            }
            at -= theme.weight;
        }
        let template = rng.pick(&chosen.templates);
        let mut locale = rng.pick(&chosen.locales).as_str();
        if chosen.locales.iter().any(|own| slots::LATIN.contains(&own.as_str())) && rng.chance(40) {
            locale = any_latin(rng);
        }
        let mut sample = Sample::default();
        self.expand(template, locale, rng, &mut sample);
        sample
    }

    fn expand(&self, template: &str, locale: &str, rng: &mut Rng, out: &mut Sample) {
        let mut rest = template;
        while let Some(at) = rest.find(['[', '{', '\\']) {
            out.push(&rest[..at], None);
            rest = &rest[at..];
            let length = match rest.as_bytes()[0] {
                b'\\' => {
                    out.push("\n", None);
                    2
                }
                b'{' => {
                    let end = rest.find('}').unwrap_or_else(|| panic!("no }} in {template}"));
                    let (text, label) = slots::fill(&rest[1..end], locale, &self.values, rng);
                    out.push(&text, label);
                    end + 1
                }
                _ => {
                    let (choices, length) = choices(rest).unwrap_or_else(|| panic!("no ] in {template}"));
                    self.expand(choices[rng.below(choices.len())], locale, rng, out);
                    length
                }
            };
            rest = &rest[length..];
        }
        out.push(rest, None);
    }
}

impl Sample {
    /// Appends text.
    pub fn push(&mut self, text: &str, label: Option<Label>) {
        let start = self.text.len();
        self.text.push_str(text);
        if let Some(label) = label.filter(|_| !text.is_empty()) {
            self.spans.push((start..self.text.len(), label));
        }
    }

    /// Makes one address of a street line and the town or postal code that follows it.
    fn join(&mut self) {
        let mut joined: Vec<(Range<usize>, Label)> = Vec::new();
        for (span, label) in self.spans.drain(..) {
            match joined.last_mut() {
                Some((before, Label::Address))
                    if label == Label::Location
                        && span.start - before.end <= 3
                        && self.text[before.end..span.start].chars().all(|char| ", \n;".contains(char)) =>
                {
                    before.end = span.end;
                }
                _ => joined.push((span, label)),
            }
        }
        self.spans = joined;
    }

    /// Appends another sample.
    pub fn append(&mut self, other: &Sample) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.spans.extend(other.spans.iter().map(|(span, label)| (span.start + start..span.end + start, *label)));
    }
}

/// Splits `[a|b]…` into its choices and the length of the whole.
fn choices(rest: &str) -> Option<(Vec<&str>, usize)> {
    let (mut depth, mut from, mut found) = (0, 1, Vec::new());
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 1 => {
                found.push(&rest[from..at]);
                return Some((found, at + 1));
            }
            b']' => depth -= 1,
            b'|' if depth == 1 => {
                found.push(&rest[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn theme(path: &Path) -> Theme {
    let mut theme = Theme { locales: vec!["en_US".into()], weight: 0, templates: Vec::new() };
    for line in lines(path) {
        if let Some(locales) = line.strip_prefix("@locales ") {
            theme.locales = locales.split(' ').map(str::to_owned).collect();
        } else if let Some(weight) = line.strip_prefix("@weight ") {
            theme.weight = weight.parse().expect("a number");
        } else {
            theme.templates.push(line);
        }
    }
    if theme.weight == 0 {
        theme.weight = theme.templates.len();
    }
    theme
}
