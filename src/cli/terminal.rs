//! Text on a terminal. What a record holds is hostile: it may move the cursor, set the title, reorder the line, or hide.
//! Whatever could is shown as `\u{..}`, also where the output goes to a file: somebody looks at that one later.
//!
//! Commands write to a [`Screen`] and to nothing else (`tests/architecture.rs` holds them to it), so no command can forget.
//! Where a text must stay on its line, it goes through [`one_line`] before.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value;

use super::csv;

/// A stream that a person may look at.
pub(super) struct Screen<'w>(Box<dyn Write + Send + 'w>);

impl<'w> Screen<'w> {
    /// Returns a screen that writes to `to`.
    pub(super) fn new(to: impl Write + Send + 'w) -> Self {
        Self(Box::new(to))
    }

    /// Writes a text, which may have several lines, and ends its line.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0, "{}", lines(text))
    }

    /// Writes one line of JSON, at once.
    pub(super) fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.0, "{}", json(&value.to_string()))?;
        self.0.flush()
    }

    /// Writes one line of CSV.
    pub(super) fn csv(&mut self, cells: impl IntoIterator<Item = String>) -> io::Result<()> {
        self.0.write_all(csv::row(cells.into_iter().map(|cell| lines(&cell))).as_bytes())
    }
}

/// How text of a filter goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filtered {
    /// As it is: what reads a pipe gets the text itself.
    Raw,
    /// Neutralised: a person looks at it.
    Lines,
    /// JSON: the same to a program, and harmless to a person.
    Json,
}

/// Text of a filter on its way out.
pub(super) struct Filter<W> {
    /// Where it goes.
    pub(super) to: W,
    /// How.
    pub(super) how: Filtered,
}

impl<W: Write> Write for Filter<W> {
    /// Takes all of `bytes`, which are whole characters.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = || String::from_utf8_lossy(bytes);
        // Most text is plain, and is not looked at twice.
        let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
        match self.how {
            _ if plain => self.to.write_all(bytes)?,
            Filtered::Raw => self.to.write_all(bytes)?,
            Filtered::Lines => self.to.write_all(lines(&text()).as_bytes())?,
            Filtered::Json => self.to.write_all(json(&text()).as_bytes())?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Returns the text with every control and invisible format character escaped, line feeds and tabs too.
pub(super) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Returns the text with every control and invisible format character escaped but line feed and tab.
pub(super) fn lines(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// Returns JSON text whose strings hold no character that a terminal acts on: `serde_json` escapes C0 only. A line feed
/// ends a value; inside a string it is escaped already.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if is_dangerous(c) && c != '\n' {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) && !keep(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Tells whether a terminal may act on the character, or show nothing for it while it changes what is around: C0, DEL and
/// C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates
/// ([UAX #9](https://www.unicode.org/reports/tr9/)); zero-width space and no-break space; soft hyphens, fillers and other
/// characters that show as nothing; interlinear annotation; tags. Zero-width joiners and variation selectors stay: scripts
/// and emoji need them.
pub(super) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180E | 0x200B | 0x200E | 0x200F
            | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_stays() {
        for c in
            (0..=0x1F).chain(0x7F..=0x9F).chain([0x202E, 0x2066, 0x200F, 0x061C, 0xAD, 0x3164, 0x2028, 0xFEFF, 0xE0041])
        {
            let c = char::from_u32(c).unwrap();
            let shown = one_line(&format!("a{c}b"));
            assert_eq!(shown, format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(one_line("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
    }

    #[test]
    fn text_of_every_script_stays() {
        let text = "héllo 你好 مرحبا क्‍ष 👩‍👩‍👧 ~!\"\\";
        assert_eq!(one_line(text), text);
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\u{d}");
    }

    #[test]
    fn a_screen_and_a_filter_let_nothing_through() {
        let hostile = "a\u{1b}[2J\r\u{9b}\u{202e}é\n";
        let written = |act: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            act(&mut out);
            String::from_utf8(out).unwrap()
        };
        let filtered = |how| written(&|out| Filter { to: out, how }.write_all(hostile.as_bytes()).unwrap());
        assert_eq!(filtered(Filtered::Raw), hostile);
        assert_eq!(filtered(Filtered::Lines), "a\\u{1b}[2J\\u{d}\\u{9b}\\u{202e}é\n");
        assert_eq!(filtered(Filtered::Json), "a\\u001b[2J\\u000d\\u009b\\u202eé\n");
        assert_eq!(written(&|out| Screen::new(out).line(hostile).unwrap()), filtered(Filtered::Lines) + "\n");
        let cells = || ["=\u{1b}c".to_owned(), "b\n".to_owned()];
        assert_eq!(written(&|out| Screen::new(out).csv(cells()).unwrap()), "\"'=\\u{1b}c\",\"b\n\"\r\n");
    }

    #[test]
    fn json_means_the_same_after_it() {
        let value = serde_json::json!({"text": "a\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{e0041}b\n"});
        let shown = json(&value.to_string());
        assert!(shown.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
