//! What an import came to.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::exit::{CliError, with_causes};
use crate::cli::output::{Output, Printer};

use super::Failure;
use super::stream::Outcome;

/// The most failed lines that the report names; it counts all.
const MAX_NAMED_FAILURES: usize = 1_000;

/// What an import came to.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Conversations that got records in this run.
    pub conversations: u64,
    /// Records that were added in this run.
    pub records: u64,
    /// Conversations that were there whole.
    pub already_conversations: u64,
    /// Records that were there.
    pub already_records: u64,
    empty_turns: u64,
    findings: BTreeMap<String, u64>,
    failures: u64,
    named_failures: Vec<(u64, String)>,
}

impl Report {
    /// Adds what became of one conversation.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.records += outcome.added;
        self.already_records += outcome.already;
        self.empty_turns += outcome.empty_turns;
        if outcome.added == 0 {
            self.already_conversations += 1
        } else {
            self.conversations += 1
        }
        for (class, count) in &outcome.findings {
            *self.findings.entry(class.clone()).or_default() += count;
        }
    }

    /// Adds a line that failed.
    pub(super) fn failed(&mut self, line: u64, failure: &Failure) {
        self.failures += 1;
        if self.named_failures.len() < MAX_NAMED_FAILURES {
            self.named_failures.push((line, with_causes(failure)));
        }
    }

    /// Tells whether a line failed.
    pub(super) fn has_failures(&self) -> bool {
        self.failures > 0
    }

    /// Prints the report.
    pub(super) fn print(&self, printer: &mut Printer) -> Result<(), CliError> {
        let failed: Vec<_> =
            self.named_failures.iter().map(|(line, error)| json!({"line": line, "error": error})).collect();
        let mut report = json!({
            "conversations": self.conversations,
            "records": self.records,
            "already_present_conversations": self.already_conversations,
            "already_present_records": self.already_records,
            "empty_turns": self.empty_turns,
            "failed_lines": self.failures,
            "findings": self.findings,
        });
        if printer.output() != Output::Human {
            report["failures"] = failed.into();
            return printer.value(&report);
        }
        printer.note(&format!("{} records of {} conversations imported", self.records, self.conversations))?;
        if self.already_records > 0 {
            printer.note(&format!("{} records were there already", self.already_records))?;
        }
        if self.empty_turns > 0 {
            printer.note(&format!("{} turns without text left out", self.empty_turns))?;
        }
        if self.failures > 0 {
            printer.note(&format!("{} lines failed", self.failures))?;
        }
        let rows: Vec<_> = self.findings.iter().map(|(class, count)| json!({"class": class, "count": count})).collect();
        if rows.is_empty() {
            return printer.note("nothing was redacted");
        }
        printer.table(&rows, &[("REDACTED", "class"), ("VALUES", "count")])
    }
}
