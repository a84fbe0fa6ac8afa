//! Trains the first tagger: see README.md.
//!
//! `training train [SAMPLES] [SEED]` writes the weights, `training show COUNT` prints samples, `training predict SET`
//! prints the probabilities of the tokens of each text of a set as JSON lines, `training time SET` measures.

#![allow(dead_code, reason = "the tagger is compiled in as it is, used or not")]
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod corpus;
mod noise;
mod rng;
mod slots;
#[path = "../../src/redaction/names/tagger/mod.rs"]
#[allow(missing_docs)]
mod tagger;
mod train;
mod values;
mod words;

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use tagger::{Gate, Tagger, Thresholds};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|value| value.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("train") => train(root, number(1, 600_000) as usize, number(2, 1)),
        Some("show") => show(root, number(1, 40) as usize, number(2, 7)),
        Some("predict") => predict(&arguments[1]),
        Some("time") => time(&arguments[1]),
        _ => eprintln!("training train [SAMPLES] [SEED] | show [COUNT] | predict SET | time SET"),
    }
}

fn train(root: &Path, samples: usize, seed: u64) {
    let corpus = corpus::Corpus::read(root);
    let (templates, negatives) = corpus.count();
    println!("{templates} templates, {negatives} of them without a name");
    let start = Instant::now();
    let mut trainer = train::Trainer::new(words::gazetteer(corpus.values()), seed);
    let loss = trainer.run(&corpus, samples);
    let file = trainer.finish().write();
    println!("loss of a token {loss:.4}; {} bytes; {:.0} s", file.len(), start.elapsed().as_secs_f32());
    let out = root.join("../src/redaction/names/tagger/weights.bin");
    std::fs::write(&out, file).expect("weights.bin can be written");
}

fn show(root: &Path, count: usize, seed: u64) {
    let corpus = corpus::Corpus::read(root);
    let mut rng = rng::Rng(seed);
    for _ in 0..count {
        let sample = corpus.sample(&mut rng);
        let spans: Vec<_> =
            sample.spans.iter().map(|(span, label)| format!("{label:?}:{}", &sample.text[span.clone()])).collect();
        println!("{:?} {spans:?}", sample.text);
    }
}

fn tagger() -> Tagger {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/redaction/names/tagger/weights.bin");
    let model = tagger::Model::read(&std::fs::read(file).expect("weights.bin")).expect("sound weights");
    Tagger::with(model, Thresholds::default())
}

fn texts(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a set");
    let mut texts = Vec::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON lines");
        match row["turns"].as_array() {
            Some(turns) => texts.extend(turns.iter().filter_map(|turn| turn["text"].as_str().map(str::to_owned))),
            None => texts.extend(row["text"].as_str().map(str::to_owned)),
        }
    }
    texts
}

fn predict(path: &str) {
    let tagger = tagger();
    for text in texts(path) {
        let mut tokens = Vec::new();
        let place = |at: usize| text[..at].chars().count();
        tagger.probabilities(&text, |token, scores| {
            let scores: Vec<_> = scores.iter().map(|score| (f64::from(*score) * 1e4).round() / 1e4).collect();
            tokens.push(json!([place(token.span.start), place(token.span.end), token.kind as u8, token.flags, scores]));
        });
        println!("{}", json!(tokens));
    }
}

fn time(path: &str) {
    let tagger = tagger();
    let texts = texts(path);
    let mut times = Vec::new();
    let mut asked = 0;
    for _ in 0..5 {
        for text in &texts {
            let start = Instant::now();
            asked += usize::from(tagger.judge(text).ask);
            times.push(start.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let bytes: usize = texts.iter().map(String::len).sum();
    let (half, most) = (times[times.len() / 2], times[times.len() / 100 * 99]);
    println!(
        "{} texts, {bytes} bytes: mean {mean:.1} us, median {half:.1}, p99 {most:.1}; asked {:.2} %",
        texts.len(),
        asked as f64 / times.len() as f64 * 100.0
    );
}
