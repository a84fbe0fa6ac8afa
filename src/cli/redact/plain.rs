//! Plain text, in overlapping blocks.

use std::io::{BufRead, Write};
use std::ops::Range;

use super::RedactError;
use crate::redaction::{Engine, Finding, PseudonymKey, floor_boundary};

/// Redacts the whole input as one conversation, and writes the trace to `trace` if there is one.
pub(super) fn redact(
    engine: &Engine,
    mut input: impl BufRead,
    output: &mut impl Write,
    mut trace: Option<&mut impl Write>,
    key: &PseudonymKey,
) -> Result<(), RedactError> {
    let mut window = Window::default();
    loop {
        let more = window.fill(&mut input)?;
        let findings = window.findings(engine);
        let cut = if more { window.cut(&findings) } else { window.text.len() };
        let ready: Vec<Finding> = findings.into_iter().filter(|finding| finding.span.start < cut).collect();
        if let Some(trace) = &mut trace {
            window.explain(engine, window.done..cut, *trace)?;
        }
        window.write(engine, ready, cut, key, output)?;
        if !more {
            return Ok(());
        }
    }
}

/// The part of the input in memory: what is written already and stays as context, what is not, and an unfinished character.
#[derive(Default)]
struct Window {
    text: String,
    /// Up to where `text` is written.
    done: usize,
    /// Bytes of the input before `text`.
    before: u64,
    tail: Vec<u8>,
}

impl Window {
    /// Reads on until a block is there or the input ends; returns whether there may be more.
    fn fill(&mut self, input: &mut impl BufRead) -> Result<bool, RedactError> {
        while self.text.len() - self.done < BLOCK {
            let buffer = input.fill_buf()?;
            if buffer.is_empty() {
                return if self.tail.is_empty() { Ok(false) } else { Err(self.not_utf8()) };
            }
            let used = buffer.len();
            self.tail.extend_from_slice(buffer);
            input.consume(used);
            self.decode()?;
        }
        Ok(true)
    }

    fn decode(&mut self) -> Result<(), RedactError> {
        let (valid, broken) = match std::str::from_utf8(&self.tail) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some()),
        };
        self.text.push_str(&String::from_utf8_lossy(&self.tail[..valid]));
        self.tail.drain(..valid);
        if broken { Err(self.not_utf8()) } else { Ok(()) }
    }

    fn not_utf8(&self) -> RedactError {
        RedactError::NotUtf8 { offset: self.before + self.text.len() as u64 }
    }

    /// Finds values in what is not written yet; what is written is their context.
    fn findings(&self, engine: &Engine) -> Vec<Finding> {
        let open = engine.scan(&self.text).into_iter().filter(|finding| finding.span.end > self.done);
        open.map(|finding| Finding { span: finding.span.start.max(self.done)..finding.span.end, ..finding }).collect()
    }

    /// Chooses up to where can be written: a line end before the overlap, and in no finding.
    fn cut(&self, findings: &[Finding]) -> usize {
        let limit = floor_boundary(&self.text, self.text.len() - OVERLAP);
        let line = self.text[self.done..limit].rfind('\n').map_or(limit, |at| self.done + at + 1);
        let inside = findings.iter().find(|finding| finding.span.start < line && line < finding.span.end);
        match inside {
            Some(finding) if finding.span.start > self.done => finding.span.start,
            Some(finding) => finding.span.end,
            None => line,
        }
    }

    fn write(
        &mut self,
        engine: &Engine,
        findings: Vec<Finding>,
        cut: usize,
        key: &PseudonymKey,
        output: &mut impl Write,
    ) -> Result<(), RedactError> {
        let moved = |finding: Finding| Finding { span: shift(&finding.span, self.done), ..finding };
        let findings = findings.into_iter().map(moved).collect();
        output.write_all(engine.apply(&self.text[self.done..cut], findings, key).text.as_bytes())?;
        let keep = floor_boundary(&self.text, cut.saturating_sub(CONTEXT));
        self.text.drain(..keep);
        self.before += keep as u64;
        self.done = cut - keep;
        Ok(())
    }

    /// Writes a line for every candidate in `range`; places are bytes of the input.
    fn explain(&self, engine: &Engine, range: Range<usize>, out: &mut impl Write) -> Result<(), RedactError> {
        for trace in engine.explain(&self.text).into_iter().filter(|trace| range.contains(&trace.span.start)) {
            let (start, end) = (self.before + trace.span.start as u64, self.before + trace.span.end as u64);
            let score = f64::from(trace.score) / 100.0;
            let word = trace.word.map(|word| format!(", word \"{word}\"")).unwrap_or_default();
            writeln!(
                out,
                "bytes {start}..{end}: {} by rule {} ({:?}), score {score:.2}, {}{word}; {:?}; {} by policy version {}",
                trace.class,
                trace.rule,
                trace.stage,
                trace.verdict,
                trace.outcome,
                trace.operator.as_str(),
                trace.policy_version
            )?;
        }
        Ok(())
    }
}

fn shift(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start - by..span.end - by
}

const BLOCK: usize = 1 << 20;
/// What is scanned again with the next block: the longest secret over several lines that is surely found whole.
const OVERLAP: usize = 1 << 16;
/// What stays as context for what comes next.
const CONTEXT: usize = 4096;
