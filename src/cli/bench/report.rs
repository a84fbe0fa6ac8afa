//! Printing a score: a table and what sums it up.

use serde_json::{Value, json};

use crate::cli::exit::CliError;
use crate::cli::output::{Column, Output, Printer};

use super::RedactArgs;
use super::run::{self, Speed};
use super::score::{self, Counts, Fault, Place, Score};
use super::sets::Document;

const COLUMNS: &[Column] = &[
    ("class", "class"),
    ("gold", "gold"),
    ("recall", "recall"),
    ("found", "found"),
    ("precision", "precision"),
    ("F2", "f2"),
    ("leaked", "leaked"),
];

/// Prints the faults asked for, the table, and the sums.
pub(super) fn print(
    args: &RedactArgs,
    documents: &[Document],
    score: &Score,
    speed: Option<&Speed>,
    printer: &mut Printer,
) -> Result<(), CliError> {
    list(args, documents, &score.places, printer)?;
    let mut groups: Vec<_> = score.groups.iter().collect();
    groups.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.gold));
    let rows: Vec<_> = groups.into_iter().flat_map(|(name, counts)| rows(score, name, counts)).collect();
    printer.table(&rows, COLUMNS)?;
    printer.value(&sums(score, speed))
}

/// Returns the line of a group, and behind it those of its labels where it has several: what is found is known by group only, so
/// the precision is the group's.
fn rows(score: &Score, name: &str, counts: &Counts) -> Vec<Value> {
    let labels = score.labels.iter().filter(|((group, _), _)| group == name);
    let of_group = |label: &Counts| Counts { found: counts.found, right: counts.right, ..label.clone() };
    let labels: Vec<_> =
        labels.map(|((_, label), counts)| row(&format!("{name}/{label}"), &of_group(counts))).collect();
    let several = labels.len() > 1;
    std::iter::once(row(name, counts)).chain(labels.into_iter().filter(|_| several)).collect()
}

fn row(name: &str, counts: &Counts) -> Value {
    json!({
        "class": name,
        "gold": counts.gold,
        "recall": counts.recall().map(rounded),
        "found": counts.found,
        "precision": counts.precision().map(rounded),
        "f2": counts.f2().map(rounded),
        "leaked": counts.leaked,
    })
}

fn sums(score: &Score, speed: Option<&Speed>) -> Value {
    let (direct, leaked) = score.direct;
    let mut sums = json!({
        "direct_identifiers": direct,
        "leaked": leaked,
        "leak_rate": score::share(leaked, direct).map(rounded),
    });
    if let (Some(speed), Value::Object(sums)) = (speed, &mut sums) {
        let seconds = speed.total.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let rate = |amount: usize| (amount as f64 / seconds.max(1e-9)).round();
        sums.insert("messages".to_owned(), json!(speed.messages));
        sums.insert("messages_per_s".to_owned(), json!(rate(speed.messages)));
        sums.insert("mb_per_s".to_owned(), json!(rounded(rate(speed.bytes) / 1e6)));
        if let Some(peak) = run::peak_memory() {
            sums.insert("peak_memory_mb".to_owned(), json!(peak / 1_000_000));
        }
        for percent in [50, 99] {
            let micros = speed.percentile(percent).as_secs_f64() * 1e6;
            sums.insert(format!("p{percent}_us"), json!(rounded(micros)));
        }
    }
    sums
}

/// Lists faults of the class that was asked for.
pub(super) fn list(
    args: &RedactArgs,
    documents: &[Document],
    places: &[Place],
    printer: &mut Printer,
) -> Result<(), CliError> {
    let Some(class) = &args.list else { return Ok(()) };
    for place in places.iter().filter(|place| class == "all" || *class == place.group || place.label == *class) {
        let document = &documents[place.document];
        let mut line = json!({
            "fault": match place.fault { Fault::Missed => "M", Fault::Leaked => "L", Fault::Wrong => "F" },
            "line": document.line,
            "turn": place.turn,
            "role": document.turns[place.turn].role,
            "start": place.span.start,
            "end": place.span.end,
            "label": place.label,
        });
        if args.show {
            let text = &document.turns[place.turn].text;
            line["value"] = json!(text.chars().skip(place.span.start).take(place.span.len()).collect::<String>());
            line["text"] = json!(text);
        }
        match printer.output() {
            Output::Human => printer.note(&brief(&line))?,
            _ => printer.value(&line)?,
        }
    }
    Ok(())
}

fn brief(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let place = format!(
        "{} line {} turn {} ({}) {}..{} {}",
        text("fault"),
        line["line"],
        line["turn"],
        text("role"),
        line["start"],
        line["end"],
        text("label")
    );
    if line["value"].is_null() { place } else { format!("{place}: {} | {}", line["value"], line["text"]) }
}

/// Rounds to three places: more is noise.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
