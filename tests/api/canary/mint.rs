//! Values that look like personal data and secrets, each unlike all others.

use subrosa::redaction::{Engine, Policy};

/// One kind of value: how the nth is made, a sentence that gives it away, and whether it does so by itself.
struct Kind {
    value: fn(usize) -> String,
    sentence: fn(&str) -> String,
    bare: bool,
}

const fn bare(value: fn(usize) -> String) -> Kind {
    Kind { value, sentence: |value| format!("it is {value} here"), bare: true }
}

const fn told(value: fn(usize) -> String, sentence: fn(&str) -> String) -> Kind {
    Kind { value, sentence, bare: false }
}

/// Every class that the redactor knows, several ways of writing some.
const KINDS: &[Kind] = &[
    bare(mail),
    bare(card),
    bare(|n| format!("sk-proj-Zx9Qw7Er5Ty3Ui1Op2As4Df6Gh8Jk0Lz{n:04}")),
    bare(|n| format!("+49 30 {:04} {n:04}", 9000 - n)),
    bare(iban),
    bare(|n| format!("{:03}-{:02}-{:04}", 101 + n % 500, 11 + n % 80, 1001 + n)),
    bare(|n| format!("100.{}.{}.{}", 64 + n % 60, n / 250, n % 250 + 1)),
    bare(|n| format!("2001:db8:{n:x}:1::{:x}", n + 4096)),
    bare(|n| format!("02:42:ac:{:02x}:{:02x}:7f", n / 256, n % 256)),
    bare(|n| format!("ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v{n:08}")),
    told(|n| format!("usr{n}k:Pw9{n}zQx"), |value| format!("postgres://{value}@db.example.org/app")),
    told(|n| format!("Tr0ub{n}-ador{n}x"), |value| format!("my password is {value} since May")),
    told(|n| format!("k9{n}Qz7{n}Lm3Xw8Rt5Vb2Np6"), |value| format!("api_key={value}")),
    told(date, |value| format!("I was born on {value}, you know")),
];

/// Makes values, and remembers them all.
#[derive(Default)]
pub(super) struct Mint(pub(super) Vec<String>);

impl Mint {
    /// One of the next kind, in a text that gives it away.
    pub(super) fn sentence(&mut self) -> String {
        let kind = &KINDS[self.0.len() % KINDS.len()];
        (kind.sentence)(&self.push((kind.value)(self.0.len())))
    }

    /// One of the next kind that is known by itself.
    pub(super) fn bare(&mut self) -> String {
        let n = self.0.len();
        let kind = KINDS.iter().cycle().skip(n % KINDS.len()).find(|kind| kind.bare).unwrap();
        self.push((kind.value)(n))
    }

    pub(super) fn mail(&mut self) -> String {
        self.push(mail(self.0.len()))
    }

    pub(super) fn card(&mut self) -> String {
        self.push(card(self.0.len()))
    }

    fn push(&mut self, value: String) -> String {
        self.0.push(value.clone());
        value
    }
}

fn mail(n: usize) -> String {
    format!("q{n}z.canary{n}@mail{n}.example.org")
}

/// A card number with its check digit (Luhn).
fn card(n: usize) -> String {
    let body = format!("411111{n:09}");
    let sum: u32 = body.bytes().rev().enumerate().fold(0, |sum, (at, digit)| {
        let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
        sum + digit / 10 + digit % 10
    });
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German account number with its check digits (ISO 13616): 98 less the number with `DE00` behind it, modulo 97.
fn iban(n: usize) -> String {
    let account = format!("37040044{:010}", 532_013_000 + n);
    let rest = format!("{account}131400").bytes().fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

fn date(n: usize) -> String {
    format!("{}-{:02}-{:02}", 1930 + n % 70, 1 + n / 70 % 12, 1 + n / 840 % 28)
}

/// What is planted must be what redaction knows, or that nothing of it is found proves nothing.
#[test]
fn every_value_is_one_that_the_redactor_knows() {
    let engine = Engine::new(Policy::default()).unwrap();
    let key = subrosa::redaction::PseudonymKey::from_bytes([7; 32]);
    let mut all = std::collections::BTreeSet::new();
    for n in 0..200 * KINDS.len() {
        let kind = &KINDS[n % KINDS.len()];
        let value = (kind.value)(n);
        let redacted = engine.redact(&(kind.sentence)(&value), &key).text.into_owned();
        assert!(!redacted.contains(&value), "{n}: {redacted}");
        assert!(!kind.bare || engine.redact(&value, &key).text != value, "{value} is not known by itself");
        assert!(all.insert(value), "{n} is made twice");
    }
}
