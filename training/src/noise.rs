//! What people do to text: case, typing errors, missing punctuation, fillers in front.

use crate::corpus::Sample;
use crate::rng::Rng;
use crate::values::Values;

/// Roughens a sample.
pub fn add(sample: Sample, values: &Values, rng: &mut Rng) -> Sample {
    let mut sample = if rng.chance(10) { filler(sample, values, rng) } else { sample };
    if rng.chance(14) {
        sample = unpunctuated(sample);
    }
    if rng.chance(8) {
        sample = typo(sample, rng);
    }
    match rng.below(100) {
        0..22 => cased(&sample, |_, char, out| out.extend(char.to_lowercase())),
        22..26 => cased(&sample, |_, char, out| out.extend(char.to_uppercase())),
        26..29 => {
            cased(&sample, |first, char, out| if first { out.extend(char.to_uppercase()) } else { out.push(char) })
        }
        29..32 => names_lowered(sample),
        32..34 => places_raised(sample),
        _ => sample,
    }
}

fn filler(sample: Sample, values: &Values, rng: &mut Rng) -> Sample {
    let mut out = Sample::default();
    out.push(values.list("fillers", rng), None);
    out.push([" ", ", ", "! ", "\n"][rng.below(4)], None);
    out.append(&sample);
    out
}

/// Drops commas, stops and question marks outside of names.
fn unpunctuated(sample: Sample) -> Sample {
    edit(&sample, |text, inside, out| {
        if inside { out.push_str(text) } else { out.extend(text.chars().filter(|char| !",.!?;:".contains(*char))) }
    })
}

/// Swaps two letters somewhere outside of names.
fn typo(sample: Sample, rng: &mut Rng) -> Sample {
    let chance = rng.next();
    edit(&sample, |text, inside, out| {
        let chars: Vec<char> = text.chars().collect();
        if inside || chars.len() < 4 {
            return out.push_str(text);
        }
        let at = 1 + (chance % (chars.len() as u64 - 2)) as usize;
        let mut chars = chars;
        if chars[at].is_alphabetic() && chars[at + 1].is_alphabetic() {
            chars.swap(at, at + 1);
        }
        out.extend(chars);
    })
}

fn names_lowered(sample: Sample) -> Sample {
    edit(&sample, |text, inside, out| if inside { out.push_str(&text.to_lowercase()) } else { out.push_str(text) })
}

fn places_raised(sample: Sample) -> Sample {
    edit(&sample, |text, inside, out| if inside { out.push_str(&text.to_uppercase()) } else { out.push_str(text) })
}

/// Rewrites each letter; `first` is true at the head of a word.
fn cased(sample: &Sample, change: impl Fn(bool, char, &mut String)) -> Sample {
    edit(sample, |text, _, out| {
        let mut before = out.chars().next_back().unwrap_or(' ');
        for char in text.chars() {
            change(!before.is_alphanumeric() && before != '\'', char, out);
            before = char;
        }
    })
}

/// Rewrites the pieces of a sample inside and outside of names.
fn edit(sample: &Sample, mut change: impl FnMut(&str, bool, &mut String)) -> Sample {
    let mut out = Sample::default();
    let mut at = 0;
    for (span, label) in &sample.spans {
        change(&sample.text[at..span.start], false, &mut out.text);
        let start = out.text.len();
        change(&sample.text[span.clone()], true, &mut out.text);
        out.spans.push((start..out.text.len(), *label));
        at = span.end;
    }
    change(&sample.text[at..], false, &mut out.text);
    out
}
