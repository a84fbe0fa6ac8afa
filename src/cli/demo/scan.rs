//! The byte scan: nothing that was planted may lie in any file of the vault.

use std::path::{Path, PathBuf};

use crate::cli::exit::CliError;
use crate::cli::output::Printer;

/// A word that stands in clear in every vault of the story, to show that the scan can find something.
const CONTROL: &str = "support-bot";

/// Scans every file under `folder` for the planted values, in clear and in hexadecimal and base64, and prints the outcome.
///
/// # Errors
///
/// A value was found, or the control word was not.
pub(super) fn report(folder: &Path, planted: &[String], printer: &mut Printer) -> Result<(), CliError> {
    let mut files = Vec::new();
    walk(folder, &mut files).map_err(CliError::io(folder.display().to_string()))?;
    let needles: Vec<(usize, Vec<u8>)> =
        planted.iter().enumerate().flat_map(|(at, value)| forms(value).into_iter().map(move |form| (at, form))).collect();
    let (mut bytes, mut hits, mut control) = (0, Vec::new(), false);
    for file in &files {
        let content = std::fs::read(file).map_err(CliError::io(file.display().to_string()))?;
        bytes += content.len();
        control |= holds(&content, CONTROL.as_bytes());
        let found = needles.iter().filter(|(_, needle)| holds(&content, needle));
        hits.extend(found.map(|(at, _)| format!("value {at} in {}", file.display())));
    }
    printer.note(&format!(
        "   {} files, {bytes} bytes, {} planted values in clear, hexadecimal and base64: {} found.",
        files.len(),
        planted.len(),
        hits.len()
    ))?;
    if !control {
        return Err(CliError::Failed(format!("the scan does not even find {CONTROL:?}, which must be there")));
    }
    printer.note(&format!("   (The scan can find things: the bot's name {CONTROL:?}, which stands in clear, it found.)"))?;
    if hits.is_empty() { Ok(()) } else { Err(CliError::Failed(format!("planted values found: {}", hits.join(", ")))) }
}

fn forms(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let hex = data_encoding::HEXLOWER.encode(bytes).into_bytes();
    // Base64 of a text inside another depends on where it begins: all three, without what the neighbours decide.
    let shifted = (0..3_usize).filter_map(|shift| {
        let padded = [&vec![0; shift][..], bytes].concat();
        let whole = padded.len() / 3 * 3;
        let encoded = data_encoding::BASE64.encode(&padded[..whole]);
        encoded.get(if shift == 0 { 0 } else { 4 }..).map(|text| text.as_bytes().to_vec())
    });
    let mut forms: Vec<Vec<u8>> = shifted.filter(|form| form.len() >= 8).collect();
    forms.extend([bytes.to_vec(), hex]);
    forms
}

fn holds(content: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(content, needle).is_some()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_form_of_a_value() {
        let value = "marta.lindqvist@example.org";
        let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let texts = [
            format!("x{value}y"),
            data_encoding::HEXLOWER.encode(value.as_bytes()),
            base64(&format!("{value}!")),
            base64(&format!("a{value}!")),
            base64(&format!("ab{value}!")),
        ];
        for text in texts {
            assert!(forms(value).iter().any(|form| holds(text.as_bytes(), form)), "{text}");
        }
        assert!(!forms(value).iter().any(|form| holds(b"marta lindqvist", form)));
    }
}
