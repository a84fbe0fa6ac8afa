//! Text of the server on a terminal. What a record holds is hostile: it may move the cursor, set the title, reorder the
//! line, or hide. Whatever could is shown as `\u{..}`.

use std::fmt::Write as _;

/// Returns the text with every control and invisible format character escaped, line feeds and tabs too.
pub(super) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Returns the text with every control and invisible format character escaped but line feed and tab.
pub(super) fn lines(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// Returns JSON text whose strings hold no character that a terminal acts on: `serde_json` escapes C0 only.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if is_dangerous(c) {
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
/// ([UAX #9](https://www.unicode.org/reports/tr9/)); zero-width space and no-break space; interlinear annotation; tags.
/// Zero-width joiners stay: scripts and emoji need them.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x061C | 0x180E | 0x200B | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF
            | 0xFFF9..=0xFFFB | 0xE0000..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_stays() {
        for c in (0..=0x1F).chain(0x7F..=0x9F).chain([0x202E, 0x2066, 0x200F, 0x061C, 0x2028, 0xFEFF, 0xE0041]) {
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
    fn json_means_the_same_after_it() {
        let value = serde_json::json!({"text": "a\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{e0041}b\n"});
        let shown = json(&value.to_string());
        assert!(shown.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
