//! Tables as CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)): UTF-8, every cell quoted, lines end with CRLF.
//!
//! A spreadsheet takes a cell that begins as a formula for one, and a formula may fetch a page with what stands beside
//! it, or start a program. What records hold is written by strangers, so such a cell gets an apostrophe in front, by which
//! spreadsheets show it as text ([OWASP, CSV Injection](https://owasp.org/www-community/attacks/CSV_Injection)). The
//! apostrophe is part of what a program reads: programs are better served by JSON.

/// Returns one line of a table, with its end.
pub(super) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    let mark = if is_formula(cell) { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

/// Tells whether a spreadsheet may take the cell for a formula: by OWASP's list, the full-width signs of East Asian
/// spreadsheets among it.
fn is_formula(cell: &str) -> bool {
    matches!(
        cell.chars().next(),
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
    )
}

/// Reads a table, for the tests of those that write one.
#[cfg(test)]
pub(super) fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let mut cells = Vec::new();
        loop {
            let mut cell = String::new();
            rest = rest.strip_prefix('"').unwrap();
            loop {
                let end = rest.find('"').unwrap();
                cell.push_str(&rest[..end]);
                rest = &rest[end + 1..];
                match rest.strip_prefix('"') {
                    Some(more) => rest = more,
                    None => break,
                }
                cell.push('"');
            }
            cells.push(cell);
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix("\r\n").unwrap();
        rows.push(cells);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_lines_end_with_crlf() {
        assert_eq!(row(["a", "b,c", "d\"e", "f\ng", "Größe"]), "\"a\",\"b,c\",\"d\"\"e\",\"f\ng\",\"Größe\"\r\n");
        assert_eq!(parse(&row(["a\"\"", "\",\"", "x\r\ny"])), [["a\"\"", "\",\"", "x\r\ny"]]);
    }

    #[test]
    fn no_cell_begins_as_a_formula() {
        let formulas =
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a", "=cmd|' /C calc'!A0"];
        for formula in formulas {
            assert_eq!(parse(&row([formula])), [[format!("'{formula}")]]);
        }
        for text in ["", "1-1", "a=b", "'=1", "someone@example.org", "<EMAIL_7K3Q>"] {
            assert_eq!(parse(&row([text])), [[text]]);
        }
        // A quote cannot end the cell early and leave a formula behind.
        assert_eq!(parse(&row(["x\",\"=1+1"])), [["x\",\"=1+1"]]);
    }
}
