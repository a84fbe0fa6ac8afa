//! Redaction by patterns: megabytes a second of ordinary chat, and of texts made to be slow.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use subrosa::redaction::{Engine, Policy, PseudonymKey};

fn redaction(criterion: &mut Criterion) {
    let Ok(engine) = Engine::new(Policy::default()) else { return };
    let key = PseudonymKey::from_bytes([7; 32]);
    let mut group = criterion.benchmark_group("redaction");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(CHAT.iter().map(|turn| turn.len() as u64).sum()));
    group.bench_function("chat", |bencher| {
        bencher.iter(|| CHAT.iter().map(|turn| black_box(engine.redact(turn, &key)).findings.len()).sum::<usize>());
    });
    for (name, piece) in ADVERSARIAL {
        let text = piece.repeat((1 << 20) / piece.len());
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |bencher| bencher.iter(|| black_box(engine.redact(&text, &key)).findings.len()));
    }
    group.finish();
}

/// Made up, with about as many values as real task dialogues have.
const CHAT: &[&str] = &[
    "Hi, I'd like to move my appointment with the dentist to next Thursday, if that is possible.",
    "Sure! There are two slots on Thursday: 11:15 am and 4:30 pm. Which one would you like?",
    "The second one, please. And could you tell me how much the cleaning is going to cost me?",
    "It's $85.00 in total. Shall I book it under the same name as the last time?",
    "Yes, please do. Is there any parking near the practice? I am going to come by car.",
    "There is a garage at 1200 Harbor Boulevard, two minutes on foot. Their number is 415-555-0132.",
    "Great. You can send the confirmation to jane.doe@example.org, I read that one every day.",
    "Done: Thursday, March 9th at 4:30 pm. Is there anything else that I can do for you today?",
    "No, that was all that I needed. Thank you so much for your help!",
    "You are welcome. Have a wonderful day, and see you on Thursday.",
];

const ADVERSARIAL: &[(&str, &str)] = &[
    ("one letter", "a"),
    ("digits", "7"),
    ("digit groups", "4444 "),
    ("dotted digits", "1."),
    ("at signs", "@"),
    ("colons", "a:"),
    ("cues", "password:"),
    ("key prefixes", "sk-"),
    ("PEM headers", "-----BEGIN PRIVATE KEY-----"),
    ("cards", "4242424242424242, "),
    ("marks", "e\u{301}\u{316}"),
];

criterion_group!(benches, redaction);
criterion_main!(benches);
